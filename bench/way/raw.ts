/** The raw parts that the product is made of, each alone, with the product's own settings for durability. */
import { randomUUID } from 'node:crypto';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { type Collection, MongoClient } from 'mongodb';
import { ready } from '../gateways/settings.ts';
import { told } from '../process.ts';
import { RESULT } from './seen.ts';

export type Raw = { mongodbUrl: string; redisUrl: string; seconds: number };
/** A second. */
export type Rates = Record<string, number>;

/** Insertions on their way, as many as clients are in the largest closed loop. */
const CLIENTS = 50;
const BATCH = 100;
const CONCURRENCY = 32;

const { mongodbUrl, redisUrl, seconds } = told<Raw>();

/** As large as the product's own row of a deposit. */
const row = () => ({
  _id: randomUUID(),
  event: {
    ...{
      specversion: '1.0',
      type: 'deposited',
      source: '/account',
      subject: randomUUID(),
      time: new Date().toISOString(),
    },
    ...{
      dataschema: 'urn:tributary:event:deposited:1',
      datacontenttype: 'application/json',
      correlationid: randomUUID(),
    },
    data: { amountMinor: 1, currency: 'USD' },
  },
  pending: Date.now(),
});

/** @param work does so many. */
async function rate(clients: number, work: () => Promise<number>): Promise<number> {
  const startedMs = performance.now();
  let done = 0;
  async function client(): Promise<void> {
    while (performance.now() - startedMs < seconds * 1_000) {
      const some = await work();
      done += some;
    }
  }
  await Promise.all(Array.from({ length: clients }, client));
  return done / ((performance.now() - startedMs) / 1_000);
}

async function mongodb(rows: Collection<ReturnType<typeof row>>): Promise<Rates> {
  await rows.createIndexes([{ key: { pending: 1 }, sparse: true }]);
  return {
    [`insertOne, ${CLIENTS} at a time`]: await rate(CLIENTS, async () => {
      await rows.insertOne(row());
      return 1;
    }),
    [`insertMany of ${BATCH}`]: await rate(2, async () => {
      await rows.insertMany(Array.from({ length: BATCH }, row));
      return BATCH;
    }),
  };
}

/** Adds while fewer than some wait, and takes as fast as it comes. */
async function queue(name: string, events: number, url: string): Promise<number> {
  const connection = new Redis(url, { maxRetriesPerRequest: null });
  const jobs = new Queue(name, { connection, prefix: '{raw}' });
  let [added, taken] = [0, 0];
  const worker = new Worker(
    name,
    async job => {
      taken += job.data.events.length;
    },
    { connection, prefix: '{raw}', concurrency: CONCURRENCY, removeOnComplete: { count: 0 } },
  );
  const startedMs = performance.now();
  await rate(CLIENTS, async () => {
    if (added - taken > 1_000 * events) {
      await new Promise(resolve => setTimeout(resolve, 1));
      return 0;
    }
    added += events;
    await jobs.add('raw', { events: Array.from({ length: events }, row) }, { removeOnComplete: true });
    return events;
  });
  while (taken < added) await new Promise(resolve => setTimeout(resolve, 5));
  const perSecond = taken / ((performance.now() - startedMs) / 1_000);
  await worker.close();
  await jobs.close();
  connection.disconnect();
  return perSecond;
}

async function pubsub(url: string): Promise<number> {
  const [publisher, subscriber] = [new Redis(url), new Redis(url)];
  await subscriber.subscribe('raw');
  let heard = 0;
  subscriber.on('message', () => {
    heard += 1;
  });
  const startedMs = performance.now();
  let said = 0;
  await rate(CLIENTS, async () => {
    said += 1;
    await publisher.publish('raw', '{"version":1}');
    return 1;
  });
  while (heard < said) await new Promise(resolve => setTimeout(resolve, 1));
  const perSecond = heard / ((performance.now() - startedMs) / 1_000);
  publisher.disconnect();
  subscriber.disconnect();
  return perSecond;
}

ready('raw');
const mongo = new MongoClient(mongodbUrl, { writeConcern: { w: 'majority', journal: true } });
const rates: Rates = {
  ...(await mongodb(mongo.db('raw').collection('events'))),
  'BullMQ add and take, 1 event a job': await queue('raw-1', 1, redisUrl),
  [`BullMQ add and take, ${BATCH} events a job, in events`]: await queue('raw-100', BATCH, redisUrl),
  'Redis publish and hear': await pubsub(redisUrl),
};
await mongo.close();
process.stdout.write(`${RESULT}${JSON.stringify(rates)}\n`, () => process.exit(0));
