/**
 * The document of an account: all that a phone shows of it. The newest balance and the last movements, of which the transaction
 * and the balance that contains it each tell a part; news may come in any order: pure, and the same for any order.
 */
import { isDeepStrictEqual } from 'node:util';
import type { EventOf } from '../../events/contract.ts';
import type { Event } from '../../events/event.ts';
import { accountOpened } from '../../schema/events/account-opened.ts';
import { balanceUpdated } from '../../schema/events/balance-updated.ts';
import type { deposited } from '../../schema/events/deposited.ts';
import { withdrawn } from '../../schema/events/withdrawn.ts';

export type Movement = {
  id: string;
  /** Signed. */
  amountMinor: number;
  time: string;
  memo?: string;
  channel?: string;
  /** The version of the balance that it is in; absent until that is known. */
  version?: number;
};

export type AccountRow = {
  _id: string;
  revision: number;
  /** Absent until it is known that it was opened. */
  opened?: { ownerId: string; name: string; currency: string; at: string };
  version: number;
  amountMinor: number;
  /** The time of the newest version's transaction. */
  asOf: string | null;
  /** Newest first. */
  movements: Movement[];
};

export const MOVEMENTS_MAX = 10;

/** @param how `replay`: a row that says something else of a version than the update is wrong, and is mended. */
export function project(before: AccountRow | undefined, update: Event, { replay = false } = {}): AccountRow {
  const { subject: _id = '' } = update;
  const row = before ?? { _id, revision: 0, version: 0, amountMinor: 0, asOf: null, movements: [] };
  const after = { ...row, ...told(row, update, replay) };
  return before && isDeepStrictEqual(after, before) ? before : after;
}

/** The consumer has read the event through its contract. */
function told(row: AccountRow, update: Event, replay: boolean): Partial<AccountRow> {
  if (update.type === accountOpened.type) {
    const { ownerId, name, currency } = (update as EventOf<typeof accountOpened>).data;
    return { opened: { ownerId, name, currency, at: update.time } };
  }
  if (update.type === balanceUpdated.type) {
    const { version, balanceMinor, amountMinor, eventId, eventTime } = (update as EventOf<typeof balanceUpdated>).data;
    const isNewer = version > row.version || (replay && version === row.version);
    return {
      ...(isNewer && { version, amountMinor: balanceMinor, asOf: eventTime }),
      movements: withMovement(row.movements, { id: eventId, amountMinor, time: eventTime, version }),
    };
  }
  const { amountMinor, memo, channel } = (update as EventOf<typeof deposited>).data;
  const movement = {
    id: update.id,
    amountMinor: update.type === withdrawn.type ? -amountMinor : amountMinor,
    time: new Date(update.time).toISOString(),
    ...(memo !== undefined && { memo }),
    // Withdrawals have none.
    ...(channel !== undefined && { channel }),
  };
  return { movements: withMovement(row.movements, movement) };
}

/** Of two that say when they were the last is the same whoever comes first, so the last ten are too. */
function withMovement(movements: readonly Movement[], said: Movement): Movement[] {
  const known = movements.find(({ id }) => id === said.id);
  return [...movements.filter(({ id }) => id !== said.id), { ...known, ...said }]
    .sort(newestFirst)
    .slice(0, MOVEMENTS_MAX);
}

function newestFirst(a: Movement, b: Movement): number {
  if (a.time !== b.time) return a.time < b.time ? 1 : -1;
  return a.id < b.id ? 1 : -1;
}
