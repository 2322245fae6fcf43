import { contract } from '../../events/contract.ts';
import { refusal } from '../shapes.ts';

/** A transfer is the subject. */
export const withdrawalRefused = contract({
  type: 'withdrawal-refused',
  version: 1,
  description: 'What a transfer asked for was not taken out of the account, and never will be.',
  data: refusal,
  example: {
    transferId: '5a1d2f6b-7c41-5b8c-9c0e-6f1f3a5270a5',
    accountId: '0e8c9c4b-2a10-5d7e-8f35-1b6c7d8e9f20',
    reason: 'INSUFFICIENT_FUNDS',
  },
});
