import { describe, expect, test } from 'vitest';
import type { Event } from '../../events/event.ts';
import { createSystem, happening, happenings, isReady, useServers } from '../../events/fixture.ts';
import { type LinesRequest, readLines, toLine } from './export.ts';
import { GENESIS, hashAfter } from './hash.ts';
import { BrokenExport, parseLine, readExport, restoreLake } from './restore.ts';
import { createLake, indexes, type Lake, type LakeRow } from './store.ts';

const urls = useServers();

async function emptyLake(): Promise<Lake> {
  const system = createSystem(urls);
  await Promise.all([isReady(system.transport.redis), isReady(system.subscriber)]);
  const rows = system.collection<LakeRow>('lake', 'rows');
  await rows.createIndexes([...(Object.values(indexes)[0] ?? [])]);
  return createLake({ summaries: undefined, rows, feed: system.feed, clock: system.clock });
}

/** All parts of an export, as a gateway asks for them. */
async function parts(lake: Lake, filter: LinesRequest['filter'] = null, after = 0): Promise<string[]> {
  const texts: string[] = [];
  let position = after;
  for (let until: number | null = null; ; ) {
    const part = await readLines(lake, { filter, after: position, until });
    texts.push(part.text);
    if (part.position >= part.until) return texts;
    ({ position, until } = part);
  }
}

const linesOf = (text: string) => text.split('\n').slice(0, -1);
const exportOf = async (lake: Lake) => linesOf((await parts(lake)).join(''));
const positions = (texts: string[]) =>
  linesOf(texts.join('')).map((line, index) => parseLine(line, index + 1).position);

async function* each<Value>(values: Iterable<Value>): AsyncGenerator<Value> {
  yield* values;
}

/** The lines of a lake with these events, made without one. */
function linesFor(events: readonly Event[]): string[] {
  let hash = GENESIS;
  return events.map((event, index) => {
    hash = hashAfter(hash, event);
    return toLine({ event, version: index + 1, hash }).trimEnd();
  });
}

/** Events with whatever JSON can hold, of two subjects, a second apart. */
const varied = (count: number): Event[] =>
  Array.from({ length: count }, (_, index) => ({
    ...happening(`${index}`),
    type: ['deposited', 'withdrawn', 'unheard-of'][index % 3] as string,
    subject: `account ${index % 2}`,
    time: new Date(Date.UTC(2026, 0, 1) + index * 1000).toISOString(),
    extension: 'kept',
    data: { n: index, deep: [{ er: null }, 1.5, -0, 'ü\u2028\n"'], 7: true },
  }));

describe('lines', () => {
  test('are the events as they were stored, with their place, and come in parts', async () => {
    const lake = await emptyLake();
    const events = varied(1_100);
    await lake.store(events);
    const texts = await parts(lake);
    expect(texts.map(text => linesOf(text).length)).toEqual([500, 500, 100]);
    const lines = linesOf(texts.join(''));
    const { hash } = (await lake.after(1_099, null, 1))[0] ?? {};
    expect(JSON.parse(lines[1_099] ?? '')).toEqual({
      ...JSON.parse(JSON.stringify(events[1_099])),
      lakeposition: 1_100,
      lakehash: hash,
    });
  });

  test('end where the lake ended when the first were read', async () => {
    const lake = await emptyLake();
    await lake.store(happenings(600));
    const first = await readLines(lake, { after: 0 });
    await lake.store([happening('later')]);
    const second = await readLines(lake, { after: first.position, until: first.until });
    expect([first.position, first.until, second.position, linesOf(second.text).length]).toEqual([500, 600, 600, 100]);
    expect(await readLines(lake, { after: 601 })).toEqual({ text: '', position: 601, until: 601 });
    expect(await readLines(lake, { after: 9_999 })).toEqual({ text: '', position: 601, until: 601 });
  });

  test('of a part that would be long are fewer', async () => {
    const lake = await emptyLake();
    await lake.store(happenings(30).map(event => ({ ...event, data: 'x'.repeat(200_000) })));
    const texts = await parts(lake);
    expect(texts.map(text => linesOf(text).length)).toEqual([10, 10, 10]);
    expect(positions(texts)).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
  });

  test.each<[string, LinesRequest['filter'], (event: Event) => boolean]>([
    ['one type', { types: ['deposited'] }, ({ type }) => type === 'deposited'],
    ['several', { types: ['deposited', 'withdrawn'] }, ({ type }) => type !== 'unheard-of'],
    ['none that there is', { types: ['a', 'b'] }, () => false],
    ['a subject', { subject: 'account 1' }, ({ subject }) => subject === 'account 1'],
    ['times', { from: '2026-01-01T00:01:00.000Z', to: '2026-01-01T00:11:00.000Z' }, minutes(1, 11)],
    [
      'all of that',
      { types: ['deposited', 'withdrawn'], subject: 'account 1', to: '2026-01-01T00:11:00.000Z' },
      event => event.subject === 'account 1' && event.type !== 'unheard-of' && minutes(0, 11)(event),
    ],
  ])('are those of a filter: %s', async (_, filter, selects) => {
    const lake = await emptyLake();
    const events = varied(1_700);
    await lake.store(events);
    const expected = events.flatMap((event, index) => (selects(event) ? [index + 1] : []));
    expect(positions(await parts(lake, filter))).toEqual(expected);
    expect(positions(await parts(lake, filter, 333))).toEqual(expected.filter(position => position > 333));
  });
});

function minutes(from: number, to: number): (event: Event) => boolean {
  return ({ time }) => {
    const minute = (Date.parse(time) - Date.UTC(2026, 0, 1)) / 60_000;
    return minute >= from && minute < to;
  };
}

describe('an export, read back', () => {
  test('makes the same lake', async () => {
    const [lake, other] = [await emptyLake(), await emptyLake()];
    await lake.store(varied(1_500));
    const lines = await exportOf(lake);
    const stored: number[] = [];
    await restoreLake(other, readExport(each(lines)), position => stored.push(position));
    expect(stored).toEqual([1_000, 1_500]);
    expect(await other.verify()).toEqual(await lake.verify());
    expect(await exportOf(other)).toEqual(lines);
  });

  test('goes on where an import before was ended', async () => {
    const lake = await emptyLake();
    const events = varied(700);
    await lake.store(events.slice(0, 300));
    const lines = linesFor(events);
    await restoreLake(lake, readExport(each(lines)), () => undefined);
    expect(await exportOf(lake)).toEqual(lines);
  });

  test.each<[string, Event[]]>([
    ['other events', varied(300).reverse()],
    ['more events', varied(800)],
  ])('does not touch a lake that has %s', async (_, events) => {
    const lake = await emptyLake();
    await lake.store(events);
    const before = await lake.verify();
    const restored = restoreLake(lake, readExport(each(linesFor(varied(700)))), () => undefined);
    await expect(restored).rejects.toThrow(BrokenExport);
    expect(await lake.verify()).toEqual(before);
  });

  test('stops when somebody else writes to the lake', async () => {
    const lake = await emptyLake();
    const restored = restoreLake(lake, readExport(each(linesFor(varied(3_000)))), position => {
      if (position === 1_000) void lake.store([happening('of somebody else')]);
    });
    await expect(restored).rejects.toThrow(/^Position \d+: the lake holds another event there, or more/);
  });

  test('is not whole where somebody else has written behind its end', async () => {
    const lake = await emptyLake();
    const store = async (events: readonly Event[]) => {
      await lake.store(events);
      await lake.store([happening('of somebody else')]);
    };
    const restored = restoreLake({ ...lake, store }, readExport(each(linesFor(varied(10)))), () => undefined);
    await expect(restored).rejects.toThrow('Position 10: the lake holds another event there, or more');
  });

  test('stops at an event that is in it twice', async () => {
    const lake = await emptyLake();
    const events = [...varied(10), ...varied(1)];
    await expect(restoreLake(lake, readExport(each(linesFor(events))), () => undefined)).rejects.toThrow(
      'Position 11:',
    );
  });
});

describe('an export is broken', () => {
  const lines = linesFor(varied(5));
  const changed = (change: object) => JSON.stringify({ ...JSON.parse(lines[2] ?? ''), ...change });

  test.each<[string, string, string]>([
    ['that was cut', (lines[2] ?? '').slice(0, 80), 'Line 3: no JSON'],
    ['that is empty', '', 'Line 3: no JSON'],
    ['that is no object', '[]', 'Line 3: no event with its lakeposition and lakehash'],
    ['without a place', changed({ lakeposition: undefined }), 'Line 3: no event with its lakeposition'],
    ['of no event', changed({ source: 'nowhere' }), 'Line 3: no event: source: '],
    ['with other data', changed({ data: { n: 3 } }), 'Position 3: the event is not the one'],
    ['with an attribute more', changed({ more: 1 }), 'Position 3: the event is not the one'],
    ['with another hash', changed({ lakehash: GENESIS }), 'Position 3: the event is not the one'],
    ['with another position', changed({ lakeposition: 4 }), 'Line 3: position 4 where 3 belongs.'],
  ])('by a line %s', async (_, line, message) => {
    const broken = lines.with(2, line);
    const read: number[] = [];
    const reading = (async () => {
      for await (const { position } of readExport(each(broken))) read.push(position);
    })();
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toThrow(BrokenExport);
    expect(read).toEqual([1, 2]);
  });

  test('by a line that is missing, or two that were swapped', async () => {
    for (const broken of [lines.toSpliced(1, 1), lines.toSpliced(0, 1), lines.toReversed()]) {
      const [first] = broken;
      await expect(restoreLake(await emptyLake(), readExport(each(broken)), () => undefined)).rejects.toThrow(
        first === lines[0]
          ? 'Line 2: position 3 where 2 belongs. Only an export of the whole lake'
          : 'Line 1: position',
      );
    }
  });
});
