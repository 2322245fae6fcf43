/** What the lake's tests and its bench share: events like those of a bank, filters of every combination, and a look at plans. */
import type { Collection } from 'mongodb';
import type { Event } from '../../events/event.ts';
import type { EventFilter, Order } from './query.ts';
import type { Lake, LakeRow } from './store.ts';

const START_MS = Date.parse('2026-01-01T00:00:00.000Z');
const EVENT_MS = 50;
const LATE_MS = 300_000;
const ACCOUNTS = 5_000;

/** When the event of a number happens, if it is not late. */
export const timeOf = (index: number): string => new Date(START_MS + index * EVENT_MS).toISOString();

/**
 * Deposits, withdrawals and what the balance service makes of them; a fifth of all on one account. Nearly in the order of
 * time: all are some 100 ms early or late, and one in 200 is five minutes late.
 *
 * @param from the number of the first, from 0 on. The same numbers give the same events.
 */
export const lakeEvents = (from: number, count: number): Event[] =>
  Array.from({ length: count }, (_, index) => lakeEvent(from + index));

function lakeEvent(index: number): Event {
  const transaction = index - (index % 2);
  const account = transaction % 10 < 2 ? 'hot' : `account-${(transaction * 7) % ACCOUNTS}`;
  const lateMs = index % 200 === 0 ? LATE_MS : ((index * 37) % 7) * 30;
  const envelope = {
    specversion: '1.0',
    id: idOf(index),
    subject: index % 5_000 === 4_999 ? 'nowhere' : account,
    time: new Date(START_MS + index * EVENT_MS - lateMs).toISOString(),
    datacontenttype: 'application/json',
    correlationid: idOf(transaction),
  } as const;
  if (index % 1_000 === 999)
    return { ...envelope, source: '/reporting', type: 'fault', data: { service: 'reporting' } };
  if (index % 2 === 0) {
    const type = index % 6 === 0 ? 'withdrawn' : 'deposited';
    return { ...envelope, source: '/account', type, data: { amountMinor: index + 1, currency: 'EUR' } };
  }
  const type = index % 20 === 1 ? 'overdrawn' : 'balance-updated';
  const data = { version: index, balanceMinor: index, currency: 'EUR', eventId: idOf(transaction) };
  return { ...envelope, source: '/balance', type, causationid: idOf(transaction), data };
}

const idOf = (index: number) => `00000000-0000-5000-8000-${String(index).padStart(12, '0')}`;

/** Each combination of conditions, broad and narrow ones, some of which no event meets. */
export function filtersFor(events: number): [name: string, filter: EventFilter][] {
  const types: [string, EventFilter][] = [
    ['', {}],
    ['types: one broad', { types: ['deposited'] }],
    ['types: one rare', { types: ['fault'] }],
    ['types: three', { types: ['fault', 'deposited', 'balance-updated'] }],
    ['types: unheard-of', { types: ['unheard-of'] }],
  ];
  const subjects: [string, EventFilter][] = [
    ['', {}],
    ['subject: hot', { subject: 'hot' }],
    ['subject: usual', { subject: 'account-14' }],
  ];
  const sources: [string, EventFilter][] = [
    ['', {}],
    ['source: broad', { source: '/balance' }],
    ['source: rare', { source: '/reporting' }],
  ];
  const times: [string, EventFilter][] = [
    ['', {}],
    ['time: middle half', { from: timeOf(Math.floor(events / 4)), to: timeOf(Math.floor((events * 3) / 4)) }],
    ['time: a minute', { from: timeOf(Math.floor(events / 2)), to: timeOf(Math.floor(events / 2) + 1_200) }],
    ['time: before all', { to: timeOf(-100_000) }],
  ];
  const combined = types.flatMap(a => subjects.flatMap(b => sources.flatMap(c => times.map(d => [a, b, c, d]))));
  const story: EventFilter = { correlationId: idOf(2 * Math.floor(events / 4)) };
  return [
    ...combined.map((parts): [string, EventFilter] => [
      parts
        .map(([name]) => name)
        .filter(Boolean)
        .join(', ') || 'none',
      Object.assign({}, ...parts.map(([, filter]) => filter)),
    ]),
    ['correlation', story],
    ['correlation, types, source', { ...story, types: ['deposited'], source: '/account' }],
  ];
}

/** What a page of a filter looks at: in sum over its queries, as `explain` says. */
export async function examined(
  { rows, steps }: Pick<Lake, 'steps'> & { rows: Collection<LakeRow> },
  [filter, order, beyond]: [filter: EventFilter, order: Order, beyond: number | undefined],
  limit: number,
): Promise<{ keys: number; docs: number; found: number }> {
  const sum = { keys: 0, docs: 0, found: 0 };
  for (const { query, hint } of await steps(filter, order, beyond)) {
    const wanted = limit - sum.found;
    const plan = await rows.find(query).hint(hint).sort({ version: order }).limit(wanted).explain('executionStats');
    const { totalKeysExamined, totalDocsExamined, nReturned } = plan.executionStats as Record<string, number>;
    sum.keys += totalKeysExamined ?? 0;
    sum.docs += totalDocsExamined ?? 0;
    sum.found += nReturned ?? 0;
    if (sum.found >= limit) break;
  }
  return sum;
}
