/** The doctor at a real system, well and unwell. */
import { execFile, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { type Document, MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { runningServers } from '../embedded/index.ts';
import { freePort } from '../embedded/port.ts';
import { createTransport } from '../events/queue.ts';
import { type Config, prefixOf, readConfig } from '../scripts/config.ts';
import type { Finding } from './doctor/findings.ts';
import { examine } from './doctor/run.ts';
import {
  AUTH_SECRET,
  type Client,
  clientOf,
  DEPOSIT,
  eventually,
  openAccount,
  type System,
  startSystem,
  stopAll,
  storesOf,
  temporaryFolder,
} from './system.ts';

const folder = temporaryFolder();
const doctor = fileURLToPath(new URL('doctor.ts', import.meta.url));
const runner = fileURLToPath(new URL('../scripts/run.mjs', import.meta.url));
let system: System;
let mongo: MongoClient;
let mongodbUrl: string;
let alice: Client;
let config: Config;

beforeAll(async () => {
  system = await startSystem(folder.path);
  alice = await clientOf(system.url, 'alice');
  config = readConfig({ ...storesOf(folder.path), AUTH_SECRET });
  mongodbUrl = config.MONGODB_URL ?? (await runningServers(folder.path)).mongodbUrl ?? '';
  mongo = new MongoClient(mongodbUrl);
  const id = await openAccount(alice);
  for (const amount of [5, 6]) await alice.get(DEPOSIT, { input: { accountId: id, amount } });
  await eventually(
    () => alice.get<{ account: { balance: { version: number } } }>(`{ account(id: "${id}") { balance { version } } }`),
    ({ account }) => account.balance.version === 2,
  );
});

afterAll(async () => {
  await mongo?.close();
  await stopAll();
  folder.remove();
});

const collection = (service: string, name: string) =>
  mongo.db(`${prefixOf(mongodbUrl)}-${service}`).collection<Document & { _id: string }>(name);

const OPTIONS = { sample: 5, json: false };

/** What is not ok, as "area: what: is". */
async function troubles(settings: Partial<Config> = {}, url = system.url): Promise<string[]> {
  const chapters = await examine({ ...OPTIONS, url }, { ...config, ...settings });
  const named = ({ what, is }: Finding, title: string) => `${title}: ${what}: ${is}`;
  return chapters.flatMap(({ title, findings }) =>
    findings.filter(({ state }) => state === 'todo' || state === 'unknown').map(finding => named(finding, title)),
  );
}

/** These troubles and no others. On a busy machine something may answer late for a moment, which is a trouble of its own. */
async function finds(how: Parameters<typeof troubles>, expected: readonly unknown[]): Promise<void> {
  const found = await eventually(
    () => troubles(...how),
    all => all.length === expected.length,
  );
  expect(found).toEqual(expected);
}

function run(args: readonly string[]): Promise<{ code: number; output: string }> {
  const env = { PATH: process.env.PATH, ...storesOf(folder.path), AUTH_SECRET };
  return new Promise(resolve => {
    execFile(process.execPath, [runner, doctor, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr }),
    );
  });
}

test('a system that is well: every line is ok, and the exit code 0', async () => {
  // Services are heard of some seconds after the start.
  await eventually(
    () => troubles(),
    found => found.length === 0,
  );
  const { code, output } = await eventually(
    () => run(['--url', system.url]),
    ended => ended.code === 0,
  );
  expect([code, output]).toEqual([0, expect.stringContaining('All is well')]);
  for (const line of ['node', 'append-only file', 'acknowledged means', 'indexes', 'bound', 'lag', 'faults', 'lake']) {
    expect(output).toMatch(new RegExp(`^  ok    ${line} `, 'm'));
  }
});

test('for programs it is one JSON object', async () => {
  const { code, output } = await eventually(
    () => run(['--url', system.url, '--json']),
    ended => ended.code === 0,
  );
  const { ok, exitCode, findings } = JSON.parse(output);
  expect([code, ok, exitCode]).toEqual([0, true, 0]);
  expect(findings.length).toBeGreaterThan(20);
});

test('a Redis that forgets and throws away', async () => {
  const port = await freePort();
  const wrong = ['--appendonly', 'no', '--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru', '--save', ''];
  const server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', ...wrong], {
    cwd: tmpdir(),
    stdio: 'ignore',
  });
  onTestFinished(() => void server.kill('SIGKILL'));
  const REDIS_URL = `redis://127.0.0.1:${port}`;
  const probe = new Redis(REDIS_URL, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
  probe.on('error', () => undefined);
  await probe.ping();
  await finds([{ REDIS_URL }], ['Redis: append-only file: off', 'Redis: when memory is full: allkeys-lru']);
  await probe.config('SET', 'appendonly', 'yes', 'appendfsync', 'no', 'maxmemory-policy', 'noeviction');
  await finds([{ REDIS_URL }], ['Redis: synced to disk: no']);
  await probe.replicaof('127.0.0.1', await freePort());
  expect(await troubles({ REDIS_URL })).toContain('Redis: role: slave');
  probe.disconnect();
});

test('servers that are not there', async () => {
  const REDIS_URL = `redis://127.0.0.1:${await freePort()}`;
  const MONGODB_URL = `mongodb://127.0.0.1:${await freePort()}/t`;
  await finds(
    [{ REDIS_URL, MONGODB_URL }],
    [
      expect.stringMatching(/^Redis: answers: no: /),
      expect.stringMatching(/^MongoDB: answers: no: /),
      'Services: bound: not to be had without MongoDB',
    ],
  );
});

test('a MONGODB_URL that reads elsewhere than it writes', async () => {
  const url = new URL(mongodbUrl);
  url.searchParams.set('readPreference', 'secondaryPreferred');
  await finds([{ MONGODB_URL: url.href }], ['MongoDB: reads go to: secondaryPreferred']);
});

test('nothing at the address', async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  await finds([{}, url], [expect.stringMatching(/^The gateway: ready: nothing of the kind at /)]);
  const { code, output } = await run(['--url', url]);
  expect([code, output]).toEqual([1, expect.stringMatching(/→ (Start it: npm start|npm start runs on)/)]);
});

test('nothing at the address is said otherwise where npm start runs on the folder, at an address of its own', async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  const other = temporaryFolder();
  onTestFinished(() => other.remove());
  const adviceIn = async () => {
    const chapters = await examine({ ...OPTIONS, url }, { ...config, MONGODB_URL: undefined, DATA_DIR: other.path });
    return chapters.flatMap(({ findings }) => findings).find(({ what }) => what === 'ready')?.advice;
  };
  expect(await adviceIn()).toMatch(/^Start it: npm start\. .* --url/);
  writeFileSync(join(other.path, 'mongodb.url'), mongodbUrl);
  expect(await adviceIn()).toMatch(new RegExp(`^npm start runs on ${other.path}, .* --url`));
});

test('a token that is not the system’s', async () => {
  await finds(
    [{ AUTH_SECRET: 'x'.repeat(32) }],
    ['flows: system', 'is kept: accounts', 'is kept: lake'].map(what =>
      expect.stringMatching(`^What ${what}: UNAUTHENTICATED`),
    ),
  );
});

test('a wrong option says so, with 2', async () => {
  const { code, output } = await run(['--sample', 'all']);
  expect([code, output]).toEqual([2, expect.stringContaining('--sample: all is not a whole number')]);
});

test('an index that is gone', async () => {
  const rows = collection('balance', 'events');
  const [index] = (await rows.listIndexes().toArray()).filter(({ key }) => 'cause' in key);
  await rows.dropIndex(index?.name);
  await finds([], [expect.stringMatching(/^Services: index: .*-balance\.events \{"cause":1\} is missing$/)]);
  await rows.createIndex({ cause: 1 }, { unique: true, sparse: true });
});

test('bindings: one that is older than its definition, one that is gone, and one that nobody knows', async () => {
  const bindings = collection('registry', 'bindings');
  const reporting = await bindings.findOne({ _id: 'reporting' });
  await bindings.updateOne({ _id: 'reporting' }, { $set: { consumes: ['deposited'] } });
  expect(await troubles()).toContain('Services: reporting: its binding is older than its definition: consumes');
  await bindings.deleteOne({ _id: 'reporting' });
  expect(await troubles()).toContain('Services: reporting: not bound: it has never run, or was unbound');
  if (reporting) await bindings.insertOne(reporting);
  await finds([], []);
});

test('a queue that somebody has paused; and what waits because of that is not taken for lost', async () => {
  const redisUrl = config.REDIS_URL ?? (await runningServers(folder.path)).redisUrl ?? '';
  const transport = createTransport({ redisUrl, prefix: prefixOf(mongodbUrl), onError: () => undefined });
  onTestFinished(() => transport.close());
  await eventually(
    async () => transport.redis.status,
    status => status === 'ready',
  );
  const queue = transport.queue('balance', 0);
  await queue.pause();
  // Its owner sees that within a second, and takes nothing by hand any more.
  await delay(1_500);
  const id = await openAccount(alice);
  await alice.get(DEPOSIT, { input: { accountId: id, amount: 7 } });
  await eventually(
    async () => (await transport.backlog('balance')).events,
    events => events > 0,
  );
  await finds(
    [],
    [
      'What flows: queues of balance: 1 is paused: nothing is taken from there',
      expect.stringMatching(/^What is kept: accounts: .*; but events wait for balance, or in its outbox$/),
    ],
  );
  await queue.resume();
  await finds([], []);
});

test('a balance that is not the sum, and a lake that was touched', async () => {
  const rows = collection('account', 'accounts');
  const row = await rows.findOne({});
  await rows.updateOne({ _id: row?._id ?? '' }, { $inc: { amountMinor: 1 } });
  await finds([], [expect.stringMatching(/^What is kept: accounts: .*balance/)]);
  await rows.updateOne({ _id: row?._id ?? '' }, { $inc: { amountMinor: -1 } });
  await collection('lake', 'lake').updateOne({ version: 2 }, { $set: { 'event.data.amountMinor': 7 } });
  const found = await troubles();
  expect(found).toContainEqual(expect.stringMatching(/^What is kept: lake: something was changed at position 2$/));
});
