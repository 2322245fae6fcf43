/** What the public API does not show, and a simulated store does: held to what it must be when all is at rest. */
import type { Doc } from './documents.ts';
import type { Store } from './mongo.ts';
import { ALL_SERVICES } from './scenario.ts';

type Stored = { id: string; type: string; subject?: string; time: string; correlationid?: string; data: Facts };
type Facts = { version: number; amountMinor: number; eventId: string; eventTime: string };

const eventOf = (row: Doc) => row.event as Stored;
const HOUR_NAME_LENGTH = 13;

export function auditStore(store: Store): string[] {
  return [...lakeEqualsOutboxes(store), ...ledgerTellsOfItsCause(store), ...viewIsWhole(store), ...hoursAddUp(store)];
}

/** The lake holds exactly the events of the outboxes, each as it was stored. */
function lakeEqualsOutboxes(store: Store): string[] {
  const text = (row: Doc) => JSON.stringify(row.event);
  const emitted = ALL_SERVICES.flatMap(service => store.rows(`${service}.events`)).filter(
    ({ event }) => event !== undefined,
  );
  const held = new Map(store.rows('lake.lake').map(row => [eventOf(row).id, text(row)]));
  const wrong = emitted.filter(row => held.get(eventOf(row).id) !== text(row));
  return [
    ...wrong.slice(0, 3).map(row => `lake: ${text(row)} is held as ${held.get(eventOf(row).id)}`),
    ...(held.size === emitted.length ? [] : [`lake: ${held.size} events, ${emitted.length} were emitted`]),
  ];
}

/** A ledger row has the time of its transaction and belongs to its story; the transaction knows its version. */
function ledgerTellsOfItsCause(store: Store): string[] {
  const transactions = store.of('account.events').rows;
  return store.rows('balance.events').flatMap(row => {
    const { data, correlationid, type } = eventOf(row);
    if (type !== 'balance-updated') return [];
    const cause = transactions.get(data.eventId);
    if (!cause) return [`ledger: ${row._id} has no cause`];
    const right =
      data.eventTime === eventOf(cause).time &&
      correlationid === eventOf(cause).correlationid &&
      cause.settled === data.version;
    return right ? [] : [`ledger: ${JSON.stringify(row.event)} of ${JSON.stringify(cause)}`];
  });
}

type View = {
  version: number;
  amountMinor: number;
  asOf: string;
  known: { version: number; amountMinor: number };
  ahead: unknown[];
};

/** When nothing is on its way, the newest balance is the one up to which everything is known. */
function viewIsWhole(store: Store): string[] {
  const ledger = new Map(
    store
      .rows('balance.events')
      .flatMap(row => (row.chain ? [[`${row.chain} ${row.version}`, eventOf(row).data] as const] : [])),
  );
  return store.rows('account.accounts').flatMap(row => {
    const { version, amountMinor, asOf, known, ahead } = row as unknown as View;
    const whole =
      known.version === version &&
      known.amountMinor === amountMinor &&
      ahead.length === 0 &&
      asOf === ledger.get(`${row._id} ${version}`)?.eventTime;
    return whole ? [] : [`view: ${JSON.stringify(row)}`];
  });
}

/** Each hour's statistic is the sum of the events of that hour, overdrafts too. */
function hoursAddUp(store: Store): string[] {
  const expected = new Map<string, number[]>();
  for (const row of store.rows('lake.lake')) {
    const { type, subject, time, data } = eventOf(row);
    const places = ['account-opened', 'deposited', 'withdrawn', 'overdrawn'];
    const place = places.indexOf(type);
    if (place < 0) continue;
    const name = `${subject} ${time.slice(0, HOUR_NAME_LENGTH)}`;
    const sums = expected.get(name) ?? [0, 0, 0, 0, 0];
    sums[place] = (sums[place] ?? 0) + 1;
    if (type === 'deposited') sums[4] = (sums[4] ?? 0) + data.amountMinor;
    expected.set(name, sums);
  }
  const found = new Map(
    store
      .rows('reporting.statistics')
      .map(row => [row._id, [row.accounts, row.deposits, row.withdrawals, row.overdrafts, row.depositedMinor]]),
  );
  return [...expected].flatMap(([name, sums]) => {
    const is = JSON.stringify(found.get(name));
    return is === JSON.stringify(sums) ? [] : [`statistics of ${name}: ${is}, ${JSON.stringify(sums)} would be right`];
  });
}
