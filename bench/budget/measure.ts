/**
 * What a deposit costs, counted: commands, round trips, bytes, parses, validations. What is counted depends on the load and
 * hardly on the machine: a slow one makes larger batches, and so counts less.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { calculateObjectSize } from 'bson';
import { Redis } from 'ioredis';
import { MongoClient } from 'mongodb';
import { tokenOf } from '../token.ts';
import { deposit, openAccounts } from '../way/accounts.ts';
import { type System, type SystemOptions, startSystem } from '../way/system.ts';
import { ask, type Counts, since } from './counts.ts';

export type BudgetOptions = {
  processes: SystemOptions['processes'];
  accounts: number;
  /** Deposits one after the other, each when the one before has come to rest. */
  idleDeposits: number;
  perSecond: number;
  seconds: number;
};

/** What was counted while so many deposits were settled. */
export type Phase = { deposits: number; seconds: number; counts: Counts; luaCommands: number };

export type Budget = {
  /** No deposits: what the system does by itself. */
  resting: Phase;
  /** One deposit at a time; what the system does by itself is taken off, by the second. */
  idle: Phase;
  load: Phase;
  /** Bytes a deposit: of documents, by `database.collection`; of Redis's append-only file; of MongoDB's files. */
  bytes: { documents: Record<string, number>; aof: number; files: number };
};

const RESTING_MS = 4_000;
const SETTLE_WITHIN_MS = 60_000;
const POLL_MS = 20;
/** In the lake, of one deposit: itself, and the balance it made. */
const EVENTS_A_DEPOSIT = 2;

const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

export async function measureBudget(options: BudgetOptions): Promise<Budget> {
  const preload = fileURLToPath(new URL('counters.ts', import.meta.url));
  const names: string[] = [];
  const socketOf = (name: string) => join(socketFolder, `${name}.sock`);
  const socketFolder = process.env.TMPDIR ?? '/tmp';
  const tag = `tributary-${process.pid}`;
  const system = await startSystem({
    processes: options.processes,
    nodeArgs: ['--import', preload],
    env: name => {
      names.push(name);
      return { BENCH_COUNTERS: socketOf(`${tag}-${name}`) };
    },
  });
  const mongo = new MongoClient(system.mongodbUrl);
  const redis = new Redis(system.redisUrl);
  try {
    const all = async (how: 'trace' | 'count') =>
      sum(
        await Promise.all(names.map(async name => prefixed(name, await ask(socketOf(`${tag}-${name}`), how), names))),
      );
    return await phases(options, { system, mongo, redis, look: all });
  } finally {
    redis.disconnect();
    await mongo.close();
    await system.stop();
  }
}

type Bench = { system: System; mongo: MongoClient; redis: Redis; look(how: 'trace' | 'count'): Promise<Counts> };

async function phases(options: BudgetOptions, bench: Bench): Promise<Budget> {
  const owner = { url: bench.system.url, token: await tokenOf() };
  const accounts = await openAccounts(owner, options.accounts);
  // A few more than are used: what they leave in the lake must not be taken for a deposit's.
  const opened = await openedIn(bench.mongo);
  let done = 0;
  const settled = async () => (await counted(bench.mongo)).lake >= opened + done * EVENTS_A_DEPOSIT;
  const rest = () => until(settled);
  const send = async (how: { perSecond: number; seconds: number }) => {
    await deposit(owner, accounts, how, () => {
      done += 1;
    });
  };
  // Every account has its first deposit, so that none is counted that only a new account costs.
  await send({ perSecond: options.perSecond, seconds: accounts.length / options.perSecond });
  await rest();
  await sleep(RESTING_MS);

  const resting = await during(bench, 'trace', async () => {
    await sleep(RESTING_MS);
    return 0;
  });
  const idle = await during(bench, 'trace', async () => {
    for (let n = 0; n < options.idleDeposits; n++) {
      await deposit(owner, [accounts[n % accounts.length] ?? ''], { perSecond: 1_000, seconds: 0.001 });
      done += 1;
      await rest();
    }
    return options.idleDeposits;
  });

  const before = await stored(bench);
  const load = await during(bench, 'count', async () => {
    const already = done;
    await send({ perSecond: options.perSecond, seconds: options.seconds });
    await rest();
    return done - already;
  });
  const after = await stored(bench);
  return { resting, idle: without(idle, resting), load, bytes: bytesOf(before, after, load.deposits) };
}

async function during(bench: Bench, how: 'trace' | 'count', work: () => Promise<number>): Promise<Phase> {
  const calls = await serverCalls(bench.redis);
  const before = await bench.look(how);
  const startedMs = performance.now();
  const deposits = await work();
  const counts = since(before, await bench.look(how));
  const seconds = (performance.now() - startedMs) / 1_000;
  const inner = (await serverCalls(bench.redis)) - calls;
  const outer = Object.values(counts.redis).reduce((all, count) => all + count, 0);
  return { deposits, seconds, counts, luaCommands: Math.max(0, inner - outer) };
}

/** Commands that Redis has executed, those that its scripts asked for among them. */
async function serverCalls(redis: Redis): Promise<number> {
  const stats = await redis.info('commandstats');
  return [...stats.matchAll(/calls=(\d+)/g)].reduce((all, [, calls]) => all + Number(calls), 0);
}

/** Takes off what would have been done anyway. */
function without(phase: Phase, resting: Phase): Phase {
  const share = phase.seconds / resting.seconds;
  const less = (tally: Record<string, number>, by: Record<string, number>) =>
    Object.fromEntries(
      Object.entries(tally)
        .map(([name, count]) => [name, count - (by[name] ?? 0) * share] as const)
        .filter(([, count]) => count > 0.05 * phase.deposits),
    );
  const { counts } = phase;
  return {
    ...phase,
    luaCommands: Math.max(0, phase.luaCommands - resting.luaCommands * share),
    counts: {
      mongodb: less(counts.mongodb, resting.counts.mongodb),
      lost: less(counts.lost, resting.counts.lost),
      redis: less(counts.redis, resting.counts.redis),
      trips: less(counts.trips, resting.counts.trips),
      parses: less(counts.parses, resting.counts.parses),
      validations: less(counts.validations, resting.counts.validations),
    },
  };
}

/** Accounts that were acknowledged, each with an event of its own. */
const openedIn = (mongo: MongoClient): Promise<number> =>
  mongo
    .db('tributary-account')
    .collection('events')
    .countDocuments({ owner: { $exists: true } });

/** Events in the lake: the last place that a deposit comes to. */
async function counted(mongo: MongoClient): Promise<{ lake: number }> {
  const [row] = await mongo
    .db('tributary-lake')
    .collection('lake')
    .find({ chain: 'lake' })
    .sort({ version: -1 })
    .limit(1)
    .toArray();
  return { lake: Number(row?.version ?? 0) };
}

async function until(met: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + SETTLE_WITHIN_MS;
  while (!(await met())) {
    if (performance.now() > deadlineMs) throw new Error(`not settled within ${SETTLE_WITHIN_MS} ms`);
    await sleep(POLL_MS);
  }
}

type Stored = { documents: Record<string, { count: number; bytes: number }>; aof: number; files: number };

const SAMPLE_ROWS = 200;

async function stored({ mongo, redis, system }: Bench): Promise<Stored> {
  const documents: Stored['documents'] = {};
  for (const { name } of (await mongo.db().admin().listDatabases()).databases) {
    const database = mongo.db(name);
    for (const { name: of } of await database.listCollections().toArray()) {
      const count = await database.collection(of).countDocuments();
      const rows = await database.collection(of).find().sort({ _id: -1 }).limit(SAMPLE_ROWS).toArray();
      const bytes = rows.reduce((all, row) => all + calculateObjectSize(row), 0) / Math.max(1, rows.length);
      documents[`${name}.${of}`.replace(/^tributary-/, '')] = { count, bytes };
    }
  }
  const aof = Number(/aof_current_size:(\d+)/.exec(await redis.info('persistence'))?.[1]);
  return { documents, aof, files: sizeOf(join(system.dataDir, 'mongodb')) };
}

function bytesOf(before: Stored, after: Stored, deposits: number): Budget['bytes'] {
  const documents = Object.fromEntries(
    Object.entries(after.documents)
      .map(
        ([name, { count, bytes }]) =>
          [name, ((count - (before.documents[name]?.count ?? 0)) * bytes) / deposits] as const,
      )
      .filter(([, bytes]) => bytes >= 1),
  );
  return { documents, aof: (after.aof - before.aof) / deposits, files: (after.files - before.files) / deposits };
}

function sizeOf(path: string): number {
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter(file => file.isFile());
  return files.reduce((all, file) => all + statSync(join(file.parentPath, file.name)).blocks * 512, 0);
}

/** Where each service is a process, parses and validations are told apart by it. */
function prefixed(name: string, counts: Counts, names: readonly string[]): Counts {
  if (names.length === 1) return counts;
  const by = (tally: Record<string, number>) =>
    Object.fromEntries(Object.entries(tally).map(([of, count]) => [`${name}: ${of}`, count]));
  return { ...counts, parses: by(counts.parses), validations: by(counts.validations) };
}

function sum(all: readonly Counts[]): Counts {
  const counts: Counts = { mongodb: {}, lost: {}, redis: {}, trips: {}, parses: {}, validations: {} };
  for (const one of all) {
    for (const key of ['mongodb', 'lost', 'redis', 'trips', 'parses', 'validations'] as const) {
      for (const [name, count] of Object.entries(one[key])) counts[key][name] = (counts[key][name] ?? 0) + count;
    }
  }
  return counts;
}
