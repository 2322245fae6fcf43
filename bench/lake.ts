/**
 * `npm run bench:lake`: how fast the lake is replayed into each service, beside what the same database takes of plain
 * `insertMany`, alone and with the same deposits going on; and what live deposits notice of either.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { MongoClient } from 'mongodb';
import { pino } from 'pino';
import { startServers } from '../embedded/index.ts';
import { systemClock } from '../events/clock.ts';
import type { Event } from '../events/event.ts';
import { silentFeed } from '../events/feed.ts';
import { serviceNames } from '../subgraphs/catalog.ts';
import { createLake, indexes, type LakeRow } from '../subgraphs/lake/store.ts';
import { createSummaries, type Summary } from '../subgraphs/lake/summaries.ts';
import { history } from './lake/history.ts';
import { cpuOf, median, quantile } from './measure.ts';
import { startProcess } from './process.ts';
import { SECRET, tokenOf } from './token.ts';

const SERVICES = ['account', 'balance', 'reporting'];
/** From nothing first, for what the history was made of was never in the services; then what is whole; then anew. */
const REPLAYS = ['REPAIR', 'REPAIR', 'REBUILD'].flatMap(mode => SERVICES.map(service => `${service}:${mode}`));

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    accounts: { type: 'string', default: '10000' },
    deposits: { type: 'string', default: '50' },
    /** `account:REPAIR`, in this order; what is not repaired first has nothing but what it was given live. */
    replays: { type: 'string', multiple: true, default: REPLAYS },
    /** `one`: everything, as `npm start`. `each`: the gateway and each service, as docker-compose.yml. */
    processes: { type: 'string', default: 'one' },
  },
});
const [EVENTS, ACCOUNTS, PER_SECOND] = [Number(values.events), Number(values.accounts), Number(values.deposits)];
const BATCH = 500;
const RAW_EVENTS = Math.min(EVENTS, 100_000);
const QUIET_SECONDS = 10;
/** As many as it takes until a process is as fast as it gets: what has just started is compared with nothing. */
const WARM_UP_DEPOSITS = 1_000;
/** At the same time. */
const WARM_UP_WIDTH = 4;

const print = (line: string) => process.stdout.write(`${line}\n`);
const whole = (value: number) => Math.round(value).toLocaleString('en-GB');
const secondsSince = (ms: number) => (performance.now() - ms) / 1000;

const dataDir = await mkdtemp(join(tmpdir(), 'bench-lake-'));
const log = pino({ level: 'silent' });
const servers = await startServers({
  dataDir,
  mongodbUrl: process.env.MONGODB_URL,
  redisUrl: process.env.REDIS_URL,
  log,
});
const mongodbUrl = new URL(`/bench${process.pid}`, servers.mongodbUrl).href;
const prefix = `bench${process.pid}`;
const mongo = new MongoClient(mongodbUrl, { ignoreUndefined: true, writeConcern: { w: 'majority', journal: true } });
const redis = new Redis(servers.redisUrl);
const stops: (() => Promise<unknown>)[] = [];
const started: number[] = [];

try {
  // Made before, so that what is measured is inserting alone.
  const rawBatches = [...history(RAW_EVENTS, ACCOUNTS, BATCH)];
  const raw = await rawRate('alone', rawBatches);
  print(`raw insertMany, ${BATCH} rows at a time, two indexes: ${whole(raw)} rows/s`);
  const filling = await fill();
  print(`stored in the lake: ${whole(EVENTS)} events, ${whole(filling)} events/s`);

  const url = values.processes === 'each' ? await startEach() : await start('start.ts', [], /is ready[\s\S]*Stop it/);
  const operator = await tokenOf('olga', ['operator']);
  const ask = <Data>(query: string, token = operator) => post<Data>(`${url}/graphql`, query, token);

  const owner = await tokenOf('live');
  const opened = await ask<{ openAccount: { account: { id: string } } }>(
    'mutation { openAccount(input: { name: "live" }) { account { id } } }',
    owner,
  );
  const accountId = opened.openAccount.account.id;
  const deposit = async () => {
    const startedMs = performance.now();
    await ask(`mutation { deposit(input: { accountId: "${accountId}", amount: 1 }) { transaction { id } } }`, owner);
    return performance.now() - startedMs;
  };

  const database = servers.children.find(({ name }) => name === 'mongodb')?.pid();
  const parts = [started, ...(database === undefined ? [] : [[database]])];
  /** Milliseconds of a core that the services have taken since, and the database. */
  const meter = () => {
    const before = parts.map(cpuOf);
    return () => parts.map((pids, i) => cpuOf(pids) - (before[i] ?? 0));
  };

  if (PER_SECOND > 0) await Promise.all(Array.from({ length: WARM_UP_WIDTH }, warmUp));
  const quietly = meter();
  const quiet = await during(deposit, delay(PER_SECOND > 0 ? QUIET_SECONDS * 1000 : 0));
  const perDepositMs = quietly().map(ms => ms / Math.max(1, quiet.length));
  print(
    `\nlive deposits, ${PER_SECOND}/s, nothing else going on: ${latencies(quiet)} ms; CPU of each: ${perDepositMs.map(ms => ms.toFixed(1)).join(' + ')} ms`,
  );
  const beside = rawRate('beside', rawBatches);
  const besideRaw = await during(deposit, beside);
  const rawBeside = await beside;
  print(
    `raw insertMany with them going on: ${whole(rawBeside)} rows/s; deposits meanwhile: ${latencies(besideRaw)} ms`,
  );
  print(
    '\n| replay | events | events/s | of raw insertMany, alone / with deposits | deposits meanwhile, p50 / p99 ms | Redis, MB at most | services + database, cores | CPU an event, deposits taken off, µs |',
  );
  print('|---|---:|---:|---:|---:|---:|---:|---:|');

  async function warmUp(): Promise<void> {
    for (let made = 0; made < WARM_UP_DEPOSITS / WARM_UP_WIDTH; made++) await deposit();
  }
  for (const replay of values.replays) {
    const [service = '', mode = ''] = replay.split(':');
    await measure(service, mode);
  }

  async function measure(service: string, mode: string): Promise<void> {
    let redisBytes = 0;
    const spent = meter();
    const startedMs = performance.now();
    const { replay } = await ask<{ replay: { id: string } }>(
      `mutation { replay(input: { service: "${service}", mode: ${mode} }) { id } }`,
    );
    const end = async () => {
      for (;;) {
        const { replay: now } = await ask<{ replay: { status: string; applied: number; error: string | null } }>(
          `{ replay(id: "${replay.id}") { status applied error } }`,
        );
        redisBytes = Math.max(redisBytes, await usedMemory());
        if (now.status === 'COMPLETED') return now.applied;
        if (now.status === 'FAILED') throw new Error(now.error ?? 'it failed');
        await delay(50);
      }
    };
    let events = 0;
    let seconds = 0;
    const took = await during(
      deposit,
      end().then(applied => {
        events = applied;
        seconds = secondsSince(startedMs);
      }),
    );
    const rate = events / seconds;
    const ms = spent();
    const ofDeposits = perDepositMs.map(each => each * took.length);
    const cells = [
      `${service}, ${mode}`,
      whole(events),
      whole(rate),
      `${(rate / raw).toFixed(2)} / ${(rate / rawBeside).toFixed(2)}`,
      latencies(took),
      (redisBytes / 1_000_000).toFixed(1),
      ms.map(each => (each / 1000 / seconds).toFixed(2)).join(' + '),
      ms.map((each, i) => whole(((each - (ofDeposits[i] ?? 0)) * 1000) / events)).join(' + '),
    ];
    print(`| ${cells.join(' | ')} |`);
  }

  print(`\n${cpus().length} cores (${cpus()[0]?.model}), Node ${process.version}; ${whole(ACCOUNTS)} accounts.`);
} finally {
  for (const stop of stops.reverse()) await stop();
  redis.disconnect();
  await mongo.close();
  await servers.stop();
  await rm(dataDir, { recursive: true, force: true });
}

/** @returns where it answers. */
async function start(program: string, args: string[], ready: RegExp, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const files = ['../scripts/run.mjs', `../scripts/${program}`];
  const one = await startProcess(args[0] ?? 'tributary', {
    file: process.execPath,
    args: [...files.map(file => fileURLToPath(new URL(file, import.meta.url))), ...args],
    env: {
      ...{ MONGODB_URL: mongodbUrl, REDIS_URL: servers.redisUrl, AUTH_SECRET: SECRET, LIMIT_REQUESTS: '1000000' },
      ...{ PORT: '0', DATA_DIR: dataDir, LOG_LEVEL: 'warn', ...env },
    },
    ready,
  });
  stops.push(one.stop);
  started.push(one.pid);
  return /http:\/\/[\d.]+:\d+/.exec(one.output())?.[0] ?? '';
}

async function startEach(): Promise<string> {
  const urls: NodeJS.ProcessEnv = {};
  for (const name of serviceNames()) {
    urls[`${name.toUpperCase()}_URL`] = `${await start('service.ts', [name], /is ready/)}/graphql`;
  }
  return start('service.ts', ['gateway'], /is ready/, urls);
}

/** Rows a second that the database takes, as plain as they can be: with an index of their own beside _id. */
async function rawRate(name: string, batches: readonly Event[][]): Promise<number> {
  const rows = mongo.db(`${prefix}-raw`).collection<{ _id: string }>(name);
  await rows.createIndexes([{ key: { 'event.subject': 1, version: 1 } }]);
  const startedMs = performance.now();
  let version = 0;
  for (const events of batches) {
    await rows.insertMany(events.map(event => ({ _id: event.id, version: ++version, event })));
  }
  return version / secondsSince(startedMs);
}

async function fill(): Promise<number> {
  const rows = mongo.db(`${prefix}-lake`).collection<LakeRow>('lake');
  await rows.createIndexes([...indexes.lake]);
  // As the lake does: it would do it all later, beside what is measured.
  const summaries = createSummaries({ collection: mongo.db(`${prefix}-lake`).collection<Summary>('summaries'), rows });
  const lake = createLake({ rows, feed: silentFeed, clock: systemClock, summaries });
  const startedMs = performance.now();
  for (const events of history(EVENTS, ACCOUNTS, BATCH)) await lake.store(events);
  return EVENTS / secondsSince(startedMs);
}

/** Deposits at a fixed rate until something is over; the time of each, waiting included. */
async function during(act: () => Promise<number>, over: Promise<unknown>): Promise<number[]> {
  const took: Promise<number>[] = [];
  let going = true;
  const end = over.finally(() => {
    going = false;
  });
  while (going) {
    if (PER_SECOND > 0) took.push(act());
    await delay(1000 / Math.max(1, PER_SECOND));
  }
  await end;
  return Promise.all(took);
}

function latencies(took: readonly number[]): string {
  return `${median(took).toFixed(1)} / ${quantile(took, 0.99).toFixed(1)}`;
}

async function usedMemory(): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1] ?? 0);
}

async function post<Data>(url: string, query: string, token: string): Promise<Data> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query }),
  });
  const answer = (await response.json()) as { data: Data; errors?: unknown[] };
  if (answer.errors) throw new Error(JSON.stringify(answer.errors));
  return answer.data;
}

function delay(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
