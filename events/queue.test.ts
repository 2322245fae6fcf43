import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { createSystem, happening, isReady, mortalRedis, until, useServers } from './fixture.ts';
import { createTransport, type QueueTransport } from './queue.ts';

const urls = useServers();

test('a mark is left only on the connection that its jobs were sent on: Redis may have come back without them', async () => {
  const redis = await mortalRedis();
  const { transport } = createSystem({ ...urls, redisUrl: redis.url });
  onTestFinished(redis.kill);
  await isReady(transport.redis);
  const connection = await transport.send([{ service: 'a', partition: 0, source: 'b', events: [happening('1')] }]);
  expect(await transport.mark('a', 'b', undefined, 1, connection)).toBe(true);
  await redis.kill();
  await redis.start();
  await until(() => transport.redis.status === 'ready');
  // As it is after a loss of the last moments only: the mark before is there again, the jobs after it are not.
  await transport.resetMark('a', 'b', 1);
  expect(await transport.mark('a', 'b', 1, 2, connection)).toBe(false);
  expect(await transport.marks('a')).toEqual({ b: 1 });
  expect(await transport.mark('a', 'b', 1, 2)).toBe(true);
});

test('a Redis that is there and answers nothing counts as lost, and as back when it answers', async () => {
  const redis = await mortalRedis();
  const { transport } = createSystem({ ...urls, redisUrl: redis.url });
  await isReady(transport.redis);
  let lost = 0;
  transport.redis.on('close', () => {
    lost += 1;
  });
  redis.freeze();
  await expect(transport.redis.ping()).rejects.toThrow();
  await until(() => lost > 0);
  redis.thaw();
  await until(() => transport.redis.status === 'ready');
  expect(await transport.redis.ping()).toBe('PONG');
});

async function connectedSystem() {
  const system = createSystem(urls);
  await isReady(system.transport.redis);
  return system;
}

test('whoever says that it is there is counted, in the order in which all came, until it leaves', async () => {
  const { transport } = await connectedSystem();
  expect(await transport.look('a')).toEqual({ marks: {}, members: [] });
  for (const name of ['z', 'y', 'x']) {
    await transport.announce('a', name);
    await delay(3);
  }
  await transport.announce('b', 'elsewhere');
  await transport.announce('a', 'z');
  expect((await transport.look('a')).members).toEqual(['z', 'y', 'x']);
  await transport.leave('a', 'y');
  expect((await transport.look('a')).members).toEqual(['z', 'x']);
});

test('one that has not said for three seconds that it is there is not, and comes last when it is there again', async () => {
  const { transport, prefix } = await connectedSystem();
  await transport.announce('a', 'first');
  const [seconds = 0] = await transport.redis.time();
  const longAgo = `${(seconds - 60) * 1_000} ${(seconds - 4) * 1_000}`;
  await transport.redis.hset(`${prefix}:{a}:members`, 'paused', longAgo);
  expect((await transport.look('a')).members).toEqual(['first']);
  await delay(5);
  expect((await transport.announce('a', 'paused')).members).toEqual(['first', 'paused']);
});

test('queues that hold something are named, whatever state it is in, and those that are paused, at the same moment as the marks', async () => {
  const { transport } = await connectedSystem();
  const holding = async () => (await transport.announce('a', 'x')).holding;
  expect(await holding()).toEqual([]);
  for (const partition of [0, 7, 15])
    await transport.send([{ service: 'a', partition, source: 'b', events: [happening('1')] }]);
  await transport.mark('a', 'b', undefined, 3);
  expect(await transport.announce('a', 'x')).toEqual({
    ...{ marks: { b: 3 }, members: ['x'], holding: [0, 7, 15], paused: [] },
  });
  const { handled, close } = taking(transport, 7);
  await handled;
  expect(await holding()).toEqual([0, 7, 15]);
  await close();
  await until(async () => (await holding()).join() === '0,15');
  await transport.queue('a', 0).pause();
  expect(await transport.announce('a', 'x')).toMatchObject({ holding: [0, 15], paused: [0] });
  await transport.queue('a', 0).resume();
  expect(await transport.announce('a', 'x')).toMatchObject({ holding: [0, 15], paused: [] });
  expect(await transport.backlog('a')).toMatchObject({ events: 2 });
  expect((await transport.inUse('b')).length).toBe(1);
  await transport.remove('a');
  expect(await transport.look('a')).toEqual({ marks: {}, members: [] });
  expect(await holding()).toEqual([]);
});

test('what waits is counted by events; a job that somebody else has put there is one, and one that has failed waits for nobody', async () => {
  const { transport } = await connectedSystem();
  const nothing = { events: 0, oldestMs: undefined, paused: 0, failed: 0 };
  expect(await transport.backlog('a')).toEqual(nothing);
  const queue = transport.queue('a', 0);
  await transport.send([{ service: 'a', partition: 0, source: 'b', events: [happening('1'), happening('2')] }]);
  for (const name of ['by hand', '0', '1e99']) await queue.add(name, { source: 'b', events: [] });
  expect(await transport.backlog('a')).toEqual({ ...nothing, events: 5, oldestMs: expect.any(Number) });
  const [job] = await queue.getJobs('waiting', 0, 0);
  await transport.redis.lrem(queue.toKey('wait'), 1, job?.id ?? '');
  await transport.redis.zadd(queue.toKey('failed'), Date.now(), job?.id ?? '');
  await transport.queue('a', 1).pause();
  expect(await transport.backlog('a')).toMatchObject({ paused: 1, failed: 1 });
  await transport.remove('a');
  expect(await transport.backlog('a')).toEqual(nothing);
});

test('a job that has failed for good is told, and one that is tried again is not', async () => {
  const { transport, prefix } = await connectedSystem();
  const failed: unknown[] = [];
  const telling = createTransport({
    ...{ redisUrl: urls.redisUrl, prefix, onError: () => undefined },
    onFailed: (service, jobId, error) => failed.push([service, jobId, error.message]),
  });
  await isReady(telling.redis);
  let handled = 0;
  const worker = telling.work({
    ...{ service: 'a', partition: 0, concurrency: 1 },
    handle: async () => {
      handled += 1;
      throw new Error('odd');
    },
  });
  await transport.send([{ service: 'a', partition: 0, source: 'b', events: [happening('1')] }]);
  await until(async () => handled === 1);
  await transport.queue('a', 0).add('by hand', { source: 'b', events: [] }, { attempts: 1, jobId: 'x' });
  await until(async () => failed.length > 0);
  expect(failed).toEqual([['a', 'x', 'odd']]);
  expect(await transport.backlog('a')).toMatchObject({ events: 1, failed: 1 });
  await worker.close();
  await telling.close();
});

/** Takes a job, and finishes it when it is closed. */
function taking(transport: QueueTransport, partition: number) {
  let finish: () => void = () => undefined;
  let begun: () => void = () => undefined;
  const handled = new Promise<void>(resolve => {
    begun = resolve;
  });
  const worker = transport.work({
    ...{ service: 'a', partition, concurrency: 1 },
    handle: () => {
      begun();
      return new Promise(resolve => {
        finish = resolve;
      });
    },
  });
  const close = () => {
    finish();
    return worker.close();
  };
  return { handled, close };
}
