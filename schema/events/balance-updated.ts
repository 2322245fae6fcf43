import { z } from 'zod';
import { contract } from '../../events/contract.ts';
import { currency, eventId, minorUnits, version } from '../shapes.ts';

export const balanceUpdated = contract({
  type: 'balance-updated',
  version: 1,
  description: "An account has a new balance; also the ledger's snapshot: which event took which version.",
  data: z.object({
    version,
    amountMinor: minorUnits.describe('Signed: what the event added, in minor units.'),
    balanceMinor: minorUnits.describe('What there is now, in minor units.'),
    currency,
    eventId: eventId.describe('The transaction that this version is about.'),
    eventType: z.string().min(1).describe('Its type.'),
    eventTime: z.iso.datetime({ precision: 3 }).describe('When it happened.'),
  }),
  example: {
    version: 2,
    amountMinor: -4_000,
    balanceMinor: 8_500,
    currency: 'EUR',
    eventId: '5a1d2f6b-7c41-5b8c-9c0e-6f1f3a5270a5',
    eventType: 'withdrawn',
    eventTime: '2026-01-31T12:00:00.000Z',
  },
});
