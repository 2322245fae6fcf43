import { z } from 'zod';
import { contract } from '../../events/contract.ts';
import { currency, id, positiveMinorUnits, refusalReason } from '../shapes.ts';

/** A transfer is the subject. */
export const transferCompensated = contract({
  type: 'transfer-compensated',
  version: 1,
  description: 'The amount of a transfer is back in the account that it came from.',
  data: z.object({
    accountId: id.describe('The account that it came from.'),
    amountMinor: positiveMinorUnits,
    currency,
    reason: refusalReason,
  }),
  example: {
    accountId: '0e8c9c4b-2a10-5d7e-8f35-1b6c7d8e9f20',
    amountMinor: 4_000,
    currency: 'EUR',
    reason: 'NOT_FOUND',
  },
});
