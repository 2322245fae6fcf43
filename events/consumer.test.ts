import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { away, empty, impatient, remembering, sender, started } from './consumer.fixture.ts';
import type { Contract } from './contract.ts';
import type { Event } from './event.ts';
import {
  connected,
  consuming,
  createSystem,
  happened,
  happening,
  happenings,
  idsOf,
  mortalRedis,
  until,
  useServers,
} from './fixture.ts';
import { rule } from './rule.ts';

describe('batches', () => {
  test('while one is handled the next one gathers', async () => {
    const { system, send } = await started();
    const batches: string[][] = [];
    let goOn: () => void = () => undefined;
    const first = new Promise<void>(resolve => {
      goOn = resolve;
    });
    const slow = rule([happened], async events => {
      batches.push(idsOf(events));
      if (batches.length === 1) await first;
    });
    consuming(system, 'a', { rules: [slow] });
    await send([happening('1')]);
    await until(() => batches.length === 1);
    await send([happening('2'), happening('3')], [happening('4')]);
    await until(async () => (await system.transport.queue('a', 0).getActiveCount()) === 3);
    await delay(50);
    goOn();
    await until(() => empty(system));
    expect(batches).toEqual([['1'], ['2', '3', '4']]);
  });

  test('keep the order of a job', async () => {
    const { system, send } = await started();
    const { rule, applied } = remembering();
    await send(happenings(100));
    consuming(system, 'a', { rules: [rule] });
    await until(() => empty(system));
    expect(applied()).toEqual(idsOf(happenings(100)));
  });

  test('are at most batchMax, but for the last job in them', async () => {
    const { system, send } = await started();
    const { rule: note, batches } = remembering();
    await send(...happenings(40).map(event => [event]));
    // While the first batch is handled all others gather that are taken at one time.
    let goOn: () => void = () => undefined;
    const first = new Promise<void>(resolve => {
      goOn = resolve;
    });
    const slow = rule([happened], async events => {
      await first;
      await note.handle(events);
    });
    consuming(system, 'a', { rules: [slow], batchMax: 8, concurrency: 32 });
    await until(async () => (await system.transport.queue('a', 0).getActiveCount()) === 32);
    goOn();
    await until(() => empty(system));
    expect(Math.max(...batches.map(({ length }) => length))).toBe(8);
    expect(batches.flat()).toHaveLength(40);
  });

  test('go to the rules in their order, each with its part, and "everything" with all of it', async () => {
    const { system, send } = await started();
    const other: Contract = { ...(happened as Contract), type: 'other' };
    const seen: [string, string[]][] = [];
    const note = (name: string) => async (events: readonly Event[]) => void seen.push([name, idsOf(events)]);
    const rules = [
      rule([happened], note('first')),
      { on: 'everything' as const, handle: note('all') },
      rule([other], note('other')),
      rule([happened], note('last')),
    ];
    await send([happening('1'), { ...happening('2'), type: 'other' }, { ...happening('3'), type: 'unknown' }]);
    consuming(system, 'a', { rules });
    await until(() => empty(system));
    expect(seen).toEqual([
      ['first', ['1']],
      ['all', ['1', '2', '3']],
      ['other', ['2']],
      ['last', ['1']],
    ]);
  });
});

describe('a violation of the contract', () => {
  test('is set aside at once, and the others of its job are handled', async () => {
    const { system, send } = await started();
    const { rule, applied } = remembering();
    const bad = { ...happening('2'), data: { n: 'two' } };
    const { faults } = consuming(system, 'a', { rules: [rule] });
    await send([happening('1'), bad, happening('3')]);
    await until(() => empty(system));
    expect(applied()).toEqual(['1', '3']);
    expect(faults).toMatchObject([{ service: 'a', original: bad, deliveries: 1, resubmission: 0 }]);
    expect(String(faults[0]?.error)).toContain('ContractViolation');
  });

  test('may be something that is no event at all', async () => {
    const { system, send } = await started();
    const { rule, applied } = remembering();
    const { faults } = consuming(system, 'a', { rules: [rule] });
    const garbage = ['text', null, 7, { id: 'half an event' }];
    await send([...garbage, happening('1')]);
    await until(() => empty(system));
    expect(applied()).toEqual(['1']);
    expect(faults.map(({ original }) => original)).toEqual(garbage);
  });

  test('by its version, which is newer than the service, is set aside as well', async () => {
    const { system, send } = await started();
    const { rule, applied } = remembering();
    const { faults } = consuming(system, 'a', { rules: [rule] });
    await send([{ ...happening('1'), dataschema: 'urn:tributary:event:happened:2' }, happening('2')]);
    await until(() => empty(system));
    expect([applied(), faults.length]).toEqual([['2'], 1]);
  });
});

describe('an unavailable store', () => {
  test('is waited for until it is back, and nothing is set aside', async () => {
    const { system, send } = await started();
    let isAway = true;
    let tries = 0;
    const { rule, applied } = remembering(() => {
      if (!isAway) return;
      tries++;
      away();
    });
    const { faults } = consuming(system, 'a', { rules: [rule], clock: impatient });
    await send([happening('1'), happening('2')]);
    // More often than the consumer tries by itself: the job has gone back to its queue meanwhile.
    await until(() => tries > 7);
    isAway = false;
    await until(() => empty(system));
    expect(applied()).toEqual(['1', '2']);
    expect(faults).toEqual([]);
  });

  test('of the faults keeps the event in the queue', async () => {
    const { system, send } = await started();
    const { rule } = remembering();
    let tries = 0;
    consuming(system, 'a', {
      rules: [rule],
      clock: impatient,
      setAside: async () => {
        if (tries++ < 2) away();
      },
    });
    await send([{ no: 'event' }]);
    await until(() => empty(system));
    expect(tries).toBe(3);
  });
});

test('Redis away and back again: the consumer goes on', async () => {
  const redis = await mortalRedis();
  const system = createSystem({ ...useServers(), redisUrl: redis.url });
  await connected(system.transport);
  const { rule, applied } = remembering();
  consuming(system, 'a', { rules: [rule] });
  await sender(system)([happening('1')]);
  await until(() => applied().length === 1);
  await redis.kill();
  await delay(200);
  await redis.start();
  await until(() => system.transport.redis.status === 'ready');
  await sender(system)([happening('2')]);
  await until(() => applied().length === 2);
});

test('an event that comes from the lake while it is being handled waits, and changes nothing', async () => {
  const { system, send } = await started();
  const stored = new Set<string>();
  const storing = rule([happened], async events => {
    const fresh = idsOf(events).filter(id => !stored.has(id));
    if (fresh.includes('1')) await delay(500);
    for (const id of fresh) stored.add(id);
    return fresh.length;
  });
  consuming(system, 'a', { rules: [storing] });
  await send([happening('1')]);
  await until(async () => (await system.transport.queue('a', 0).getActiveCount()) === 1);
  const events = [happening('1'), happening('2')];
  await system.transport.send([{ service: 'a', partition: 0, source: 'lake', events, replay: 'r' }], { jobId: 'r-1' });
  await until(async () => (await system.transport.acknowledged('a', 'r', ['r-1']))[0] !== undefined);
  expect(await system.transport.acknowledged('a', 'r', ['r-1'])).toEqual([1]);
});

test('the jobs of a replay are acknowledged when they are handled', async () => {
  const { system } = await started();
  const { rule } = remembering();
  const letter = { service: 'a', partition: 0, source: 'lake', events: [happening('1')], replay: 'r' };
  await system.transport.send([letter], { jobId: 'r-1' });
  expect(await system.transport.acknowledged('a', 'r', ['r-1', 'r-2'])).toEqual([undefined, undefined]);
  consuming(system, 'a', { rules: [rule] });
  await until(() => empty(system));
  expect(await system.transport.acknowledged('a', 'r', ['r-1', 'r-2'])).toEqual([0, undefined]);
});

test('stopping finishes what it has and takes no more', async () => {
  const { system, send } = await started();
  let handling = 0;
  let handled = 0;
  let goOn: () => void = () => undefined;
  const sent = new Promise<void>(resolve => {
    goOn = resolve;
  });
  const slow = rule([happened], async () => {
    handling++;
    await sent;
    handled++;
  });
  const queue = system.transport.queue('a', 0);
  const { stop } = consuming(system, 'a', { rules: [slow] });
  await send([happening('1')]);
  await until(() => handling === 1);
  await until(async () => (await queue.getWorkersCount()) === 1);
  const stopping = stop();
  // Redis may not have seen yet that nobody waits for a job any more, and what comes before it has is taken.
  await until(async () => (await queue.getWorkersCount()) === 0);
  await send([happening('2')]);
  goOn();
  await stopping;
  expect([handling, handled]).toEqual([1, 1]);
  expect(await queue.getWaitingCount()).toBe(1);
});
