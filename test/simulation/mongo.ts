/** The simulated MongoDB: documents in memory behind the part of the driver's interface that the services use. */
import type { MongoClient } from 'mongodb';
import { type Doc, Documents, DuplicateKey, type Filter, type FindOptions, type UpdateSpec } from './documents.ts';
import { type Effect, type SimProcess, type World, whole } from './world.ts';

/** `database` without the system's prefix: a service's name. */
export type Watcher = (collection: string, before: Doc | undefined, after: Doc | undefined) => void;

export type Store = ReturnType<typeof createStore>;

/** The server: it outlives the processes. Collections are named `service.collection`. */
export function createStore(watch: Watcher = () => undefined) {
  const collections = new Map<string, Documents>();
  function of(name: string): Documents {
    const known = collections.get(name);
    if (known) return known;
    const created = new Documents((before, after) => watch(name, before, after));
    collections.set(name, created);
    return created;
  }
  return {
    of,
    /** The rows of a collection as they are; not to be changed. */
    rows: (name: string): Doc[] => [...of(name).rows.values()],
    names: () => [...collections.keys()],
  };
}

type UpdateOne = { updateOne: { filter: Filter; update: UpdateSpec; upsert?: boolean } };

/** What a process sees of the store. */
export function connectTo(store: Store, world: Pick<World, 'io'>, process: SimProcess, prefix: string): MongoClient {
  const client = {
    db: (database: string) => ({
      collection: (name: string) => collection(`${database.slice(prefix.length + 1)}.${name}`),
    }),
  };

  function collection(name: string) {
    const documents = store.of(name);
    const io = <T>(what: string, effect: Effect<T>) => world.io(process, 'mongodb', `${name} ${what}`, effect);
    const bulk = <T>(what: string, effect: Effect<T>) => io(what, effect).catch(asBulkError);
    return {
      find: (filter: Filter = {}, options: FindOptions = {}) =>
        cursor(options, all =>
          io(
            `find ${names(filter)}`,
            whole(() => documents.find(filter, all)),
          ),
        ),
      findOne: (filter: Filter) =>
        io(
          `findOne ${names(filter)}`,
          whole(() => documents.find(filter, { limit: 1 })[0] ?? null),
        ),
      countDocuments: (filter: Filter = {}) =>
        io(
          'count',
          whole(() => documents.count(filter)),
        ),
      distinct: (field: string, filter: Filter = {}) =>
        io(
          `distinct ${field}`,
          whole(() => documents.distinct(field, filter)),
        ),
      insertOne: (row: Doc) =>
        io(
          `insertOne ${row._id}`,
          whole(() => documents.insert(row)),
        ),
      insertMany: (rows: readonly Doc[], { ordered = true } = {}) =>
        bulk(
          `insertMany ${rows.map(({ _id }) => _id)}`,
          many(rows, ordered, row => {
            documents.insert(row);
            return 1;
          }),
        ),
      bulkWrite: (writes: readonly UpdateOne[], { ordered = true } = {}) =>
        bulk(`bulkWrite ${writes.map(({ updateOne }) => updateOne.filter._id)}`, upserts(documents, writes, ordered)),
      updateOne: (filter: Filter, update: UpdateSpec, options: { upsert?: boolean } = {}) =>
        io(
          `updateOne ${names(filter)}`,
          whole(() => documents.update(filter, update, options)),
        ),
      updateMany: (filter: Filter, update: UpdateSpec) =>
        io(`updateMany ${names(filter)}`, inTwo(documents, filter, update)),
      findOneAndUpdate: (filter: Filter, update: UpdateSpec, options: { upsert?: boolean } = {}) =>
        io(
          `findOneAndUpdate ${names(filter)}`,
          whole(() => documents.update(filter, update, options).row ?? null),
        ),
      deleteOne: (filter: Filter) =>
        io(
          `deleteOne ${names(filter)}`,
          whole(() => ({ deletedCount: documents.remove(filter) })),
        ),
      deleteMany: (filter: Filter) =>
        io(
          `deleteMany ${names(filter)}`,
          whole(() => ({ deletedCount: documents.remove(filter, { many: true }) })),
        ),
      createIndexes: (indexes: Parameters<Documents['createIndex']>[0][]) =>
        io(
          'createIndexes',
          whole(() => {
            for (const index of indexes) documents.createIndex(index);
          }),
        ),
    };
  }
  // The services use no more of the driver than what stands here; anything else fails as "not a function".
  return client as unknown as MongoClient;
}

const names = (filter: Filter) => JSON.stringify(filter);

/** The driver wraps what goes wrong with a bulk write in an error of its own. */
function asBulkError(error: Error): never {
  if (error instanceof DuplicateKey) throw error;
  throw Object.assign(new Error(error.message), { name: 'MongoBulkWriteError', writeErrors: [], errorResponse: error });
}

/** The lazy cursor of the driver, as far as it is used: everything comes in one answer. */
function cursor(given: FindOptions, fetch: (options: FindOptions) => Promise<Doc[]>) {
  const options = { ...given };
  const self = {
    sort(sort: Exclude<FindOptions['sort'], undefined>) {
      options.sort = sort;
      return self;
    },
    limit(limit: number) {
      options.limit = limit;
      return self;
    },
    batchSize: () => self,
    hint: () => self,
    toArray: () => fetch(options),
    async *[Symbol.asyncIterator]() {
      yield* await fetch(options);
    },
  };
  return self;
}

/** A bulk write: ordered, it ends with the first error; else all errors are told at its end. `write` may insert. */
function many<Item>(items: readonly Item[], ordered: boolean, write: (item: Item) => number): Effect<unknown> {
  const writeErrors: { index: number; code: number }[] = [];
  let insertedCount = 0;
  return {
    count: items.length,
    part(index) {
      if (ordered && writeErrors.length > 0) return;
      try {
        insertedCount += write(items[index] as Item);
      } catch (error) {
        if (!(error instanceof DuplicateKey)) throw error;
        writeErrors.push({ index, code: error.code });
      }
    },
    result() {
      if (writeErrors.length === 0) return { insertedCount };
      throw Object.assign(new DuplicateKey('in a bulk write'), { writeErrors, insertedCount });
    },
  };
}

/**
 * An upsert looks first and inserts then: where another process has inserted meanwhile, it meets a duplicate key although
 * its filter would match by now.
 */
function upserts(documents: Documents, writes: readonly UpdateOne[], ordered: boolean): Effect<unknown> {
  const unmatched = new Set<UpdateOne>();
  const own = new Set<unknown>();
  let matchedCount = 0;
  const effect = many(writes, ordered, write => {
    const { filter, update, upsert = false } = write.updateOne;
    const isOld = unmatched.has(write) && !own.has(filter._id);
    if (isOld && documents.count({ _id: filter._id }) > 0) throw new DuplicateKey('in an upsert');
    matchedCount += documents.update(filter, update, { upsert }).matchedCount;
    own.add(filter._id);
    // The driver counts upserts apart.
    return 0;
  });
  return {
    ...effect,
    result: () => ({ ...(effect.result() as object), matchedCount }),
    begin() {
      for (const write of writes) {
        const { filter, upsert = false } = write.updateOne;
        if (upsert && documents.count(filter) === 0) unmatched.add(write);
      }
    },
  };
}

/** An update of many documents is not atomic: what matches the second half's filter later is changed later. */
function inTwo(documents: Documents, filter: Filter, update: UpdateSpec): Effect<unknown> {
  const done = new Set<string>();
  let modifiedCount = 0;
  return {
    count: 2,
    part(index) {
      const hits = documents.find(filter).flatMap(({ _id }) => (done.has(_id) ? [] : _id));
      for (const _id of hits.filter((_, at) => index === 1 || at % 2 === 0)) {
        modifiedCount += documents.update({ ...filter, _id }, update).modifiedCount;
        done.add(_id);
      }
    },
    result: () => ({ modifiedCount }),
  };
}
