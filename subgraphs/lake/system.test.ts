import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { Binding } from '../../events/binding.ts';
import { type Clock, systemClock } from '../../events/clock.ts';
import { until } from '../../events/fixture.ts';
import { SIGNS } from '../../events/signs.ts';
import { createSystemWatch } from './system.ts';

const binding = (name: string, change: Partial<Binding> = {}): Binding => ({
  ...{ _id: name, consumes: ['happened'], emits: [], partitions: 1, replayedFirst: [], ...change },
});

/** When it is all the time. */
const NOW = Date.parse('2026-01-31T12:00:00Z');

const away = () => Promise.reject(new Error('away'));
const never = () => new Promise<never>(() => undefined);

/** A system that is watched, all of whose parts a test decides. */
function watched() {
  const asked = { bindings: 0, faults: 0 };
  let aheadMs = 0;
  const clock: Clock = { ...systemClock, now: () => NOW, monotonic: () => performance.now() + aheadMs };
  let sign: (service: string) => void = () => undefined;
  const parts = {
    bindings: async () => [
      binding('balance'),
      binding('account', { waiting: { events: 3, oldestMs: NOW - 7_000, notedMs: NOW - 1_000 } }),
    ],
    backlog: async (name: string) => ({
      events: name === 'balance' ? 12 : 0,
      oldestMs: name === 'balance' ? NOW - 2_000 : undefined,
      ...(name === 'balance' ? { paused: 1, failed: 3 } : { paused: 0, failed: 0 }),
    }),
    marks: async () => ({}) as Record<string, number>,
    size: async () => 40,
  };
  const system = createSystemWatch({
    lake: { size: () => parts.size() },
    flows: { current: () => [], listen: () => () => undefined },
    faults: {
      open: async () => {
        asked.faults += 1;
        return 2;
      },
    },
    bindings: {
      all: () => {
        asked.bindings += 1;
        return parts.bindings();
      },
    },
    transport: { backlog: name => parts.backlog(name), marks: () => parts.marks() },
    feed: {
      listen: (topic, handle) => {
        if (topic === SIGNS) sign = service => handle({ service } as never);
        return () => undefined;
      },
    },
    clock,
  });
  onTestFinished(system.listen());
  return {
    ...{ system, parts, asked },
    sign: (service: string) => sign(service),
    pass: (ms: number) => {
      aheadMs += ms;
    },
  };
}

test('says of each service what waits for it and in it, and how the servers answer', async () => {
  const { system, sign } = watched();
  sign('balance');
  const { services, servers, events } = await system.now();
  expect(events).toBe(40);
  expect(servers).toEqual([
    { name: 'mongodb', state: 'OK', roundTripMs: expect.any(Number) },
    { name: 'redis', state: 'OK', roundTripMs: expect.any(Number) },
  ]);
  expect(services).toMatchObject([
    { name: 'account', running: null, lagEvents: 0, lagSeconds: 0, faults: 2, pendingEvents: 3, pausedQueues: 0 },
    {
      ...{ name: 'balance', running: true, lagEvents: 12, faults: 2, pendingEvents: null, oldestPendingSeconds: null },
      ...{ pausedQueues: 1, failedJobs: 3 },
    },
  ]);
  expect(services[0]?.oldestPendingSeconds).toBeCloseTo(6, 0);
  expect(services[1]?.lagSeconds).toBeCloseTo(2, 0);
});

test('a service that has said nothing for a while does not run; one that says so again does', async () => {
  const { system, sign, pass } = watched();
  const running = async () => (await system.now()).services.map(service => service.running);
  sign('balance');
  pass(7_000);
  expect(await running()).toEqual([false, false]);
  sign('balance');
  expect(await running()).toEqual([false, true]);
});

test('what waits in an outbox grows older when its service notes nothing any more', async () => {
  const { system, parts } = watched();
  const waiting = { events: 3, oldestMs: NOW - 60_000, notedMs: NOW - 50_000 };
  parts.bindings = async () => [binding('account', { waiting })];
  expect((await system.now()).services[0]?.oldestPendingSeconds).toBeCloseTo(60, 0);
});

test('without Redis it says what MongoDB knows, and nothing of what it cannot know', async () => {
  const { system, parts, sign } = watched();
  sign('account');
  parts.marks = away;
  parts.backlog = away;
  const { services, servers } = await system.now();
  expect(servers[1]).toEqual({ name: 'redis', state: 'DOWN', roundTripMs: null });
  expect(services[0]).toMatchObject({ running: null, lagEvents: null, lagSeconds: null, faults: 2, pendingEvents: 3 });
  expect(services[0]).toMatchObject({ pausedQueues: null, failedJobs: null });
});

test('without MongoDB it still says which services there are', async () => {
  const { system, parts } = watched();
  await system.now();
  parts.bindings = away;
  parts.size = away;
  const { services, servers, events } = await system.now();
  expect(events).toBeNull();
  expect(servers[0]).toMatchObject({ state: 'DOWN' });
  expect(services).toMatchObject([
    { name: 'account', faults: null, pendingEvents: null },
    { name: 'balance', lagEvents: 12 },
  ]);
});

test('a server that does not answer at all keeps nobody waiting', async () => {
  const { system, parts } = watched();
  parts.marks = never;
  // A timer of 3 s is as late as all else where the machine is busy.
  const shown = await Promise.race([system.now(), delay(3_000)]);
  expect(shown?.servers[1]).toMatchObject({ state: 'DOWN' });
});

test('all who watch share one look a second, and it ends with the last of them', async () => {
  const { system, asked } = watched();
  const watchers = Array.from({ length: 20 }, () => system.watch());
  await Promise.all(watchers.map(watcher => watcher.next()));
  await watchers[0]?.next();
  const { bindings, faults } = asked;
  expect(bindings).toBeLessThanOrEqual(4);
  // Of two services, once in five seconds.
  expect(faults).toBe(2);
  await Promise.all(watchers.map(watcher => watcher.return?.()));
  const after = asked.bindings;
  await delay(1_300);
  expect(asked.bindings).toBe(after);
  const late = system.watch();
  await until(async () => (await late.next()).done === false);
  await late.return?.();
});
