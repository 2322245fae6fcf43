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

const id = z.string().min(1).max(400);
const memo = z.string().max(500).optional();
/** `transferId`: the transfer that it is a part of, if it is of one. */
const transaction = z.object({ amountMinor: positiveMinorUnits, currency, memo, transferId: id.optional() });

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

// ---- transfers: the subject of each event is the transfer -----------------------------------------------------------

/** Why an account takes no part in a transfer. */
const refusalReason = z.enum(['NOT_FOUND', 'INSUFFICIENT_FUNDS', 'CURRENCY_MISMATCH', 'BALANCE_LIMIT', 'EXPIRED']);
export type RefusalReason = z.infer<typeof refusalReason>;

const moved = { fromAccountId: id, toAccountId: id, amountMinor: positiveMinorUnits, currency };

export const transferRequested = contract({
  type: 'transfer-requested',
  version: 1,
  description: 'An owner wants an amount to be moved to another account. The event id is the transfer id.',
  data: z.object({ ...moved, ownerId: id, memo, expiresInSeconds: z.int().positive() }),
});

const refusal = z.object({ transferId: id, accountId: id, reason: refusalReason });

export const withdrawalRefused = contract({
  type: 'withdrawal-refused',
  version: 1,
  description: 'What a transfer asked for was not taken out of the account, and never will be.',
  data: refusal,
});

export const depositRefused = contract({
  type: 'deposit-refused',
  version: 1,
  description: 'What a transfer brought was not paid into the account, and never will be.',
  data: refusal,
});

export const transferFunded = contract({
  type: 'transfer-funded',
  version: 1,
  description: 'The amount of a transfer was taken out in time: it is to be paid into the other account.',
  data: z.object({ ...moved, memo }),
});

export const transferRefused = contract({
  type: 'transfer-refused',
  version: 1,
  description: 'A transfer came to nothing: the amount was not taken out.',
  data: z.object({ accountId: id, reason: refusalReason }),
});

export const transferExpired = contract({
  type: 'transfer-expired',
  version: 1,
  description: 'The amount of a transfer was not taken out in time. Should it still be, it is given back.',
  data: z.object({ expiresInSeconds: z.int().positive() }),
});

export const transferReversed = contract({
  type: 'transfer-reversed',
  version: 1,
  description: 'The amount of a transfer was taken out in vain: it is to be paid back.',
  data: z.object({ accountId: id, amountMinor: positiveMinorUnits, currency, memo, reason: refusalReason }),
});

export const transferCompleted = contract({
  type: 'transfer-completed',
  version: 1,
  description: 'The amount of a transfer is in the other account.',
  data: z.object(moved),
});

export const transferCompensated = contract({
  type: 'transfer-compensated',
  version: 1,
  description: 'The amount of a transfer is back in the account that it came from.',
  data: z.object({ accountId: id, amountMinor: positiveMinorUnits, currency, reason: refusalReason }),
});
