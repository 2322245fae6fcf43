import { describe, expect, test } from 'vitest';
import type { Event } from '../../events/event.ts';
import { createSystem, isReady, useServers } from '../../events/fixture.ts';
import { meddledWith } from '../../events/meddling.fixture.ts';
import { examined, filtersFor, lakeEvents, timeOf } from './fixture.ts';
import { createQueries, type EventFilter, queryFor } from './query.ts';
import { createLake, indexes, type LakeRow } from './store.ts';
import { createSummaries, type Summary, summarise } from './summaries.ts';

const urls = useServers();

async function started() {
  const system = createSystem(urls);
  await Promise.all([isReady(system.transport.redis), isReady(system.subscriber)]);
  const rows = system.collection<LakeRow>('lake', 'lake');
  await rows.createIndexes([...indexes.lake]);
  const collection = system.collection<Summary>('lake', 'summaries');
  const another = () => {
    const summaries = createSummaries({ collection, rows });
    return { summaries, lake: createLake({ rows, feed: system.feed, clock: system.clock, summaries }) };
  };
  return { ...system, rows, collection, another, ...another() };
}

/** What a filter asks for, without any index. */
const isMeant =
  ({ types, subject, source, correlationId, from, to }: EventFilter) =>
  (event: Event) =>
    (!types || types.includes(event.type)) &&
    (!subject || event.subject === subject) &&
    (!source || event.source === source) &&
    (!correlationId || event.correlationid === correlationId) &&
    (!from || event.time >= from) &&
    (!to || event.time < to);

describe('a filter', () => {
  const FROM = '2026-01-31T00:00:00.000Z';
  const TO = '2026-02-01T00:00:00.000Z';

  test.each<[Parameters<typeof queryFor>[0], object]>([
    [undefined, { chain: 'lake' }],
    [null, { chain: 'lake' }],
    [{}, { chain: 'lake' }],
    [{ types: null, subject: null, source: null, correlationId: null, from: null, to: null }, { chain: 'lake' }],
    [{ types: ['a', 'b'] }, { 'event.type': { $in: ['a', 'b'] } }],
    [{ types: [] }, { 'event.type': { $in: [] } }],
    [{ subject: 's' }, { 'event.subject': 's' }],
    [{ source: '/s' }, { 'event.source': '/s' }],
    [{ correlationId: 'c' }, { 'event.correlationid': 'c' }],
    [{ from: FROM }, { 'event.time': { $gte: FROM } }],
    [{ to: TO }, { 'event.time': { $lt: TO } }],
    [
      { types: ['a'], subject: 's', source: '/s', correlationId: 'c', from: FROM, to: TO },
      {
        'event.type': { $in: ['a'] },
        'event.subject': 's',
        'event.source': '/s',
        'event.correlationid': 'c',
        'event.time': { $gte: FROM, $lt: TO },
      },
    ],
  ])('%j asks for %j', (filter, query) => {
    expect(queryFor(filter)).toEqual(query);
  });
});

/** All pages, one after the other, as a client reads them; `between` happens after each. */
async function walk(
  lake: Awaited<ReturnType<typeof started>>['lake'],
  filter: EventFilter,
  order: 1 | -1,
  between: () => Promise<unknown>,
): Promise<number[]> {
  const positions: number[] = [];
  for (;;) {
    const page = await lake.page(filter, order, positions.at(-1), 10);
    positions.push(...page.map(({ version }) => version));
    if (page.length < 10) return positions;
    await between();
  }
}

describe('while events arrive', () => {
  const FILTERS: EventFilter[] = [
    {},
    { types: ['deposited', 'balance-updated'] },
    { subject: 'hot' },
    { source: '/balance', from: timeOf(100) },
  ];

  test.each(FILTERS)('pages of %j hold each event once, in order, from either end', async filter => {
    const { lake } = await started();
    const events = lakeEvents(0, 1_300);
    let stored = 400;
    await lake.store(events.slice(0, stored));
    const arrive = async () => {
      await lake.store(events.slice(stored, stored + 40));
      stored = Math.min(events.length, stored + 40);
    };
    const meant = (list: readonly Event[]) =>
      list.flatMap((event, index) => (isMeant(filter)(event) ? [index + 1] : []));
    const known = meant(events.slice(0, stored));
    expect(await walk(lake, filter, -1, arrive)).toEqual(known.reverse());
    expect(await walk(lake, filter, 1, arrive)).toEqual(meant(events));
    expect(await lake.count(filter)).toBe(meant(events).length);
  });

  test('an event of a kind that was not there before is not passed over', async () => {
    const { lake } = await started();
    const seen: number[] = [];
    let writing = true;
    const writer = (async () => {
      for (let n = 0; n < 60; n++) {
        const events = lakeEvents(n * 10, 10).map(event => ({ ...event, type: `type-${n}`, source: '/origin' }));
        await lake.store(events);
      }
      writing = false;
    })();
    for (let more = true; more; ) {
      more = writing;
      const rows = await lake.after(seen.at(-1) ?? 0, { source: '/origin' }, 1_000);
      seen.push(...rows.map(({ version }) => version));
    }
    await writer;
    expect(seen).toEqual(Array.from({ length: 600 }, (_, index) => index + 1));
  });
});

test('what comes behind an event of a new kind, while a page is looked for, is left for the next page', async () => {
  const { lake, rows } = await started();
  const [known, ofNewKind, behind] = lakeEvents(0, 3).map((event, index) => ({
    ...event,
    type: index === 1 ? 'a new kind' : 'a kind',
    source: '/origin',
  }));
  await lake.store(known ? [known] : []);
  // Both are stored when it is known already which kinds there are.
  const meanwhile = meddledWith(rows, {
    async distinct(itself, ...args) {
      const kinds = await itself(...args);
      if (args[0] === 'event.type') await lake.store(ofNewKind && behind ? [ofNewKind, behind] : []);
      return kinds;
    },
  });
  const { page } = createQueries({ rows: meanwhile, size: lake.size, summaries: undefined });
  const seen = await page({ source: '/origin' }, 1, undefined, 10);
  expect(seen.map(({ version }) => version)).toEqual([1]);
});

describe('summaries', () => {
  const EVENTS = 2_600;
  const range = { from: timeOf(700), to: timeOf(1_900) };

  test('are made of a lake that has none, by any number of processes, and never twice', async () => {
    const { rows, feed, clock, collection, another } = await started();
    const events = lakeEvents(0, EVENTS);
    await createLake({ summaries: undefined, rows, feed, clock }).store(events);
    const [one, other] = [another(), another()];
    const expected = events.filter(isMeant(range)).length;
    expect(await one.lake.count(range)).toBe(expected);
    await Promise.all([one.summaries.extend(EVENTS), other.summaries.extend(EVENTS)]);
    expect((await collection.find().sort({ _id: 1 }).toArray()).map(({ _id }) => _id)).toEqual([0, 1, 2, 3, 4]);
    for (const { lake } of [one, other, another()]) {
      expect(await lake.count(range)).toBe(expected);
      expect(await walk(lake, range, 1, async () => undefined)).toHaveLength(expected);
    }
  });

  test('are the same whether rows were just stored here or are read again', async () => {
    const { rows, collection, lake, another } = await started();
    for (let at = 0; at < EVENTS; at += 130) await lake.store(lakeEvents(at, 130));
    const kept = await collection.find().sort({ _id: 1 }).toArray();
    await collection.deleteMany({});
    await another().summaries.extend(await rows.countDocuments());
    expect(await collection.find().sort({ _id: 1 }).toArray()).toEqual(kept);
  });

  test('hold times apart that are far apart, and times that cannot be read may be any', () => {
    const rows = [5, 6, 900_000, 7].map((ms, index) => ({
      ...{ _id: `${index}`, chain: 'lake', version: 501 + index, storedAt: '', hash: '' },
      event: { ...lakeEvents(0, 1)[0], time: new Date(ms).toISOString() } as Event,
    }));
    const kinds = (count: number) => [{ source: '/account', type: 'withdrawn', count }];
    expect(summarise(1, rows)).toEqual({
      _id: 1,
      stretches: [
        {
          times: [5, 7],
          positions: [
            [501, 502],
            [504, 504],
          ],
          kinds: kinds(3),
        },
        { times: [900_000, 900_000], positions: [[503, 503]], kinds: kinds(1) },
      ],
    });
    const unreadable = rows.map(row => ({ ...row, event: { ...row.event, time: 'noon' } }));
    const [stretch] = summarise(1, unreadable).stretches;
    expect(stretch?.times).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
  });
});

describe('among 20,000 events', () => {
  const EVENTS = 20_000;
  const PAGE = 100;
  const events = lakeEvents(0, EVENTS);
  let lake: Awaited<ReturnType<typeof started>>['lake'];

  test('each combination of conditions gives its pages, in both directions, and its count', async () => {
    ({ lake } = await started());
    for (let at = 0; at < EVENTS; at += 1_000) await lake.store(events.slice(at, at + 1_000));
    for (const [name, filter] of filtersFor(EVENTS)) {
      const positions = events.flatMap((event, index) => (isMeant(filter)(event) ? [index + 1] : []));
      expect(await lake.count(filter), name).toBe(positions.length);
      for (const [order, beyond] of [
        [1, undefined],
        [-1, undefined],
        [1, 9_999],
        [-1, 10_001],
      ] as const) {
        const rest = positions.filter(position => beyond === undefined || (position - beyond) * order > 0);
        const expected = (order === 1 ? rest : rest.reverse()).slice(0, PAGE);
        const page = await lake.page(filter, order, beyond, PAGE);
        expect(
          page.map(({ version }) => version),
          `${name} ${order} ${beyond}`,
        ).toEqual(expected);
        // What is looked at is a small multiple of the page, not of the lake.
        const { keys, docs } = await examined(lake, [filter, order, beyond], PAGE);
        expect(Math.max(keys, docs), `${name} ${order} ${beyond}`).toBeLessThanOrEqual(5 * PAGE);
      }
    }
  }, 240_000);
});
