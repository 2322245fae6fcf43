/** What the embedded server does not have, it says: never half done, always by name and with MongoDB's code. */
import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTrial, type Trial } from './trial.ts';

let trial: Trial;

beforeAll(async () => {
  trial = await startTrial();
  await trial.db.collection('c').insertOne({ a: [1] });
});
afterAll(() => trial.end());

const update = (u: unknown, more: Document = {}) => ({ update: 'c', updates: [{ q: {}, u, ...more }] });
const pipeline = (...stages: Document[]) => ({ aggregate: 'c', pipeline: stages, cursor: {} });
const index = (spec: Document) => ({ createIndexes: 'c', indexes: [{ name: 'i', ...spec }] });

const REFUSED: [command: Document, code: number, name: string][] = [
  [{ serverStatus: 1 }, 59, 'serverStatus'],
  [{ mapReduce: 'c' }, 59, 'mapReduce'],
  [{ bulkWrite: 1 }, 59, 'bulkWrite'],
  [{ startSession: 1 }, 59, 'startSession'],
  [{ commitTransaction: 1 }, 59, 'commitTransaction'],
  [{ find: 'c', foo: 1 }, 40415, 'foo'],
  [{ find: 'c', collation: { locale: 'de' } }, 238, 'collation'],
  [{ find: 'c', tailable: true }, 238, 'tailable'],
  [{ find: 'c', returnKey: true }, 238, 'returnKey'],
  [{ find: 'c', filter: { $where: '1' } }, 238, '$where'],
  [{ find: 'c', filter: { $text: { $search: 'x' } } }, 238, '$text'],
  [{ find: 'c', filter: { a: { $near: [0, 0] } } }, 238, '$near'],
  [{ find: 'c', filter: { a: { $foo: 1 } } }, 2, '$foo'],
  [{ find: 'nothing', filter: { a: { $foo: 1 } } }, 2, '$foo'],
  [{ find: 'c', filter: 1 }, 14, 'filter'],
  [{ find: 'c', projection: { a: { $slice: 1 } } }, 238, '$slice'],
  [{ find: 'c', projection: { a: 1, b: 0 } }, 2, 'projection'],
  [{ find: 'c', sort: { a: 2 } }, 2, 'sort'],
  [{ find: 'c', limit: -1 }, 2, 'limit'],
  [{ find: 'c', hint: 'none' }, 2, 'hint'],
  [{ find: 'c', readConcern: { level: 'snapshot' } }, 238, 'snapshot'],
  [{ insert: 'c', documents: [{}], txnNumber: 1 }, 20, 'Transaction'],
  [{ insert: 'c', documents: [{}], bypassDocumentValidation: true }, 238, 'bypassDocumentValidation'],
  [{ insert: 'c', documents: [{}], writeConcern: { w: 3 } }, 2, "'w'"],
  [{ insert: '', documents: [{}] }, 73, 'collection name'],
  [{ create: 'x', capped: true, size: 5 }, 238, 'capped'],
  [{ create: 'x', validator: { a: 1 } }, 238, 'validator'],
  [{ create: 'c' }, 48, 'c'],
  [{ drop: 'nothing' }, 26, 'nothing'],
  [index({ key: { a: 'text' } }), 238, 'text'],
  [index({ key: { a: '2dsphere' } }), 238, '2dsphere'],
  [index({ key: { a: 'hashed' } }), 238, 'hashed'],
  [index({ key: { '$**': 1 } }), 238, 'wildcard'],
  [index({ key: { a: 1 }, expireAfterSeconds: 5 }), 238, 'expireAfterSeconds'],
  [index({ key: { a: 1 }, partialFilterExpression: { a: 1 } }), 238, 'partialFilterExpression'],
  [index({ key: { a: 1 }, collation: { locale: 'de' } }), 238, 'collation'],
  [index({ key: { a: 1 }, foo: 1 }), 197, 'foo'],
  [index({ key: { a: 0 } }), 67, 'a'],
  [pipeline({ $lookup: {} }), 238, '$lookup'],
  [pipeline({ $out: 'x' }), 238, '$out'],
  [pipeline({ $merge: 'x' }), 238, '$merge'],
  [pipeline({ $changeStream: {} }), 238, '$changeStream'],
  [pipeline({ $foo: {} }), 40324, '$foo'],
  [pipeline({ $match: {}, $limit: 1 }), 40323, 'stage'],
  [pipeline({ $project: { b: { $toHashedIndexKey: 'x' } } }), 168, '$toHashedIndexKey'],
  [pipeline({ $group: { _id: null, b: { $stdDevPop: 'x' } } }), 168, '$stdDevPop'],
  [pipeline({ $group: { n: { $sum: 1 } } }), 15955, '_id'],
  [pipeline({ $limit: 0 }), 2, 'limit'],
];

const WRITE_ERRORS: [command: Document, code: number, name: string][] = [
  [update([{ $set: { a: 1 } }]), 238, 'pipeline'],
  [update({ $set: { a: 1 } }, { arrayFilters: [{ x: 1 }] }), 238, 'arrayFilters'],
  [update({ $set: { a: 1 } }, { collation: { locale: 'de' } }), 238, 'collation'],
  [update({ $set: { 'a.$': 1 } }), 238, 'positional'],
  [update({ $foo: { a: 1 } }), 9, '$foo'],
  [update({ b: 1 }, { multi: true }), 9, 'multi'],
  [{ delete: 'c', deletes: [{ q: {}, limit: 2 }] }, 9, 'limit'],
  [{ insert: 'c', documents: [{ _id: [1] }] }, 53, '_id'],
];

describe('against the embedded server', () => {
  test.each(REFUSED)('%j is refused with code %i, naming %s', async (command, code, name) => {
    if (!trial.own) return;
    const error = await trial.db.command(command).catch(e => e);
    expect(error).toMatchObject({ code, codeName: expect.any(String), message: expect.stringContaining(name) });
  });

  test.each(WRITE_ERRORS)('a statement of %j is refused with code %i, naming %s', async (command, code, name) => {
    if (!trial.own) return;
    const { writeErrors } = await trial.db.command(command);
    expect(writeErrors).toMatchObject([{ index: 0, code, errmsg: expect.stringContaining(name) }]);
  });

  test('sessions, transactions and change streams are refused by the driver or the server', async () => {
    if (!trial.own) return;
    const session = trial.client.startSession();
    await expect(session.withTransaction(() => trial.db.collection('c').insertOne({}, { session }))).rejects.toThrow();
    await session.endSession();
    await expect(trial.db.collection('c').watch().next()).rejects.toMatchObject({ code: 238 });
  });

  test('nothing was changed by what was refused', async () => {
    expect(
      await trial.db
        .collection('c')
        .find({}, { projection: { _id: 0 } })
        .toArray(),
    ).toEqual([{ a: [1] }]);
  });

  test('maxTimeMS ends an operation that takes longer', async () => {
    if (!trial.own) return;
    const items = trial.db.collection('slow');
    await items.insertMany(Array.from({ length: 30_000 }, (_, i) => ({ i, text: 'x'.repeat(100) })));
    await expect(items.find({ text: /y$/ }).maxTimeMS(5).toArray()).rejects.toMatchObject({ code: 50 });
  });
});
