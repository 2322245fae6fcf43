import type { Document } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTrial, type Trial } from './trial.ts';

let trial: Trial;

beforeAll(async () => {
  trial = await startTrial();
});
afterAll(() => trial.end());

const times = (n: number) => Array.from({ length: n }, (_, i) => i);

test('50 clients that count 100 times each reach 5,000, and no number is given twice', async () => {
  const counters = trial.db.collection<{ _id: string; n: number }>('counters');
  const seen = new Set<number>();
  await Promise.all(
    times(50).map(async () => {
      for (const _ of times(100)) {
        const options = { upsert: true, returnDocument: 'after' } as const;
        const counted = await counters.findOneAndUpdate({ _id: 'c' }, { $inc: { n: 1 } }, options);
        seen.add(counted?.n ?? 0);
      }
    }),
  );
  expect(seen.size).toBe(5000);
  expect(await counters.findOne()).toEqual({ _id: 'c', n: 5000 });
});

test('one of 50 clients that insert the same unique key wins', async () => {
  const heads = trial.db.collection('heads');
  await heads.createIndex({ account: 1, version: 1 }, { unique: true });
  for (const version of times(5)) {
    const results = await Promise.allSettled(times(50).map(i => heads.insertOne({ account: 'a', version, i })));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  }
  expect(await heads.countDocuments()).toBe(5);
});

test('a lease is held by one client at a time', async () => {
  const leases = trial.db.collection<{ _id: string; owner: number; until: number }>('leases');
  await leases.insertOne({ _id: 'relay', owner: -1, until: 0 });
  const takes = await Promise.all(
    times(50).map(owner => leases.findOneAndUpdate({ _id: 'relay', until: { $lt: 1 } }, { $set: { owner, until: 5 } })),
  );
  expect(takes.filter(taken => taken !== null)).toHaveLength(1);
});

test('a cursor over 10,000 documents gives each that stays, while others are written', async () => {
  const items = trial.db.collection<{ _id: number; kept: boolean | 'none'; n: number }>('cursor');
  await items.createIndex({ kept: 1, n: 1 });
  await items.insertMany(times(10_000).map(_id => ({ _id, kept: _id % 10 !== 0, n: _id })));
  let writing = true;
  const writer = (async () => {
    for (let i = 0; writing; i++) {
      await items.insertOne({ _id: 10_000 + i, kept: false, n: i });
      await items.deleteOne({ _id: (i * 10) % 10_000 });
      await items.updateOne({ _id: 1 + ((i * 10) % 10_000) }, { $set: { touched: i } as Document });
    }
  })();
  for (const cursor of [
    items.find({}, { batchSize: 200 }),
    items.find({ kept: true }, { batchSize: 200 }).sort({ n: 1 }),
    items.find({ kept: { $in: [true, 'none'] } }, { batchSize: 200 }).sort({ n: 1 }),
  ]) {
    const seen: number[] = [];
    for await (const { _id, kept } of cursor) if (kept) seen.push(_id);
    expect(seen).toHaveLength(9000);
    expect(new Set(seen).size).toBe(9000);
  }
  writing = false;
  await writer;
});

test('an ordered batch is not interrupted by an error in the batch of another', async () => {
  const items = trial.db.collection<{ _id: number }>('batches');
  await items.insertOne({ _id: -1 });
  const good = times(10).map(i => items.insertMany(times(100).map(j => ({ _id: i * 100 + j }))));
  const bad = times(10).map(() => items.insertMany([{ _id: -1 }]).catch(error => error.code));
  expect(await Promise.all(bad)).toEqual(times(10).map(() => 11000));
  await Promise.all(good);
  expect(await items.countDocuments()).toBe(1001);
});
