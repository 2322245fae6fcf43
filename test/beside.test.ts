/** The second thread of `npm start`, as an operator sees it. */
import { readdirSync, readFileSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { history } from '../bench/lake/history.ts';
import type { Servers } from '../embedded/index.ts';
import { systemClock } from '../events/clock.ts';
import { silentFeed } from '../events/feed.ts';
import { createLake, indexes, type LakeRow } from '../subgraphs/lake/store.ts';
import {
  type Client,
  clientOf,
  eventually,
  type System,
  sharedServers,
  startSystem,
  stopAll,
  temporaryFolder,
} from './system.ts';

const EVENTS = 3_000;
const ACCOUNTS = 100;
/** Below what the second thread would have beside a process of ordinary priority. */
const NICE = 12;
const PREFIX = `beside-${process.pid}`;
const folder = temporaryFolder();
let servers: Servers;
let mongo: MongoClient;
let system: System;
let olga: Client;

beforeAll(async () => {
  servers = await sharedServers(folder.path, PREFIX);
  const { mongodbUrl, redisUrl } = servers;
  mongo = new MongoClient(mongodbUrl, { ignoreUndefined: true });
  const rows = mongo.db(`${PREFIX}-lake`).collection<LakeRow>('lake');
  await rows.createIndexes([...indexes.lake]);
  const lake = createLake({ summaries: undefined, rows, feed: silentFeed, clock: systemClock });
  for (const events of history(EVENTS, ACCOUNTS, 500)) await lake.store(events);
  system = await startSystem(folder.path, 0, { MONGODB_URL: mongodbUrl, REDIS_URL: redisUrl });
  olga = await clientOf(system.url, 'olga', ['operator']);
});

afterAll(async () => {
  await stopAll();
  await mongo?.close();
  await servers?.stop();
  folder.remove();
});

/** How nice each thread of the system's process is: see proc(5). */
const nices = () =>
  readdirSync(`/proc/${system.pid}/task`).map(thread => {
    const stat = readFileSync(`/proc/${system.pid}/task/${thread}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
  });

test('what happened long ago is replayed in a second thread, behind what anybody waits for, and counted where all is counted', async () => {
  const threads = nices().length;
  expect(new Set(nices()).size).toBe(1);
  // As whoever starts it with `nice` does, who may not raise its priority again.
  setPriority(system.pid, Math.max(getPriority(), NICE));
  const behind = Math.min(getPriority(system.pid) + 10, constants.priority.PRIORITY_LOW);
  const { replay } = await olga.get<{ replay: { id: string; total: number } }>(
    'mutation { replay(input: { service: "account" }) { id total } }',
  );
  await eventually(
    () =>
      olga.get<{ replay: { status: string; applied: number; differences: number } }>(
        `{ replay(id: "${replay.id}") { status applied differences } }`,
      ),
    ({ replay }) => replay.status === 'COMPLETED',
  );
  expect(nices().length).toBeGreaterThan(threads);
  expect(nices()).toContain(behind);
  const accounts = mongo.db(`${PREFIX}-account`).collection('accounts');
  expect(await accounts.countDocuments()).toBe(ACCOUNTS);
  const counted = async () => {
    const metrics = await (await fetch(new URL('/metrics', system.url))).text();
    return Number(/consumer_events_total\{[^}]*service="account"[^}]*kind="repair"[^}]*\} (\d+)/.exec(metrics)?.[1]);
  };
  await eventually(counted, events => events === replay.total);
});
