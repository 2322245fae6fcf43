/** The published language: every event type of the system, with its contract. A service speaks nothing else to another. */
import { z } from 'zod';
import type { Contract } from '../events/contract.ts';

/** Whole minor units of a currency (cents), never a float. */
const minorUnits = z.int();
const positiveMinorUnits = z.int().positive();
/** ISO 4217 alphabetic code. */
const currency = z.string().regex(/^[A-Z]{3}$/);
/** 1, 2, 3, ... without gaps within one account. */
const version = z.int().positive();

function contract<Schema extends z.ZodType>(definition: {
  type: string;
  version: number;
  description: string;
  data: Schema;
  upcasters?: Contract['upcasters'];
}): Contract<z.infer<Schema>> {
  return definition as Contract<z.infer<Schema>>;
}

export const accountOpened = contract({
  type: 'account-opened',
  version: 1,
  description: 'An owner opened an account. The event id is the account id.',
  data: z.object({ ownerId: z.string().min(1), name: z.string().min(1).max(200), currency }),
});

const transaction = z.object({ amountMinor: positiveMinorUnits, currency, memo: z.string().max(500).optional() });

export const deposited = contract({
  type: 'deposited',
  version: 1,
  description: 'An amount was paid into an account.',
  data: transaction,
});

export const withdrawn = contract({
  type: 'withdrawn',
  version: 1,
  description: 'An amount was taken out of an account.',
  data: transaction,
});

export const balanceUpdated = contract({
  type: 'balance-updated',
  version: 1,
  description: "An account has a new balance; also the ledger's snapshot: which event took which version.",
  data: z.object({
    version,
    /** Signed: what the event added. */
    amountMinor: minorUnits,
    balanceMinor: minorUnits,
    currency,
    eventId: z.string().min(1),
    eventType: z.string().min(1),
    eventTime: z.iso.datetime({ precision: 3 }),
  }),
});

export const overdrawn = contract({
  type: 'overdrawn',
  version: 1,
  description: 'A withdrawal took the balance of an account below zero.',
  data: z.object({
    version,
    amountMinor: positiveMinorUnits,
    balanceMinor: minorUnits,
    currency,
    eventId: z.string().min(1),
  }),
});
