/**
 * Reading the lake by filter: any combination of conditions, in the order of positions, a page at a time. What is looked
 * at depends on the page and not on the lake: an index leads to each combination of subject, source and type, those that a
 * filter leaves open are asked for first, and the summaries say where a time is.
 */
import type { Collection, Filter } from 'mongodb';
import { clip, cover, type Place, placesIn, type Span } from './spans.ts';
import type { LakeRow } from './store.ts';
import type { Kind, Summaries, TimeRange } from './summaries.ts';

export type EventFilter = {
  types?: string[] | null;
  subject?: string | null;
  source?: string | null;
  correlationId?: string | null;
  from?: string | null;
  to?: string | null;
};

/** 1: oldest first; -1: newest first. */
export type Order = 1 | -1;

export const CHAIN = 'lake';

const byChain = { chain: 1, version: 1 } as const;
export const byKind = { 'event.source': 1, 'event.type': 1, version: 1 } as const;
export const bySubject = { 'event.subject': 1, 'event.source': 1, 'event.type': 1, version: 1 } as const;
const byCorrelation = { 'event.correlationid': 1, version: 1 } as const;

/** The chain's own is the store's. */
export const queryIndexes = [{ key: byKind }, { key: bySubject }, { key: byCorrelation }] as const;

/** Queries that one page takes, one after the other until it is full; the last is for all the rest. */
const STEPS_MAX = 32;

// An empty text is something to look for, which no event has.
const given = <Value>(value: Value | null | undefined): value is Value => value !== null && value !== undefined;

/** The query for a filter: pure. */
export function queryFor(filter: EventFilter | null | undefined): Filter<LakeRow> {
  const { types, subject, source, correlationId, from, to } = filter ?? {};
  const time = { ...(given(from) && { $gte: from }), ...(given(to) && { $lt: to }) };
  const query = {
    ...(given(types) && { 'event.type': { $in: types } }),
    ...(given(subject) && { 'event.subject': subject }),
    ...(given(source) && { 'event.source': source }),
    ...(given(correlationId) && { 'event.correlationid': correlationId }),
    ...(Object.keys(time).length > 0 && { 'event.time': time }),
  };
  return (Object.keys(query).length > 0 ? query : { chain: CHAIN }) as Filter<LakeRow>;
}

/** A filter as an index answers it in the order of positions. */
type Plan = { query: Filter<LakeRow>; hint: Readonly<Record<string, 1>>; kinds: Kinds | undefined };
type Step = Pick<Plan, 'query' | 'hint'>;
type Kinds = { sources: string[]; types: string[] };

export type Queries = ReturnType<typeof createQueries>;

/** @param summaries without them a time is looked for in the whole lake. */
export function createQueries(options: {
  rows: Collection<LakeRow>;
  size: () => Promise<number>;
  summaries: Summaries | undefined;
}) {
  const { rows, size, summaries } = options;

  /** Which kinds of events there are that the filter may mean: by jumping through an index from one to the next. */
  async function kindsOf({ types, subject, source }: EventFilter): Promise<Kinds> {
    const about = (given(subject) ? { 'event.subject': subject } : {}) as Filter<LakeRow>;
    const sources: string[] = given(source) ? [source] : await rows.distinct('event.source', about);
    const of = { ...about, 'event.source': { $in: sources } } as Filter<LakeRow>;
    const known: string[] = sources.length > 0 ? await rows.distinct('event.type', of) : [];
    return { sources, types: given(types) ? known.filter(type => types.includes(type)) : known };
  }

  async function planFor(filter: EventFilter): Promise<Plan> {
    const query = queryFor(filter);
    const { types, subject, source, correlationId } = filter;
    // A story is short.
    if (given(correlationId)) return { query, hint: byCorrelation, kinds: undefined };
    if (!given(types) && !given(subject) && !given(source)) {
      return { query: { ...query, chain: CHAIN }, hint: byChain, kinds: undefined };
    }
    const kinds = await kindsOf(filter);
    const listed = { 'event.source': { $in: kinds.sources }, 'event.type': { $in: kinds.types } };
    const hint = given(subject) ? bySubject : byKind;
    return { query: { ...query, ...listed } as Filter<LakeRow>, hint, kinds };
  }

  /** What a page reads, in its order: queries, each of which an index answers in the order of positions. */
  async function steps(filter: EventFilter, order: Order, within: Span): Promise<Step[]> {
    // Before the kinds: an event stored later may be of one that was not there yet, and must not be passed over.
    const head = await size();
    const plan = await planFor(filter);
    if (isNothing(plan)) return [];
    const all: Span = [within[0], Math.min(within[1], head)];
    const time = timeOf(filter);
    const near = time && summaries ? await summaries.near(time, isAmong(plan.kinds)) : [all];
    const places = placesIn(clip(near, all), order);
    const [rest] = cover(places.slice(STEPS_MAX - 1).flat(), 1);
    return [...places.slice(0, STEPS_MAX - 1), ...(rest ? [[rest]] : [])].map(place => stepAt(plan, place));
  }

  async function page(
    filter: EventFilter | null | undefined,
    order: Order,
    beyond: number | undefined,
    limit: number,
  ): Promise<LakeRow[]> {
    const found: LakeRow[] = [];
    for (const { query, hint } of await steps(filter ?? {}, order, spanBeyond(order, beyond))) {
      const wanted = limit - found.length;
      const cursor = rows.find(query).hint(hint);
      found.push(...(await cursor.sort({ version: order }).limit(wanted).batchSize(wanted).toArray()));
      if (found.length >= limit) break;
    }
    return found;
  }

  async function countRows(plan: Plan, spans: readonly Span[]): Promise<number> {
    let count = 0;
    for (const place of placesIn(spans, 1)) {
      const { query, hint } = stepAt(plan, place);
      count += await rows.countDocuments(query, { hint });
    }
    return count;
  }

  async function count(filter: EventFilter): Promise<number> {
    const plan = await planFor(filter);
    if (isNothing(plan)) return 0;
    const time = timeOf(filter);
    const summarised = !given(filter.subject) && !given(filter.correlationId);
    if (!summaries || (!time && !summarised)) return rows.countDocuments(plan.query, { hint: plan.hint });
    if (summarised) {
      const { counted, edges } = await summaries.count(time ?? ALWAYS, isAmong(plan.kinds));
      let count = counted;
      for (const edge of edges)
        count += await countRows({ ...plan, query: { ...plan.query, ...at(edge.time) } }, [edge.positions]);
      return count;
    }
    const { inside, edges } = await summaries.parts(time ?? ALWAYS);
    // Where all rows are of the time, it needs no look: the keys say it.
    const { 'event.time': _, ...query } = plan.query as Filter<LakeRow> & Record<string, unknown>;
    return (await countRows(plan, edges)) + (await countRows({ ...plan, query: query as Filter<LakeRow> }, inside));
  }

  return {
    rows,
    kindsOf,

    /**
     * Rows of a filter in the order of positions.
     *
     * @param beyond a position: rows after it, or before it when the newest come first.
     * @param limit a page; it is one batch.
     */
    page,

    /** The queries that a page consists of, one after the other until it is full: for looking at how they are answered. */
    steps: (filter: EventFilter | null | undefined, order: Order, beyond?: number) =>
      steps(filter ?? {}, order, spanBeyond(order, beyond)),

    /**
     * How many rows a filter has now. Kinds and times are known from the summaries but for their edges; of a subject or a
     * correlation the index's keys are counted.
     */
    count: (filter: EventFilter | null | undefined): Promise<number> =>
      'chain' in queryFor(filter) ? size() : count(filter ?? {}),
  };
}

const isNothing = ({ kinds }: Plan) => kinds !== undefined && (kinds.sources.length === 0 || kinds.types.length === 0);

const ALWAYS: TimeRange = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };

function timeOf({ from, to }: EventFilter): TimeRange | undefined {
  if (!given(from) && !given(to)) return undefined;
  return { fromMs: given(from) ? Date.parse(from) : ALWAYS.fromMs, toMs: given(to) ? Date.parse(to) : ALWAYS.toMs };
}

function spanBeyond(order: Order, beyond: number | undefined): Span {
  if (beyond === undefined) return [1, Number.MAX_SAFE_INTEGER];
  return order === 1 ? [beyond + 1, Number.MAX_SAFE_INTEGER] : [1, beyond - 1];
}

/** By the filter's own index; or where there is next to nothing to leave out, by position. */
function stepAt({ query, hint }: Plan, place: Place): Step {
  const [first] = place;
  if (place.length === 1 && first)
    return { query: { ...query, version: { $gte: first[0], $lte: first[1] } } as Filter<LakeRow>, hint };
  const version = { $in: place.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, at) => from + at)) };
  return { query: { ...query, chain: CHAIN, version } as Filter<LakeRow>, hint: byChain };
}

const isAmong = (kinds: Kinds | undefined) => (kind: Kind) =>
  !kinds || (kinds.sources.includes(kind.source) && kinds.types.includes(kind.type));

/** The condition for a time. */
function at({ fromMs, toMs }: TimeRange) {
  const time = {
    ...(Number.isFinite(fromMs) && { $gte: new Date(fromMs).toISOString() }),
    ...(Number.isFinite(toMs) && { $lt: new Date(toMs).toISOString() }),
  };
  return Object.keys(time).length > 0 ? { 'event.time': time } : {};
}
