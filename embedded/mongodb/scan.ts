/**
 * Documents that a plan leads to, in order, read in chunks. Between chunks nothing is held: a scan goes on behind the
 * last key it has seen, so that no snapshot is pinned however long its reader takes. Generators give undefined where a
 * long scan may pause for other work.
 */
import type { Collection } from './catalog.ts';
import { type Engine, readDocument } from './documents.ts';
import { decodeOnly, fieldsAt } from './elements.ts';
import { fail } from './errors.ts';
import { complement, encodeValue } from './keys.ts';
import { compileFilter, type Predicate, pathsOf } from './match.ts';
import { indexed, parts } from './paths.ts';
import { choosePlan, type Hint, type Plan, type Range, type Scan, type SortKey } from './plan.ts';
import type { Entry } from './store.ts';
import { type Doc, decode } from './values.ts';

export type Query = { filter: Doc; sort: SortKey; skip: number; limit: number; hint?: Hint };

/** What a scan has looked at so far, as `explain` tells it. */
export type Stats = { keys: number; docs: number };

/** Set `stale` after time has passed: what a chunk holds is then read again. */
export type Lease = { stale: boolean };

/** `doc` is there if the filter had to be tested on the whole document. */
export type Hit = { idKey: Buffer; raw: Buffer; doc?: Doc };

/** Whether a document passes the filter: it comes back decoded as far as that took. */
type Test = (raw: Buffer) => { passes: boolean; doc?: Doc };

type Steps = Generator<Hit | undefined, void>;

const FIRST_CHUNK = 16;
const LAST_CHUNK = 512;

/** What a sort in memory may hold, in bytes: MongoDB's limit too. */
const SORT_BYTES = 100 * 1024 * 1024;

export type Run = { plan: Plan; stats: Stats; lease: Lease; hits: Steps };

/** Throws what the filter is wrong about; nothing is read before the first hit is asked for. */
export function runQuery(engine: Engine, collection: Collection, query: Query): Run {
  const passes = compileFilter(query.filter);
  const within = (ranges: Range[], keys: number) => {
    let left = keys;
    for (const range of ranges) if (left >= 0) left -= engine.storage.scan({ ...range, limit: left + 1 }).length;
    return left >= 0;
  };
  const plan = choosePlan(collection, { ...query, limit: query.limit && query.limit + query.skip }, within);
  const stats = { keys: 0, docs: 0 };
  const lease = { stale: false };
  const test = plan.exact ? undefined : testOf(query.filter, passes, plan.kind === 'scan' && plan.idMet);
  if (plan.kind === 'scan' && plan.keyed && !plan.index && query.sort.length === 0 && query.skip === 0) {
    return { plan, stats, lease, hits: byKey(engine, collection, plan, test, stats, query.limit) };
  }
  const found = matching(engine, collection, plan, test, stats, lease);
  const ordered = plan.sorted || query.sort.length === 0 ? found : sorted(found, query);
  return { plan, stats, lease, hits: window(ordered, query) };
}

/** @param passes the whole filter. @param idMet whether what it says of `_id` need not be tested. */
function testOf(filter: Doc, passes: Predicate, idMet: boolean): Test {
  const paths = pathsOf(filter);
  if (paths) {
    const { _id, ...others } = filter;
    const rest = idMet ? compileFilter(others) : passes;
    const fields = fieldsAt(idMet ? (pathsOf(others) ?? []) : paths);
    return raw => ({ passes: rest(decodeOnly(raw, fields)) });
  }
  return raw => {
    const doc = decode(raw);
    return { passes: passes(doc), doc };
  };
}

/** The documents of so many ids, each read by its key; `limit` 0: all. */
function* byKey(
  engine: Engine,
  collection: Collection,
  scan: Scan,
  test: Test | undefined,
  stats: Stats,
  limit: number,
): Steps {
  let turns = 0;
  let found = 0;
  for (const { from } of scan.ranges) {
    if (++turns % LAST_CHUNK === 0) yield undefined;
    const value = engine.storage.get(from);
    const hit = value && toHit(engine, collection, scan, { key: from, value }, test, stats);
    if (!hit) continue;
    yield hit;
    if (++found === limit) return;
  }
}

function* window(hits: Steps, { skip, limit }: Query): Steps {
  let left = limit || Number.POSITIVE_INFINITY;
  let skipped = 0;
  for (const hit of hits) {
    if (!hit) yield undefined;
    else if (skipped < skip) skipped++;
    else {
      yield hit;
      if (--left === 0) return;
    }
  }
}

function* matching(
  engine: Engine,
  collection: Collection,
  plan: Plan,
  test: Test | undefined,
  stats: Stats,
  lease: Lease,
): Steps {
  const scans = plan.kind === 'scan' ? [plan] : plan.scans;
  const repeats = scans.length > 1 || scans[0]?.index?.multikey.some(Boolean);
  const seen = new Set<string>();
  for (const scan of scans) {
    const read = scan.merged && scan.ranges.length > 1 ? mergedEntries : entries;
    for (const entry of read(engine, collection, scan, lease)) {
      if (!entry) yield undefined;
      else {
        const hit = toHit(engine, collection, scan, entry, test, stats);
        if (!hit || (repeats && seen.has(hit.idKey.toString('latin1')))) continue;
        if (repeats) seen.add(hit.idKey.toString('latin1'));
        yield hit;
      }
    }
  }
}

function toHit(
  engine: Engine,
  collection: Collection,
  scan: Scan,
  entry: Entry,
  test: Test | undefined,
  stats: Stats,
): Hit | undefined {
  if (scan.index || scan.bounded) stats.keys++;
  const idKey = scan.index ? entry.value : entry.key.subarray(4);
  const raw = scan.index ? readDocument(engine, collection, idKey) : entry.value;
  if (!raw) return undefined;
  stats.docs++;
  if (!test) return { idKey, raw };
  const { passes, doc } = test(raw);
  if (!passes) return undefined;
  return doc ? { idKey, raw, doc } : { idKey, raw };
}

function* entries(engine: Engine, collection: Collection, scan: Scan, lease: Lease): Generator<Entry | undefined> {
  const { storage } = engine;
  const ranges = scan.reverse ? scan.ranges.toReversed() : scan.ranges;
  let size = FIRST_CHUNK;
  let turns = 0;
  for (const range of ranges) {
    if (++turns % LAST_CHUNK === 0) yield undefined;
    if (scan.keyed) {
      const value = storage.get(range.from);
      if (value) yield { key: range.from, value };
      continue;
    }
    let rest: Range | undefined = range;
    while (rest) {
      refuseIfDropped(engine, collection, scan);
      const chunk: Entry[] = storage.scan({ ...rest, reverse: scan.reverse, limit: size });
      lease.stale = false;
      let last: Entry | undefined;
      for (const entry of chunk) {
        last = entry;
        yield entry;
        if (lease.stale) break;
      }
      rest = last && (lease.stale || chunk.length === size) ? behind(rest, last.key, scan.reverse) : undefined;
      size = Math.min(size * 2, LAST_CHUNK);
      if (rest) yield undefined;
    }
  }
}

/** A range that is read together with others: what is left of its chunk, and the last key taken of it. */
type Stream = { range: Range; chunk: Entry[]; size: number; last?: Buffer; over: boolean };

/** All ranges at once, in the order of what follows their fixed parts. */
function* mergedEntries(
  engine: Engine,
  collection: Collection,
  scan: Scan,
  lease: Lease,
): Generator<Entry | undefined> {
  const { ranges, reverse } = scan;
  let streams: Stream[] = ranges.map(range => ({ range, chunk: [], size: FIRST_CHUNK, over: false }));
  for (let turns = 1; ; turns++) {
    // Nothing of a chunk that was read before a pause is used.
    if (lease.stale) for (const stream of streams) Object.assign(stream, { chunk: [], over: false });
    lease.stale = false;
    for (const stream of streams)
      if (stream.chunk.length === 0 && !stream.over) refill(engine, collection, scan, stream);
    streams = streams.filter(({ chunk }) => chunk.length > 0);
    const first = streams.reduce<Stream | undefined>((a, b) => (a && inOrder(a, b, reverse) ? a : b), undefined);
    const entry = first?.chunk.shift();
    if (!first || !entry) return;
    first.last = entry.key;
    yield entry;
    if (turns % LAST_CHUNK === 0) yield undefined;
  }
}

function refill(engine: Engine, collection: Collection, scan: Scan, stream: Stream): void {
  const { reverse } = scan;
  const { range, last, size } = stream;
  refuseIfDropped(engine, collection, scan);
  const rest = last ? behind(range, last, reverse) : range;
  stream.chunk = engine.storage.scan({ from: rest.from, to: rest.to, reverse, limit: size });
  stream.over = stream.chunk.length < size;
  stream.size = Math.min(size * 2, LAST_CHUNK);
}

function inOrder(a: Stream, b: Stream, reverse: boolean): boolean {
  const rest = ({ range, chunk: [entry] }: Stream) => entry?.key.subarray(range.fixed ?? 0) ?? Buffer.alloc(0);
  const order = Buffer.compare(rest(a), rest(b));
  return reverse ? order >= 0 : order <= 0;
}

/** What is dropped between two chunks would look like the end. */
function refuseIfDropped({ catalog }: Engine, collection: Collection, { index }: Scan): void {
  const there = catalog.find(collection.db, collection.name) === collection;
  if (!there || (index && !collection.indexes.includes(index))) {
    fail('QueryPlanKilled', 'the collection or index was dropped while it was read');
  }
}

/** What of a range lies behind a key. */
function behind(range: Range, key: Buffer, reverse: boolean): Range {
  return reverse ? { from: range.from, to: key } : { from: Buffer.concat([key, Buffer.alloc(1)]), to: range.to };
}

/** Sorted in memory, keeping no more than what skip and limit can reach. */
function* sorted(hits: Steps, { sort, skip, limit }: Query): Steps {
  const wanted = limit > 0 ? skip + limit : Number.POSITIVE_INFINITY;
  const fields = fieldsAt(sort.map(([path]) => parts(path)));
  let kept: { key: Buffer; hit: Hit }[] = [];
  let bytes = 0;
  const cut = () => {
    kept.sort((a, b) => Buffer.compare(a.key, b.key));
    if (kept.length > wanted) kept = kept.slice(0, wanted);
    bytes = kept.reduce((sum, { key, hit }) => sum + key.length + hit.raw.length, 0);
  };
  for (const hit of hits) {
    if (!hit) {
      yield undefined;
      continue;
    }
    const key = sortKey(hit.doc ?? decodeOnly(hit.raw, fields), sort);
    kept.push({ key, hit: { idKey: hit.idKey, raw: hit.raw } });
    bytes += key.length + hit.raw.length;
    if (kept.length > 2 * wanted + 1000 || bytes > SORT_BYTES) cut();
    if (bytes > SORT_BYTES)
      fail('QueryExceededMemoryLimitNoDiskUseAllowed', `Sort exceeded memory limit of ${SORT_BYTES} bytes`);
  }
  cut();
  for (const { hit } of kept) yield hit;
}

/** Bytes in the order of the sort: of an array its least element, or descending its greatest; missing is null. */
export function sortKey(doc: Doc, sort: SortKey): Buffer {
  return Buffer.concat(
    sort.map(([path, direction]) => {
      const keys = indexed(doc, parts(path)).values.map(encodeValue);
      const best = keys.reduce((a, b) => (Buffer.compare(a, b) * direction <= 0 ? a : b));
      return direction === 1 ? best : complement(best);
    }),
  );
}
