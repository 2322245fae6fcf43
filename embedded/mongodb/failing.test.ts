import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Collection, MongoClient, MongoServerError } from 'mongodb';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Child, startChild, temporary } from './trial.ts';

type Item = { _id: string };

let dir: string;
let child: Child | undefined;
let client: MongoClient | undefined;

beforeEach(() => {
  dir = temporary();
});
afterEach(async () => {
  await client?.close();
  await child?.stop('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

async function start(): Promise<Collection<Item>> {
  await client?.close();
  child = await startChild(join(dir, 'data'), { failingDisk: join(dir, 'fails') });
  // What has failed is not tried again: it would wait for a server that does not come.
  client = await MongoClient.connect(child.url, { retryReads: false, retryWrites: false });
  return client.db('trial').collection<Item>('items');
}

test('what a disk refuses to sync is told to nobody: the process ends, and begins anew with all that it had acknowledged', async () => {
  let items = await start();
  const acknowledged = Array.from({ length: 50 }, (_, n) => `before ${n}`);
  for (const _id of acknowledged) await items.insertOne({ _id });

  writeFileSync(join(dir, 'fails'), '');
  const writes = Array.from({ length: 20 }, (_, n) => items.insertOne({ _id: `while it fails ${n}` }));
  const seen = items.findOne({ _id: 'while it fails 0' }).catch(() => null);
  const outcomes = await Promise.allSettled(writes);
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toEqual([]);
  // Nobody is told that it has failed, which is not known: the connection breaks.
  const told = outcomes.filter(one => one.status === 'rejected' && one.reason instanceof MongoServerError);
  expect(told).toEqual([]);
  expect(await seen).toBeNull();
  expect(await child?.exited).not.toBe(0);

  rmSync(join(dir, 'fails'));
  items = await start();
  const found = (await items.find().toArray()).map(({ _id }) => _id);
  expect(found).toEqual(expect.arrayContaining(acknowledged));
  await items.insertOne({ _id: 'after' });
  expect(await items.countDocuments()).toBe(found.length + 1);
});
