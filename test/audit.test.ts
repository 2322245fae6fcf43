/** The audit against the real system: all is true of what it has done itself, and what is changed behind its back is found. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Document, MongoClient } from 'mongodb';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Servers, startServers } from '../embedded/index.ts';
import { signToken } from '../gateway/identity.ts';
import { prefixOf } from '../scripts/config.ts';
import { serviceNames } from '../subgraphs/catalog.ts';
import {
  accountsOf,
  type EvidenceClient,
  emittedTypes,
  noCounts,
  operatorClient,
  plusCounts,
  settled,
  systemOf,
} from './evidence.ts';
import { type AccountEvidence, auditAccount, auditSystem } from './invariants.ts';
import {
  AUTH_SECRET,
  type Client,
  clientOf,
  DEPOSIT,
  openAccount,
  type System,
  startSystem,
  stopAll,
  TRANSFER,
  temporaryFolder,
  WITHDRAW,
} from './system.ts';

const AUDIT = fileURLToPath(new URL('audit.ts', import.meta.url));
const RUNNER = fileURLToPath(new URL('../scripts/run.mjs', import.meta.url));
/** More than a page. */
const DEPOSITS = 120;
const RACERS = 12;
const ROUNDS_MAX = 50;

const folders = [temporaryFolder(), temporaryFolder()] as const;
let servers: Servers;
let mongo: MongoClient;
let system: System;
let operator: EvidenceClient;
let accounts: { alice: string; bob: string; idle: string; from: string; to: string };

beforeAll(async () => {
  const [data, databases] = folders;
  servers = await startServers({
    dataDir: databases.path,
    mongodbUrl: process.env.MONGODB_URL && new URL(`/test-${process.pid}`, process.env.MONGODB_URL).href,
    redisUrl: 'redis://unused',
    log: pino({ level: 'silent' }),
  });
  mongo = await new MongoClient(servers.mongodbUrl).connect();
  system = await startSystem(data.path, 0, { MONGODB_URL: servers.mongodbUrl });
  operator = await operatorClient(system.url, AUTH_SECRET);
  accounts = await use(system.url);
});

afterAll(async () => {
  await stopAll();
  await mongo?.close();
  await servers?.stop();
  for (const folder of folders) folder.remove();
});

async function use(url: string): Promise<typeof accounts> {
  const [alice, bob] = await Promise.all([clientOf(url, 'alice'), clientOf(url, 'bob')]);
  const [hers, his, idle] = await Promise.all([openAccount(alice), openAccount(bob), openAccount(bob, 'Idle')]);
  const deposit = (amount: number) => alice.get(DEPOSIT, { input: { accountId: hers, amount, memo: 'salary' } });
  await Promise.all(Array.from({ length: DEPOSITS }, (_, index) => deposit(index + 1)));
  await overdraw(bob, his);
  return { alice: hers, bob: his, idle, ...(await transfer(alice, bob)) };
}

/** One that is completed, one that comes back, one that is refused. */
async function transfer(alice: Client, bob: Client): Promise<{ from: string; to: string }> {
  const [from, to] = [await openAccount(alice, 'From'), await openAccount(bob, 'To')];
  await alice.get(DEPOSIT, { input: { accountId: from, amount: 100 } });
  const asked = [
    { toAccountId: to, amount: 30 },
    { toAccountId: 'nobody', amount: 20 },
    { toAccountId: to, amount: 1_000 },
  ];
  for (const more of asked) await alice.get(TRANSFER, { input: { fromAccountId: from, ...more } });
  return { from, to };
}

/** Takes all of it out several times at once, until two were decided before either was stored: an overdraft. */
async function overdraw(client: Client, accountId: string): Promise<void> {
  const input = { accountId, amount: 100 };
  for (let round = 0; round < ROUNDS_MAX; round++) {
    await client.get(DEPOSIT, { input });
    const answers = await Promise.all(Array.from({ length: RACERS }, () => client.ask(WITHDRAW, { input })));
    if (answers.filter(({ errors }) => !errors).length > 1) return;
  }
  throw new Error('every race had one winner');
}

const events = (database: string, name = 'events') =>
  mongo.db(`${prefixOf(servers.mongodbUrl)}-${database}`).collection<Document>(name);

type Run = { code: number; stdout: string; stderr: string };

function audit(args: readonly string[], env: NodeJS.ProcessEnv = { AUTH_SECRET }): Promise<Run> {
  const command = [RUNNER, AUDIT, '--url', system.url, ...args];
  return new Promise(resolve => {
    const child = execFile(
      process.execPath,
      command,
      { env: { PATH: process.env.PATH, DATA_DIR: folders[0].path, ...env }, timeout: 100_000 },
      (_, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

async function evidence(): Promise<AccountEvidence[]> {
  const all: AccountEvidence[] = [];
  for await (const account of accountsOf(operator, { inFlight: 2 })) all.push(account);
  return all;
}

test('the evidence is all that there is, in its order', async () => {
  expect(await settled(operator, 60_000)).toMatchObject({ waiting: [] });
  const all = await evidence();
  expect(all.map(({ id }) => id).sort()).toEqual(Object.values(accounts).sort());
  const hers = all.find(({ id }) => id === accounts.alice);
  expect(hers).toMatchObject({ owner: 'alice', balance: { version: DEPOSITS }, statistics: { deposits: DEPOSITS } });
  expect(hers?.transactions).toHaveLength(DEPOSITS);
  expect(hers?.ledger.map(({ version }) => version)).toEqual(Array.from({ length: DEPOSITS }, (_, at) => at + 1));
  // Services that were added may tell of her account as well.
  const own = ['account-opened', 'deposited', 'balance-updated'];
  const positions = hers?.lake.filter(({ type }) => own.includes(type)).map(({ position }) => position) ?? [];
  expect(positions).toHaveLength(1 + 2 * DEPOSITS);
  expect(positions).toEqual(positions.toSorted((a, b) => a - b));

  const types = await emittedTypes(operator);
  const whole = await systemOf(operator, all.reduce(plusCounts, noCounts()));
  expect([...all.flatMap(account => auditAccount(account, types)), ...auditSystem(whole, 0)]).toEqual([]);
  expect(whole.outboxes.map(({ service }) => service).sort()).toEqual(serviceNames());
  expect(whole.emitted.overdrawn).toBeGreaterThan(0);
});

test('all is true of what the system has done, and the audit says of how much', async () => {
  const { code, stdout } = await audit([]);
  expect(stdout).toMatch(/versions without gaps +5 accounts, 1\d\d entries +ok/);
  expect(stdout).toMatch(/each transfer keeps money +3 transfers +ok/);
  expect(stdout).toMatch(/all transfers add up to nothing +4 transactions +ok/);
  expect(stdout).toMatch(/PASS: all 11 invariants/);
  expect(code).toBe(0);
});

test('what is changed behind its back is found and named', async () => {
  const row = { chain: accounts.alice, version: 60 };
  const changed = await events('balance').updateOne(row, { $inc: { 'event.data.balanceMinor': 1 } });
  const removed = await events('reporting', 'statistics').deleteMany({ account: accounts.idle });
  expect([changed.modifiedCount, removed.deletedCount]).toEqual([1, 1]);

  const token = await signToken(AUTH_SECRET, { sub: 'olga', roles: ['operator'], expiresIn: '1m' });
  const { code, stdout } = await audit(['--json', '--token', token], {});
  const { passed, checks, lake } = JSON.parse(stdout) as Record<string, unknown> & {
    checks: { violations: string[] }[];
  };
  expect(checks.flatMap(({ violations }) => violations)).toEqual([
    expect.stringContaining(`account ${accounts.alice}: balance at version 60 is `),
    `account ${accounts.idle}: statistics: accounts is 0, 1 would be right`,
    expect.stringMatching(/balance in the lake: 60 deposited \S+ \d+ \d+ is missing/),
    expect.stringMatching(/balance in the lake: 60 deposited \S+ \d+ \d+ is there/),
  ]);
  expect(passed).toBe(false);
  expect(lake).toEqual({ events: expect.any(Number), head: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(code).toBe(1);
});

test.concurrent.each([
  ['a secret of another system', [], { AUTH_SECRET: 'x'.repeat(40) }, /refuses the audit's token/],
  ['an owner', ['--token', 'OWNER'], {}, /not an operator's.*olga operator/],
  ['nobody is there', ['--url', 'http://127.0.0.1:9'], { AUTH_SECRET }, /does not answer.*npm start.*PORT or --url/],
])('it could not be tried: %s', async (_, given, env, words) => {
  const owner = await signToken(AUTH_SECRET, { sub: 'alice', expiresIn: '1m' });
  const { code, stderr } = await audit(
    given.map(arg => (arg === 'OWNER' ? owner : arg)),
    env,
  );
  expect(stderr).toMatch(words);
  expect(code).toBe(2);
});
