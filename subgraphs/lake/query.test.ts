import { describe, expect, test } from 'vitest';
import type { Event } from '../../events/event.ts';
import { createSystem, isReady, useServers } from '../../events/fixture.ts';
import { examined, filtersFor, lakeEvents } from './fixture.ts';
import { type EventFilter, queryFor } from './query.ts';
import { createLake, indexes, type LakeRow } from './store.ts';
import { createSummaries, type Summary } from './summaries.ts';

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
