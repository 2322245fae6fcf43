import { z } from 'zod';
import { contract } from '../../events/contract.ts';
import { moved } from '../shapes.ts';

/** A transfer is the subject. */
export const transferCompleted = contract({
  type: 'transfer-completed',
  version: 1,
  description: 'The amount of a transfer is in the other account.',
  data: z.object(moved),
  example: {
    fromAccountId: '0e8c9c4b-2a10-5d7e-8f35-1b6c7d8e9f20',
    toAccountId: '5a1d2f6b-7c41-5b8c-9c0e-6f1f3a5270a5',
    amountMinor: 4_000,
    currency: 'EUR',
  },
});
