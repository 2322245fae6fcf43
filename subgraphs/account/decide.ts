/** What the account service decides: pure. Time and ids come from the caller. */
import { z } from 'zod';
import { type Contract, createEvent } from '../../events/contract.ts';
import { deriveId } from '../../events/event.ts';
import { clientError } from '../../schema/errors.ts';
import { accountOpened } from '../../schema/events/account-opened.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { withdrawn } from '../../schema/events/withdrawn.ts';
import { idempotencyKey, text } from '../../schema/input.ts';

/** What never changes about an account. */
export type AccountFacts = { id: string; ownerId: string; name: string; currency: string; openedAt: string };

/** When, and with which id if the caller's idempotency key decides none. */
export type Circumstances = { time: string; newId: string };

export const SOURCE = '/account';
/** What its deposits say of the way that they came in by, when they are of no transfer. */
const CHANNEL = 'ACCOUNT';

export const openAccountInput = z.object({
  name: text(200).trim().min(1, 'must not be empty'),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code such as USD')
    .nullish(),
  idempotencyKey,
});

export const transactionInput = z.object({
  accountId: z.string().min(1).max(200),
  amount: z.int().positive('must be greater than zero'),
  memo: text(500).nullish(),
  idempotencyKey,
});

export type OpenAccount = z.infer<typeof openAccountInput>;
export type TransactionCommand = z.infer<typeof transactionInput>;

/** The same key from the same owner is the same event, for ever; without a key every command is a new one. */
export function eventIdFor(ownerId: string, key: string | null | undefined, newId: string): string {
  return key === null || key === undefined ? newId : deriveId('idempotency key', ownerId, key);
}

export function openAccount(ownerId: string, command: OpenAccount, { time, newId }: Circumstances) {
  const id = eventIdFor(ownerId, command.idempotencyKey, newId);
  const data = { ownerId, name: command.name, currency: command.currency ?? 'USD' };
  return createEvent(accountOpened, { id, source: SOURCE, subject: id, time, correlationid: id, data });
}

export function deposit(account: AccountFacts, command: TransactionCommand, circumstances: Circumstances) {
  return transact(deposited, account, command, circumstances, { channel: CHANNEL });
}

/**
 * @param availableMinor what the service's own view says can be spent, pending transactions counted.
 * @throws INSUFFICIENT_FUNDS when the amount is more.
 */
export function withdraw(
  account: AccountFacts,
  command: TransactionCommand,
  availableMinor: number,
  circumstances: Circumstances,
) {
  if (command.amount > availableMinor) {
    throw clientError(
      'INSUFFICIENT_FUNDS',
      `${command.amount} ${account.currency} minor units cannot be withdrawn: ${Math.max(0, availableMinor)} are available.`,
    );
  }
  return transact(withdrawn, account, command, circumstances, {});
}

/** @throws BAD_USER_INPUT when the deposit would take the balance past what can be counted exactly. */
export function assertCountable(amountMinor: number, balanceMinor: number): void {
  if (Number.isSafeInteger(balanceMinor + amountMinor)) return;
  throw clientError('BAD_USER_INPUT', `amount: the balance would exceed ${Number.MAX_SAFE_INTEGER} minor units`);
}

type Moved = { amountMinor: number; currency: string; memo?: string };

function transact<More extends object>(
  contract: Contract<Moved & More>,
  account: AccountFacts,
  command: TransactionCommand,
  { time, newId }: Circumstances,
  more: More,
) {
  const id = eventIdFor(account.ownerId, command.idempotencyKey, newId);
  const memo = command.memo ?? undefined;
  const data = { amountMinor: command.amount, currency: account.currency, ...(memo && { memo }), ...more };
  return createEvent(contract, { id, source: SOURCE, subject: account.id, time, correlationid: id, data });
}
