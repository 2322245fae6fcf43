import { z } from 'zod';
import { contract } from '../../events/contract.ts';
import { id, memo, moved } from '../shapes.ts';

/** A transfer is the subject. */
export const transferRequested = contract({
  type: 'transfer-requested',
  version: 1,
  description: 'An owner wants an amount to be moved to another account. The event id is the transfer id.',
  data: z.object({
    ...moved,
    ownerId: id.describe('Who asks: the owner of the account that it is taken out of.'),
    memo,
    expiresInSeconds: z.int().positive().describe('How long it may take until the amount is taken out.'),
  }),
  example: {
    fromAccountId: '0e8c9c4b-2a10-5d7e-8f35-1b6c7d8e9f20',
    toAccountId: '5a1d2f6b-7c41-5b8c-9c0e-6f1f3a5270a5',
    amountMinor: 4_000,
    currency: 'EUR',
    ownerId: 'alice',
    memo: 'rent',
    expiresInSeconds: 60,
  },
});
