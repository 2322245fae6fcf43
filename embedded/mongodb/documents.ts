/**
 * One document written together with its index entries. Everything is checked before the first change, because a
 * failed job is not undone. To be called inside a storage job only.
 */
import { BSONRegExp } from 'bson';
import { type Catalog, type Collection, type Index, namespace, prefix } from './catalog.ts';
import { decodeOnly, type Fields, fieldsAt, idFirst } from './elements.ts';
import { fail, unsupported } from './errors.ts';
import { documentKey, indexKey, partBytes } from './keys.ts';
import { type Indexed, indexed } from './paths.ts';
import { isPlain } from './plain.ts';
import type { Storage } from './store.ts';
import { type Doc, decode, isArray, isObject, MAX_DOCUMENT_BYTES } from './values.ts';

export type Engine = { storage: Storage; catalog: Catalog };

/** A document as it is stored: its key within the collection, and its bytes. */
export type Stored = { idKey: Buffer; raw: Uint8Array };

type IndexEntry = { index: Index; key: Buffer; values: unknown[] };

const storedKey = (collection: Collection, idKey: Uint8Array) => Buffer.concat([prefix(collection.id), idKey]);

export function readDocument({ storage }: Engine, collection: Collection, idKey: Uint8Array): Buffer | undefined {
  return storage.get(storedKey(collection, idKey));
}

/**
 * Throws InvalidBSON, BSONObjectTooLarge, InvalidIdField, DuplicateKey or CannotIndexParallelArrays; then nothing was
 * written.
 */
export function insertDocument(engine: Engine, collection: Collection, bytes: Uint8Array): Stored & { id: unknown } {
  const { indexes } = collection;
  const { raw, doc } = parse(bytes, indexes);
  checkSize(raw);
  checkId(doc._id);
  const idKey = documentKey(doc._id);
  const key = storedKey(collection, idKey);
  if (engine.storage.get(key)) duplicate(collection, '_id_', { _id: 1 }, { _id: doc._id });
  const entries = entriesOf(engine, collection, indexes, doc, idKey);
  refuseDuplicates(engine, collection, entries, idKey);
  engine.storage.put(key, raw);
  for (const entry of entries) engine.storage.put(entry.key, idKey);
  collection.count++;
  return { idKey, raw, id: doc._id };
}

/**
 * Puts `raw`, whose `_id` must be the same, in the place of a document. Returns false, and writes nothing, if nothing differs.
 * `roots` are the top-level fields that may differ (all if not given): other indexes need not be looked at.
 */
export function updateDocument(
  engine: Engine,
  collection: Collection,
  before: Stored,
  raw: Uint8Array,
  roots?: ReadonlySet<string>,
): boolean {
  if (Buffer.compare(raw, before.raw) === 0) return false;
  checkSize(raw);
  const { idKey } = before;
  const touched = roots ? touchedBy(roots, collection.indexes) : collection.indexes;
  const old = storedEntries(engine, collection, touched, before.raw, idKey);
  const now = storedEntries(engine, collection, touched, raw, idKey);
  const removed = without(old, now);
  const added = without(now, old);
  refuseDuplicates(engine, collection, added, idKey);
  engine.storage.put(storedKey(collection, idKey), raw);
  for (const { key } of removed) engine.storage.remove(key);
  for (const { key } of added) engine.storage.put(key, idKey);
  return true;
}

/** Those whose keys the others do not have. Of arrays there may be thousands. */
function without(entries: IndexEntry[], others: IndexEntry[]): IndexEntry[] {
  if (others.length < 8) return entries.filter(({ key }) => !others.some(other => other.key.equals(key)));
  const keys = new Set(others.map(({ key }) => key.toString('latin1')));
  return entries.filter(({ key }) => !keys.has(key.toString('latin1')));
}

export function deleteDocument(engine: Engine, collection: Collection, { idKey, raw }: Stored): void {
  const entries = storedEntries(engine, collection, collection.indexes, raw, idKey);
  engine.storage.remove(storedKey(collection, idKey));
  for (const { key } of entries) engine.storage.remove(key);
  collection.count--;
}

/** Adds a document to an index that is being built. Throws DuplicateKey. */
export function indexDocument(engine: Engine, collection: Collection, index: Index, { idKey, raw }: Stored): void {
  const entries = entriesOf(engine, collection, [index], decodeOnly(raw, fieldsAt(index.paths)), idKey);
  refuseDuplicates(engine, collection, entries, idKey);
  for (const { key } of entries) engine.storage.put(key, idKey);
}

/** Decoded as far as `_id` and the indexes need it; checked as a whole. */
function parse(bytes: Uint8Array, indexes: Index[]): { raw: Uint8Array; doc: Doc } {
  try {
    const raw = idFirst(bytes);
    return { raw, doc: isPlain(raw) ? decodeOnly(raw, fieldsOf(indexes)) : decode(raw) };
  } catch (error) {
    return fail('InvalidBSON', error instanceof Error ? error.message : String(error));
  }
}

/** What is known of a list of indexes that was so long; lists grow, but nothing is taken out of one. */
type Known = { count: number; fields: Fields; touched: WeakMap<ReadonlySet<string>, Index[]> };
const lists = new WeakMap<Index[], Known>();

function known(indexes: Index[]): Known {
  let found = lists.get(indexes);
  if (found?.count !== indexes.length) {
    const fields = fieldsAt([['_id'], ...indexes.flatMap(({ paths }) => paths)]);
    found = { count: indexes.length, fields, touched: new WeakMap() };
    lists.set(indexes, found);
  }
  return found;
}

/** What indexes look at, and `_id`. */
const fieldsOf = (indexes: Index[]) => known(indexes).fields;

/** The indexes that look at any of these top-level fields. */
function touchedBy(roots: ReadonlySet<string>, indexes: Index[]): Index[] {
  const { touched } = known(indexes);
  let found = touched.get(roots);
  if (!found) {
    found = indexes.filter(({ paths }) => paths.some(([root = '']) => roots.has(root)));
    touched.set(roots, found);
  }
  return found;
}

function checkSize(raw: Uint8Array): void {
  if (raw.length <= MAX_DOCUMENT_BYTES) return;
  fail(
    'BSONObjectTooLarge',
    `BSONObj size: ${raw.length} is invalid. Size must be between 0 and ${MAX_DOCUMENT_BYTES}`,
  );
}

function checkId(id: unknown): void {
  if (isArray(id) || id instanceof BSONRegExp || id === undefined) {
    fail('InvalidIdField', "The '_id' value cannot be an array, a regular expression or undefined");
  }
  if (isObject(id) && Object.keys(id).some(name => name.startsWith('$'))) {
    fail('DollarPrefixedFieldName', '_id fields may not contain $-prefixed fields');
  }
}

function storedEntries(
  engine: Engine,
  collection: Collection,
  indexes: Index[],
  raw: Uint8Array,
  idKey: Buffer,
): IndexEntry[] {
  if (indexes.length === 0) return [];
  return entriesOf(engine, collection, indexes, decodeOnly(raw, fieldsOf(indexes)), idKey);
}

function entriesOf(engine: Engine, collection: Collection, indexes: Index[], doc: Doc, idKey: Buffer): IndexEntry[] {
  const entries: IndexEntry[] = [];
  for (const index of indexes) addEntries(engine, collection, index, doc, idKey, entries);
  return entries;
}

function addEntries(
  engine: Engine,
  collection: Collection,
  index: Index,
  doc: Doc,
  idKey: Buffer,
  entries: IndexEntry[],
): void {
  const fields = index.paths.map(path => indexed(doc, path));
  if (index.sparse && !fields.some(field => field.exists)) return;
  const limit = partBytes(fields.length);
  let lossy = false;
  const add = (values: unknown[], seen?: Set<string>) => {
    const { key, shortened } = indexKey(index, values, limit, index.unique ? undefined : idKey);
    lossy ||= shortened;
    if (!seen?.has(key.toString('latin1'))) entries.push({ index, key, values });
    seen?.add(key.toString('latin1'));
  };
  if (fields.every(({ array }) => array === undefined)) add(fields.map(({ values }) => values[0]));
  else {
    refuseParallel(index, fields);
    const seen = new Set<string>();
    for (const values of combinations(fields)) add(values, seen);
  }
  noteShape(engine, collection, index, fields, lossy);
}

/** Remembers, before any plan relies on it, that this index has met an array or a value too long to be ordered. */
function noteShape({ catalog }: Engine, collection: Collection, index: Index, fields: Indexed[], lossy: boolean): void {
  const isNews = fields.some(({ array }, i) => array !== undefined && !index.multikey[i]);
  if (!isNews && (index.lossy || !lossy)) return;
  const multikey = index.multikey.map((was, i) => was || fields[i]?.array !== undefined);
  Object.assign(index, { multikey, lossy: index.lossy || lossy });
  catalog.save(collection);
}

function refuseParallel(index: Index, fields: Indexed[]): void {
  const arrays = new Set(fields.flatMap(({ array }) => (array === undefined ? [] : [array])));
  if (arrays.size > 1) fail('CannotIndexParallelArrays', `cannot index parallel arrays [${[...arrays].join('] [')}]`);
  const several = fields.filter(({ array }) => array !== undefined).length > 1;
  if (several && index.unique) unsupported('a unique index over several fields of one array');
}

function* combinations(fields: Indexed[], chosen: unknown[] = []): Generator<unknown[]> {
  const field = fields[chosen.length];
  if (!field) yield chosen;
  else for (const value of field.values) yield* combinations(fields, [...chosen, value]);
}

function refuseDuplicates({ storage }: Engine, collection: Collection, entries: IndexEntry[], idKey: Buffer): void {
  for (const { index, key, values } of entries) {
    if (!index.unique) continue;
    const holder = storage.get(key);
    if (!holder || Buffer.compare(holder, idKey) === 0) continue;
    const keyValue = Object.fromEntries(index.key.map(([path], i) => [path, values[i]]));
    duplicate(collection, index.name, Object.fromEntries(index.key), keyValue);
  }
}

function duplicate(collection: Collection, name: string, keyPattern: Doc, keyValue: Doc): never {
  const text = Object.entries(keyValue).map(
    ([path, value]) => `${path}: ${typeof value === 'string' ? JSON.stringify(value) : value}`,
  );
  const where = `collection: ${namespace(collection)} index: ${name} dup key: { ${text.join(', ')} }`;
  fail('DuplicateKey', `E11000 duplicate key error ${where}`, { keyPattern, keyValue });
}
