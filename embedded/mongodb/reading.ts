/** find, getMore, killCursors, count, distinct, aggregate: what is read is what has been committed. */
import type { Collection } from './catalog.ts';
import { compare } from './compare.ts';
import { type Cursors, drain, FIRST_BATCH } from './cursor.ts';
import type { Engine } from './documents.ts';
import { decodeOnly, fieldsAt } from './elements.ts';
import { fail } from './errors.ts';
import { compileFilter } from './match.ts';
import { checkFields, count as countOf, deadlineOf, document, hintOf, long, sortOf, text } from './options.ts';
import { parts, some } from './paths.ts';
import { compileShown } from './project.ts';
import { type Hit, type Lease, type Query, type Run, runQuery } from './scan.ts';
import { skim } from './skim.ts';
import { type Doc, isArray, truthy, wholeNumber } from './values.ts';

export type Reader = Engine & { cursors: Cursors };

const FIND_FIELDS =
  'filter sort projection skip limit batchSize singleBatch hint allowDiskUse noCursorTimeout allowPartialResults';
const FIND_REFUSED = 'collation tailable awaitData oplogReplay min max returnKey showRecordId let';

export async function find(reader: Reader, body: Doc): Promise<Doc> {
  const { namespace, query, projection, collection } = parseFind(reader, body);
  const batchSize = countOf(body.batchSize, 'batchSize', FIRST_BATCH);
  const lease: Lease = { stale: false };
  const run = collection && runQuery(reader, collection, query);
  const results = run ? shown(run.hits, projection) : [].values();
  return reader.cursors.open(
    namespace,
    results,
    run?.lease ?? lease,
    batchSize,
    truthy(body.singleBatch),
    deadlineOf(body),
  );
}

export type Find = {
  namespace: string;
  collection: Collection | undefined;
  query: Query;
  projection: ReturnType<typeof compileShown>;
};

/** Checks everything about a find, also when the collection is not there. */
export function parseFind({ catalog }: Engine, body: Doc): Find {
  checkFields('find', body, FIND_FIELDS, FIND_REFUSED);
  const name = text(body.find, 'find');
  const db = text(body.$db, '$db');
  const query: Query = {
    filter: document(body.filter, 'filter'),
    sort: sortOf(body.sort),
    skip: countOf(body.skip, 'skip'),
    limit: countOf(body.limit, 'limit'),
    hint: hintOf(body.hint),
  };
  compileFilter(query.filter);
  const projection = compileShown(body.projection);
  return { namespace: `${db}.${name}`, collection: catalog.find(db, name), query, projection };
}

function* shown(hits: Run['hits'], projection: Find['projection']): Generator<Uint8Array | undefined> {
  for (const hit of hits) {
    if (!hit || !projection) yield hit?.raw;
    else yield projection(hit.raw);
  }
}

export async function getMore(reader: Reader, body: Doc): Promise<Doc> {
  checkFields('getMore', body, 'collection batchSize', 'term');
  const namespace = `${text(body.$db, '$db')}.${text(body.collection, 'collection')}`;
  return reader.cursors.more(long(body.getMore), namespace, countOf(body.batchSize, 'batchSize'), deadlineOf(body));
}

export async function killCursors({ cursors }: Reader, body: Doc): Promise<Doc> {
  checkFields('killCursors', body, 'cursors');
  if (!isArray(body.cursors)) fail('TypeMismatch', "field 'cursors' must be an array");
  const ids = body.cursors.map(long);
  const cursorsKilled = ids.filter(id => cursors.kill(id));
  return {
    cursorsKilled,
    cursorsNotFound: ids.filter(id => !cursorsKilled.includes(id)),
    cursorsAlive: [],
    cursorsUnknown: [],
  };
}

export async function count(reader: Reader, body: Doc): Promise<Doc> {
  const { collection, query } = parseCount(reader, body);
  const n = collection ? await countMatching(reader, collection, query, deadlineOf(body)) : 0;
  return { n };
}

export function parseCount({ catalog }: Engine, body: Doc): { collection: Collection | undefined; query: Query } {
  checkFields('count', body, 'query limit skip hint', 'collation fields');
  const limit = body.limit === undefined ? 0 : Math.abs(wholeNumber(body.limit, 'limit'));
  const filter = document(body.query, 'query');
  compileFilter(filter);
  const query = { filter, sort: [], skip: countOf(body.skip, 'skip'), limit, hint: hintOf(body.hint) };
  return { collection: catalog.find(text(body.$db, '$db'), text(body.count, 'count')), query };
}

/**
 * From the keys alone, without reading documents, where an index says exactly what the filter says. Without a filter
 * it is the collection's own count, which may already hold what is just being committed.
 */
export async function countMatching(
  reader: Engine,
  collection: Collection,
  query: Query,
  deadline: number,
): Promise<number> {
  const within = (all: number) => Math.max(0, Math.min(all - query.skip, query.limit || all));
  if (Object.keys(query.filter).length === 0) return within(collection.count);
  const run = runQuery(reader, collection, { ...query, skip: 0, limit: query.limit && query.limit + query.skip });
  const { plan } = run;
  if (plan.exact && !plan.index?.multikey.some(Boolean)) {
    return within(plan.ranges.reduce((sum, { from, to }) => sum + reader.storage.count(from, to), 0));
  }
  let found = 0;
  await drain(run.hits, run.lease, deadline, () => found++);
  return within(found);
}

export async function distinct(reader: Reader, body: Doc): Promise<Doc> {
  const { collection, query, key } = parseDistinct(reader, body);
  const values: unknown[] = [];
  const skimmed = collection && (await skim(reader, collection, query.filter, key, deadlineOf(body)));
  if (skimmed) values.push(...skimmed);
  else if (collection) {
    const run = runQuery(reader, collection, query);
    const fields = fieldsAt([parts(key)]);
    await drain<Hit>(run.hits, run.lease, deadlineOf(body), hit => {
      some(hit.doc ?? decodeOnly(hit.raw, fields), parts(key), found => {
        if (found !== undefined && !isArray(found)) values.push(found);
        return false;
      });
    });
  }
  values.sort(compare);
  return { values: values.filter((value, i) => i === 0 || compare(value, values[i - 1]) !== 0) };
}

export function parseDistinct(
  { catalog }: Engine,
  body: Doc,
): { collection: Collection | undefined; query: Query; key: string } {
  checkFields('distinct', body, 'key query hint', 'collation');
  const filter = document(body.query, 'query');
  compileFilter(filter);
  const query = { filter, sort: [], skip: 0, limit: 0, hint: hintOf(body.hint) };
  const collection = catalog.find(text(body.$db, '$db'), text(body.distinct, 'distinct'));
  return { collection, query, key: text(body.key, 'key') };
}
