/** create, drop, dropDatabase, listCollections, listDatabases, createIndexes, listIndexes, dropIndexes. */
import { Long } from 'bson';
import { type Collection, checkNamespace, type Index, namespace, prefix } from './catalog.ts';
import { compare } from './compare.ts';
import { FIRST_BATCH } from './cursor.ts';
import { type Engine, indexDocument } from './documents.ts';
import { fail, unsupported } from './errors.ts';
import { compileFilter } from './match.ts';
import { isNumber, toDouble } from './numbers.ts';
import { checkFields, count, deadlineOf, document, documents, text } from './options.ts';
import { checkPath } from './paths.ts';
import type { Reader } from './reading.ts';
import { type Doc, encode, isArray, isObject, truthy } from './values.ts';

/** Documents added to an index under construction in one transaction. */
const BUILD_CHUNK = 500;
/** MongoDB's limits. */
const MAX_INDEXES = 64;
const MAX_INDEX_FIELDS = 32;

const dbOf = (body: Doc) => text(body.$db, '$db');

function existing({ catalog }: Engine, body: Doc, command: string): Collection {
  const name = text(body[command], command);
  return catalog.find(dbOf(body), name) ?? fail('NamespaceNotFound', `ns not found: ${dbOf(body)}.${name}`);
}

export async function create({ catalog, storage }: Engine, body: Doc): Promise<Doc> {
  const refused =
    'capped size max validator validationLevel validationAction viewOn pipeline collation timeseries clusteredIndex ' +
    'expireAfterSeconds storageEngine indexOptionDefaults changeStreamPreAndPostImages encryptedFields autoIndexId';
  checkFields('create', body, 'idIndex', refused);
  const name = text(body.create, 'create');
  await storage.write(() => {
    if (catalog.find(dbOf(body), name)) fail('NamespaceExists', `Collection ${dbOf(body)}.${name} already exists.`);
    catalog.create(dbOf(body), name);
  });
  return {};
}

export async function drop(engine: Engine, body: Doc): Promise<Doc> {
  checkFields('drop', body, '');
  const collection = existing(engine, body, 'drop');
  await dropAll(engine, [collection]);
  return { ns: namespace(collection), nIndexesWas: collection.indexes.length + 1 };
}

export async function dropDatabase(engine: Engine, body: Doc): Promise<Doc> {
  checkFields('dropDatabase', body, '');
  const db = dbOf(body);
  await dropAll(
    engine,
    engine.catalog.list().filter(collection => collection.db === db),
  );
  return { dropped: db };
}

async function dropAll({ catalog, storage }: Engine, collections: Collection[]): Promise<void> {
  await storage.write(() => {
    for (const collection of collections) {
      if (catalog.find(collection.db, collection.name) === collection) catalog.drop(collection);
    }
  });
  clearUp({ catalog, storage });
}

/** Nobody waits for this: names are free at once, and what is left is cleared up again after the next start. */
function clearUp({ catalog }: Engine): void {
  catalog.purge().catch(() => {});
}

export async function listCollections({ catalog, cursors }: Reader, body: Doc): Promise<Doc> {
  checkFields('listCollections', body, 'filter nameOnly cursor authorizedCollections');
  const matches = compileFilter(document(body.filter, 'filter'));
  const own = catalog.list().filter(({ db }) => db === dbOf(body));
  const all = own.map(collection => describe(collection, truthy(body.nameOnly))).filter(matches);
  return reply(cursors, `${dbOf(body)}.$cmd.listCollections`, all, body);
}

function describe({ name, uuid }: Collection, nameOnly: boolean): Doc {
  if (nameOnly) return { name, type: 'collection' };
  const idIndex = { v: 2, key: { _id: 1 }, name: '_id_' };
  return { name, type: 'collection', options: {}, info: { readOnly: false, uuid }, idIndex };
}

function reply(cursors: Reader['cursors'], ns: string, docs: Doc[], body: Doc): Promise<Doc> {
  const batchSize = count(document(body.cursor, 'cursor').batchSize, 'batchSize', FIRST_BATCH);
  return cursors.open(ns, docs.map(encode).values(), { stale: false }, batchSize, false, deadlineOf(body));
}

export async function listDatabases({ catalog }: Engine, body: Doc): Promise<Doc> {
  checkFields('listDatabases', body, 'filter nameOnly authorizedDatabases');
  const matches = compileFilter(document(body.filter, 'filter'));
  const names = [...new Set(catalog.list().map(({ db }) => db))].sort(compare);
  const databases = names.map(name =>
    truthy(body.nameOnly) ? { name } : { name, sizeOnDisk: Long.fromNumber(0), empty: false },
  );
  return { databases: databases.filter(matches), ...(truthy(body.nameOnly) ? {} : { totalSize: 0, totalSizeMb: 0 }) };
}

type Definition = Pick<Index, 'name' | 'key' | 'unique' | 'sparse'>;

export async function createIndexes(engine: Engine, body: Doc): Promise<Doc> {
  checkFields('createIndexes', body, 'indexes', 'commitQuorum');
  const { catalog, storage } = engine;
  const definitions = documents(body.indexes, 'indexes').map(definitionOf);
  if (definitions.length === 0) fail('BadValue', 'Must specify at least one index to create');
  const [db, name] = [dbOf(body), text(body.createIndexes, 'createIndexes')];
  checkNamespace(db, name);
  const begun = await storage.write(() => {
    const known = catalog.find(db, name);
    const wanted: Definition[] = [];
    for (const definition of definitions) {
      if (isNew([...(known?.indexes ?? []), ...wanted], definition)) wanted.push(definition);
    }
    if (known && wanted.length + known.indexes.length >= MAX_INDEXES)
      fail('CannotCreateIndex', `too many indexes for ${db}.${name}`);
    const collection = known ?? catalog.create(db, name);
    const before = collection.indexes.length + 1;
    const added = wanted.map(definition => catalog.newIndex(definition, collection.count === 0));
    collection.indexes.push(...added);
    catalog.save(collection);
    return { collection, added, before, created: !known };
  });
  const { collection, added, before, created } = begun;
  await build(
    engine,
    collection,
    added.filter(index => !index.ready),
  );
  await othersReady(collection, definitions);
  const numIndexesAfter = before + added.length;
  return { numIndexesBefore: before, numIndexesAfter, createdCollectionAutomatically: created };
}

function definitionOf(spec: Doc): Definition {
  const refused =
    'expireAfterSeconds partialFilterExpression collation hidden weights default_language wildcardProjection';
  const known = new Set(['v', 'key', 'name', 'unique', 'sparse', 'background', 'ns']);
  for (const option of Object.keys(spec)) {
    if (refused.split(' ').includes(option)) unsupported(`the index option '${option}'`);
    if (!known.has(option))
      fail('InvalidIndexSpecificationOption', `The field '${option}' is not valid for an index specification`);
  }
  const pattern = document(spec.key, 'key');
  const key = Object.entries(pattern).map(([path, direction]) => keyPart(path, direction));
  if (key.length === 0 || key.length > MAX_INDEX_FIELDS)
    fail('CannotCreateIndex', `An index needs 1 to ${MAX_INDEX_FIELDS} fields`);
  return { name: text(spec.name, 'name'), key, unique: truthy(spec.unique), sparse: truthy(spec.sparse) };
}

function keyPart(path: string, direction: unknown): [string, 1 | -1] {
  if (path.includes('$**')) unsupported('a wildcard index');
  if (typeof direction === 'string') unsupported(`an index of type '${direction}'`);
  const sign = isNumber(direction) ? toDouble(direction) : 0;
  if (!sign) fail('CannotCreateIndex', `Values in the index key pattern must be numbers other than 0: '${path}'`);
  checkPath(path, 'index');
  if (path.startsWith('$')) fail('CannotCreateIndex', `Index key contains an illegal field name: '${path}'`);
  return [path, sign < 0 ? -1 : 1];
}

/** False if there is the same index already; throws if there is one that contradicts. */
function isNew(known: Definition[], { name, key, unique, sparse }: Definition): boolean {
  if (key.length === 1 && key[0]?.[0] === '_id' && key[0][1] === 1) return false;
  if (name === '_id_') fail('IndexKeySpecsConflict', 'The name _id_ is that of the index of _id');
  for (const index of known) {
    const sameKey = JSON.stringify(index.key) === JSON.stringify(key);
    const sameOptions = index.unique === unique && index.sparse === sparse;
    if (index.name === name && sameKey && sameOptions) return false;
    if (index.name === name)
      fail('IndexKeySpecsConflict', `An existing index has the same name as the requested index: ${name}`);
    if (sameKey) fail('IndexOptionsConflict', `Index already exists with a different name: ${index.name}`);
  }
  return true;
}

/** Adds all documents in chunks while others write; what they write they index themselves. Undone if it fails. */
async function build(engine: Engine, collection: Collection, indexes: Index[]): Promise<void> {
  const { catalog, storage } = engine;
  const end = prefix(collection.id + 1);
  let from: Buffer | undefined = prefix(collection.id);
  try {
    while (from && indexes.length > 0) {
      const start: Buffer = from;
      from = await storage.write(() => {
        if (indexes.some(index => !collection.indexes.includes(index)))
          fail('OperationFailed', 'the index was dropped');
        const chunk = storage.scan({ from: start, to: end, limit: BUILD_CHUNK });
        for (const { key, value } of chunk) {
          for (const index of indexes) indexDocument(engine, collection, index, { idKey: key.subarray(4), raw: value });
        }
        const last = chunk.at(-1);
        return last && Buffer.concat([last.key, Buffer.alloc(1)]);
      });
    }
    await storage.write(() => {
      for (const index of indexes) index.ready = true;
      if (indexes.length > 0) catalog.save(collection);
    });
  } catch (error) {
    await storage.write(() => catalog.dropIndexes(collection, indexes));
    clearUp(engine);
    throw error;
  }
}

/** Somebody else may be building the same index just now. */
async function othersReady(collection: Collection, definitions: Definition[]): Promise<void> {
  const names = new Set(definitions.map(({ name }) => name));
  while (collection.indexes.some(({ name, ready }) => names.has(name) && !ready)) {
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

export async function listIndexes(reader: Reader, body: Doc): Promise<Doc> {
  checkFields('listIndexes', body, 'cursor');
  const collection = existing(reader, body, 'listIndexes');
  const id: Doc = { v: 2, key: { _id: 1 }, name: '_id_' };
  const rest = collection.indexes.filter(({ ready }) => ready).map(describeIndex);
  return reply(reader.cursors, namespace(collection), [id, ...rest], body);
}

function describeIndex({ key, name, unique, sparse }: Index): Doc {
  return { v: 2, key: Object.fromEntries(key), name, ...(unique ? { unique } : {}), ...(sparse ? { sparse } : {}) };
}

export async function dropIndexes(engine: Engine, body: Doc): Promise<Doc> {
  checkFields('dropIndexes', body, 'index');
  const collection = existing(engine, body, 'dropIndexes');
  const nIndexesWas = collection.indexes.length + 1;
  await engine.storage.write(() => engine.catalog.dropIndexes(collection, wantedOf(collection, body.index)));
  clearUp(engine);
  return { nIndexesWas };
}

function wantedOf(collection: Collection, wanted: unknown): Index[] {
  if (wanted === '*') return collection.indexes;
  return (isArray(wanted) ? wanted : [wanted]).map(one => indexNamed(collection, one));
}

function indexNamed(collection: Collection, wanted: unknown): Index {
  const key = isObject(wanted)
    ? Object.entries(wanted).map(([path, direction]) => keyPart(path, direction))
    : undefined;
  const pattern = JSON.stringify(key);
  if (wanted === '_id_' || pattern === '[["_id",1]]') fail('InvalidOptions', 'cannot drop _id index');
  const found = collection.indexes.find(index => (key ? JSON.stringify(index.key) === pattern : index.name === wanted));
  return found ?? fail('IndexNotFound', `index not found with name [${key ? pattern : wanted}]`);
}
