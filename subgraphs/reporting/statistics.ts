/**
 * Statistics by account, currency and hour. The events of one hour of one account are a chain in the micro event store;
 * each row carries the totals up to it, so the newest row is the hour's statistic and an event costs the same however
 * many there are. Totals are sums and maxima: any order of the same events comes to the same.
 */
import type { AnyBulkWriteOperation, Collection } from 'mongodb';
import { createCache } from '../../events/cache.ts';
import type { Event } from '../../events/event.ts';
import { groupBy } from '../../events/group.ts';
import { laneOf } from '../../events/partition.ts';
import { hasFields, isStoredAs } from '../../events/restore.ts';
import type { Handling } from '../../events/rule.ts';
import { type ChainRow, chainIndex, createChain } from '../../events/store.ts';
import { materialize } from '../../events/view.ts';
import { accountOpened } from '../../schema/events/account-opened.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { overdrawn } from '../../schema/events/overdrawn.ts';
import { withdrawn } from '../../schema/events/withdrawn.ts';

export type Totals = {
  deposits: number;
  withdrawals: number;
  depositedMinor: number;
  withdrawnMinor: number;
  /** 0 when there was no transaction. */
  largestMinor: number;
  accounts: number;
  overdrafts: number;
};

/** The statistic of one hour of one account. */
export type HourRow = Totals & {
  _id: string;
  version: number;
  account: string;
  currency: string;
  /** `2026-01-31T12`, UTC. */
  hour: string;
};

type StoredEvent = ChainRow & { event: Event; account: string; currency: string; hour: string; totals: Totals };

export type Interval = 'HOUR' | 'DAY' | 'MONTH' | 'ALL';

/** How much of an hour's name is the name of the interval it belongs to. */
const NAME_LENGTH = { HOUR: 13, DAY: 10, MONTH: 7, ALL: 0 } as const satisfies Record<Interval, number>;

const HOUR_NAME_LENGTH = NAME_LENGTH.HOUR;

/** A multiple of the lanes in which a replay comes. */
const TURNS = 64;
const MENDED_MAX = 100_000;
const MENDED_AT_ONCE = 1_000;
/** At what is wrong, one after the other. */
const LOOKS_MAX = 5;

export const indexes = {
  store: [chainIndex],
  statistics: [{ key: { account: 1, hour: 1 } }, { key: { hour: 1 } }],
} as const;

export const NONE: Totals = {
  deposits: 0,
  withdrawals: 0,
  depositedMinor: 0,
  withdrawnMinor: 0,
  largestMinor: 0,
  accounts: 0,
  overdrafts: 0,
};

/** What one event is in statistics: pure. */
export function totalsOf({ type, data }: Pick<Event, 'type' | 'data'>): Totals {
  // The consumer has read the event through its contract.
  const { amountMinor } = data as { amountMinor: number };
  switch (type) {
    case accountOpened.type:
      return { ...NONE, accounts: 1 };
    case deposited.type:
      return { ...NONE, deposits: 1, depositedMinor: amountMinor, largestMinor: amountMinor };
    case withdrawn.type:
      return { ...NONE, withdrawals: 1, withdrawnMinor: amountMinor, largestMinor: amountMinor };
    case overdrawn.type:
      return { ...NONE, overdrafts: 1 };
    default:
      return NONE;
  }
}

// Sums stay numbers that can be counted exactly: beyond them they say "at least so much".
const plus = (a: number, b: number): number => Math.min(a + b, Number.MAX_SAFE_INTEGER);

/** Associative and commutative, with NONE as its zero. */
export function merge(a: Totals, b: Totals): Totals {
  return {
    deposits: a.deposits + b.deposits,
    withdrawals: a.withdrawals + b.withdrawals,
    depositedMinor: plus(a.depositedMinor, b.depositedMinor),
    withdrawnMinor: plus(a.withdrawnMinor, b.withdrawnMinor),
    largestMinor: Math.max(a.largestMinor, b.largestMinor),
    accounts: a.accounts + b.accounts,
    overdrafts: a.overdrafts + b.overdrafts,
  };
}

export type IntervalTotals = Totals & { from: string | null; currency: string };

/**
 * Hours summed up to intervals, oldest first.
 *
 * @param hours of one account or of many, in any order.
 */
export function sumUp(
  hours: readonly (Totals & Pick<HourRow, 'hour' | 'currency'>)[],
  interval: Interval,
): IntervalTotals[] {
  const sums = new Map<string, IntervalTotals>();
  for (const { hour, currency, ...totals } of hours) {
    const name = hour.slice(0, NAME_LENGTH[interval]);
    const key = `${name} ${currency}`;
    const sum = sums.get(key) ?? { ...NONE, from: startOf(name), currency };
    sums.set(key, { ...sum, ...merge(sum, totals) });
  }
  return [...sums.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum);
}

function startOf(name: string): string | null {
  if (name === '') return null;
  const start = '0000-01-01T00:00:00.000Z';
  return name + start.slice(name.length);
}

export type Statistics = ReturnType<typeof createStatistics>;
export type Range = { from?: string | null; to?: string | null };

export function createStatistics(options: { store: Collection<StoredEvent>; statistics: Collection<HourRow> }) {
  const { store, statistics } = options;
  const chainName = (event: Event) => `${event.subject} ${event.time.slice(0, HOUR_NAME_LENGTH)}`;

  const next = (head: StoredEvent | undefined, event: Event): StoredEvent => ({
    _id: event.id,
    chain: chainName(event),
    version: (head?.version ?? 0) + 1,
    event,
    account: event.subject ?? '',
    currency: (event.data as { currency: string }).currency,
    hour: event.time.slice(0, HOUR_NAME_LENGTH),
    totals: merge(head?.totals ?? NONE, totalsOf(event)),
  });
  const chain = createChain<StoredEvent>({ collection: store, chainOf: chainName, verifyHeads: true, next });
  /** By hour, the replay that it was mended for: a replay comes to it many times. */
  const mended = createCache<string>(MENDED_MAX);

  /**
   * Counts hours anew from their own rows, before a replay adds those that are missing: totals that still contain a lost
   * row would count it twice. In this order rows only move down to places that are free, so it can be cut short anywhere.
   *
   * @param told events as the lake has them, by id: rows of others are taken as they stand.
   * @returns how many rows were wrong, and the events that they are of.
   */
  async function mend(
    suspects: readonly string[],
    told: ReadonlyMap<string, Event>,
  ): Promise<{ wrong: number; stored: Set<string> }> {
    const stored = new Set<string>();
    if (suspects.length === 0) return { wrong: 0, stored };
    let wrong = 0;
    let head: StoredEvent | undefined;
    let writes: AnyBulkWriteOperation<StoredEvent>[] = [];
    const spoiled = new Set<string>();
    const heads = new Map<string, StoredEvent>();
    const write = async () => {
      if (writes.length > 0) await store.bulkWrite(writes, { ordered: true });
      wrong += writes.length;
      writes = [];
    };
    for await (const row of store.find({ chain: { $in: suspects } }).sort({ chain: 1, version: 1 })) {
      const event = told.get(row._id);
      const isTrue = !event || isStoredAs(row.event, event);
      // What an older release has stored of an event stays as it is.
      const right = next(head?.chain === row.chain ? head : undefined, isTrue ? row.event : event);
      head = right;
      stored.add(row._id);
      heads.set(row.chain, right);
      if (hasFields(row, right)) continue;
      spoiled.add(row.chain);
      const { _id, ...fields } = right;
      writes.push({ updateOne: { filter: { _id }, update: { $set: fields } } });
      if (writes.length === MENDED_AT_ONCE) await write();
    }
    await write();
    if (spoiled.size > 0) await statistics.deleteMany({ _id: { $in: [...spoiled] } });
    chain.remember(suspects, [...heads.values()]);
    return { wrong, stored };
  }

  /** Stores the events, and shows the hours that they belong to. @returns how many rows it has changed, and what it has stored. */
  async function add(
    events: readonly Event[],
    how?: Handling,
    stored?: ReadonlySet<string>,
  ): Promise<{ changed: number; added: ReadonlySet<string> }> {
    const { appended, heads } = await chain.append(events, { ...how, stored });
    const shown = await materialize(
      statistics,
      (await heads()).map(({ chain: _id, version, account, currency, hour, totals }) => ({
        _id,
        version,
        account,
        currency,
        hour,
        ...totals,
      })),
      how,
    );
    return { changed: appended.length + shown, added: new Set(appended.map(({ _id }) => _id)) };
  }

  /** The hours where one of the events is stored, but not as the lake has it; one that is in another's is taken out. */
  async function spoiltBy(events: readonly Event[]): Promise<string[]> {
    if (events.length === 0) return [];
    const told = byId(events);
    const rows = await store.find({ _id: { $in: [...told.keys()] } }, { batchSize: told.size + 1 }).toArray();
    const spoilt = new Set<string>();
    const misplaced: string[] = [];
    for (const { _id, chain: name, event } of rows) {
      const right = told.get(_id);
      if (!right || (name === chainName(right) && isStoredAs(event, right))) continue;
      spoilt.add(name).add(chainName(right));
      if (name !== chainName(right)) misplaced.push(_id);
    }
    if (misplaced.length > 0) await store.deleteMany({ _id: { $in: misplaced } });
    return [...spoilt];
  }

  async function repair(events: readonly Event[], how: Handling): Promise<number> {
    const { replayId } = how;
    const told = byId(events);
    const hours = groupBy(events, chainName);
    const isMended = (name: string) => replayId !== undefined && mended.get(name) === replayId;
    const spoilt = await spoiltBy([...hours].flatMap(([name, some]) => (isMended(name) ? some : [])));
    const suspects = [...new Set([...hours.keys()].filter(name => !isMended(name)).concat(spoilt))];
    let { wrong, stored } = await mend(suspects, told);
    const isRight = wrong === 0;
    // What was wrong is looked at again: another process may have followed a row that was mended since.
    for (let looks = 1, again = wrong; again > 0 && looks < LOOKS_MAX; looks++, wrong += again) {
      ({ wrong: again, stored } = await mend(suspects, told));
    }
    const isWhole = [...hours.keys()].every(name => suspects.includes(name));
    const { changed, added } = await add(events, how, isWhole ? stored : undefined);
    // What was in the way of an event is the event itself: stored meanwhile, or in another hour's place.
    const inTheWay = suspects
      .flatMap(name => hours.get(name) ?? [])
      .filter(({ id }) => !stored.has(id) && !added.has(id));
    if ((await spoiltBy(inTheWay)).length > 0) return wrong + changed + (await repair(events, how));
    if (isRight && replayId !== undefined) for (const name of suspects) mended.set(name, replayId);
    return wrong + changed;
  }

  const turns: Promise<unknown>[] = Array.from({ length: TURNS }, () => Promise.resolve());
  /** Accounts take turns, some together: nobody adds to an hour while it is being counted anew. */
  function inTurn(events: readonly Event[], work: () => Promise<number>): Promise<number> {
    const wanted = [...new Set(events.map(event => laneOf(event, TURNS)))];
    const done = Promise.all(wanted.map(turn => turns[turn])).then(work);
    const over = done.catch(() => undefined);
    for (const turn of wanted) turns[turn] = over;
    return done;
  }

  const hoursIn = ({ from, to }: Range) => ({
    // Whole hours: the one that `from` lies in, and the one that `to` lies in unless it begins with it.
    ...(from && { $gte: from.slice(0, HOUR_NAME_LENGTH) }),
    ...(to && { $lt: hourAfter(to) }),
  });
  const inRange = (range: Range) => (range.from || range.to ? { hour: hoursIn(range) } : {});

  return {
    /** The rule. */
    count: (events: readonly Event[], how?: Handling): Promise<number> =>
      inTurn(events, async () => (how?.replay ? repair(events, how) : (await add(events, how)).changed)),

    async ofAccount(account: string, range: Range, interval: Interval): Promise<IntervalTotals[]> {
      return sumUp(await statistics.find({ account, ...inRange(range) }).toArray(), interval);
    },

    /** Over all accounts: summed up by hour in the database, so that what comes back is bounded by the hours. */
    async overall(range: Range, interval: Interval): Promise<IntervalTotals[]> {
      const sums = Object.fromEntries(
        Object.keys(NONE).map(name => [name, { [name === 'largestMinor' ? '$max' : '$sum']: `$${name}` }]),
      );
      const hours = await statistics
        .aggregate<Totals & { _id: Pick<HourRow, 'hour' | 'currency'> }>([
          { $match: inRange(range) },
          { $group: { _id: { hour: '$hour', currency: '$currency' }, ...sums } },
        ])
        .toArray();
      return sumUp(
        hours.map(({ _id, ...totals }) => ({ ...totals, ..._id })),
        interval,
      );
    },
  };
}

const byId = (events: readonly Event[]) => new Map(events.map(event => [event.id, event]));

function hourAfter(time: string): string {
  const hourMs = 3_600_000;
  const hour = new Date(Math.ceil(Date.parse(time) / hourMs) * hourMs).toISOString().slice(0, HOUR_NAME_LENGTH);
  // After the last hour of the year 9999 a fifth digit would come, which does not sort as text.
  return /^\d{4}-/.test(hour) ? hour : '9999-12-31T24';
}
