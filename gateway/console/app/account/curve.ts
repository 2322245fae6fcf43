/** A balance over time, as points to draw and as words. */
import { formatMoney } from '../money.ts';
import { formatTime } from '../time.ts';
import type { AccountView } from './facts.ts';

/** Times in seconds since 1970, rising, and the balance in minor units from each on. */
export type Curve = { times: number[]; balances: number[] };

const secondsOf = (time: string): number => Date.parse(time) / 1000;

/** From the earliest line that is known, or from the opening when all are, up to now. */
export function curveOf({ ledger, openedAt, balance }: AccountView, nowMs: number): Curve {
  const lines = ledger.nodes.toReversed();
  const times = lines.map(({ time }) => secondsOf(time));
  const balances = lines.map(line => line.balance);
  if (!ledger.pageInfo.hasNextPage) {
    times.unshift(secondsOf(openedAt));
    balances.unshift(0);
  }
  times.push(nowMs / 1000);
  balances.push(balances.at(-1) ?? balance.amount);
  // Clocks of several machines may disagree by a little; a line that goes back in time cannot be drawn.
  for (let at = 1; at < times.length; at++) times[at] = Math.max(times[at] ?? 0, times[at - 1] ?? 0);
  return { times, balances };
}

/** The same in a sentence. */
export function curveInWords({ times, balances }: Curve, currency: string): string {
  const [from, last] = [times[0], balances.at(-1)];
  if (from === undefined || last === undefined) return 'No balance yet.';
  const money = (minor: number) => formatMoney(minor, currency);
  const since = formatTime(new Date(from * 1000).toISOString());
  return (
    `The balance since ${since}: from ${money(balances[0] ?? 0)} to ${money(last)}, ` +
    `at least ${money(Math.min(...balances))} and at most ${money(Math.max(...balances))}. The ledger below has every step.`
  );
}
