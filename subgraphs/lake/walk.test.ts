import { describe, expect, test } from 'vitest';
import type { Event } from '../../events/event.ts';
import { createSystem, isReady, useServers } from '../../events/fixture.ts';
import { lakeEvents } from './fixture.ts';
import { createLake, type EventFilter, indexes, type LakeRow } from './store.ts';
import type { Page, Place } from './walk.ts';

const urls = useServers();
const EVENTS = 1_200;
const LIMIT = 50;
const TYPES = ['deposited', 'overdrawn'];

async function started(events: readonly Event[] = lakeEvents(0, EVENTS)) {
  const system = createSystem(urls);
  await Promise.all([isReady(system.transport.redis), isReady(system.subscriber)]);
  const rows = system.collection<LakeRow>('lake', 'lake');
  await rows.createIndexes([...indexes.lake]);
  const lake = createLake({ summaries: undefined, rows, feed: system.feed, clock: system.clock });
  await lake.store(events);
  return lake;
}

/** All pages from a place on. */
async function pagesOf(walk: { next(place: Place, limit: number): Promise<Page> }, from: Place): Promise<Page[]> {
  const pages: Page[] = [];
  for (let place = from; ; ) {
    const page = await walk.next(place, LIMIT);
    pages.push(page);
    if (page.isLast) return pages;
    place = page.place;
  }
}

const positions = (pages: readonly Page[]) => pages.flatMap(({ rows }) => rows.map(({ version }) => version));
const ascending = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);
const start: Place = { position: 0 };

describe('a walk', () => {
  test('comes to every event of its types once, up to its end, whatever is stored after that', async () => {
    const lake = await started();
    const wanted = (await lake.after(0, { types: TYPES }, EVENTS)).map(({ version }) => version);
    await lake.store(lakeEvents(EVENTS, 400));
    const pages = await pagesOf(lake.walk({ types: TYPES }, { from: 0, until: EVENTS }, true), start);
    expect(ascending(positions(pages))).toEqual(wanted);
    expect(Math.max(...pages.map(({ rows }) => rows.length))).toBeLessThanOrEqual(LIMIT);
  });

  test('has the events of a subject together, in their order, in as few pages as they need', async () => {
    const lake = await started();
    const pages = await pagesOf(lake.walk({ types: TYPES }, { from: 0, until: EVENTS }, true), start);
    const all = pages.flatMap(({ rows }, page) => rows.map(({ event, version }) => ({ page, version, ...event })));
    const subjects = new Set(all.map(({ subject }) => subject));
    expect(subjects.size).toBeGreaterThan(100);
    for (const subject of subjects) {
      const own = all.filter(event => event.subject === subject);
      expect(own.map(({ version }) => version)).toEqual(ascending(own.map(({ version }) => version)));
      const pagesNeeded = Math.ceil(own.length / LIMIT);
      expect(new Set(own.map(({ page }) => page)).size).toBe(pagesNeeded);
    }
  });

  test('goes on from the place of any page with the same pages, although the lake has grown', async () => {
    const lake = await started();
    const between = { from: 0, until: EVENTS };
    const pages = await pagesOf(lake.walk({ types: TYPES }, between, true), start);
    await lake.store(lakeEvents(EVENTS, 400));
    for (const [index, { place }] of pages.slice(0, -1).entries()) {
      const next = await lake.walk({ types: TYPES }, between, true).next(place, LIMIT);
      expect(positions([next])).toEqual(positions([pages[index + 1] as Page]));
    }
  });

  test('of a part of the lake, of one subject, or of every type goes by position', async () => {
    const lake = await started();
    const parts: [EventFilter, number][] = [
      [{ types: TYPES }, 500],
      [{ types: TYPES, subject: 'hot' }, 0],
      [{}, 0],
    ];
    for (const [filter, from] of parts) {
      const wanted = (await lake.after(from, filter, EVENTS)).map(({ version }) => version);
      const pages = await pagesOf(lake.walk(filter, { from, until: EVENTS }, true), { position: from });
      expect(positions(pages)).toEqual(wanted);
    }
  });

  test('comes to events that are about nothing as well', async () => {
    const events = lakeEvents(0, 600).map(({ subject, ...event }, index) =>
      index % 4 ? { ...event, subject } : event,
    );
    const lake = await started(events);
    const rows = await lake.after(0, { types: TYPES }, EVENTS);
    expect(rows.filter(({ event }) => event.subject === undefined).length).toBeGreaterThan(LIMIT);
    const pages = await pagesOf(lake.walk({ types: TYPES }, { from: 0, until: 600 }, true), start);
    expect(ascending(positions(pages))).toEqual(rows.map(({ version }) => version));
  });

  test('of types that nobody has stored is over at once', async () => {
    const lake = await started();
    const pages = await pagesOf(lake.walk({ types: ['unheard-of'] }, { from: 0, until: EVENTS }, true), start);
    expect(positions(pages)).toEqual([]);
    expect(pages).toHaveLength(1);
  });
});
