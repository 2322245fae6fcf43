import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createEvent } from '../../events/contract.ts';
import type { Event } from '../../events/event.ts';
import { createSystem, useServers } from '../../events/fixture.ts';
import { meddledWith } from '../../events/meddling.fixture.ts';
import { accountOpened } from '../../schema/events/account-opened.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { overdrawn } from '../../schema/events/overdrawn.ts';
import { withdrawn } from '../../schema/events/withdrawn.ts';
import { createStatistics, type HourRow, indexes, merge, NONE, sumUp, totalsOf } from './statistics.ts';

const urls = useServers();

const envelope = (id: string, account: string, time: string) => ({ id, source: '/account', subject: account, time });

/** What happened: an amount in, with a minus out; or a word. */
function event(
  id: string,
  what: number | 'opened' | 'overdrawn',
  more: { account?: string; time?: string; currency?: string } = {},
): Event {
  const { account = 'a', time = '2026-01-31T12:10:00.000Z', currency = 'EUR' } = more;
  const about = envelope(id, account, time);
  if (what === 'opened')
    return createEvent(accountOpened, { ...about, data: { ownerId: 'alice', name: 'Savings', currency } });
  if (what === 'overdrawn')
    return createEvent(overdrawn, {
      ...about,
      data: { version: 1, amountMinor: 5, balanceMinor: -5, currency, eventId: 'e' },
    });
  const data = { amountMinor: Math.abs(what), currency, channel: 'ACCOUNT' };
  return createEvent(what < 0 ? withdrawn : deposited, { ...about, data });
}

async function started() {
  const system = createSystem(urls);
  const context = system.context('reporting');
  await context.collection('store').createIndexes([...indexes.store]);
  const collections = { store: context.collection('store'), statistics: context.collection<HourRow>('statistics') };
  const make = () => createStatistics(collections as unknown as Parameters<typeof createStatistics>[0]);
  return { ...collections, ...make(), another: make };
}

const EVENTS = [
  event('1', 'opened'),
  event('2', 100),
  event('3', 250, { time: '2026-01-31T12:59:59.999Z' }),
  event('4', -30, { time: '2026-01-31T13:00:00.000Z' }),
  event('5', 'overdrawn', { time: '2026-01-31T13:00:00.000Z' }),
  event('6', 70, { account: 'b', currency: 'USD' }),
  event('7', 5, { account: 'c' }),
  event('8', 1, { time: '2026-02-01T00:00:00.000Z' }),
];

describe('what one event is', () => {
  test.each([
    ['opened' as const, { accounts: 1 }],
    [100, { deposits: 1, depositedMinor: 100, largestMinor: 100 }],
    [-30, { withdrawals: 1, withdrawnMinor: 30, largestMinor: 30 }],
    ['overdrawn' as const, { overdrafts: 1 }],
  ])('%s counts as %j', (what, totals) => {
    expect(totalsOf(event('1', what))).toEqual({ ...NONE, ...totals });
  });

  test('of a type that is none of its business, it is nothing', () => {
    expect(totalsOf({ type: 'unknown', data: {} })).toEqual(NONE);
  });
});

test('totals add up in any order and grouping', () => {
  const count = fc.nat(1_000_000);
  const totals = fc.record({
    deposits: count,
    withdrawals: count,
    depositedMinor: count,
    withdrawnMinor: count,
    largestMinor: count,
    accounts: count,
    overdrafts: count,
  });
  fc.assert(
    fc.property(totals, totals, totals, (a, b, c) => {
      expect(merge(a, b)).toEqual(merge(b, a));
      expect(merge(merge(a, b), c)).toEqual(merge(a, merge(b, c)));
      expect(merge(a, NONE)).toEqual(a);
    }),
  );
});

test('any permutation, duplication and re-batching of the events gives the same rows', async () => {
  const { statistics, store, another } = await started();
  await another().count(EVENTS);
  const rows = () => statistics.find().sort({ _id: 1 }).toArray();
  const expected = await rows();
  const plans = fc.record({
    order: fc.shuffledSubarray(EVENTS, { minLength: EVENTS.length }),
    twice: fc.subarray(EVENTS),
    size: fc.integer({ min: 1, max: 8 }),
    concurrent: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(plans, async ({ order, twice, size, concurrent }) => {
      await Promise.all([statistics.deleteMany({}), store.deleteMany({})]);
      const processes = [another(), another()] as const;
      const all = [...order, ...twice];
      const work = Array.from(
        { length: Math.ceil(all.length / size) },
        (_, at) => () => processes[at % 2 === 0 ? 0 : 1].count(all.slice(at * size, (at + 1) * size)),
      );
      if (concurrent) await Promise.all(work.map(count => count()));
      else for (const count of work) await count();
      expect(await rows()).toEqual(expected);
    }),
    { numRuns: 25 },
  );
});

test('statistics that were lost come again with the events', async () => {
  const { statistics, count } = await started();
  await count(EVENTS);
  const before = await statistics.find().sort({ _id: 1 }).toArray();
  await statistics.deleteMany({ account: 'a' });
  await count(EVENTS);
  expect(await statistics.find().sort({ _id: 1 }).toArray()).toEqual(before);
});

test('statistics are right when events come while all was lost and before it is replayed', async () => {
  const { statistics, store, count } = await started();
  await count(EVENTS);
  const before = await statistics.find().sort({ _id: 1 }).toArray();
  await store.deleteMany({});
  await statistics.deleteMany({});
  // One that comes live, in the process that still has the lost rows in memory.
  await count(EVENTS.slice(2, 3));
  await count(EVENTS, { replay: true });
  expect(await statistics.find().sort({ _id: 1 }).toArray()).toEqual(before);
});

test('a replay mends an hour that lost rows in its middle, or counted some twice', async () => {
  const { statistics, store, count, another } = await started();
  await count(EVENTS);
  const before = await statistics.find().sort({ _id: 1 }).toArray();
  const hour = { account: 'a', hour: '2026-01-31T12' };
  await store.deleteOne({ ...hour, version: 1 });
  await store.updateOne({ ...hour, version: 3 }, { $set: { 'totals.depositedMinor': 999_999 } });
  await another().count(EVENTS, { replay: true });
  expect(await statistics.find().sort({ _id: 1 }).toArray()).toEqual(before);
  const versions = await store.find(hour).sort({ version: 1 }).toArray();
  expect(versions.map(({ version }) => version)).toEqual([1, 2, 3]);
});

describe('a replay puts right', () => {
  const hour = { account: 'a', hour: '2026-01-31T12' };
  const replay = { replay: true, replayId: 'a replay' };

  test.each<[string, Record<string, unknown>]>([
    ['an event that was changed', { 'event.data.amountMinor': 4_711 }],
    ['an event that was changed in what does not count', { 'event.data.channel': 'ELSEWHERE' }],
    ['an event that is in the place of another hour', { chain: 'a 2026-01-31T13', version: 7 }],
    ['an event that is in no place', { chain: 'nowhere' }],
    ['whose an event is', { account: 'b', currency: 'USD' }],
  ])('%s, whether it comes with the rest of its hour or later', async (_, change) => {
    const { statistics, store, count, another } = await started();
    await count(EVENTS);
    const everything = async () => ({
      statistics: await statistics.find().sort({ _id: 1 }).toArray(),
      store: (await store.find().sort({ _id: 1 }).toArray()).map(({ version: _v, totals: _t, ...row }) => row),
      versions: (await store.find(hour).sort({ version: 1 }).toArray()).map(({ version }) => version),
    });
    const before = await everything();
    for (const parts of [[EVENTS], [EVENTS.slice(0, 2), EVENTS.slice(2)]]) {
      await store.updateOne({ 'event.id': '3' }, { $set: change });
      const other = another();
      let changed = 0;
      for (const part of parts) changed += await other.count(part, replay);
      expect(changed).toBeGreaterThan(0);
      expect(await everything()).toEqual(before);
      for (const part of parts) expect(await other.count(part, { ...replay, replayId: 'another' })).toBe(0);
    }
  });
});

test('a replay leaves alone what somebody else has noted in a row', async () => {
  const { store, count, another } = await started();
  await count(EVENTS);
  await store.updateOne({ 'event.id': '3' }, { $set: { note: 'of an operator' } });
  expect(await another().count(EVENTS, { replay: true })).toBe(0);
});

describe('an hour whose totals are wrong, mended by another process or thread,', () => {
  const replay = { replay: true, replayId: 'a replay' };
  const past = ['1', '2', '3'].map(id => event(id, 1));

  async function spoiled() {
    const all = await started();
    await all.count(past);
    await all.store.updateOne({ version: 3 }, { $set: { 'totals.depositedMinor': 777 } });
    const other = all.another();
    // It reads the wrong totals, and keeps them in mind.
    await other.count([event('4', 1)]);
    return { ...all, other };
  }

  test('is gone on with as it is since: what is kept in mind of it is void', async () => {
    const { count, other, statistics } = await spoiled();
    expect(await statistics.find().toArray()).toMatchObject([{ depositedMinor: 778 }]);
    await count(past, replay);
    await other.count([event('5', 1)]);
    expect(await statistics.find().toArray()).toMatchObject([{ depositedMinor: 5, deposits: 5 }]);
  });

  test('is looked at again when something was counted on what was wrong meanwhile', async () => {
    const { store, statistics, other } = await spoiled();
    // The other process comes between the look and the writes.
    const between = createStatistics({
      statistics,
      store: meddledWith(store, {
        async bulkWrite(itself, ...args) {
          await other.count([event('5', 1)]);
          return itself(...args);
        },
      }),
    } as unknown as Parameters<typeof createStatistics>[0]);
    // Two rows at first, the one that followed them, and what is shown.
    expect(await between.count(past, replay)).toBe(4);
    expect(await statistics.find().toArray()).toMatchObject([{ depositedMinor: 5, deposits: 5 }]);
  });

  test('is looked at again by the same replay when it comes to it once more', async () => {
    const { count, store, statistics } = await spoiled();
    await count(past.slice(0, 1), replay);
    await store.updateOne({ version: 4 }, { $set: { 'totals.depositedMinor': 777 } });
    await count(past.slice(1), replay);
    expect(await statistics.find().toArray()).toMatchObject([{ depositedMinor: 4, deposits: 4 }]);
  });
});

describe('an hour that lost rows', () => {
  const past = Array.from({ length: 300 }, (_, index) => event(`past ${index}`, 1));
  const replay = { replay: true, replayId: 'a replay' };

  async function damaged() {
    const all = await started();
    await all.count(past);
    await all.store.deleteMany({ version: { $in: [20, 150] } });
    return all;
  }

  async function expectDeposits({ store, statistics }: Awaited<ReturnType<typeof started>>, count: number) {
    const rows = await store.find().sort({ version: 1 }).toArray();
    expect(rows.map(({ version }) => version)).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    expect(await statistics.find().toArray()).toMatchObject([{ deposits: count, version: count }]);
  }

  test('is mended while counting in it goes on', async () => {
    const all = await damaged();
    let over = false;
    let made = 0;
    const counting = (async () => {
      while (!over) await all.count([event(`live ${made++}`, 1)]);
    })();
    for (let at = 0; at < past.length; at += 50) await all.count(past.slice(at, at + 50), replay);
    over = true;
    await counting;
    await expectDeposits(all, past.length + made);
  });

  test('and was mended by another process goes on from there', async () => {
    const all = await damaged();
    await all.another().count(past.slice(0, 10), replay);
    await all.count([event('live', 1)]);
    await expectDeposits(all, past.length - 2 + 1);
    await all.count(past, replay);
    await expectDeposits(all, past.length + 1);
  });
});

test('sums stay exact numbers: beyond what can be counted they end there', () => {
  const most = { ...NONE, deposits: 1, depositedMinor: Number.MAX_SAFE_INTEGER };
  expect(merge(most, most)).toMatchObject({ deposits: 2, depositedMinor: Number.MAX_SAFE_INTEGER });
});

describe('intervals', () => {
  const hour = (name: string, change: object = {}) => ({
    ...NONE,
    hour: name,
    currency: 'EUR',
    deposits: 1,
    largestMinor: 5,
    ...change,
  });

  test.each([
    [
      'HOUR' as const,
      [
        ['2026-01-31T12:00:00.000Z', 1],
        ['2026-01-31T13:00:00.000Z', 1],
        ['2026-02-01T00:00:00.000Z', 2],
        ['2027-02-01T00:00:00.000Z', 1],
      ],
    ],
    [
      'DAY' as const,
      [
        ['2026-01-31T00:00:00.000Z', 2],
        ['2026-02-01T00:00:00.000Z', 2],
        ['2027-02-01T00:00:00.000Z', 1],
      ],
    ],
    [
      'MONTH' as const,
      [
        ['2026-01-01T00:00:00.000Z', 2],
        ['2026-02-01T00:00:00.000Z', 2],
        ['2027-02-01T00:00:00.000Z', 1],
      ],
    ],
    ['ALL' as const, [[null, 5]]],
  ])('of an %s begin where it begins, oldest first', (interval, expected) => {
    const hours = ['2027-02-01T00', '2026-02-01T00', '2026-01-31T13', '2026-01-31T12', '2026-02-01T00'].map(name =>
      hour(name),
    );
    expect(sumUp(hours, interval).map(({ from, deposits }) => [from, deposits])).toEqual(expected);
  });

  test('keep currencies apart, and show the largest, not the sum of them', () => {
    const sums = sumUp(
      [hour('2026-01-31T12', { currency: 'USD' }), hour('2026-01-31T12', { largestMinor: 9 }), hour('2026-01-31T12')],
      'ALL',
    );
    expect(sums.map(({ currency, deposits, largestMinor }) => [currency, deposits, largestMinor])).toEqual([
      ['EUR', 2, 9],
      ['USD', 1, 5],
    ]);
  });

  test('of nothing are none', () => {
    expect(sumUp([], 'DAY')).toEqual([]);
  });
});

describe('a range', () => {
  const of = async (from: string | null, to: string | null) => {
    const { count, overall } = await started();
    await count(EVENTS);
    return (await overall({ from, to }, 'HOUR'))
      .filter(({ currency }) => currency === 'EUR')
      .map(({ from: at }) => at?.slice(5, 13));
  };

  test('is open where nothing is said', async () => {
    expect(await of(null, null)).toEqual(['01-31T12', '01-31T13', '02-01T00']);
  });

  test('holds the hour that it begins in, and the one that it ends in unless it ends with its first moment', async () => {
    expect(await of('2026-01-31T12:59:00.000Z', '2026-01-31T13:00:00.000Z')).toEqual(['01-31T12']);
    expect(await of('2026-01-31T13:00:00.000Z', '2026-01-31T13:00:00.001Z')).toEqual(['01-31T13']);
    expect(await of('2026-01-31T14:00:00.000Z', null)).toEqual(['02-01T00']);
    expect(await of(null, '2026-01-31T13:00:00.000Z')).toEqual(['01-31T12']);
  });
});

test('of one account there is what happened to it; overall there is everything, summed up', async () => {
  const { count, ofAccount, overall } = await started();
  await count(EVENTS);
  expect(await ofAccount('a', {}, 'ALL')).toEqual([
    {
      from: null,
      currency: 'EUR',
      deposits: 3,
      withdrawals: 1,
      depositedMinor: 351,
      withdrawnMinor: 30,
      largestMinor: 250,
      accounts: 1,
      overdrafts: 1,
    },
  ]);
  expect(await ofAccount('none', {}, 'ALL')).toEqual([]);
  const sums = await overall({}, 'MONTH');
  expect(sums.map(({ from, currency, depositedMinor }) => [from?.slice(0, 7), currency, depositedMinor])).toEqual([
    ['2026-01', 'EUR', 355],
    ['2026-01', 'USD', 70],
    ['2026-02', 'EUR', 1],
  ]);
});
