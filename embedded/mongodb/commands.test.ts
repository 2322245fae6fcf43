import { type Collection, type Document, Long, ObjectId } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { codeOf, startTrial, type Trial } from './trial.ts';

let trial: Trial;
let items: Collection<Document>;
let n = 0;

beforeAll(async () => {
  trial = await startTrial();
});
beforeEach(() => {
  items = trial.db.collection(`items${n++}`);
});
afterAll(() => trial.end());

const rows = (): Document[] => [
  { _id: 1, a: 3, b: 'x', tags: ['p', 'q'] },
  { _id: 2, a: 1, b: 'y', tags: ['q'] },
  { _id: 3, a: 2, b: 'x', tags: [] },
  { _id: 4, b: 'z' },
];
const filled = async () => {
  await items.insertMany(rows());
  return items;
};
const ids = async (found: Promise<Document[]>) => (await found).map(({ _id }) => _id);

describe('handshake', () => {
  test('hello, ping and buildInfo are answered', async () => {
    const hello = await trial.db.admin().command({ hello: 1 });
    expect(hello).toMatchObject({
      ok: 1,
      isWritablePrimary: true,
      maxBsonObjectSize: 16777216,
      maxWriteBatchSize: 100000,
    });
    expect(await trial.db.command({ ping: 1 })).toMatchObject({ ok: 1 });
    expect(await trial.db.admin().command({ buildInfo: 1 })).toMatchObject({ ok: 1, version: expect.any(String) });
  });
});

describe('insert', () => {
  test('stores what it is given and generates an _id', async () => {
    const { insertedId } = await items.insertOne({ a: 1, nested: { deep: [1, { two: 2 }] } });
    expect(insertedId).toBeInstanceOf(ObjectId);
    expect(await items.findOne()).toEqual({ _id: insertedId, a: 1, nested: { deep: [1, { two: 2 }] } });
    expect(Object.keys((await items.findOne()) ?? {})[0]).toBe('_id');
  });

  test('an ordered batch stops at the first error and says how far it came', async () => {
    const error = await items.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 1 }, { _id: 3 }] as Document[]).catch(e => e);
    expect(error).toMatchObject({ code: 11000, insertedCount: 2 });
    expect(error.writeErrors.map((e: { index: number }) => e.index)).toEqual([2]);
    expect(await items.countDocuments()).toBe(2);
  });

  test('an unordered batch goes on and reports every error by its index', async () => {
    const docs = [{ _id: 1 }, { _id: 1 }, { _id: 2 }, { _id: 2 }, { _id: 3 }] as Document[];
    const error = await items.insertMany(docs, { ordered: false }).catch(e => e);
    expect(error).toMatchObject({ code: 11000, insertedCount: 3 });
    expect(error.writeErrors.map((e: { index: number }) => e.index)).toEqual([1, 3]);
    expect(await ids(items.find().sort({ _id: 1 }).toArray())).toEqual([1, 2, 3]);
  });

  test('unacknowledged, is written all the same', async () => {
    await items.insertOne({ a: 1 }, { writeConcern: { w: 0 } });
    await expect.poll(() => items.countDocuments()).toBe(1);
  });

  test('of a document over 16 MiB is refused, of one just below it works', async () => {
    const { length } = Buffer.from('x'.repeat(15.9 * 1024 * 1024));
    await items.insertOne({ text: 'x'.repeat(length) });
    expect((await items.findOne())?.text).toHaveLength(length);
    await expect(items.insertOne({ text: 'x'.repeat(16 * 1024 * 1024) })).rejects.toThrow();
    expect(await items.countDocuments()).toBe(1);
  });
});

describe('find', () => {
  test('filters, sorts, skips, limits and projects', async () => {
    await filled();
    expect(await ids(items.find({ b: 'x' }).sort({ a: 1 }).toArray())).toEqual([3, 1]);
    expect(await ids(items.find().sort({ a: -1 }).toArray())).toEqual([1, 3, 2, 4]);
    expect(await ids(items.find().sort({ b: 1, a: -1 }).skip(1).limit(2).toArray())).toEqual([3, 2]);
    expect(await items.find({ _id: 1 } as Document, { projection: { a: 1 } }).toArray()).toEqual([{ _id: 1, a: 3 }]);
    expect(await items.find({ _id: 1 } as Document, { projection: { _id: 0, tags: 0 } }).toArray()).toEqual([
      { a: 3, b: 'x' },
    ]);
    expect(await items.find({ _id: { $gt: 9 } } as Document).toArray()).toEqual([]);
  });

  test('by _id, one or several, tests what else is asked for, and gives each once', async () => {
    await filled();
    const found = (filter: object, limit = 0) =>
      ids(
        items
          .find(filter as Document)
          .limit(limit)
          .toArray(),
      );
    expect(await found({ _id: 1, b: 'x' })).toEqual([1]);
    expect(await found({ _id: 1, b: 'y' })).toEqual([]);
    expect(await found({ _id: { $in: [3, 1, 3, 9] } })).toEqual([1, 3]);
    expect(await found({ _id: { $in: [1, 2, 3] }, b: 'x' })).toEqual([1, 3]);
    expect(await found({ _id: { $in: [1, 2, 3], $gt: 1 } })).toEqual([2, 3]);
    expect(await found({ _id: { $in: [1, 2, 3] } }, 2)).toEqual([1, 2]);
    expect(await found({ _id: { $in: [1, 2, 3] }, b: 'x' }, 1)).toEqual([1]);
    expect(await found({ _id: { $in: [] } })).toEqual([]);
  });

  test('projects through sub-documents and arrays', async () => {
    await items.insertOne({ a: { b: 1, c: 2 }, list: [{ x: 1, y: 2 }, 5, { y: 3 }] });
    expect(await items.findOne({}, { projection: { _id: 0, 'a.b': 1, 'list.x': 1 } })).toEqual({
      a: { b: 1 },
      list: [{ x: 1 }, {}],
    });
    expect(await items.findOne({}, { projection: { _id: 0, 'a.b': 0, 'list.x': 0 } })).toEqual({
      a: { c: 2 },
      list: [{ y: 2 }, 5, { y: 3 }],
    });
  });

  test('sorts arrays by their least element, descending by their greatest', async () => {
    await items.insertMany([
      { _id: 1, a: [1, 9] },
      { _id: 2, a: 5 },
      { _id: 3, a: [2, 3] },
    ] as Document[]);
    expect(await ids(items.find().sort({ a: 1 }).toArray())).toEqual([1, 3, 2]);
    expect(await ids(items.find().sort({ a: -1 }).toArray())).toEqual([1, 2, 3]);
  });

  test('gives batches of the size asked for, and single batches', async () => {
    await items.insertMany(Array.from({ length: 25 }, (_, i) => ({ _id: i })) as Document[]);
    expect((await items.find({}, { batchSize: 10 }).toArray()).length).toBe(25);
    const reply = await trial.db.command({ find: items.collectionName, batchSize: 10 });
    expect(reply.cursor.firstBatch).toHaveLength(10);
    const more = await trial.db.command({
      getMore: Long.fromNumber(reply.cursor.id),
      collection: items.collectionName,
      batchSize: 4,
    });
    expect(more.cursor.nextBatch).toHaveLength(4);
    const killed = await trial.db.command({
      killCursors: items.collectionName,
      cursors: [Long.fromNumber(reply.cursor.id)],
    });
    expect(killed.cursorsKilled).toHaveLength(1);
    expect(
      await codeOf(trial.db.command({ getMore: Long.fromNumber(reply.cursor.id), collection: items.collectionName })),
    ).toBe(43);
    const single = await trial.db.command({ find: items.collectionName, batchSize: 3, singleBatch: true });
    expect([single.cursor.firstBatch.length, Number(single.cursor.id)]).toEqual([3, 0]);
  });

  test('gives an empty first batch when asked to', async () => {
    await filled();
    const reply = await trial.db.command({ find: items.collectionName, batchSize: 0 });
    expect(reply.cursor.firstBatch).toHaveLength(0);
    expect(Number(reply.cursor.id)).not.toBe(0);
  });

  test('splits batches before they outgrow a message', async () => {
    await items.insertMany(Array.from({ length: 12 }, (_, i) => ({ i, text: 'x'.repeat(4 * 1024 * 1024) })));
    expect((await items.find().toArray()).length).toBe(12);
  });
});

describe('update', () => {
  test('changes one, many or none, and counts what it changed', async () => {
    await filled();
    expect(await items.updateOne({ b: 'x' }, { $set: { a: 9 } })).toMatchObject({ matchedCount: 1, modifiedCount: 1 });
    expect(await items.updateMany({ b: 'x' }, { $set: { a: 9 } })).toMatchObject({ matchedCount: 2, modifiedCount: 1 });
    expect(await items.updateMany({ b: 'none' }, { $set: { a: 9 } })).toMatchObject({
      matchedCount: 0,
      modifiedCount: 0,
    });
    expect(await items.replaceOne({ _id: 4 } as Document, { c: 1 })).toMatchObject({ modifiedCount: 1 });
    expect(await items.findOne({ _id: 4 } as Document)).toEqual({ _id: 4, c: 1 });
  });

  test('upserts from filter, update and $setOnInsert', async () => {
    const update = { $set: { a: 1 }, $setOnInsert: { c: 2 } };
    const first = await items.updateOne({ _id: 7, k: 'v', d: { $gt: 1 } } as Document, update, { upsert: true });
    expect(first).toMatchObject({ matchedCount: 0, upsertedCount: 1, upsertedId: 7 });
    expect(await items.findOne()).toEqual({ _id: 7, k: 'v', a: 1, c: 2 });
    expect(await items.updateOne({ _id: 7 } as Document, update, { upsert: true })).toMatchObject({
      matchedCount: 1,
      upsertedCount: 0,
    });
    const replaced = await items.replaceOne({ k: 'w' }, { z: 1 }, { upsert: true });
    expect(await items.findOne({ z: 1 })).toEqual({ _id: replaced.upsertedId, z: 1 });
  });

  test('leaves _id as it is', async () => {
    await filled();
    expect(await codeOf(items.updateOne({ _id: 1 } as Document, { $set: { _id: 2 } }))).toBe(66);
    expect(await codeOf(items.replaceOne({ _id: 1 } as Document, { _id: 2, a: 1 } as Document))).toBe(66);
    expect(await items.updateOne({ _id: 1 } as Document, { $set: { _id: 1, a: 5 } })).toMatchObject({
      modifiedCount: 1,
    });
  });

  test('refuses conflicting paths and wrong types with their codes', async () => {
    await items.insertOne({ s: 'text' });
    expect(await codeOf(items.updateOne({}, { $set: { s: 1 }, $inc: { s: 1 } }))).toBe(40);
    expect(await codeOf(items.updateOne({}, { $inc: { s: 1 } }))).toBe(14);
    expect(await codeOf(items.updateOne({}, { $set: { 's.t': 1 } }))).toBe(28);
  });

  test('of many documents meets each of them once, though it moves them in the index it uses', async () => {
    await items.createIndex({ a: 1 });
    await items.insertMany(Array.from({ length: 3000 }, (_, i) => ({ a: i })));
    expect(await items.updateMany({ a: { $gte: 0 } }, { $inc: { a: 2500 } })).toMatchObject({ modifiedCount: 3000 });
    const [{ min, max }] = (await items
      .aggregate([{ $group: { _id: null, min: { $min: '$a' }, max: { $max: '$a' } } }])
      .toArray()) as [Document];
    expect([min, max]).toEqual([2500, 5499]);
  });
});

describe('delete', () => {
  test('removes one or many and counts them', async () => {
    await filled();
    expect(await items.deleteOne({ b: 'x' })).toMatchObject({ deletedCount: 1 });
    expect(await items.deleteMany({})).toMatchObject({ deletedCount: 3 });
    expect(await items.countDocuments()).toBe(0);
  });

  test('removes thousands, and their index entries', async () => {
    await items.createIndex({ a: 1 });
    await items.insertMany(Array.from({ length: 5000 }, (_, i) => ({ a: i })));
    expect(await items.deleteMany({ a: { $lt: 4000 } })).toMatchObject({ deletedCount: 4000 });
    expect(
      await items
        .find({ a: { $gte: 0 } })
        .hint('a_1')
        .toArray(),
    ).toHaveLength(1000);
  });
});

describe('bulkWrite', () => {
  test('mixes inserts, updates, replacements and deletes in order', async () => {
    await filled();
    const result = await items.bulkWrite([
      { insertOne: { document: { _id: 5, a: 5 } } },
      { updateOne: { filter: { _id: 5 }, update: { $inc: { a: 1 } } } },
      { updateMany: { filter: { b: 'x' }, update: { $set: { seen: true } } } },
      { replaceOne: { filter: { _id: 2 }, replacement: { a: 0 } } },
      { updateOne: { filter: { _id: 6 }, update: { $set: { a: 6 } }, upsert: true } },
      { deleteOne: { filter: { _id: 4 } } },
    ] as Parameters<typeof items.bulkWrite>[0]);
    expect(result).toMatchObject({
      insertedCount: 1,
      matchedCount: 4,
      modifiedCount: 4,
      upsertedCount: 1,
      deletedCount: 1,
    });
    expect(result.upsertedIds).toEqual({ 4: 6 });
    expect(await items.findOne({ _id: 5 } as Document)).toEqual({ _id: 5, a: 6 });
  });
});

describe('findAndModify', () => {
  test('gives the document before or after, and null if there is none', async () => {
    await filled();
    expect(await items.findOneAndUpdate({ _id: 1 } as Document, { $inc: { a: 1 } })).toMatchObject({ a: 3 });
    expect(
      await items.findOneAndUpdate({ _id: 1 } as Document, { $inc: { a: 1 } }, { returnDocument: 'after' }),
    ).toMatchObject({ a: 5 });
    expect(await items.findOneAndUpdate({ _id: 9 } as Document, { $inc: { a: 1 } })).toBeNull();
  });

  test('takes the first in the order of a sort, and projects', async () => {
    await filled();
    const options = { sort: { a: -1 }, projection: { _id: 1 }, returnDocument: 'after' } as const;
    expect(await items.findOneAndUpdate({ a: { $exists: true } }, { $set: { a: 0 } }, options)).toEqual({ _id: 1 });
  });

  test('upserts, replaces and removes', async () => {
    const options = { upsert: true, returnDocument: 'after' } as const;
    expect(await items.findOneAndUpdate({ _id: 1 } as Document, { $set: { a: 1 } }, options)).toEqual({ _id: 1, a: 1 });
    expect(await items.findOneAndUpdate({ _id: 2 } as Document, { $set: { a: 1 } }, { upsert: true })).toBeNull();
    expect(await items.findOneAndReplace({ _id: 1 } as Document, { b: 1 }, { returnDocument: 'after' })).toEqual({
      _id: 1,
      b: 1,
    });
    expect(await items.findOneAndDelete({ _id: 1 } as Document)).toEqual({ _id: 1, b: 1 });
    expect(await items.findOneAndDelete({ _id: 1 } as Document)).toBeNull();
    const full = await items.findOneAndUpdate(
      { _id: 3 } as Document,
      { $set: { a: 1 } },
      { upsert: true, includeResultMetadata: true },
    );
    expect(full?.lastErrorObject).toEqual({ n: 1, updatedExisting: false, upserted: 3 });
  });
});

describe('count and distinct', () => {
  test('count with filter, skip and limit, and estimate', async () => {
    await filled();
    expect(await items.countDocuments({ b: 'x' })).toBe(2);
    expect(await items.countDocuments({}, { skip: 1, limit: 2 })).toBe(2);
    expect(await items.countDocuments({ b: 'none' })).toBe(0);
    expect(await items.estimatedDocumentCount()).toBe(4);
    expect(await trial.db.command({ count: items.collectionName, query: { a: { $gt: 1 } } })).toMatchObject({ n: 2 });
    expect(await trial.db.collection('nothing').countDocuments()).toBe(0);
  });

  test('distinct gives the values, of arrays their elements', async () => {
    await filled();
    expect((await items.distinct('b')).sort()).toEqual(['x', 'y', 'z']);
    expect((await items.distinct('tags')).sort()).toEqual(['p', 'q']);
    expect(await items.distinct('b', { a: 1 })).toEqual(['y']);
  });
});

describe('aggregate', () => {
  const sales = () =>
    items.insertMany([
      { who: 'a', cents: Long.fromString('9007199254740993'), at: new Date('2024-05-01T10:00:00Z'), tags: ['x', 'y'] },
      { who: 'b', cents: Long.fromNumber(5), at: new Date('2024-05-02T10:00:00Z'), tags: [] },
      { who: 'a', cents: Long.fromNumber(1), at: new Date('2024-05-02T11:00:00Z') },
    ]);

  test('groups with exact sums of longs', async () => {
    await sales();
    const group = {
      _id: '$who',
      n: { $sum: 1 },
      total: { $sum: '$cents' },
      least: { $min: '$cents' },
      all: { $push: '$cents' },
    };
    const result = await items.aggregate([{ $group: group }, { $sort: { _id: 1 } }], { promoteLongs: false }).toArray();
    expect(String(result[0]?.total)).toBe('9007199254740994');
    expect(result[0]?.total).toBeInstanceOf(Long);
    expect(result.map(({ _id, n }) => [_id, n])).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
  });

  test('runs $match, $unwind, $project, $addFields, $replaceRoot, $skip, $limit and $count', async () => {
    await sales();
    expect(await items.aggregate([{ $match: { who: 'a' } }, { $count: 'n' }]).toArray()).toEqual([{ n: 2 }]);
    expect(await items.aggregate([{ $unwind: '$tags' }, { $project: { _id: 0, tags: 1 } }]).toArray()).toEqual([
      { tags: 'x' },
      { tags: 'y' },
    ]);
    const kept = { $unwind: { path: '$tags', preserveNullAndEmptyArrays: true } };
    expect(await items.aggregate([kept]).toArray()).toHaveLength(4);
    const computed = [
      { $match: { who: 'b' } },
      { $project: { _id: 0, double: { $multiply: ['$cents', 2] }, is: { $eq: ['$who', 'b'] } } },
    ];
    expect(await items.aggregate(computed).toArray()).toEqual([{ double: 10, is: true }]);
    const added = [{ $match: { who: 'b' } }, { $addFields: { 'x.y': 1 } }, { $project: { _id: 0, x: 1 } }];
    expect(await items.aggregate(added).toArray()).toEqual([{ x: { y: 1 } }]);
    const rooted = [{ $sort: { cents: 1 } }, { $skip: 1 }, { $limit: 1 }, { $replaceRoot: { newRoot: { w: '$who' } } }];
    expect(await items.aggregate(rooted).toArray()).toEqual([{ w: 'b' }]);
  });

  test('gives nothing for a collection that is not there, but groups of constants no rows either', async () => {
    expect(await items.aggregate([{ $match: {} }, { $group: { _id: 1, n: { $sum: 1 } } }]).toArray()).toEqual([]);
  });
});

describe('collections and databases', () => {
  test('are created, listed and dropped', async () => {
    await trial.db.createCollection('made');
    await items.insertOne({});
    const names = (await trial.db.listCollections().toArray()).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['made', items.collectionName]));
    expect(await trial.db.listCollections({ name: 'made' }).toArray()).toMatchObject([
      { name: 'made', type: 'collection' },
    ]);
    expect(await codeOf(trial.db.createCollection('made', { capped: false }))).toSatisfy(
      code => code === 48 || code === undefined,
    );
    expect(await trial.db.dropCollection('made')).toBe(true);
    expect(await trial.db.listCollections({ name: 'made' }).toArray()).toEqual([]);
    const { databases } = await trial.db.admin().listDatabases();
    expect(databases.map(({ name }) => name)).toContain(trial.db.databaseName);
  });

  test('a dropped collection comes back empty', async () => {
    await items.createIndex({ a: 1 }, { unique: true });
    await items.insertMany(Array.from({ length: 2500 }, (_, i) => ({ a: i })));
    await items.drop();
    expect(await items.countDocuments()).toBe(0);
    await items.insertOne({ a: 1 });
    expect(await items.find({ a: 1 }).toArray()).toHaveLength(1);
    expect((await items.indexes()).map(({ name }) => name)).toEqual(['_id_']);
  });

  test('a dropped database is gone', async () => {
    const other = trial.client.db(`${trial.db.databaseName}_other`);
    await other.collection('c').insertOne({});
    await other.dropDatabase();
    expect(await other.listCollections().toArray()).toEqual([]);
  });
});
