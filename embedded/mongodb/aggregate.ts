/**
 * Aggregation pipelines. `$match`, `$sort`, `$skip` and `$limit` at the start are one query and use its indexes; the
 * stages behind work on decoded documents, one at a time where they can. Other stages are refused by name.
 */
import type { Collection } from './catalog.ts';
import { FIRST_BATCH } from './cursor.ts';
import type { Engine } from './documents.ts';
import { fail, unsupported } from './errors.ts';
import { compileExpression, type Expression } from './expression.ts';
import { encodeValue } from './keys.ts';
import { compileFilter } from './match.ts';
import { isNumber, toDouble, whole } from './numbers.ts';
import { checkFields, count, deadlineOf, document, documents, hintOf, sortOf, text } from './options.ts';
import { checkPath, field, get, parts } from './paths.ts';
import { compileProjection } from './project.ts';
import { countMatching, type Reader } from './reading.ts';
import { type Query, runQuery, sortKey } from './scan.ts';
import { ACCUMULATORS } from './sum.ts';
import { type Doc, decode, encode, isArray, isObject, setOwn, table, truthy } from './values.ts';

type Docs = Iterable<Doc | undefined>;
type Stage = (input: Docs) => Docs;

/** Documents or groups one stage may hold in memory. */
const MAX_HELD = 1_000_000;

export type Pipeline = { namespace: string; collection: Collection | undefined; query: Query; stages: Doc[] };

export async function aggregate(reader: Reader, body: Doc): Promise<Doc> {
  const { namespace, collection, query, stages } = parseAggregate(reader, body);
  const batchSize = count(document(body.cursor, 'cursor').batchSize, 'batchSize', FIRST_BATCH);
  const deadline = deadlineOf(body);
  const compiled = stages.map(compileStage);
  const lease = { stale: false };
  const open = (docs: Iterator<Uint8Array | undefined>, held = lease) =>
    reader.cursors.open(namespace, docs, held, batchSize, false, deadline);
  if (!collection) return open(encoded(through([], compiled)));
  const counted = countStage(stages);
  if (counted && query.sort.length === 0) {
    const n = await countMatching(reader, collection, query, deadline);
    return open((n === 0 ? [] : [encode(counted(n))]).values());
  }
  const run = runQuery(reader, collection, query);
  const docs = (function* (): Generator<Doc | undefined> {
    for (const hit of run.hits) yield hit && (hit.doc ?? decode(hit.raw));
  })();
  return open(encoded(through(docs, compiled)), run.lease);
}

export function parseAggregate({ catalog }: Engine, body: Doc): Pipeline {
  checkFields('aggregate', body, 'pipeline cursor hint allowDiskUse', 'collation explain let isMapReduceCommand');
  if (typeof body.aggregate !== 'string') unsupported('aggregate of a whole database');
  const db = text(body.$db, '$db');
  const stages = documents(body.pipeline, 'pipeline');
  for (const stage of stages) stageName(stage);
  const query: Query = { filter: {}, sort: [], skip: 0, limit: 0, hint: hintOf(body.hint) };
  const rest = stages.slice();
  const next = (name: string) => (rest[0]?.[name] === undefined ? undefined : rest.shift()?.[name]);
  const filters: Doc[] = [];
  for (let filter = next('$match'); filter !== undefined; filter = next('$match'))
    filters.push(document(filter, '$match'));
  query.filter = filters.length > 1 ? { $and: filters } : (filters[0] ?? {});
  query.sort = sortOf(next('$sort'));
  query.skip = count(next('$skip'), '$skip');
  const limit = next('$limit');
  query.limit = limit === undefined ? 0 : limitOf(limit);
  compileFilter(query.filter);
  return { namespace: `${db}.${body.aggregate}`, collection: catalog.find(db, body.aggregate), query, stages: rest };
}

function limitOf(value: unknown): number {
  const limit = count(value, '$limit');
  return limit > 0 ? limit : fail('BadValue', 'the limit must be positive');
}

function* through(docs: Docs, stages: Stage[]): Generator<Doc | undefined> {
  yield* stages.reduce((input, stage) => stage(input), docs);
}

function* encoded(docs: Docs): Generator<Uint8Array | undefined> {
  for (const doc of docs) yield doc && encode(doc);
}

/** A pipeline that ends in counting (what `countDocuments` sends) needs no documents. */
function countStage(stages: Doc[]): ((n: number) => Doc) | undefined {
  const [only, ...others] = stages;
  if (!only || others.length > 0) return undefined;
  const { $count, $group } = only;
  if (typeof $count === 'string') return n => ({ [$count]: whole(n) });
  if (
    !isObject($group) ||
    typeof $group._id === 'string' ||
    (typeof $group._id === 'object' && !isNumber($group._id) && $group._id !== null)
  )
    return undefined;
  const [[name, accumulator] = ['', undefined], ...more] = Object.entries($group).filter(([key]) => key !== '_id');
  const one = isObject(accumulator) && Object.keys(accumulator).length === 1 ? accumulator.$sum : undefined;
  if (more.length > 0 || !isNumber(one) || toDouble(one) !== 1) return undefined;
  return n => ({ _id: $group._id ?? null, [name]: whole(n) });
}

function stageName(stage: Doc): string {
  const names = Object.keys(stage);
  const [name] = names;
  if (!name || names.length > 1)
    fail('Location40323', 'A pipeline stage specification object must contain exactly one field.');
  if (STAGES[name]) return name;
  return KNOWN_STAGES.has(name)
    ? unsupported(`the stage ${name}`)
    : fail('Location40324', `Unrecognized pipeline stage name: '${name}'`);
}

const KNOWN_STAGES = new Set(
  (
    '$bucket $bucketAuto $changeStream $collStats $currentOp $densify $documents $fill $geoNear $graphLookup $indexStats ' +
    '$listSessions $lookup $merge $out $planCacheStats $redact $replaceWith $sample $search $setWindowFields ' +
    '$sortByCount $unionWith $unset $vectorSearch'
  ).split(' '),
);

function compileStage(stage: Doc): Stage {
  const name = stageName(stage);
  return STAGES[name]?.(stage[name]) ?? fail('InternalError', name);
}

const STAGES = table<(argument: unknown) => Stage>({
  $match(filter) {
    const test = compileFilter(document(filter, '$match'));
    return mapping(doc => (test(doc) ? [doc] : []));
  },
  $project: project,
  $addFields: addFields,
  $set: addFields,
  $unwind: unwind,
  $group: group,
  $sort(spec) {
    const sort = sortOf(spec);
    return gathering(docs => {
      const keyed = docs.map(doc => ({ doc, key: sortKey(doc, sort) }));
      return keyed.sort((a, b) => Buffer.compare(a.key, b.key)).map(({ doc }) => doc);
    });
  },
  $limit(limit) {
    const most = limitOf(limit);
    return function* (input) {
      let n = 0;
      for (const doc of input) {
        yield doc;
        if (doc && ++n === most) return;
      }
    };
  },
  $skip(skip) {
    const least = count(skip, '$skip');
    return input => {
      let n = 0;
      return mapping(doc => (n++ < least ? [] : [doc]))(input);
    };
  },
  $count(name) {
    const key = text(name, '$count');
    if (key === '' || key.includes('.') || key.startsWith('$'))
      fail('BadValue', `the count field '${key}' is not valid`);
    return gathering(docs => (docs.length > 0 ? [{ [key]: whole(docs.length) }] : []));
  },
  $replaceRoot(argument) {
    const root = compileExpression(document(argument, '$replaceRoot').newRoot);
    return mapping(doc => {
      const value = root(doc);
      return [isObject(value) ? value : fail('BadValue', "'newRoot' expression must evaluate to an object")];
    });
  },
  $facet(argument) {
    const facets = Object.entries(document(argument, '$facet')).map(([name, stages]) => ({
      name,
      stages: documents(stages, name).map(compileStage),
    }));
    const all = (docs: Doc[], stages: Stage[]) => [...through(docs, stages)].filter(doc => doc !== undefined);
    return gathering(docs => [Object.fromEntries(facets.map(({ name, stages }) => [name, all(docs, stages)]))]);
  },
});

function mapping(each: (doc: Doc) => Iterable<Doc>): Stage {
  return function* (input) {
    for (const doc of input) {
      if (doc) yield* each(doc);
      else yield undefined;
    }
  };
}

function gathering(all: (docs: Doc[]) => Doc[]): Stage {
  return function* (input) {
    const docs: Doc[] = [];
    for (const doc of input) {
      if (doc) docs.push(doc);
      else yield undefined;
      if (docs.length > MAX_HELD) tooMany();
    }
    yield* all(docs);
  };
}

const tooMany = () => fail('QueryExceededMemoryLimitNoDiskUseAllowed', `a stage may hold ${MAX_HELD} documents`);

/** The leaves of a specification by path: `{a: {b: 1}}` is `{'a.b': 1}`. */
function* leaves(spec: Doc, prefix = ''): Generator<[path: string, value: unknown]> {
  for (const [name, value] of Object.entries(spec)) {
    const [first] = isObject(value) ? Object.keys(value) : [];
    if (isObject(value) && first !== undefined && !first.startsWith('$')) yield* leaves(value, `${prefix}${name}.`);
    else yield [prefix + name, value];
  }
}

function project(argument: unknown): Stage {
  const plain: Doc = {};
  const computed: [string, Expression][] = [];
  const spec = document(argument, '$project');
  if (Object.keys(spec).length === 0) fail('BadValue', '$project specification must have at least one field');
  for (const [path, value] of leaves(spec)) {
    if (isNumber(value) || typeof value === 'boolean') plain[path] = value;
    else computed.push([path, compileExpression(value)]);
  }
  const excluding = Object.entries(plain).some(([path, value]) => path !== '_id' && !truthy(value));
  if (computed.length > 0 && excluding) fail('BadValue', 'Invalid $project: exclusion and computed fields');
  if (computed.length > 0 && plain._id === undefined) plain._id = true;
  const onlyComputed = computed.length > 0 && Object.keys(plain).length === 1 && !truthy(plain._id);
  const keep = onlyComputed ? () => ({}) : compileProjection(plain);
  return mapping(doc => [setAll(keep?.(doc) ?? {}, computed, doc)]);
}

function addFields(argument: unknown): Stage {
  const spec = document(argument, '$addFields');
  const computed = [...leaves(spec)].map(([path, value]): [string, Expression] => [path, compileExpression(value)]);
  return mapping(doc => [setAll({ ...doc }, computed, doc)]);
}

function setAll(target: Doc, computed: [string, Expression][], doc: Doc): Doc {
  for (const [path, value] of computed) {
    checkPath(path, 'field');
    setField(target, parts(path), value(doc));
  }
  return target;
}

function setField(target: Doc, [name = '', ...rest]: string[], value: unknown): void {
  if (rest.length === 0) {
    if (value === undefined) delete target[name];
    else setOwn(target, name, value);
    return;
  }
  const now = field(target, name);
  if (isArray(now)) unsupported(`a computed field inside the array '${name}'`);
  const inner: Doc = isObject(now) ? { ...now } : {};
  setField(inner, rest, value);
  setOwn(target, name, inner);
}

function unwind(argument: unknown): Stage {
  const spec = typeof argument === 'string' ? { path: argument } : document(argument, '$unwind');
  const other = Object.keys(spec).find(
    name => !['path', 'preserveNullAndEmptyArrays', 'includeArrayIndex'].includes(name),
  );
  if (other) fail('BadValue', `unrecognized option to $unwind: ${other}`);
  const path = text(field(spec, 'path'), 'path');
  if (!path.startsWith('$') || path.startsWith('$$')) fail('BadValue', "the $unwind path must begin with a '$'");
  const steps = parts(path.slice(1));
  const keepEmpty = truthy(field(spec, 'preserveNullAndEmptyArrays'));
  const indexField = field(spec, 'includeArrayIndex');
  const copy = (doc: Doc, value: unknown, index: number | null) => {
    const result = { ...doc };
    setField(result, steps, value);
    if (typeof indexField === 'string') setField(result, parts(indexField), index === null ? null : whole(index));
    return result;
  };
  return mapping(doc => {
    const value = get(doc, steps);
    if (isArray(value) && value.length > 0) return value.map((element, i) => copy(doc, element, i));
    if (value == null || isArray(value)) return keepEmpty ? [isArray(value) ? copy(doc, undefined, null) : doc] : [];
    return [copy(doc, value, null)];
  });
}

type Group = { id: unknown; states: ReturnType<(typeof ACCUMULATORS)[string]>[] };

function group(argument: unknown): Stage {
  const spec = document(argument, '$group');
  if (!Object.hasOwn(spec, '_id')) fail('Location15955', 'a group specification must include an _id');
  const id = compileExpression(spec._id);
  const fields = Object.entries(spec)
    .filter(([name]) => name !== '_id')
    .map(([name, value]) => accumulated(name, value));
  return function* (input) {
    const groups = new Map<string, Group>();
    for (const doc of input) {
      if (!doc) {
        yield undefined;
        continue;
      }
      const value = id(doc) ?? null;
      const key = encodeValue(value).toString('latin1');
      const known = groups.get(key);
      const one = known ?? { id: value, states: fields.map(({ create }) => create()) };
      if (!known) groups.set(key, one);
      if (groups.size > MAX_HELD) tooMany();
      for (const [i, { expression }] of fields.entries()) one.states[i]?.add(expression(doc));
    }
    for (const { id: _id, states } of groups.values()) {
      yield Object.fromEntries([['_id', _id], ...fields.map(({ name }, i) => [name, states[i]?.result()])]);
    }
  };
}

function accumulated(name: string, value: unknown) {
  const [operator = '', ...others] = isObject(value) ? Object.keys(value) : [];
  if (!isObject(value) || others.length > 0) fail('BadValue', `The field '${name}' must be one accumulator object`);
  if (operator === '$count') return { name, create: ACCUMULATORS.$sum ?? tooMany, expression: () => whole(1) };
  const create =
    ACCUMULATORS[operator] ?? fail('InvalidPipelineOperator', `unknown or unsupported group operator '${operator}'`);
  return { name, create, expression: compileExpression(value[operator]) };
}
