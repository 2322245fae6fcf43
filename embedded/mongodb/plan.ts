/**
 * Which index answers a filter. Only conditions that every matching document must meet are used; what they do not say
 * exactly is left to the filter itself, which is then tested on each document found.
 */
import { BSONRegExp, Double, MaxKey, MinKey } from 'bson';
import { type Collection, type Index, prefix } from './catalog.ts';
import { fail } from './errors.ts';
import { after, compareKeys, complement, encodeValue, keyById, partBytes, shorten, widen } from './keys.ts';
import { isNumber, toDouble } from './numbers.ts';
import { type Doc, isArray, isObject, isOperators, kindOf, RANK, truthy } from './values.ts';

/** `fixed`: how many bytes its keys have in common, where it stands for values given one by one. */
export type Range = { from: Buffer; to: Buffer; fixed?: number };

/** `index` undefined: the collection itself, in order of `_id`. `exact`: what is found need not be tested. */
export type Scan = {
  kind: 'scan';
  index: Index | undefined;
  ranges: Range[];
  reverse: boolean;
  exact: boolean;
  /** In the order of the sort. */
  sorted: boolean;
  /** Each range is in the order of the sort, and so are they all once they are merged. */
  merged: boolean;
  bounded: boolean;
  /** Each range begins with the one whole key it can hold. */
  keyed: boolean;
  /** What the filter says of `_id` at its top is met by all that is found. */
  idMet: boolean;
};
export type Plan = Scan | { kind: 'union'; scans: Scan[]; exact: false; sorted: false };

export type SortKey = [path: string, direction: 1 | -1][];
export type Hint = string | [path: string, direction: number][] | undefined;

/** Points in one index, or ranges of one field, beyond this number are not worth it. */
const MAX_RANGES = 5000;

/** Ranges to be merged in the order of a sort, at most: MongoDB's limit too. */
const MAX_MERGED = 200;

/** One end-to-end piece of an index field's order: encoded values, each including all keys that begin with it. */
type Interval = { low: Buffer; lowIncluded: boolean; high: Buffer; highIncluded: boolean };
type Bounds = { intervals: Interval[]; points: boolean; exact: boolean };

/** What one condition says of a field: the operator and its argument. */
type Condition = { operator: string; value: unknown };
type Conditions = Map<string, Condition[]>;

/** What is asked of a plan. `within` tells whether ranges hold no more than so many keys. */
export type Wanted = { filter: Doc; sort: SortKey; limit: number; hint?: Hint };
type Within = (ranges: Range[], keys: number) => boolean;

export function choosePlan(collection: Collection, { filter, sort, limit, hint }: Wanted, within: Within): Plan {
  const known = hint === undefined && sort.length === 0 ? byIds(collection, filter) : undefined;
  if (known) return known;
  const { conditions, others, alternatives } = conditionsOf(filter);
  const byId = hint === undefined ? scanOf(collection, undefined, conditions, sort, others === 0) : undefined;
  // Nothing can be better than to know which documents they are.
  if (byId?.keyed && sort.length === 0) return byId;
  const indexes = hint === undefined ? collection.indexes.filter(i => i.ready) : [hinted(collection, hint)];
  const byIndex = indexes.flatMap(index => {
    const scan = scanOf(collection, index, conditions, sort, others === 0);
    return scan ? [scan] : [];
  });
  const candidates = byId ? [byId, ...byIndex] : byIndex;
  const best = candidates.reduce((a, b) => (b.score > a.score ? b : a), candidates[0] ?? whole(collection));
  if (!best.bounded && hint === undefined) {
    const union = alternatives.map(list => unionOf(collection, list, within)).find(plan => plan !== undefined);
    if (union) return union;
  }
  if (limit === 0 || best.sorted || sort.length === 0) return best;
  // An index in the order of the sort can stop at the limit, where the best one may have much to read and sort first.
  const stopping = candidates.find(scan => scan.sorted && scan.bounded);
  return stopping && !within(best.ranges, Math.max(1000, 10 * limit)) ? stopping : best;
}

/**
 * What most are that write: a filter of fields alone, which says what `_id` is equal to, or one of what.
 * @returns what `scanOf` would; undefined for others.
 */
function byIds(collection: Collection, filter: Doc): Scan | undefined {
  const ids = idsOf(filter);
  if (!ids || ids.length > MAX_RANGES || ids.some(id => isArray(id) || id instanceof BSONRegExp)) return undefined;
  const keys = ids.map(id => keyById(collection.id, id ?? null)).sort(compareKeys);
  const distinct = keys.filter((key, i) => i === 0 || !key.equals(keys[i - 1] ?? key));
  return {
    kind: 'scan',
    index: undefined,
    ranges: distinct.map(from => ({ from, to: after(from), fixed: from.length })),
    reverse: false,
    exact: Object.keys(filter).length === 1,
    sorted: true,
    merged: false,
    bounded: true,
    keyed: true,
    idMet: true,
  };
}

function idsOf(filter: Doc): unknown[] | undefined {
  if (!Object.hasOwn(filter, '_id')) return undefined;
  for (const name in filter) if (name.startsWith('$')) return undefined;
  const { _id } = filter;
  if (!isOperators(_id)) return [_id];
  return isArray(_id.$in) && Object.keys(_id).length === 1 ? _id.$in : undefined;
}

const whole = (collection: Collection): Scored => ({
  ...{ kind: 'scan', index: undefined, ranges: [{ from: prefix(collection.id), to: prefix(collection.id + 1) }] },
  ...{ reverse: false, exact: false, sorted: false, merged: false, bounded: false, keyed: false },
  ...{ idMet: false, score: 0 },
});

function hinted(collection: Collection, hint: Exclude<Hint, undefined>): Index | undefined {
  if (hint === '_id_' || hint === '$natural') return undefined;
  const pattern = (key: [string, number][]) => JSON.stringify(key);
  if (typeof hint !== 'string' && ['[["_id",1]]', '[["$natural",1]]', '[["$natural",-1]]'].includes(pattern(hint)))
    return undefined;
  const index = collection.indexes.find(i =>
    typeof hint === 'string' ? i.name === hint : pattern(i.key) === pattern(hint),
  );
  return index?.ready ? index : fail('BadValue', 'hint provided does not correspond to an existing index');
}

function unionOf(collection: Collection, list: Doc[], within: Within): Plan | undefined {
  const scans: Scan[] = [];
  for (const filter of list) {
    const plan = choosePlan(collection, { filter, sort: [], limit: 0 }, within);
    const parts = plan.kind === 'scan' ? [plan] : plan.scans;
    if (parts.some(scan => !scan.bounded)) return undefined;
    scans.push(...parts);
  }
  return { kind: 'union', scans, exact: false, sorted: false };
}

/** Conditions by field from a filter and its `$and`s; how many clauses they leave out; and the `$or`s among those. */
function conditionsOf(filter: Doc): { conditions: Conditions; others: number; alternatives: Doc[][] } {
  const conditions: Conditions = new Map();
  const alternatives: Doc[][] = [];
  let others = 0;
  const note = (path: string, operator: string, value: unknown) =>
    conditions.set(path, [...(conditions.get(path) ?? []), { operator, value }]);
  const walk = (part: Doc) => {
    for (const [name, value] of Object.entries(part)) {
      if (name === '$and' && isArray(value)) value.filter(isObject).forEach(walk);
      else if (name === '$comment') continue;
      else if (name.startsWith('$')) {
        others++;
        if (name === '$or' && isArray(value)) alternatives.push(value.filter(isObject));
      } else if (!isOperators(value)) note(name, '$eq', value);
      else for (const [operator, argument] of Object.entries(value)) note(name, operator, argument);
    }
  };
  walk(filter);
  return { conditions, others, alternatives };
}

type Scored = Scan & { score: number };

const ID_KEY: [string, 1][] = [['_id', 1]];

function scanOf(
  collection: Collection,
  index: Index | undefined,
  conditions: Conditions,
  sort: SortKey,
  alone: boolean,
): Scored | undefined {
  const key = index?.key ?? ID_KEY;
  const limit = index ? partBytes(key.length) : partBytes(1);
  if (index?.sparse && !key.some(([path]) => impliesExistence(conditions.get(path) ?? []))) return undefined;
  let prefixes: Buffer[] = [prefix(index?.id ?? collection.id)];
  let ranges: Range[] | undefined;
  let points = 0;
  let single = 0;
  let used = 0;
  let exact = alone && !index?.lossy;
  let arrays = 0;
  let idMet = false;
  for (const [i, [path, direction]] of key.entries()) {
    const multikey = index?.multikey[i] ?? false;
    if (multikey && ++arrays > 1) break;
    const bounds = boundsOf(conditions.get(path) ?? [], limit, multikey);
    if (!bounds || bounds.intervals.length * prefixes.length > MAX_RANGES) break;
    exact &&= bounds.exact && !multikey;
    used++;
    if (!bounds.points) {
      ranges = prefixes.flatMap(start => bounds.intervals.map(interval => toRange(start, interval, direction)));
      break;
    }
    points++;
    if (bounds.intervals.length === 1 && single === i) single++;
    const ends = bounds.intervals.map(({ low }) => (direction === 1 ? low : complement(low)));
    prefixes = prefixes.flatMap(start => ends.map(end => Buffer.concat([start, end])));
    if (!index) idMet = bounds.exact;
  }
  exact &&= used === conditions.size || (index?.sparse === true && sparseExact(index, conditions, used));
  ranges ??= prefixes.map(from => ({ from, to: after(from), fixed: from.length }));
  const ordered = !index?.lossy && !index?.multikey.some(Boolean);
  const straight = sortOrder(key, single, sort);
  const merging =
    straight === undefined && ranges.length <= MAX_MERGED ? mergeOrder(key, single, points, sort) : undefined;
  const order = straight ?? merging;
  const sorted = ordered && order !== undefined;
  const merged = ordered && merging !== undefined;
  const sparse = index?.sparse === true;
  // Whole unique keys lead to one document each: nothing can be better.
  const keyed = points === key.length && (!index || index.unique);
  return {
    kind: 'scan',
    index,
    ranges: merge(ranges),
    reverse: sorted && order === 'backward',
    exact,
    sorted,
    merged,
    keyed,
    idMet,
    bounded: used > 0 || sparse,
    score:
      points * 10 + (used - points) * 5 + (sorted && sort.length > 0 ? 6 : 0) + (sparse ? 3 : 0) + (keyed ? 100 : 0),
  };
}

/** A sparse index of one field holds exactly the documents with that field: `{field: {$exists: true}}` alone. */
function sparseExact(index: Index, conditions: Conditions, used: number): boolean {
  const [field] = index.key;
  const all = conditions.get(field?.[0] ?? '') ?? [];
  return used === 0 && index.key.length === 1 && conditions.size === 1 && all.every(c => c.operator === '$exists');
}

function impliesExistence(conditions: Condition[]): boolean {
  return conditions.some(({ operator, value }) => {
    if (operator === '$exists') return truthy(value);
    if (operator === '$in') return isArray(value) && value.every(member => member != null);
    return ['$eq', '$gt', '$gte', '$lt', '$lte'].includes(operator) && value != null;
  });
}

/** Ascending or backward if, after fields fixed to one point, the index goes on in the order of the sort. */
function sortOrder(key: Index['key'], fixed: number, sort: SortKey): 'forward' | 'backward' | undefined {
  if (sort.length === 0) return 'forward';
  const fixedPaths = new Set(key.slice(0, fixed).map(([path]) => path));
  const wanted = sort.filter(([path]) => !fixedPaths.has(path));
  const rest = key.slice(fixed);
  if (wanted.length > rest.length) return undefined;
  const matches = (sign: number) => wanted.every(([path, d], i) => rest[i]?.[0] === path && rest[i]?.[1] === d * sign);
  return matches(1) ? 'forward' : matches(-1) ? 'backward' : undefined;
}

/** The order of each range where some fields have several points, which must not be fields of the sort themselves. */
function mergeOrder(key: Index['key'], single: number, points: number, sort: SortKey) {
  const several = new Set(key.slice(single, points).map(([path]) => path));
  return sort.some(([path]) => several.has(path)) ? undefined : sortOrder(key, points, sort);
}

function toRange(start: Buffer, { low, lowIncluded, high, highIncluded }: Interval, direction: 1 | -1): Range {
  const join = (key: Buffer) => Buffer.concat([start, key]);
  const cut = (key: Buffer, past: boolean) => (past ? after(join(key)) : join(key));
  const fixed = start.length;
  if (direction === 1) return { from: cut(low, !lowIncluded), to: cut(high, highIncluded), fixed };
  return { from: cut(complement(high), !highIncluded), to: cut(complement(low), lowIncluded), fixed };
}

/** In order, without the empty ones and without what two have in common. */
function merge(ranges: Range[]): Range[] {
  const ordered = ranges.filter(r => compareKeys(r.from, r.to) < 0).sort((a, b) => compareKeys(a.from, b.from));
  const merged: Range[] = [];
  for (const range of ordered) {
    const last = merged.at(-1);
    if (!last || compareKeys(range.from, last.to) >= 0) merged.push({ ...range });
    else if (compareKeys(range.to, last.to) > 0) last.to = range.to;
  }
  return merged;
}

/**
 * Bounds from the conditions on one field. With arrays on its path, only one condition can be used, because each may
 * be met by another element.
 */
function boundsOf(conditions: Condition[], limit: number, multikey: boolean): Bounds | undefined {
  let result: Bounds | undefined;
  let complete = true;
  for (const condition of conditions) {
    const bounds = boundsFor(condition, limit);
    if (!bounds) complete = false;
    else if (!result) result = bounds;
    else if (multikey) {
      if (bounds.points && !result.points) result = bounds;
    } else result = intersect(result, bounds);
  }
  return result && { ...result, exact: result.exact && complete };
}

function intersect(a: Bounds, b: Bounds): Bounds {
  if (a.points !== b.points) return a.points ? { ...a, exact: false } : { ...b, exact: false };
  if (a.points) return a.intervals.length <= b.intervals.length ? { ...a, exact: false } : { ...b, exact: false };
  const [x] = a.intervals;
  const [y] = b.intervals;
  if (!x || !y) return { intervals: [], points: false, exact: true };
  const low = lower(x, y) ? y : x;
  const high = upper(x, y) ? y : x;
  const both = { low: low.low, lowIncluded: low.lowIncluded, high: high.high, highIncluded: high.highIncluded };
  return { intervals: [both], points: false, exact: a.exact && b.exact };
}

const cutLow = (i: Interval) => (i.lowIncluded ? i.low : after(i.low));
const cutHigh = (i: Interval) => (i.highIncluded ? after(i.high) : i.high);
const lower = (a: Interval, b: Interval) => Buffer.compare(cutLow(a), cutLow(b)) < 0;
const upper = (a: Interval, b: Interval) => Buffer.compare(cutHigh(a), cutHigh(b)) > 0;

function boundsFor({ operator, value }: Condition, limit: number): Bounds | undefined {
  if (operator === '$eq') return pointsOf([value], limit);
  if (operator === '$in') return isArray(value) ? pointsOf(value, limit) : undefined;
  if (!RANGES.has(operator) || unusable(value) || value instanceof MinKey || value instanceof MaxKey) return undefined;
  if (value == null) return operator === '$gte' || operator === '$lte' ? pointsOf([null], limit) : undefined;
  return { intervals: [rangeOf(operator, value, limit)], points: false, exact: encodeValue(value).length <= limit };
}

const NEGATIVE_INFINITY = new Double(Number.NEGATIVE_INFINITY);
const RANGES = new Set(['$gt', '$gte', '$lt', '$lte']);

/** Arrays compare whole or by element, regular expressions match strings, NaN stands alone: left to the filter. */
const unusable = (value: unknown) =>
  isArray(value) || value instanceof BSONRegExp || (isNumber(value) && Number.isNaN(toDouble(value)));

function pointsOf(values: unknown[], limit: number): Bounds | undefined {
  if (values.length > MAX_RANGES || values.some(value => isArray(value) || value instanceof BSONRegExp))
    return undefined;
  const keys = new Map<string, Interval>();
  for (const value of values) {
    const key = shorten(encodeValue(value ?? null), limit);
    keys.set(key.toString('latin1'), { low: key, lowIncluded: true, high: key, highIncluded: true });
  }
  return { intervals: [...keys.values()], points: true, exact: true };
}

/** From one end of the value's type to the value, or from the value to the other end. NaN lies outside. */
function rangeOf(operator: string, value: unknown, limit: number): Interval {
  const { rank } = kindOf(value);
  const full = encodeValue(value);
  const key = widen(full, limit);
  const included = operator.endsWith('e') || key.length < full.length;
  const type = Buffer.from([rank]);
  if (operator.startsWith('$g')) return { low: key, lowIncluded: included, high: type, highIncluded: true };
  const first = rank === RANK.number ? encodeValue(NEGATIVE_INFINITY) : type;
  return { low: first, lowIncluded: true, high: key, highIncluded: included };
}
