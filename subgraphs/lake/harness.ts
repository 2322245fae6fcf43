/**
 * A process that stores events in a lake, for tests that have several of them and kill some:
 *
 *     node scripts/run.mjs subgraphs/lake/harness.ts MONGODB_URL DATABASE FIRST COUNT BATCH
 *
 * It says "storing" before it stores, and "stored in MS" when all are.
 */
import { MongoClient } from 'mongodb';
import { systemClock } from '../../events/clock.ts';
import { silentFeed } from '../../events/feed.ts';
import { lakeEvents } from './fixture.ts';
import { createLake, type LakeRow } from './store.ts';
import { createSummaries, type Summary } from './summaries.ts';

const [url = '', name = '', first, count, batch] = process.argv.slice(2);
const mongo = new MongoClient(url, { ignoreUndefined: true, writeConcern: { w: 'majority', journal: true } });
const rows = mongo.db(name).collection<LakeRow>('lake');
const summaries = createSummaries({ collection: mongo.db(name).collection<Summary>('summaries'), rows });
const lake = createLake({ rows, feed: silentFeed, clock: systemClock, summaries });
const events = lakeEvents(Number(first), Number(count));

async function main(): Promise<void> {
  await lake.size();
  process.stdout.write('storing\n');
  const startedMs = performance.now();
  for (let at = 0; at < events.length; at += Number(batch)) await lake.store(events.slice(at, at + Number(batch)));
  process.stdout.write(`stored in ${Math.round(performance.now() - startedMs)}\n`);
  await mongo.close();
}

void main();
