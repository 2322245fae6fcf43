/** kill -9 in the middle of writes: what was acknowledged is there, and every index agrees with its collection. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Collection, type Document, MongoClient } from 'mongodb';
import { expect, test } from 'vitest';
import { THOROUGH } from '../../test/thorough.ts';
import { until } from '../harness.ts';
import { type Child, startChild, temporary } from './trial.ts';

const ROUNDS = THOROUGH ? 30 : 10;
const WRITERS = 20;

type Acknowledged = { inserted: Set<string>; deleted: Set<string>; counted: Map<string, number> };

async function write(items: Collection<Document>, round: number, known: Acknowledged, stopped: () => boolean) {
  await Promise.all(
    Array.from({ length: WRITERS }, async (_, w) => {
      for (let i = 0; !stopped(); i++) {
        const id = `${round}-${w}-${i}`;
        await items.insertOne({ _id: id, unique: id, pending: i, n: 0, kind: `k${i % 7}` } as Document);
        known.inserted.add(id);
        const many = [0, 1, 2].map(j => ({ _id: `${id}-${j}`, unique: `${id}-${j}`, n: 0, kind: `k${j}` }));
        if (i % 3 === 0) await items.insertMany(many as Document[]);
        if (i % 3 === 0) for (const { _id } of many) known.inserted.add(_id);
        await items.updateOne({ _id: id } as Document, {
          $inc: { n: 1 },
          $unset: { pending: '' },
          $set: { kind: 'done' },
        });
        known.counted.set(id, 1);
        if (i % 4 === 1) {
          // From here on it may or may not be there, until the deletion is acknowledged.
          known.inserted.delete(id);
          known.counted.delete(id);
          await items.deleteOne({ _id: id } as Document);
          known.deleted.add(id);
        }
      }
    }),
  ).catch(() => {});
}

async function check(items: Collection<Document>, known: Acknowledged) {
  const all = await items.find().hint({ $natural: 1 }).toArray();
  const found = new Map(all.map(doc => [String(doc._id), doc]));
  expect([...known.inserted].filter(id => !found.has(id))).toEqual([]);
  expect([...known.deleted].filter(id => found.has(id))).toEqual([]);
  expect([...known.counted].filter(([id, n]) => found.get(id)?.n !== n)).toEqual([]);
  expect(await items.estimatedDocumentCount()).toBe(all.length);
  const ids = (docs: Document[]) => docs.map(({ _id }) => String(_id)).sort();
  expect(
    ids(
      await items
        .find({ unique: { $gte: '' } })
        .hint('unique_1')
        .toArray(),
    ),
  ).toEqual(ids(all));
  expect(
    ids(
      await items
        .find({ kind: { $gte: '' } })
        .hint('kind_1_n_-1')
        .toArray(),
    ),
  ).toEqual(ids(all));
  const pending = ids(all.filter(doc => doc.pending !== undefined));
  expect(
    ids(
      await items
        .find({ pending: { $exists: true } })
        .hint('pending_1')
        .toArray(),
    ),
  ).toEqual(pending);
}

test(`${ROUNDS} times kill -9 while ${WRITERS} clients write loses nothing that was acknowledged`, async () => {
  const dir = temporary();
  const known: Acknowledged = { inserted: new Set(), deleted: new Set(), counted: new Map() };
  for (let round = 0; round <= ROUNDS; round++) {
    const child: Child = await startChild(dir);
    const client = await MongoClient.connect(child.url, {
      maxPoolSize: WRITERS,
      retryReads: false,
      retryWrites: false,
    });
    const items = client.db('crash').collection<Document>('items');
    await items.createIndexes([
      { key: { unique: 1 }, unique: true },
      { key: { pending: 1 }, sparse: true },
      { key: { kind: 1, n: -1 } },
    ]);
    if (round % 5 === 0) await check(items, known);
    let stopped = false;
    const writing = write(items, round, known, () => stopped);
    const acknowledged = () => known.inserted.size + known.deleted.size;
    const enough = acknowledged() + 2 * WRITERS;
    if (round < ROUNDS) await until(() => acknowledged() >= enough);
    await new Promise(resolve => setTimeout(resolve, (round % 5) * 20));
    stopped = true;
    await child.stop('SIGKILL');
    await writing;
    await client.close();
  }
  expect(known.inserted.size).toBeGreaterThan(ROUNDS * WRITERS);
  rmSync(dir, { recursive: true, force: true });
}, 180_000);

test('an index cut short while it was built, and a collection while it was dropped, leave nothing behind', async () => {
  const dir = temporary();
  const failingDisk = join(dir, 'fails');
  const first = await startChild(dir, { failingDisk, killedAt: 5 });
  const client = await MongoClient.connect(first.url);
  const db = client.db('crash');
  const docs = Array.from({ length: 10_000 }, (_, i) => ({ _id: i, a: i % 10, b: i }));
  await db.collection<{ _id: number }>('built').insertMany(docs);
  await db.collection<{ _id: number }>('dropped').insertMany(docs);
  await db.collection('dropped').createIndex({ b: 1 });
  await db.collection('dropped').drop();
  // It is built in twenty parts, each of which is on disk before the next begins.
  writeFileSync(failingDisk, '');
  const building = db
    .collection('built')
    .createIndex({ a: 1, b: 1 })
    .catch(() => 'cut short');
  expect(await building).toBe('cut short');
  expect(await first.exited).toBeNull();
  await client.close();

  const second = await startChild(dir);
  const again = await MongoClient.connect(second.url);
  const built = again.db('crash').collection('built');
  expect((await built.indexes()).map(({ name }) => name)).toEqual(['_id_']);
  await built.createIndex({ a: 1, b: 1 });
  expect(await built.countDocuments({ a: 3 }, { hint: 'a_1_b_1' })).toBe(1000);
  expect(await again.db('crash').collection('dropped').countDocuments()).toBe(0);
  await again.close();
  await second.stop();
  rmSync(dir, { recursive: true, force: true });
});
