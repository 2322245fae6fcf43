import { z } from 'zod';
import { contract } from '../../events/contract.ts';
import { currency, id, memo, positiveMinorUnits, refusalReason } from '../shapes.ts';

/** A transfer is the subject. */
export const transferReversed = contract({
  type: 'transfer-reversed',
  version: 1,
  description: 'The amount of a transfer was taken out in vain: it is to be paid back.',
  data: z.object({
    accountId: id.describe('The account that it is paid back into.'),
    amountMinor: positiveMinorUnits,
    currency,
    memo,
    reason: refusalReason,
  }),
  example: {
    accountId: '0e8c9c4b-2a10-5d7e-8f35-1b6c7d8e9f20',
    amountMinor: 4_000,
    currency: 'EUR',
    memo: 'rent',
    reason: 'NOT_FOUND',
  },
});
