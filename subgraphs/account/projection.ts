/**
 * The row of an account: the newest balance that the service has heard of, for people; and the balance up to which it
 * has heard of every version, for decisions. News may come in any order: pure, and the same for any order.
 */
import type { EventOf } from '../../events/contract.ts';
import type { balanceUpdated } from '../../schema/events/balance-updated.ts';

type Heard = { version: number; amountMinor: number };

export type BalanceRow = Heard & {
  _id: string;
  revision: number;
  /** The time of the newest version's transaction. */
  asOf: string | null;
  /** Every version up to this one has been heard of, so all that is in this balance is known to be. */
  known: Heard;
  /** Versions heard of beyond a gap, in their order. */
  ahead: Heard[];
};

/** What is kept beyond a gap; more of it waits until the gap is closed by a replay. */
const AHEAD_MAX = 1_000;

/** An account that nothing has been heard of. */
export function emptyRow(accountId: string): BalanceRow {
  const nothing = { version: 0, amountMinor: 0 };
  return { _id: accountId, revision: 0, ...nothing, asOf: null, known: nothing, ahead: [] };
}

/** @param how `replay`: a row that says something else of a version than the update is wrong, and is mended. */
export function project(
  before: BalanceRow | undefined,
  update: EventOf<typeof balanceUpdated>,
  { replay = false } = {},
): BalanceRow {
  const { version, balanceMinor: amountMinor, eventTime } = update.data;
  const unmended = before ?? emptyRow(update.subject ?? '');
  const row = replay ? mended(unmended, { version, amountMinor }, eventTime) : unmended;
  if (version <= row.known.version || row.ahead.some(heard => heard.version === version)) return row;
  const newest = version > row.version ? { version, amountMinor, asOf: eventTime } : {};
  return { ...row, ...newest, ...closeGap(row.known, [...row.ahead, { version, amountMinor }]) };
}

function mended(row: BalanceRow, heard: Heard, asOf: string): BalanceRow {
  const isWrong = ({ version, amountMinor }: Heard) => version === heard.version && amountMinor !== heard.amountMinor;
  const shown = isWrong(row) || (row.version === heard.version && row.asOf !== asOf) ? { ...heard, asOf } : undefined;
  const known = isWrong(row.known) ? heard : undefined;
  return shown || known ? { ...row, ...shown, ...(known && { known }) } : row;
}

/** Moves what is known up to the next gap. */
function closeGap(known: Heard, heard: Heard[]): Pick<BalanceRow, 'known' | 'ahead'> {
  const ahead = heard.sort((a, b) => a.version - b.version);
  let next = known;
  while (ahead[0]?.version === next.version + 1) next = ahead.shift() ?? next;
  return { known: next, ahead: ahead.slice(0, AHEAD_MAX) };
}
