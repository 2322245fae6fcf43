import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSystem, happening, isReady, mortalRedis, until } from './fixture.ts';
import type { QueueTransport } from './queue.ts';

/** BullMQ waits 5 s for a marker before it looks without one: what is sooner was not found in this way. */
const WITHOUT_MARKER_MS = 4_500;

let server: Awaited<ReturnType<typeof mortalRedis>>;
let transport: QueueTransport;
const workers: { close(): Promise<void> }[] = [];
let handed: { id: string; atMs: number }[] = [];

beforeEach(async () => {
  server = await mortalRedis();
  ({ transport } = createSystem({ redisUrl: server.url, mongodbUrl: 'mongodb://127.0.0.1:1/none' }));
  await isReady(transport.redis);
  handed = [];
});

afterEach(async () => {
  await Promise.all(workers.splice(0).map(worker => worker.close()));
  await transport.close();
  await server.kill();
});

function startWorker(handle: (id: string) => Promise<void> = async () => undefined): void {
  const worker = transport.work({
    ...{ service: 'a', partition: 0, concurrency: 8 },
    async handle({ data }) {
      const { id } = data.events[0] as { id: string };
      handed.push({ id, atMs: performance.now() });
      await handle(id);
    },
  });
  workers.push(worker);
}

const letters = (ids: readonly string[]) =>
  ids.map(id => ({ service: 'a', partition: 0, source: 'b', events: [happening(id)] }));
const send = (...ids: string[]) => transport.send(letters(ids));

/** What workers have asked Redis since it was last reset. */
async function askedBy(redis: Redis): Promise<number> {
  const stats = await redis.info('commandstats');
  const calls = (command: string) => Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  return calls('evalsha') + calls('eval') + calls('bzpopmin');
}

describe('a worker', () => {
  test('asks five commands of Redis for a job that comes alone, to queue it included', async () => {
    startWorker();
    await send('first');
    await until(() => handed.length === 1);
    await delay(50);
    await transport.redis.config('RESETSTAT');
    for (let n = 0; n < 20; n++) {
      await send(`job ${n}`);
      await until(() => handed.length === n + 2);
      await delay(20);
    }
    expect(await askedBy(transport.redis)).toBeLessThanOrEqual(20 * 5 + 5);
  });

  test('takes what waits while others are at hand', async () => {
    let open: () => void = () => undefined;
    const gate = new Promise<void>(resolve => {
      open = resolve;
    });
    startWorker(() => gate);
    const startedMs = performance.now();
    await send('one', 'two', 'three');
    await until(() => handed.length === 3);
    await send('four');
    await until(() => handed.length === 4);
    expect(performance.now() - startedMs).toBeLessThan(WITHOUT_MARKER_MS);
    open();
  });

  test('takes what comes after all others while others are at hand', async () => {
    let open: () => void = () => undefined;
    const gate = new Promise<void>(resolve => {
      open = resolve;
    });
    startWorker(() => gate);
    await send('first');
    await until(() => handed.length === 1);
    await delay(100);
    const startedMs = performance.now();
    // Of each the marker is there already when the next is queued.
    for (const id of ['two', 'three', 'four']) await transport.send(letters([id]), { priority: 10 });
    await until(() => handed.length === 4);
    expect(performance.now() - startedMs).toBeLessThan(WITHOUT_MARKER_MS);
    open();
  });

  test('leaves the marker to others while something waits, and misses nothing that comes meanwhile', async () => {
    for (let n = 0; n < 3; n++) startWorker(() => delay(Math.random() * 3));
    const sentMs = new Map<string, number>();
    for (let n = 0; n < 300; n++) {
      const ids = Array.from({ length: 1 + (n % 3) }, (_, i) => `${n}.${i}`);
      for (const id of ids) sentMs.set(id, performance.now());
      await send(...ids);
      if (n % 4 === 0) await delay(Math.random() * 4);
    }
    await until(() => handed.length === sentMs.size);
    expect(new Set(handed.map(({ id }) => id)).size).toBe(sentMs.size);
    const slowestMs = Math.max(...handed.map(({ id, atMs }) => atMs - (sentMs.get(id) ?? Number.NEGATIVE_INFINITY)));
    expect(slowestMs).toBeLessThan(WITHOUT_MARKER_MS);
  });

  test('takes again what was given back, as soon as it is due, while others are at hand', async () => {
    startWorker(async id => {
      if (handed.length === 1) throw new Error('not now');
      if (id === 'long') await delay(WITHOUT_MARKER_MS / 2);
    });
    const startedMs = performance.now();
    await send('given back');
    await until(() => handed.length === 1);
    await delay(100);
    await send('long');
    await until(() => handed.length === 3);
    // It is due after a second.
    expect(performance.now() - startedMs).toBeLessThan(WITHOUT_MARKER_MS);
  });
});
