import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { EVERY_TYPE } from './binding.ts';
import {
  connected,
  createSystem,
  happening,
  happenings,
  mortalRedis,
  ORIGIN,
  origin,
  until,
  useServers,
  waitingIds,
  waitingJobs,
} from './fixture.ts';
import { leaseOf, started, watched } from './relay.fixture.ts';

describe('an entry', () => {
  test('reaches every binding that wants its type, and no other', async () => {
    const { system, outbox, relay, pending } = await started('a');
    await system.bind('b', { consumes: ['something-else', 'happened'] });
    await system.bind('everything', { consumes: [EVERY_TYPE] });
    await system.bind('other', { consumes: ['something-else'] });
    await outbox.append(happening('1'));
    relay();
    await until(async () => (await pending()) === 0);

    expect(await waitingIds(system, 'a')).toEqual(['1']);
    expect(await waitingIds(system, 'b')).toEqual(['1']);
    expect(await waitingIds(system, 'everything')).toEqual(['1']);
    expect(await waitingIds(system, 'other')).toEqual([]);
  });

  test('goes as it was stored, with the name of its source', async () => {
    const { system, outbox, relay } = await started('a');
    const event = { ...happening('1'), extension: 'kept' };
    await outbox.append(event);
    relay();
    await until(async () => (await waitingJobs(system, 'a')).length > 0);
    expect(await waitingJobs(system, 'a')).toEqual([{ source: ORIGIN, events: [event] }]);
  });

  test('loses its pending mark to the number of the flush, which only rises, also with the next tenure', async () => {
    const { outbox, relay, pending, events } = await started('a');
    let fence = 1;
    const active = relay({ lease: { fence: () => fence } });
    const numbers: (number | undefined)[] = [];
    for (const [id, tenure] of Object.entries({ 1: 1, 2: 1, 3: 2 })) {
      fence = tenure;
      await outbox.append(happening(id));
      active.wake();
      await until(async () => (await pending()) === 0);
      numbers.push((await events.findOne({ _id: id }))?.relayed);
    }
    expect(numbers).toEqual([...numbers].sort((a = 0, b = 0) => a - b));
    expect(new Set(numbers).size).toBe(3);
    expect(numbers.map(number => Math.floor((number ?? 0) / 1_000_000_000))).toEqual([1, 1, 2]);
  });

  test('without anybody who wants it is relayed all the same, and kept for whoever comes', async () => {
    const { system, outbox, relay, pending } = await started();
    await outbox.append(happening('1'));
    relay();
    await until(async () => (await pending()) === 0);
    await system.bind('late');
    await until(async () => (await waitingIds(system, 'late')).length > 0);
    expect(await waitingIds(system, 'late')).toEqual(['1']);
  });
});

describe('when it goes', () => {
  test('at once when it is woken', async () => {
    const { outbox, relay, pending } = await started('a');
    const active = relay({ pollMs: 20_000 });
    await delay(100);
    await outbox.append(happening('1'));
    active.wake();
    // The poll comes later than this waits.
    await until(async () => (await pending()) === 0, 10_000);
  });

  test('with the poll when it is not', async () => {
    const { outbox, relay, pending } = await started('a');
    relay({ pollMs: 200 });
    await delay(100);
    await outbox.append(happening('1'));
    await until(async () => (await pending()) === 0);
  });

  test('never without the lease', async () => {
    const { system, outbox, relay, pending } = await started('a');
    let fence: number | undefined;
    const active = relay({ lease: { fence: () => fence } });
    await outbox.append(happening('1'));
    active.wake();
    await delay(200);
    expect([await pending(), await waitingIds(system, 'a')]).toEqual([1, []]);
    fence = 1;
    await until(async () => (await pending()) === 0);
  });
});

describe('jobs', () => {
  test('of more than one flush go one flush after the other', async () => {
    const { system, outbox, relay, pending, events } = await started('a');
    await outbox.appendDerived(happenings(25));
    relay({ flushMax: 10 });
    await until(async () => (await pending()) === 0);
    expect((await waitingJobs(system, 'a')).map(job => job.events.length)).toEqual([10, 10, 5]);
    expect(new Set((await events.find().toArray()).map(({ relayed }) => relayed)).size).toBe(3);
  });
});

describe('a crash', () => {
  test('after sending and before clearing sends again', async () => {
    const { system, outbox, relay, pending, events } = await started('a');
    await outbox.append(happening('1'));
    let failed = false;
    relay(
      watched(system, events, async step => {
        if (step !== 'updateMany' || failed || (await waitingIds(system, 'a')).length === 0) return;
        failed = true;
        throw new Error('the process dies here');
      }),
    );
    await until(async () => (await pending()) === 0);
    expect(await waitingIds(system, 'a')).toEqual(['1', '1']);
  });

  test('at any step loses nothing: the next tenure sends it', async () => {
    const { system, outbox, relay, pending, events } = await started('a', 'b');
    for (let crashAt = 0, reached = true; reached; crashAt++) {
      await system.loseRedis();
      await events.deleteMany({});
      await outbox.append(happening('1'));
      reached = false;
      const first = relay({
        lease: { fence: () => (reached ? undefined : 2 * crashAt + 1) },
        ...watched(system, events, async (_, at) => {
          if (at < crashAt) return;
          reached = true;
          throw new Error('the process dies here');
        }),
      });
      await until(async () => reached || (await pending()) === 0);
      await first.stop();
      await outbox.append(happening('2'));
      const next = relay({ lease: leaseOf(2 * crashAt + 2) });
      await until(async () => (await pending()) === 0);
      await next.stop();
      for (const service of ['a', 'b']) {
        expect(new Set(await waitingIds(system, service)), `crash at step ${crashAt}`).toEqual(new Set(['1', '2']));
      }
    }
  });
});

test('while Redis is away events are acknowledged and stay pending, and go out when it is back', async () => {
  const redis = await mortalRedis();
  const system = createSystem({ ...useServers(), redisUrl: redis.url });
  await connected(system.transport);
  await system.bind('a');
  const { outbox, relay, pending } = await origin(system);
  const active = relay();
  await outbox.append(happening('1'));
  active.wake();
  await until(async () => (await pending()) === 0);

  await redis.kill();
  for (const id of ['2', '3']) {
    expect(await outbox.append(happening(id))).toBeUndefined();
    active.wake();
  }
  await delay(300);
  expect(await pending()).toBe(2);

  await redis.start();
  await until(async () => (await pending()) === 0);
  // It came back empty, so what had been sent before is sent again as well.
  expect(new Set(await waitingIds(system, 'a'))).toEqual(new Set(['1', '2', '3']));
});

test('stopping waits for the flush in flight', async () => {
  const { system, outbox, relay, pending, events } = await started('a');
  await outbox.append(happening('1'));
  let sending = false;
  const active = relay(
    watched(system, events, async step => {
      if (step !== 'mark') return;
      sending = true;
      await delay(100);
    }),
  );
  await until(() => sending);
  await active.stop();
  expect(await pending()).toBe(0);
});
