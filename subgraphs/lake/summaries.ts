/**
 * Summaries of the lake: for every BLOCK events in a row, when they happened and of which kinds they are. Time and
 * position are nearly in the same order, but events come late and clocks are wrong; a summary says exactly where events of
 * a time may stand, so that only their neighbourhood is read, and how many there are of a kind without counting them.
 *
 * Rows never change, so neither does a summary. What has none yet (the newest rows) is looked at itself.
 */
import type { Collection } from 'mongodb';
import { ignoreDuplicates } from '../../events/errors.ts';
import { groupBy } from '../../events/group.ts';
import { cover, type Span } from './spans.ts';
import type { LakeRow } from './store.ts';

export type Kind = { source: string; type: string };

/** Events of a block between two times, in milliseconds since 1970, both included; positions of others may be among theirs. */
export type Stretch = { times: Span; positions: Span[]; kinds: (Kind & { count: number })[] };

export type Summary = { _id: number; stretches: Stretch[] };

/** From inclusive, to exclusive, in milliseconds since 1970. */
export type TimeRange = { fromMs: number; toMs: number };

/** Positions among which some events are of a time. */
export type Edge = { positions: Span; time: TimeRange };

/** 500 to the million are 2,000 summaries, half a megabyte in memory. */
export const BLOCK = 500;
/** Late events and wrong clocks make more than one stretch of a block. */
const STRETCHES_MAX = 4;
const POSITIONS_MAX = 8;
/** So many events of another time are read along with those around them. */
const OTHERS_MAX = 16;
/** Blocks summarised at a time, where a lake has none yet. */
const CATCH_UP = 20;
const LOAD_BATCH = 1_000;

export type Summaries = ReturnType<typeof createSummaries>;

/** @param rows the lake's. */
export function createSummaries(options: { collection: Collection<Summary>; rows: Collection<LakeRow> }) {
  const { collection, rows } = options;
  // Without gaps: the place in the list is the number of the block.
  const known: Summary[] = [];
  const tail = (): Span => [known.length * BLOCK + 1, Number.MAX_SAFE_INTEGER];

  /** Rows that were stored here and are in no summary yet. */
  const recent = new Map<number, LakeRow>();

  async function rowsOf(block: number): Promise<LakeRow[]> {
    const [first, last] = positionsOf(block);
    const held = Array.from({ length: BLOCK }, (_, at) => recent.get(first + at) ?? []).flat();
    if (held.length === BLOCK) return held;
    return rows
      .find({ chain: 'lake', version: { $gte: first, $lte: last } })
      .batchSize(BLOCK)
      .toArray();
  }

  async function load(): Promise<void> {
    for (;;) {
      const more = await collection
        .find({ _id: { $gte: known.length } })
        .sort({ _id: 1 })
        .limit(LOAD_BATCH)
        .batchSize(LOAD_BATCH)
        .toArray();
      // Another request may have loaded the same meanwhile.
      for (const summary of more) if (summary._id === known.length) known.push(summary);
      if (more.length < LOAD_BATCH) return;
    }
  }

  return {
    /**
     * Summarises the full blocks up to a position that are not yet, 20 at a time. Any number of processes may.
     *
     * @param appended rows that were just stored, if any: they need not be read again.
     */
    async extend(head: number, appended: readonly LakeRow[] = []): Promise<void> {
      for (const row of appended) recent.set(row.version, row);
      if ((known.length + 1) * BLOCK > head) return;
      await load();
      for (let blocks = 0; blocks < CATCH_UP && (known.length + 1) * BLOCK <= head; blocks++) {
        const block = known.length;
        const held = await rowsOf(block);
        // Not whole: it is left to be looked at itself.
        if (held.length < BLOCK) break;
        const summary = summarise(block, held);
        await collection.insertOne(summary).catch(ignoreDuplicates);
        if (known.length === block) known.push(summary);
      }
      // Of a block that others have stored too, what is held here is never whole.
      for (const position of recent.keys())
        if (position <= Math.max(known.length * BLOCK, head - 2 * BLOCK)) recent.delete(position);
    },

    /**
     * @returns positions of all events of a time and of certain kinds, in ascending order. Others may be among them, but of
     *   those kinds only few, one after the other.
     */
    async near(time: TimeRange, isWanted: (kind: Kind) => boolean): Promise<Span[]> {
      await load();
      const near: Span[] = [];
      let others = 0;
      for (const { stretches } of known) {
        const quiet = near.length === 0 || others > OTHERS_MAX;
        if (quiet && !stretches.some(stretch => meets(stretch, time))) continue;
        const wanted = stretches.filter(({ kinds }) => kinds.some(isWanted));
        const spans = wanted.flatMap(stretch => stretch.positions.map(span => ({ span, met: meets(stretch, time) })));
        for (const { span, met } of spans.sort((a, b) => a.span[0] - b.span[0])) {
          const before = near.at(-1);
          if (!met) others += span[1] - span[0] + 1;
          else if (before && (others <= OTHERS_MAX || span[0] <= before[1]))
            near[near.length - 1] = [before[0], Math.max(before[1], span[1])];
          else near.push(span);
          if (met) others = 0;
        }
      }
      const before = near.at(-1);
      if (before && others <= OTHERS_MAX) return [...near.slice(0, -1), [before[0], tail()[1]]];
      return [...near, tail()];
    },

    /** @returns positions whose events are all of a time, and others where some may be. */
    async parts(time: TimeRange): Promise<{ inside: Span[]; edges: Span[] }> {
      await load();
      const isInside = ({ stretches }: Summary) => stretches.every(stretch => isWithin(stretch, time));
      const edges = known.filter(summary => !isInside(summary)).flatMap(({ stretches }) => stretches);
      const met = edges.filter(stretch => meets(stretch, time)).flatMap(({ positions }) => positions);
      return {
        inside: cover(known.filter(isInside).map(({ _id }) => positionsOf(_id))),
        edges: cover([...met, tail()]),
      };
    },

    /** @returns how many events of a time and of certain kinds there are, apart from some edges where they have to be counted. */
    async count(time: TimeRange, isWanted: (kind: Kind) => boolean): Promise<{ counted: number; edges: Edge[] }> {
      await load();
      let counted = 0;
      const edges: Edge[] = [{ positions: tail(), time }];
      for (const { _id, stretches } of known) {
        for (const stretch of stretches) {
          if (isWithin(stretch, time)) counted += countOf(stretch, isWanted);
          else if (meets(stretch, time)) edges.push({ positions: positionsOf(_id), time: common(stretch, time) });
        }
      }
      return { counted, edges };
    },
  };
}

const meets = ({ times: [first, last] }: Stretch, { fromMs, toMs }: TimeRange) => last >= fromMs && first < toMs;
const isWithin = ({ times: [first, last] }: Stretch, { fromMs, toMs }: TimeRange) => first >= fromMs && last < toMs;
const common = ({ times: [first, last] }: Stretch, { fromMs, toMs }: TimeRange): TimeRange => ({
  fromMs: Math.max(first, fromMs),
  toMs: Math.min(last + 1, toMs),
});
const countOf = ({ kinds }: Stretch, isWanted: (kind: Kind) => boolean) =>
  kinds.reduce((sum, kind) => sum + (isWanted(kind) ? kind.count : 0), 0);

/** The positions of a block: 1 to 500, 501 to 1,000, ... */
export const positionsOf = (block: number): Span => [block * BLOCK + 1, (block + 1) * BLOCK];

/** @param rows all of the block. */
export function summarise(block: number, rows: readonly LakeRow[]): Summary {
  const timed = rows.map(row => ({ row, time: timeOf(row) }));
  const times = cover(
    timed.map(({ time }) => time),
    STRETCHES_MAX,
  );
  const stretches = times.map((around): Stretch => {
    const held = timed.filter(({ time }) => around[0] <= time[0] && time[1] <= around[1]).map(({ row }) => row);
    const positions = cover(
      held.map(({ version }): Span => [version, version]),
      POSITIONS_MAX,
    );
    return { times: around, positions, kinds: kindsIn(held) };
  });
  return { _id: block, stretches };
}

/** A time that cannot be read may be any. */
function timeOf({ event }: LakeRow): Span {
  const ms = Date.parse(event.time);
  return Number.isNaN(ms) ? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] : [ms, ms];
}

function kindsIn(rows: readonly LakeRow[]): Stretch['kinds'] {
  return [...groupBy(rows, ({ event }) => JSON.stringify([event.source, event.type])).values()].flatMap(alike => {
    const [first] = alike;
    return first ? [{ source: first.event.source, type: first.event.type, count: alike.length }] : [];
  });
}
