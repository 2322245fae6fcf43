import { z } from 'zod';
import { contract } from '../../events/contract.ts';
import { currency, eventId, minorUnits, positiveMinorUnits, version } from '../shapes.ts';

export const overdrawn = contract({
  type: 'overdrawn',
  version: 1,
  description: 'A withdrawal took the balance of an account below zero.',
  data: z.object({
    version,
    amountMinor: positiveMinorUnits.describe('What was withdrawn, in minor units.'),
    balanceMinor: minorUnits.describe('Below zero.'),
    currency,
    eventId: eventId.describe('The withdrawal.'),
  }),
  example: {
    version: 3,
    amountMinor: 10_000,
    balanceMinor: -1_500,
    currency: 'EUR',
    eventId: '0e8c9c4b-2a10-5d7e-8f35-1b6c7d8e9f20',
  },
});
