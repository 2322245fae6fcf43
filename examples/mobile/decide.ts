/** What the mobile service decides: pure. Time and ids come from the caller. */
import { z } from 'zod';
import { createEvent, type EventOf } from '../../events/contract.ts';
import { deriveId } from '../../events/event.ts';
import { clientError } from '../../schema/errors.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { idempotencyKey, text } from '../../schema/input.ts';
import type { AccountRow } from './projection.ts';

export const SOURCE = '/mobile';
const CHANNEL = 'MOBILE';

/** Of one deposit, in minor units: what is more is paid in at the account service, which knows at once what it has taken. */
export const DEPOSIT_MAX = 1_000_000_000;
/**
 * What is known here is a moment behind, so half of what can be counted is kept for what is on its way: as much as four million
 * of the largest deposits.
 */
const BALANCE_MAX = Math.floor(Number.MAX_SAFE_INTEGER / 2);

export const depositInput = z.object({
  accountId: z.string().min(1).max(200),
  amount: z.int().positive('must be greater than zero').max(DEPOSIT_MAX, `must not exceed ${DEPOSIT_MAX} by phone`),
  memo: text(500).nullish(),
  idempotencyKey,
});

export type DepositCommand = z.infer<typeof depositInput>;

/** When, and with which id if the caller's idempotency key decides none. */
export type Circumstances = { time: string; newId: string };

/** What of an account a deposit depends on. */
export type Account = Pick<AccountRow, '_id' | 'amountMinor' | 'movements'> & { ownerId: string; currency: string };

/**
 * The same key from the same owner is the same deposit, for ever. A key belongs to the door that it was given to: no other service
 * knows what this one was asked, so the same key at both doors is two deposits, and never one id for two contents.
 */
export function depositIdFor(ownerId: string, key: string | null | undefined, newId: string): string {
  return key === null || key === undefined ? newId : deriveId('mobile idempotency key', ownerId, key);
}

export function deposit(
  { _id: subject, ownerId, currency }: Account,
  { amount, memo, idempotencyKey: key }: DepositCommand,
  { time, newId }: Circumstances,
): EventOf<typeof deposited> {
  const id = depositIdFor(ownerId, key, newId);
  const data = { amountMinor: amount, currency, ...(memo && { memo }), channel: CHANNEL };
  return createEvent(deposited, { id, source: SOURCE, subject, time, correlationid: id, data });
}

/** @throws BAD_USER_INPUT when the deposit would take the balance, with what is known not to be in it yet, past what is taken by phone. */
export function assertCountable({ amountMinor, movements }: Account, { amount }: DepositCommand): void {
  const pendingMinor = movements
    .filter(({ version }) => version === undefined)
    .reduce((sum, movement) => sum + Math.max(0, movement.amountMinor), 0);
  if (amountMinor + pendingMinor + amount <= BALANCE_MAX) return;
  throw clientError('BAD_USER_INPUT', `amount: by phone the balance may not exceed ${BALANCE_MAX} minor units`);
}
