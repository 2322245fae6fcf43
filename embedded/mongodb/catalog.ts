/**
 * What databases, collections and indexes there are: kept in the storage beside the data, changed in the same
 * transactions, and held in memory. Every collection and every index has a number, the first four bytes of its keys.
 */
import { Binary, Int32, UUID } from 'bson';
import { fail } from './errors.ts';
import { after } from './keys.ts';
import { parts } from './paths.ts';
import type { Storage } from './store.ts';
import { type Doc, decode, encode, isArray, isObject } from './values.ts';

export type Index = {
  id: number;
  name: string;
  /** Fields in order, 1 ascending or -1 descending. */
  key: [path: string, direction: 1 | -1][];
  paths: string[][];
  unique: boolean;
  sparse: boolean;
  /** For each field, whether an array has ever been met on its path. */
  multikey: boolean[];
  /** Whether a part has ever been too long and was hashed: the order of entries is then not the order of values. */
  lossy: boolean;
  /** False while it is being built: writes maintain it, reads do not use it. */
  ready: boolean;
};

export type Collection = {
  db: string;
  name: string;
  id: number;
  uuid: Binary;
  /** Without `_id_`, which is the collection itself. */
  indexes: Index[];
  /** Documents in it. Counted when opened, then kept up by every write. */
  count: number;
};

export const namespace = ({ db, name }: { db: string; name: string }) => `${db}.${name}`;

/** The first key of the collection or index of this number. */
export function prefix(id: number): Buffer {
  const key = Buffer.allocUnsafe(4);
  key.writeUInt32BE(id);
  return key;
}

const META = 0;
const FIRST_ID = 16;
const metaKey = (kind: 'c' | 'g' | 'n', rest: Uint8Array = Buffer.alloc(0)) =>
  Buffer.concat([prefix(META), Buffer.from(kind), rest]);
const collectionKey = (collection: Collection) => metaKey('c', Buffer.from(namespace(collection)));
const NEXT_ID = metaKey('n');

/** Entries removed in one transaction: a huge one would slow every later commit. */
const PURGE_CHUNK = 1000;

/** Everything that changes the catalogue must be called inside a storage job. */
export type Catalog = {
  find(db: string, name: string): Collection | undefined;
  list(): Collection[];
  create(db: string, name: string): Collection;
  save(collection: Collection): void;
  newIndex(definition: Pick<Index, 'name' | 'key' | 'unique' | 'sparse'>, ready: boolean): Index;
  drop(collection: Collection): void;
  dropIndexes(collection: Collection, indexes: Index[]): void;
  /** Removes, outside any job, what dropped collections and indexes have left behind. */
  purge(): Promise<void>;
};

/** Reads the catalogue; indexes whose building was cut short are dropped (their `createIndexes` was never answered). */
export async function openCatalog(storage: Storage): Promise<Catalog> {
  const collections = load(storage);
  storage.onUndo(() => restore(collections, load(storage)));

  const nextId = () => {
    const id = storage.get(NEXT_ID)?.readUInt32BE() ?? FIRST_ID;
    storage.put(NEXT_ID, prefix(id + 1));
    return id;
  };
  const discard = (id: number) => storage.put(metaKey('g', prefix(id)), Buffer.alloc(1));

  const catalog: Catalog = {
    find: (db, name) => collections.get(`${db}.${name}`),
    list: () => [...collections.values()],
    create(db, name) {
      checkNamespace(db, name);
      const collection = { db, name, id: nextId(), uuid: new UUID().toBinary(), indexes: [], count: 0 };
      collections.set(namespace(collection), collection);
      catalog.save(collection);
      return collection;
    },
    save(collection) {
      // A command that began before a collection was dropped must not bring it back.
      if (collections.get(namespace(collection)) !== collection) return;
      storage.put(collectionKey(collection), encode(toDoc(collection)));
    },
    newIndex: (definition, ready) => ({
      ...definition,
      id: nextId(),
      paths: definition.key.map(([path]) => parts(path)),
      multikey: definition.key.map(() => false),
      lossy: false,
      ready,
    }),
    drop(collection) {
      for (const { id } of [collection, ...collection.indexes]) discard(id);
      storage.remove(collectionKey(collection));
      collections.delete(namespace(collection));
    },
    dropIndexes(collection, indexes) {
      for (const { id } of indexes) discard(id);
      collection.indexes = collection.indexes.filter(index => !indexes.includes(index));
      catalog.save(collection);
    },
    purge: () => purge(storage),
  };
  for (const collection of catalog.list()) {
    const unfinished = collection.indexes.filter(index => !index.ready);
    if (unfinished.length > 0) await storage.write(() => catalog.dropIndexes(collection, unfinished));
  }
  return catalog;
}

async function purge(storage: Storage): Promise<void> {
  const first = metaKey('g');
  for (;;) {
    const [marker] = storage.scan({ from: first, to: after(first), limit: 1 });
    if (!marker) return;
    const from = marker.key.subarray(first.length);
    await storage.write(() => {
      const entries = storage.scan({ from, to: after(from), limit: PURGE_CHUNK });
      for (const { key } of entries) storage.remove(key);
      if (entries.length < PURGE_CHUNK) storage.remove(marker.key);
    });
  }
}

function load(storage: Storage): Map<string, Collection> {
  const from = metaKey('c');
  const entries = storage.scan({ from, to: after(from), limit: Number.MAX_SAFE_INTEGER });
  const all = entries.map(({ value }) => fromDoc(decode(value), storage));
  return new Map(all.map(collection => [namespace(collection), collection]));
}

/** Back to what is stored, in the same objects, because commands under way hold them. */
function restore(collections: Map<string, Collection>, stored: Map<string, Collection>): void {
  for (const name of collections.keys()) if (!stored.has(name)) collections.delete(name);
  for (const [name, collection] of stored) {
    const held = collections.get(name);
    collections.set(name, held?.id === collection.id ? Object.assign(held, collection) : collection);
  }
}

function toDoc({ indexes, count: _, ...collection }: Collection): Doc {
  return { ...collection, indexes: indexes.map(({ paths: _, ...index }) => index) };
}

function fromDoc(doc: Doc, storage: Storage): Collection {
  const id = int(doc.id);
  return {
    db: String(doc.db),
    name: String(doc.name),
    id,
    uuid: doc.uuid instanceof Binary ? doc.uuid : new UUID().toBinary(),
    indexes: list(doc.indexes).map(indexFrom),
    count: storage.count(prefix(id), prefix(id + 1)),
  };
}

function indexFrom(doc: unknown): Index {
  if (!isObject(doc)) throw new Error('the catalogue is damaged');
  const key = list(doc.key).map((pair): [string, 1 | -1] => [String(list(pair)[0]), int(list(pair)[1]) < 0 ? -1 : 1]);
  return {
    id: int(doc.id),
    name: String(doc.name),
    key,
    paths: key.map(([path]) => parts(path)),
    unique: doc.unique === true,
    sparse: doc.sparse === true,
    multikey: list(doc.multikey).map(Boolean),
    lossy: doc.lossy === true,
    ready: doc.ready === true,
  };
}

const list = (value: unknown) => (isArray(value) ? value : []);
const int = (value: unknown) => (value instanceof Int32 ? value.value : Number(value));

/** MongoDB's limits on names: 63 bytes for a database, 255 for a namespace. */
export function checkNamespace(db: string, name: string): void {
  if (db === '' || Buffer.byteLength(db) > 63 || /[\0/\\. "$]/.test(db))
    fail('InvalidNamespace', `Invalid database name: '${db}'`);
  const wrong = name === '' || name.startsWith('.') || name.startsWith('system.') || /[\0$]/.test(name);
  if (wrong || Buffer.byteLength(`${db}.${name}`) > 255) fail('InvalidNamespace', `Invalid collection name: '${name}'`);
}
