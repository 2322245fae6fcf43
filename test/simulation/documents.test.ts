import fc from 'fast-check';
import type { AnyBulkWriteOperation, Collection, Document, UpdateFilter } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTrial, type Trial } from '../../embedded/mongodb/trial.ts';
import { Documents } from './documents.ts';
import { connectTo, createStore } from './mongo.ts';
import { atOnce, newProcess } from './world.ts';

type Row = { _id: string; [field: string]: unknown };

let trial: Trial;
beforeAll(async () => {
  trial = await startTrial({ ignoreUndefined: true });
});
afterAll(() => trial.end());

const INDEXES = [{ key: { chain: 1, version: 1 }, unique: true, sparse: true }] as const;

async function both(): Promise<[Collection<Row>, Collection<Row>]> {
  const real = trial.db.collection<Row>('documents');
  await real.drop().catch(() => undefined);
  const simulated = connectTo(createStore(), { io: atOnce }, newProcess('p'), 'sim')
    .db('sim-service')
    .collection<Row>('documents');
  for (const collection of [real, simulated]) await collection.createIndexes([...INDEXES].map(index => ({ ...index })));
  return [real, simulated];
}

// ---- what the services do to a collection ---------------------------------------------------------------------------

const id = fc.constantFrom('a', 'b', 'c', 'd');
const number = fc.nat(3);
const row = fc
  .record(
    {
      _id: id,
      chain: fc.constantFrom('x', 'y'),
      version: fc.integer({ min: 1, max: 3 }),
      pending: number,
      relayed: number,
      event: fc.record({ type: fc.constantFrom('t', 'u'), n: number }),
      holder: fc.constantFrom(null, 'h'),
    },
    { requiredKeys: ['_id'] },
  )
  .map(fields => fields as Row);

const condition = fc.oneof(
  fc.record({ pending: fc.record({ $exists: fc.boolean() }) }),
  fc.record({ relayed: fc.record({ $gt: number }) }),
  fc.record({ relayed: fc.record({ $not: fc.record({ $gt: number }) }) }),
  fc.record({ version: fc.record({ $gte: number, $lt: number }) }),
  fc.record({ 'event.type': fc.record({ $in: fc.subarray(['t', 'u']) }) }),
  fc.record({ 'event.n': number }),
  fc.record({ holder: fc.constantFrom(null, 'h') }),
  fc.record({ chain: fc.constantFrom('x', 'y') }),
  fc.record({ _id: fc.record({ $in: fc.subarray(['a', 'b', 'c']) }) }),
  fc.record({
    $or: fc.array(fc.oneof(fc.record({ version: number }), fc.record({ pending: fc.record({ $lte: number }) })), {
      minLength: 1,
      maxLength: 2,
    }),
  }),
);
const filter = fc.array(condition, { maxLength: 2 }).map(all => Object.assign({}, ...all) as Document);
// The driver's types know nothing of dotted names.
const change = fc.oneof(
  fc.record({ $set: fc.record({ pending: number }), $unset: fc.constant({ relayed: '' }) }),
  fc.record({ $set: fc.record({ version: fc.integer({ min: 1, max: 3 }), holder: fc.constantFrom(null, 'h') }) }),
  fc.record({ $max: fc.record({ relayed: number, 'event.n': number }) }),
  fc.record({ $inc: fc.record({ pending: number }), $set: fc.record({ 'event.n': number }) }),
  fc.record({ $addToSet: fc.record({ told: fc.record({ $each: fc.subarray(['x', 'y', 'z']) }) }) }),
  fc.record({ $setOnInsert: fc.record({ relayed: number }), $set: fc.record({ pending: number }) }),
) as fc.Arbitrary<UpdateFilter<Row>>;

type Step = (collection: Collection<Row>) => Promise<unknown>;

const sorted = { sort: { version: -1, _id: 1 } } as const;
const step: fc.Arbitrary<Step> = fc.oneof(
  row.map(
    (one): Step =>
      collection =>
        collection.insertOne(one).then(() => 'inserted'),
  ),
  fc.tuple(fc.array(row, { minLength: 1, maxLength: 4 }), fc.boolean()).map(
    ([rows, ordered]): Step =>
      collection =>
        collection.insertMany(rows, { ordered }).then(done => done.insertedCount),
  ),
  fc.tuple(id, filter, change, fc.boolean()).map(
    ([_id, more, update, upsert]): Step =>
      collection =>
        collection
          .updateOne({ ...more, _id }, update, { upsert: upsert && Object.keys(more).length === 0 })
          .then(({ matchedCount }) => matchedCount),
  ),
  fc.tuple(filter, change).map(
    ([where, update]): Step =>
      collection =>
        // Where a unique index is in the way, how far it comes depends on the order of the rows.
        '$set' in update && 'version' in (update.$set ?? {})
          ? Promise.resolve()
          : collection.updateMany(where, update).then(({ modifiedCount }) => modifiedCount),
  ),
  fc.array(fc.tuple(id, number, change), { minLength: 1, maxLength: 3 }).map(
    (writes): Step =>
      collection => {
        const operations = writes.map(([_id, version, update]) => ({
          updateOne: { filter: { _id, version: { $lt: version } }, update, upsert: true },
        }));
        return collection
          .bulkWrite(operations as AnyBulkWriteOperation<Row>[], { ordered: false })
          .then(() => 'written');
      },
  ),
  fc.tuple(id, change).map(
    ([_id, update]): Step =>
      collection =>
        collection.findOneAndUpdate({ _id }, update, { upsert: true, returnDocument: 'after' }),
  ),
  filter.map(
    (where): Step =>
      collection =>
        collection.find(where).sort(sorted.sort).toArray(),
  ),
  filter.map(
    (where): Step =>
      collection =>
        collection.find(where).sort({ _id: 1 }).limit(2).batchSize(2).toArray(),
  ),
  filter.map(
    (where): Step =>
      collection =>
        collection.countDocuments(where),
  ),
  filter.map(
    (where): Step =>
      collection =>
        collection
          .find(where, { projection: { _id: 1, pending: 1 } })
          .sort({ _id: 1 })
          .toArray(),
  ),
  id.map(
    (_id): Step =>
      collection =>
        collection.deleteOne({ _id }).then(({ deletedCount }) => deletedCount),
  ),
);

/** What came of it: the value, or what there is to know of the error. */
async function outcome(collection: Collection<Row>, one: Step): Promise<unknown> {
  try {
    return { value: ordered(await one(collection)) };
  } catch (error) {
    const { code, writeErrors, insertedCount } = error as {
      code?: number;
      writeErrors?: { index: number; code: number }[];
      insertedCount?: number;
    };
    return { code, insertedCount, at: (writeErrors ?? []).map(({ index, code: of }) => [index, of]) };
  }
}

/** Fields in one order: it is not what is compared here. */
const ordered = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value ?? null, (_, field: unknown) =>
      typeof field === 'object' && field !== null && !Array.isArray(field)
        ? Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1)))
        : field,
    ),
  );

test('the simulated store does what a real server does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async steps => {
      const [real, simulated] = await both();
      for (const one of steps) {
        expect(await outcome(simulated, one)).toEqual(await outcome(real, one));
      }
      const all: Step = collection => collection.find().sort({ _id: 1 }).toArray();
      expect(await outcome(simulated, all)).toEqual(await outcome(real, all));
    }),
    { numRuns: 60 },
  );
});

test('what it does not know it refuses by name', () => {
  const documents = new Documents();
  documents.insert({ _id: 'a', n: 1 });
  expect(() => documents.find({ n: { $regex: 'x' } })).toThrow('does not know $regex');
  expect(() => documents.find({ $where: 'x' })).toThrow('does not know $where');
  expect(() => documents.update({ _id: 'a' }, { $push: { n: 1 } })).toThrow('does not know $push');
});
