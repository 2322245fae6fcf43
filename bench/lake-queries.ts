/**
 * What a page of the lake costs when it holds many events: fills a lake on a MongoDB of its own (or that of MONGODB_URL),
 * and reads, counts and verifies it.
 *
 *     npm run bench:queries -- --events 1000000 [--data DIR]
 *
 * --data keeps the folder of its MongoDB: the next run fills in only what is missing.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MongoClient } from 'mongodb';
import { pino } from 'pino';
import { startServers } from '../embedded/index.ts';
import { systemClock } from '../events/clock.ts';
import { silentFeed } from '../events/feed.ts';
import { examined, filtersFor, lakeEvents } from '../subgraphs/lake/fixture.ts';
import type { EventFilter, Order } from '../subgraphs/lake/query.ts';
import { createLake, indexes, type LakeRow } from '../subgraphs/lake/store.ts';
import { createSummaries, type Summary } from '../subgraphs/lake/summaries.ts';
import { median } from './measure.ts';

const { values } = parseArgs({ options: { events: { type: 'string', default: '100000' }, data: { type: 'string' } } });
const EVENTS = Number(values.events);
const BATCH = 500;
const PAGE = 100;
const ROUNDS = 5;

const seconds = (sinceMs: number) => (performance.now() - sinceMs) / 1000;
const print = (line: string) => process.stdout.write(`${line}\n`);

const dataDir = values.data ?? (await mkdtemp(join(tmpdir(), 'lake-queries-')));
const log = pino({ level: 'silent' });
const servers = await startServers({ dataDir, mongodbUrl: process.env.MONGODB_URL, redisUrl: undefined, log });
const mongo = new MongoClient(servers.mongodbUrl, {
  ignoreUndefined: true,
  writeConcern: { w: 'majority', journal: true },
});
const database = mongo.db('bench-lake');
try {
  const rows = database.collection<LakeRow>('lake');
  await rows.createIndexes([...indexes.lake]);
  const summaries = createSummaries({ collection: database.collection<Summary>('summaries'), rows });
  const lake = createLake({ rows, feed: silentFeed, clock: systemClock, summaries });

  const startedMs = performance.now();
  const first = await lake.size();
  for (let at = first; at < EVENTS; at += BATCH) {
    await lake.store(lakeEvents(at, Math.min(BATCH, EVENTS - at)));
    if (at % 100_000 === 0) print(`${at} events, ${Math.round((at - first) / seconds(startedMs))} events/s`);
  }
  print(`stored ${EVENTS - first} events: ${Math.round((EVENTS - first) / seconds(startedMs))} events/s`);

  print(`\npages of ${PAGE}: found; the quickest and the median of ${ROUNDS}, ms; keys and documents examined`);
  for (const [name, filter] of filtersFor(EVENTS)) {
    for (const order of [1, -1] as const) {
      for (const beyond of [undefined, Math.floor(EVENTS / 2)]) await measure(name, filter, order, beyond);
    }
    const countedMs = performance.now();
    const count = await lake.count(filter);
    print(
      `${name.padEnd(44)} totalCount ${String(count).padStart(8)} ${(performance.now() - countedMs).toFixed(1).padStart(7)} ms`,
    );
  }

  const verifiedMs = performance.now();
  const verification = await lake.verify();
  print(`\nverified in ${seconds(verifiedMs).toFixed(1)} s: ${JSON.stringify(verification)}`);

  async function measure(name: string, filter: EventFilter, order: Order, beyond: number | undefined): Promise<void> {
    const took: number[] = [];
    let found = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const sinceMs = performance.now();
      found = (await lake.page(filter, order, beyond, PAGE)).length;
      took.push(performance.now() - sinceMs);
    }
    const { keys, docs } = await examined(lake, [filter, order, beyond], PAGE);
    const where = `${order === 1 ? 'oldest' : 'newest'} ${beyond === undefined ? 'first page' : 'middle'}`;
    const columns = [found, Math.min(...took).toFixed(1), median(took).toFixed(1), keys, docs].map(value =>
      String(value).padStart(7),
    );
    print(`${name.padEnd(44)} ${where.padEnd(18)}${columns.join('')}`);
  }
} finally {
  if (!values.data) await database.dropDatabase().catch(() => undefined);
  await mongo.close();
  await servers.stop();
  if (!values.data) await rm(dataDir, { recursive: true, force: true });
}
