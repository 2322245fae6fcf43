/**
 * A process that consumes as service "a", for tests that let it die:
 *
 *     node scripts/run.mjs events/harness.ts MONGODB_URL REDIS_URL PREFIX
 *
 * It stores what it applies, and what is set aside; it takes its time over "slow", says that it hangs at "hang", and dies at "kill".
 */
import { setTimeout as delay } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { pino } from 'pino';
import { systemClock } from './clock.ts';
import { startConsumer } from './consumer.ts';
import { createTransport } from './queue.ts';
import type { Delivery } from './suspects.ts';

const [mongodbUrl = '', redisUrl = '', prefix = ''] = process.argv.slice(2);
const database = new MongoClient(mongodbUrl).db(`${prefix}-a`);

const write = (name: 'applied' | 'faults', _id: string, more: { deliveries?: number } = {}) =>
  database.collection<{ _id: string }>(name).updateOne({ _id }, { $set: { ...more, done: true } }, { upsert: true });

const consumer = startConsumer({
  service: 'a',
  rules: [
    {
      on: 'everything',
      async handle(events) {
        for (const { id } of events) {
          if (id.startsWith('kill')) process.abort();
          if (id.startsWith('hang')) {
            process.stdout.write('hanging\n');
            await new Promise(() => undefined);
          }
          if (id.startsWith('slow')) await delay(300);
          await write('applied', id);
        }
      },
    },
  ],
  transport: createTransport({ redisUrl, prefix, onError: () => undefined }),
  deliveries: database.collection<Delivery>('deliveries'),
  setAside: async ({ original, deliveries }) =>
    void (await write('faults', (original as { id: string }).id, { deliveries })),
  clock: systemClock,
  log: pino({ level: 'silent' }),
});
consumer.attend([0]);
