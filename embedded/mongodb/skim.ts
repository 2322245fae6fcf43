/**
 * distinct by jumping from value to value in an index, which takes as long as there are values, not documents (MongoDB's
 * DISTINCT_SCAN).
 */
import type { Collection, Index } from './catalog.ts';
import { pauses } from './cursor.ts';
import { type Engine, readDocument } from './documents.ts';
import { decodeOnly, fieldsAt } from './elements.ts';
import { after, complement, encodeValue } from './keys.ts';
import { indexed, parts } from './paths.ts';
import { choosePlan, type Range } from './plan.ts';
import { type Doc, isArray } from './values.ts';

/**
 * @param deadline on the clock of `performance.now()`.
 * @returns the values of `key` among the documents of a filter, some of them several times; undefined when no index has
 *   just the filter's fields, each with values given one by one, and then `key`.
 * @throws MaxTimeMSExpired.
 */
export async function skim(
  engine: Engine,
  collection: Collection,
  filter: Doc,
  key: string,
  deadline: number,
): Promise<unknown[] | undefined> {
  const ways = collection.indexes.map(index => rangesFor(collection, index, filter, key));
  const way = ways.find(ranges => ranges !== undefined);
  if (!way) return undefined;
  const pause = pauses(deadline);
  const fields = fieldsAt([parts(key)]);
  const values: unknown[] = [];
  for (const { from, to } of way.ranges) {
    let next = from;
    for (;;) {
      const [entry] = engine.storage.scan({ from: next, to, limit: 1 });
      if (!entry) break;
      const document = readDocument(engine, collection, entry.value);
      const [value] = document ? indexed(decodeOnly(document, fields), parts(key)).values : [];
      // What is missing and what is null have one key, and only one of them is a value.
      if (value === undefined || value === null || isArray(value)) return undefined;
      values.push(value);
      const part = encodeValue(value);
      next = after(Buffer.concat([from, way.descending ? complement(part) : part]));
      await pause();
    }
  }
  return values;
}

function rangesFor(
  collection: Collection,
  index: Index,
  filter: Doc,
  key: string,
): { ranges: Range[]; descending: boolean } | undefined {
  const fields = Object.keys(filter).length;
  const [path, direction] = index.key[fields] ?? [];
  if (path !== key || !index.ready || index.sparse || index.lossy || index.multikey.some(Boolean)) return undefined;
  const plan = choosePlan(collection, { filter, sort: [], limit: 0, hint: index.name }, () => true);
  if (plan.kind !== 'scan' || plan.index !== index || !plan.exact) return undefined;
  // Each range has to be all that begins with certain values of the fields before.
  const whole = plan.ranges.every(({ from, to }) => Buffer.compare(after(from), to) === 0);
  return whole ? { ranges: plan.ranges, descending: direction === -1 } : undefined;
}
