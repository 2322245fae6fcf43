import { expect, test } from 'vitest';
import { connected, createSystem, happening, happenings, ORIGIN, takeAll, useServers, watching } from './fixture.ts';

const urls = useServers();

async function started(partitions = 1) {
  const system = createSystem(urls);
  await connected(system.transport);
  await system.bind('a', { partitions });
  let flushes = 0;
  return {
    system,
    ...watching(system, 'a'),
    passed: async () => (await system.bindings.find('a'))?.passed?.[ORIGIN],
    /** What a relay's flush does to the queue; the mark that it leaves. */
    async flush(id: string, { partition = 0, source = ORIGIN, jobId }: FlushOptions = {}) {
      const letter = { service: 'a', partition, source, events: [happening(id)] };
      await system.transport.send([letter], { ...(jobId && { jobId }) });
      const { [source]: before } = await system.transport.marks('a');
      await system.transport.mark('a', source, before, ++flushes);
      return flushes;
    },
    /** What it does when Redis has lost everything. */
    async recover(number = ++flushes) {
      await system.transport.resetMark('a', ORIGIN, number);
      return number;
    },
  };
}
type FlushOptions = { partition?: number; source?: string; jobId?: string };

test('moves when all jobs up to the marks are gone', async () => {
  const { system, observe, flush, passed } = await started();
  await flush('1');
  const last = await flush('2');
  await observe();
  expect(await passed()).toBeUndefined();
  await takeAll(system, 'a');
  await observe();
  expect(await passed()).toBe(last);
});

test('moves at once when the jobs were gone before it looked', async () => {
  const { system, observe, flush, passed } = await started();
  const last = await flush('1');
  await takeAll(system, 'a');
  await observe();
  expect(await passed()).toBe(last);
});

test('does not move while one job is outstanding, whatever state it is in', async () => {
  const { system, observe, flush, passed } = await started();
  const queue = system.transport.queue('a', 0);
  await flush('1');
  await observe();

  await queue.pause();
  await observe();
  expect(await passed()).toBeUndefined();
  await queue.resume();

  await system.transport.redis.rename(queue.toKey('wait'), queue.toKey('active'));
  await observe();
  expect(await passed()).toBeUndefined();

  await system.transport.redis.del(queue.toKey('active'));
  for (const state of ['delayed', 'prioritized', 'failed']) {
    await system.transport.redis.zadd(queue.toKey(state), 1, '1');
    await observe();
    expect(await passed(), state).toBeUndefined();
    await system.transport.redis.del(queue.toKey(state));
  }
  await observe();
  expect(await passed()).toBe(1);
});

test('does not wait for jobs that came after the marks', async () => {
  const { system, observe, flush, passed } = await started();
  const first = await flush('1');
  await observe();
  await takeAll(system, 'a');
  await flush('2');
  await observe();
  expect(await passed()).toBe(first);
});

test('waits for the jobs of every partition', async () => {
  const { system, observe, flush, passed } = await started(2);
  await flush('1', { partition: 0 });
  const last = await flush('2', { partition: 1 });
  await observe();
  await takeAll(system, 'a', 0);
  await observe();
  expect(await passed()).toBeUndefined();
  await takeAll(system, 'a', 1);
  await observe();
  expect(await passed()).toBe(last);
});

test('does not wait for the jobs of a replay', async () => {
  const { system, observe, flush, passed } = await started();
  const last = await flush('1');
  await takeAll(system, 'a');
  await system.transport.send([{ service: 'a', partition: 0, source: 'lake', events: [], replay: 'r' }], {
    jobId: 'r-0',
  });
  await observe();
  expect(await passed()).toBe(last);
});

test('does not move across a loss: neither before the relays have noticed it, nor by the jobs that are gone', async () => {
  const { system, observe, flush, passed } = await started();
  await flush('1');
  await observe();
  await system.loseRedis();
  await observe();
  await observe();
  expect(await passed()).toBeUndefined();
});

test('does not move when the loss falls between its two looks', async () => {
  const { system, passed, flush } = await started();
  await flush('1');
  const { queue } = system.transport;
  const transport: typeof system.transport = {
    ...system.transport,
    queue(service, partition) {
      const jobs = queue(service, partition);
      return Object.assign(Object.create(jobs), {
        getRanges: async (...args: Parameters<typeof jobs.getRanges>) => {
          await system.loseRedis();
          return jobs.getRanges(...args);
        },
      });
    },
  };
  const { observe } = watching(system, 'a', transport);
  await observe();
  await observe();
  expect(await passed()).toBeUndefined();
});

test('does not move across the loss of an older state, which takes the marks back', async () => {
  const { system, observe, flush, passed, recover } = await started();
  const older = await flush('1');
  await flush('2');
  await observe();
  await takeAll(system, 'a');
  await recover(older);
  await observe();
  // What the older mark says is passed; what came after it is not.
  expect(await passed()).toBe(older);
});

test('goes on after a loss with what the relays send again', async () => {
  const { system, observe, flush, passed, recover } = await started();
  await flush('1');
  await system.loseRedis();
  await recover();
  const again = await flush('1');
  await observe();
  expect(await passed()).not.toBe(again);
  await takeAll(system, 'a');
  await observe();
  await observe();
  expect(await passed()).toBe(again);
});

test('never goes down, whichever process of the service looks', async () => {
  const { system, observe, flush, passed } = await started();
  const last = await flush('1');
  await takeAll(system, 'a');
  await observe();
  await system.bindings.pass('a', { [ORIGIN]: last - 1 });
  expect(await passed()).toBe(last);
});

test('keeps the sources apart', async () => {
  const { system, observe, flush } = await started();
  const first = await flush('1');
  const second = await flush('2', { source: 'other' });
  await takeAll(system, 'a');
  await observe();
  expect((await system.bindings.find('a'))?.passed).toEqual({ [ORIGIN]: first, other: second });
});

test('waits when there is too much to look at', async () => {
  const { system, observe, flush, passed } = await started();
  await flush('1');
  const queue = system.transport.queue('a', 0);
  const backlog = happenings(20_001).map(({ id }) => id);
  await system.transport.redis.rpush(queue.toKey('wait'), ...backlog);
  await observe();
  await system.transport.redis.del(queue.toKey('wait'));
  expect(await passed()).toBeUndefined();
  await observe();
  expect(await passed()).toBe(1);
});

test('costs nothing in the database while nothing has been sent', async () => {
  const { system, observe, flush } = await started();
  await flush('1');
  await takeAll(system, 'a');
  await observe();
  const commands: string[] = [];
  system.mongo.on('commandStarted', ({ commandName }) => commands.push(commandName));
  await observe();
  await observe();
  expect(commands).toEqual([]);
});
