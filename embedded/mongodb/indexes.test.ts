import type { Collection, Document } from 'mongodb';
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

const ids = async (found: Promise<Document[]>) => (await found).map(({ _id }) => _id);

describe('a duplicate key', () => {
  const duplicate = { code: 11000, keyPattern: { a: 1 }, keyValue: { a: 1 } };
  const failure = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      error => error,
    );

  test('is told by insertOne, updateOne and findOneAndUpdate with pattern and value', async () => {
    await items.createIndex({ a: 1 }, { unique: true });
    await items.insertMany([{ a: 1 }, { a: 2 }]);
    expect(await failure(items.insertOne({ a: 1 }))).toMatchObject(duplicate);
    expect(await failure(items.updateOne({ a: 2 }, { $set: { a: 1 } }))).toMatchObject(duplicate);
    expect(await failure(items.updateOne({ b: 1 }, { $set: { a: 1 } }, { upsert: true }))).toMatchObject(duplicate);
    expect(await failure(items.findOneAndUpdate({ a: 2 }, { $set: { a: 1 } }))).toMatchObject(duplicate);
    expect(await failure(items.insertOne({ _id: 'x' } as Document))).toBeUndefined();
    expect(await failure(items.insertOne({ _id: 'x', a: 5 } as Document))).toMatchObject({
      code: 11000,
      keyPattern: { _id: 1 },
    });
    expect(await items.countDocuments()).toBe(3);
  });

  test('is told by insertMany for each document, within the batch too', async () => {
    await items.createIndex({ a: 1 }, { unique: true });
    const documents = [{ a: 1 }, { a: 1 }, { a: 2 }];
    const reply = await trial.db.command({ insert: items.collectionName, documents, ordered: false });
    expect(reply.n).toBe(2);
    expect(reply.writeErrors).toMatchObject([{ index: 1, ...duplicate }]);
  });

  test('keeps a unique index from being built', async () => {
    await items.insertMany([{ a: 1 }, { a: 1 }]);
    expect(await failure(items.createIndex({ a: 1 }, { unique: true }))).toMatchObject(duplicate);
    expect((await items.indexes()).map(({ name }) => name)).toEqual(['_id_']);
    await items.insertOne({ a: 1 });
  });

  test('counts missing fields as null, and compares numbers across types', async () => {
    await items.createIndex({ a: 1 }, { unique: true });
    await items.insertOne({});
    expect(await failure(items.insertOne({ b: 1 }))).toMatchObject({ code: 11000, keyValue: { a: null } });
    await items.insertOne({ a: 1 });
    expect(await codeOf(items.insertOne({ a: 1.0 }))).toBe(11000);
  });

  test('is found among compound keys and elements of arrays', async () => {
    await items.createIndex({ a: 1, b: -1 }, { unique: true });
    await items.insertMany([
      { a: 1, b: 1 },
      { a: 1, b: 2 },
      { a: [5, 6], b: 1 },
      { a: [7, 7], b: 1 },
    ]);
    expect(await failure(items.insertOne({ a: 1, b: 2 }))).toMatchObject({
      code: 11000,
      keyPattern: { a: 1, b: -1 },
      keyValue: { a: 1, b: 2 },
    });
    expect(await codeOf(items.insertOne({ a: [9, 6], b: 1 }))).toBe(11000);
    expect(await codeOf(items.insertOne({ a: [9, 6], b: 2 }))).toBeUndefined();
  });

  test('is found among long values, and only there', async () => {
    await items.createIndex({ a: 1 }, { unique: true });
    const long = 'x'.repeat(5000);
    await items.insertMany([{ a: `${long}1` }, { a: `${long}2` }]);
    expect(await codeOf(items.insertOne({ a: `${long}1` }))).toBe(11000);
    expect(await items.find({ a: `${long}2` }).toArray()).toHaveLength(1);
    expect(await items.find({ a: { $gt: `${long}1` } }).toArray()).toHaveLength(1);
    expect((await items.find().sort({ a: -1 }).toArray())[0]?.a).toBe(`${long}2`);
  });
});

describe('a sparse index', () => {
  test('holds only documents with the field, and is not used where it would leave some out', async () => {
    await items.createIndex({ a: 1 }, { unique: true, sparse: true });
    await items.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3, a: null }, { _id: 4, a: 5 }] as Document[]);
    expect(await codeOf(items.insertOne({ a: null }))).toBe(11000);
    expect(await ids(items.find({ a: null }).sort({ _id: 1 }).toArray())).toEqual([1, 2, 3]);
    expect(await ids(items.find().sort({ a: 1, _id: 1 }).toArray())).toEqual([1, 2, 3, 4]);
    expect(await items.countDocuments({ a: { $exists: true } })).toBe(2);
    expect(
      await ids(
        items
          .find({ a: { $exists: true } })
          .sort({ a: -1 })
          .toArray(),
      ),
    ).toEqual([4, 3]);
  });

  test('answers what is still pending, in order', async () => {
    await items.createIndex({ pending: 1 }, { sparse: true });
    await items.insertMany(Array.from({ length: 500 }, (_, i) => ({ _id: i, pending: i })) as Document[]);
    await items.updateMany({ _id: { $lt: 490 } } as Document, { $unset: { pending: '' } });
    const found = items
      .find({ pending: { $exists: true } })
      .sort({ pending: 1 })
      .limit(100);
    expect(await ids(found.clone().toArray())).toEqual([490, 491, 492, 493, 494, 495, 496, 497, 498, 499]);
    const { executionStats } = await found.clone().explain('executionStats');
    expect(executionStats).toMatchObject({ totalKeysExamined: 10, totalDocsExamined: 10 });
  });
});

describe('creating indexes', () => {
  test('again changes nothing; other definitions under the same name or key are refused', async () => {
    await items.createIndex({ a: 1 });
    await items.createIndex({ a: 1 });
    expect(await codeOf(items.createIndex({ a: 1 }, { name: 'other' }))).toBe(85);
    expect(await codeOf(items.createIndex({ b: 1 }, { name: 'a_1' }))).toBe(86);
    expect(await items.indexes()).toEqual([
      { v: 2, key: { _id: 1 }, name: '_id_' },
      { v: 2, key: { a: 1 }, name: 'a_1' },
    ]);
  });

  test('and dropping them, one or all', async () => {
    await items.createIndexes([{ key: { a: 1 } }, { key: { b: -1 }, unique: true }, { key: { c: 1 } }]);
    await items.dropIndex('a_1');
    expect((await items.indexes()).map(({ name }) => name)).toEqual(['_id_', 'b_-1', 'c_1']);
    expect(await codeOf(items.dropIndex('a_1'))).toBe(27);
    expect(await codeOf(items.dropIndex('_id_'))).toBe(72);
    await items.dropIndexes();
    expect((await items.indexes()).map(({ name }) => name)).toEqual(['_id_']);
    expect(await codeOf(trial.db.collection('nowhere').indexes())).toBe(26);
  });

  test('over documents that are there, while others are written', async () => {
    await items.insertMany(Array.from({ length: 5000 }, (_, i) => ({ _id: i, a: i % 100 })) as Document[]);
    const building = items.createIndex({ a: 1 });
    const writing = Array.from({ length: 200 }, (_, i) => items.insertOne({ _id: 5000 + i, a: i % 100 } as Document));
    const deleting = Array.from({ length: 200 }, (_, i) => items.deleteOne({ _id: i * 20 } as Document));
    await Promise.all([building, ...writing, ...deleting]);
    for (const a of [0, 17, 99]) {
      const indexed = await ids(items.find({ a }).hint('a_1').sort({ _id: 1 }).toArray());
      expect(indexed).toEqual(await ids(items.find({ a }).hint({ $natural: 1 }).sort({ _id: 1 }).toArray()));
      expect(indexed.length).toBeGreaterThan(10);
    }
  });

  test('after updates of the same field keeps up with those that follow', async () => {
    await items.insertOne({ _id: 1, a: 1 } as Document);
    await items.updateOne({ _id: 1 } as Document, { $set: { a: 2 } });
    await items.createIndex({ a: 1 });
    await items.updateOne({ _id: 1 } as Document, { $set: { a: 3 } });
    expect(await items.countDocuments({ a: 3 }, { hint: 'a_1' })).toBe(1);
    expect(await items.countDocuments({ a: 2 }, { hint: 'a_1' })).toBe(0);
  });

  test('over two arrays of one document is refused', async () => {
    await items.createIndex({ a: 1, b: 1 });
    expect(await codeOf(items.insertOne({ a: [1], b: [1] }))).toBe(171);
  });
});

describe('an index over arrays', () => {
  test('finds each document once, by any element, and each condition by another element', async () => {
    await items.createIndex({ tags: 1 });
    await items.insertMany([
      { _id: 1, tags: [1, 5, 9] },
      { _id: 2, tags: [] },
      { _id: 3, tags: 5 },
      { _id: 4 },
    ] as Document[]);
    const found = (filter: Document) => ids(items.find(filter).sort({ _id: 1 }).toArray());
    expect(await found({ tags: { $gte: 1 } })).toEqual([1, 3]);
    expect(await found({ tags: { $gt: 5, $lt: 9 } })).toEqual([1]);
    expect(await found({ tags: { $elemMatch: { $gt: 5, $lt: 9 } } })).toEqual([]);
    expect(await found({ tags: { $in: [1, 9] } })).toEqual([1]);
    expect(await found({ tags: null })).toEqual([4]);
    expect(await found({ tags: [] })).toEqual([2]);
    expect(
      await ids(
        items
          .find({ tags: { $gte: 0 } })
          .sort({ tags: -1 })
          .toArray(),
      ),
    ).toEqual([1, 3]);
    expect(await items.countDocuments({ tags: { $gte: 1 } })).toBe(2);
  });

  test.each([3, 300])('of %i elements follows what is changed of them', async length => {
    await items.createIndex({ tags: 1 });
    const tags = Array.from({ length }, (_, i) => i);
    await items.insertOne({ _id: 1, tags } as Document);
    await items.updateOne({ _id: 1 } as Document, { $set: { tags: [...tags.slice(1), -1] } });
    const found = (tag: number) => items.countDocuments({ tags: tag }, { hint: 'tags_1' });
    expect(await Promise.all([0, 1, length - 1, -1].map(found))).toEqual([0, 1, 1, 1]);
  });

  test('of sub-documents does not mix up their fields', async () => {
    await items.createIndex({ 'l.a': 1, 'l.b': 1 });
    await items.insertMany([
      {
        _id: 1,
        l: [
          { a: 1, b: 2 },
          { a: 3, b: 4 },
        ],
      },
    ] as Document[]);
    expect(await ids(items.find({ 'l.a': 1, 'l.b': 4 }).toArray())).toEqual([1]);
    expect(await ids(items.find({ l: { $elemMatch: { a: 1, b: 4 } } }).toArray())).toEqual([]);
  });
});

describe('among 100,000 documents', () => {
  const COUNT = 100_000;
  let big: Collection<Document>;

  beforeAll(async () => {
    big = trial.db.collection('big');
    await big.createIndexes([
      { key: { account: 1, version: -1 }, unique: true },
      { key: { kind: 1, at: 1 } },
      { key: { rank: 1 } },
    ]);
    for (let from = 0; from < COUNT; from += 10_000) {
      await big.insertMany(
        Array.from({ length: 10_000 }, (_, j) => {
          const i = from + j;
          return {
            _id: i,
            account: `a${i % 1000}`,
            version: Math.floor(i / 1000),
            kind: ['x', 'y', 'z'][i % 3],
            at: new Date(i),
            rank: i / 2,
          };
        }) as Document[],
      );
    }
  });

  const stats = async (filter: Document, sort: Document = {}, limit = 0) => {
    const { executionStats } = await big.find(filter).sort(sort).limit(limit).explain('executionStats');
    return executionStats;
  };

  test('an equality looks at what it finds', async () => {
    expect(await stats({ account: 'a7' })).toMatchObject({
      nReturned: 100,
      totalKeysExamined: 100,
      totalDocsExamined: 100,
    });
    expect(await stats({ account: 'a7', version: 5 })).toMatchObject({ nReturned: 1, totalKeysExamined: 1 });
    expect((await stats({ _id: 77 })).totalDocsExamined).toBe(1);
  });

  test('a range looks at what lies in it', async () => {
    const { totalKeysExamined, nReturned } = await stats({ rank: { $gte: 100, $lt: 200 } });
    expect(nReturned).toBe(200);
    expect(totalKeysExamined).toBeLessThanOrEqual(201);
    const combined = await stats({ kind: 'x', at: { $gte: new Date(3000), $lt: new Date(6000) } });
    expect(combined.nReturned).toBe(1000);
    expect(combined.totalKeysExamined).toBeLessThanOrEqual(1001);
  });

  test('$in looks at each of its values', async () => {
    const { totalKeysExamined, nReturned } = await stats({ kind: { $in: ['x', 'y'] }, at: { $lt: new Date(300) } });
    expect(nReturned).toBe(200);
    expect(totalKeysExamined).toBeLessThan(210);
    expect(await big.countDocuments({ _id: { $in: [1, 2, 99_999, 100_000] } } as Document)).toBe(3);
  });

  test('a sort with a limit looks at no more than the limit, both ways', async () => {
    expect((await stats({}, { rank: 1 }, 10)).totalKeysExamined).toBeLessThanOrEqual(11);
    expect((await stats({ account: 'a7' }, { version: -1 }, 1)).totalKeysExamined).toBeLessThanOrEqual(2);
    expect((await stats({ account: 'a7' }, { version: 1 }, 1)).totalKeysExamined).toBeLessThanOrEqual(2);
    expect(await ids(big.find({ account: 'a7' }).sort({ version: -1 }).limit(2).toArray())).toEqual([99_007, 98_007]);
    expect(await ids(big.find({ account: 'a7' }).sort({ version: 1 }).limit(2).toArray())).toEqual([7, 1007]);
    expect(await ids(big.find({}).sort({ rank: -1 }).limit(2).toArray())).toEqual([99_999, 99_998]);
  });

  test('$or looks at each of its branches', async () => {
    const { totalKeysExamined, nReturned } = await stats({ $or: [{ account: 'a7' }, { rank: { $lt: 5 } }] });
    expect(nReturned).toBe(109);
    expect(totalKeysExamined).toBeLessThan(115);
  });

  test('updates and deletes use indexes too', async () => {
    const explained = await trial.db.command({
      explain: { update: 'big', updates: [{ q: { account: 'a7' }, u: { $set: { z: 1 } }, multi: true }] },
      verbosity: 'executionStats',
    });
    expect(explained.executionStats.totalDocsExamined).toBe(100);
  });

  test('the plan names the index, or the scan of the whole collection', async () => {
    const plan = async (filter: Document) =>
      JSON.stringify((await big.find(filter).explain('queryPlanner')).queryPlanner.winningPlan);
    expect(await plan({ account: 'a7' })).toMatch(/IXSCAN.*account_1_version_-1/);
    expect(await plan({ other: 1 })).toMatch(/COLLSCAN/);
  });

  test('counts by an index agree with counts by scanning', async () => {
    const filter = { kind: 'y', at: { $gte: new Date(500), $lte: new Date(90_000) } };
    const [scanned] = await big.aggregate([{ $match: filter }, { $group: { _id: '$kind', n: { $sum: 1 } } }]).toArray();
    expect(await big.countDocuments(filter)).toBe(scanned?.n);
    expect(await big.estimatedDocumentCount()).toBe(COUNT);
  });
});
