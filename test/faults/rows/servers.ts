/** MongoDB and Redis: killed, away, slow, full, damaged, emptied. */
import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context, Row } from '../row.ts';

const REDIS_DOWN_MS = 30_000;
const REDIS_FROZEN_MS = 12_000;
const MONGODB_DOWN_MS = 10_000;
const SLOW_FOR_MS = 10_000;
const FULL_FOR_MS = 8_000;
const FLUSHES = 6;
const REDIS_DISK_MB = 8;
const MONGODB_DISK_MB = 96;

/** Cuts off the last part of Redis's append-only file, as a disk may that lost its last writes. */
export function cutAppendOnlyFile(folder: string, part: number): string {
  const files = join(folder, 'appendonlydir');
  const newest = readdirSync(files)
    .filter(name => name.endsWith('.incr.aof'))
    .sort((a, b) => Number(/\.(\d+)\.incr/.exec(a)?.[1]) - Number(/\.(\d+)\.incr/.exec(b)?.[1]))
    .at(-1);
  if (!newest) throw new Error(`no append-only file in ${files}`);
  const { size } = statSync(join(files, newest));
  const kept = Math.floor(size * (1 - part));
  truncateSync(join(files, newest), kept);
  return `${size - kept} of ${size} bytes`;
}

/** Counts what is acknowledged while something lasts. */
async function meanwhile({ bank, note }: Context, what: () => Promise<void>): Promise<number> {
  const before = bank.history.length;
  await what();
  const during = bank.history.slice(before);
  const ok = during.filter(({ outcome }) => outcome === 'ok').length;
  note(`${ok} acknowledged meanwhile`);
  return ok;
}

/** What Redis says to a write: a fault that is not felt would prove nothing. */
async function assertRefused({ cluster, note, violated }: Context): Promise<void> {
  const answer = await cluster.looker.set('faults:probe', '1').catch((error: Error) => error);
  if (answer instanceof Error) note(`Redis answered ${answer.message.split(' ')[0]}`);
  else violated('Redis took a write all the same');
}

const pendingIn = ({ cluster }: Context, service: string) =>
  cluster
    .database(service)
    .collection('events')
    .countDocuments({ pending: { $exists: true } });

export const serverRows: readonly Row[] = [
  {
    name: 'redis-kill',
    what: 'Redis is killed (`kill -9`) and started again',
    async fault({ cluster }) {
      await cluster.redis.kill();
      await cluster.redis.ready();
    },
  },
  {
    name: 'redis-down',
    what: 'Redis is away for 30 s',
    async fault(context) {
      const { cluster, note, violated } = context;
      await cluster.redis.hold();
      const ok = await meanwhile(context, () => delay(REDIS_DOWN_MS));
      if (ok === 0) violated('nothing was acknowledged without Redis');
      note(`${await pendingIn(context, 'account')} in the outbox at the end`);
      await cluster.redis.release();
    },
  },
  {
    name: 'redis-frozen',
    what: 'Redis is stopped (SIGSTOP) for 12 s, and keeps its connections',
    async fault(context) {
      const { cluster, violated } = context;
      cluster.redis.signal('SIGSTOP');
      const ok = await meanwhile(context, () => delay(REDIS_FROZEN_MS));
      if (ok === 0) violated('nothing was acknowledged without Redis');
      cluster.redis.signal('SIGCONT');
    },
  },
  {
    name: 'redis-cut',
    what: 'Redis is killed and the last 2% of its append-only file are lost',
    async fault({ cluster, note }) {
      await delay(3_000);
      await cluster.redis.hold();
      note(`${cutAppendOnlyFile(cluster.folders.redis, 0.02)} lost`);
      await cluster.redis.release();
    },
  },
  {
    name: 'redis-flush',
    what: 'Redis loses everything (`FLUSHALL`), six times in a row',
    async fault({ cluster }) {
      for (let flush = 0; flush < FLUSHES; flush++) {
        await delay(150 + 130 * flush);
        await cluster.looker.flushall();
      }
    },
  },
  {
    name: 'redis-memory',
    what: "Redis's memory is full for 8 s",
    async fault(context) {
      const { looker } = context.cluster;
      await looker.config('SET', 'maxmemory', '1mb');
      await meanwhile(context, () => delay(FULL_FOR_MS));
      await assertRefused(context);
      await looker.config('SET', 'maxmemory', '0');
    },
  },
  {
    name: 'redis-disk',
    what: "Redis's disk is full for 8 s",
    arrangement: { disks: { redis: REDIS_DISK_MB } },
    async fault(context) {
      const { disks } = context.cluster;
      disks.redis?.fill();
      await meanwhile(context, () => delay(FULL_FOR_MS));
      await assertRefused(context);
      disks.redis?.free();
    },
  },
  {
    name: 'mongodb-kill',
    what: 'MongoDB is killed (`kill -9`) and started again',
    async fault({ cluster }) {
      await cluster.mongodb.kill();
      await cluster.mongodb.ready();
    },
  },
  {
    name: 'mongodb-down',
    what: 'MongoDB is away for 10 s',
    async fault(context) {
      const { cluster, bank, violated } = context;
      await cluster.mongodb.hold();
      // Answers to what was stored just before are still on their way.
      await delay(200);
      const before = bank.history.length;
      await delay(MONGODB_DOWN_MS);
      const ok = bank.history.slice(before).filter(({ outcome }) => outcome === 'ok');
      if (ok.length > 0) violated(`${ok.length} acknowledged without MongoDB`);
      await cluster.mongodb.release();
    },
  },
  {
    name: 'mongodb-slow',
    what: 'MongoDB is slow for 10 s: 100 to 300 ms more a round trip, for all services',
    arrangement: { proxied: ['account', 'balance', 'reporting', 'lake'] },
    async fault(context) {
      const proxies = context.cluster.members.flatMap(({ mongodb }) => mongodb ?? []);
      for (const proxy of proxies) proxy.slow(() => 50 + Math.random() * 100);
      await meanwhile(context, () => delay(SLOW_FOR_MS));
      for (const proxy of proxies) proxy.heal();
    },
  },
  {
    name: 'mongodb-disk',
    what: "MongoDB's disk is full for 8 s",
    arrangement: { disks: { mongodb: MONGODB_DISK_MB } },
    async fault(context) {
      const { disks } = context.cluster;
      disks.mongodb?.fill();
      // What fits into pages that are there already is still stored.
      await meanwhile(context, () => delay(FULL_FOR_MS));
      const probe = context.cluster.database('probe').collection('probes');
      // More than its log has room for.
      const texts = Array.from({ length: 40 }, () => ({ text: 'x'.repeat(100_000) }));
      const answer = await probe.insertMany(texts).catch((error: Error) => error);
      if (answer instanceof Error) context.note(`MongoDB answered: ${answer.message.slice(0, 60)}`);
      else context.violated('MongoDB took what there is no room for');
      disks.mongodb?.free();
    },
  },
];
