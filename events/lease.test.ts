import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { type Clock, systemClock } from './clock.ts';
import { createSystem, fakeClock, silent, until, useServers } from './fixture.ts';
import { contend, type Lease, type LeaseDocument, type LeaseOptions } from './lease.ts';

const urls = useServers();
const TTL_MS = 3_000;

/** The clock of a process that does nothing any more after its first tick. */
const paused = (monotonic: () => number): Clock => ({
  now: () => 0,
  monotonic,
  sleep: (_, signal) => new Promise(resolve => signal?.addEventListener('abort', () => resolve())),
});

function started() {
  const collection = createSystem(urls).collection<LeaseDocument>('a', 'leases');
  return {
    collection,
    document: () => collection.findOne({ _id: 'relay' }),
    contender(holder: string, options: Partial<LeaseOptions> = {}): Lease {
      const lease = contend({ collection, name: 'relay', holder, clock: systemClock, log: silent, ...options });
      onTestFinished(() => lease.release());
      return lease;
    },
  };
}

test('of several contenders one holds it', async () => {
  const { contender } = started();
  const leases = ['a', 'b', 'c', 'd'].map(holder => contender(holder, { tickMs: 20 }));
  const holders = () => leases.filter(lease => lease.fence() !== undefined);
  await until(() => holders().length > 0);
  for (let looks = 0; looks < 20; looks++) {
    expect(holders()).toHaveLength(1);
    await delay(10);
  }
});

/** Lets time pass, and so many contenders do what they do then. */
async function passing(clock: ReturnType<typeof fakeClock>, ms: number, contenders = 1): Promise<void> {
  await clock.pass(ms);
  await clock.asleep(contenders);
}

test('when the holder stops renewing another has it within 5 s, and not before the holder knows that it is over', async () => {
  const { contender } = started();
  const clock = fakeClock();
  const holder = contender('holder', { clock: paused(clock.monotonic) });
  await until(() => holder.fence());
  const next = contender('next', { clock });
  await clock.asleep(1);

  let passedMs = 0;
  for (; next.fence() === undefined && passedMs < 10_000; passedMs += 250) await passing(clock, 250);
  expect(holder.fence()).toBeUndefined();
  expect(passedMs).toBeGreaterThanOrEqual(TTL_MS);
  expect(passedMs).toBeLessThanOrEqual(5_000);
});

test('a holder that renews keeps it', async () => {
  const { contender } = started();
  const clock = fakeClock();
  const holder = contender('holder', { clock });
  await until(() => holder.fence());
  const other = contender('other', { clock });
  await clock.asleep(2);
  for (let seconds = 0; seconds < 12; seconds++) await passing(clock, 1_000, 2);
  expect([holder.fence(), other.fence()]).toEqual([1, undefined]);
});

test('released, another has it with its next tick', async () => {
  const { contender, document } = started();
  const clock = fakeClock();
  const holder = contender('holder', { clock });
  await until(() => holder.fence());
  const next = contender('next', { clock });
  await clock.asleep(2);
  await passing(clock, 1_000, 2);
  await holder.release();
  expect((await document())?.holder).toBeNull();
  await passing(clock, 1_000);
  expect(next.fence()).toBe(2);
  expect(holder.fence()).toBeUndefined();
});

test('every tenure has a higher fence than all before it', async () => {
  const { contender } = started();
  const fences: (number | undefined)[] = [];
  for (const holder of ['a', 'b', 'a', 'a', 'c']) {
    const lease = contender(holder, { tickMs: 20 });
    await until(() => lease.fence());
    fences.push(lease.fence());
    await lease.release();
  }
  expect(fences).toEqual([1, 2, 3, 4, 5]);
});

test('a paused holder knows by its own clock that its tenure is over', async () => {
  const { contender } = started();
  let passedMs = 0;
  const holder = contender('holder', { clock: paused(() => passedMs) });
  await until(() => holder.fence());
  passedMs = TTL_MS - 1;
  expect(holder.fence()).toBe(1);
  passedMs = TTL_MS;
  expect(holder.fence()).toBeUndefined();
});

test('a holder that slept has its tenure again when nobody took over, and not when somebody did', async () => {
  const { contender } = started();
  const clock = fakeClock();
  const holder = contender('holder', { clock });
  await clock.asleep(1);
  expect(holder.fence()).toBe(1);
  await passing(clock, 60_000);
  expect(holder.fence()).toBe(1);

  const intruder = contender('holder', { clock: fakeClock() });
  await until(() => intruder.fence() === 2);
  await passing(clock, 1_000);
  expect(holder.fence()).toBeUndefined();
});

test('a process with the same holder name takes over at once', async () => {
  const { contender } = started();
  const killed = contender('process', { clock: fakeClock() });
  await until(() => killed.fence());
  // With its first look: no time passes for it.
  const clock = fakeClock();
  const next = contender('process', { clock });
  await clock.asleep(1);
  expect(next.fence()).toBe(2);
});

test('whoever gets it is told once for each tenure', async () => {
  const { contender } = started();
  let told = 0;
  const clock = fakeClock();
  contender('holder', { clock, onAcquired: () => told++ });
  await clock.asleep(1);
  for (let ticks = 0; ticks < 3; ticks++) await passing(clock, 1_000);
  expect(told).toBe(1);
});

test('a database that is away costs the tenure, not the contender', async () => {
  const { contender, collection } = started();
  const clock = fakeClock();
  let away = false;
  const flaky = new Proxy(collection, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return away ? async () => Promise.reject(new Error('away')) : value.bind(target);
    },
  });
  const lease = contender('holder', { clock, collection: flaky });
  await clock.asleep(1);
  away = true;
  for (let seconds = 0; seconds < 4; seconds++) await passing(clock, 1_000);
  expect(lease.fence()).toBeUndefined();
  away = false;
  await passing(clock, 1_000);
  expect(lease.fence()).toBe(1);
});
