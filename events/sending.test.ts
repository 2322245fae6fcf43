import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { EVERY_TYPE } from './binding.ts';
import { systemClock } from './clock.ts';
import type { Event } from './event.ts';
import { happening, happenings, idsOf, ORIGIN, takeAll, until, waitingIds, waitingJobs } from './fixture.ts';
import { lettersFor } from './letters.ts';
import { withNearby } from './nearby.ts';
import { started } from './relay.fixture.ts';
import type { RelayOptions } from './relay.ts';
import { createSender } from './sending.ts';
import { noTrail } from './tracing.ts';
import type { Delivered } from './transport.ts';

describe('jobs', () => {
  test('hold many events of a partition, in their order, at most jobMax', async () => {
    const { system, outbox, relay, pending } = await started('a');
    const all = happenings(25);
    for (const event of all) await outbox.append(event);
    relay({ jobMax: 10 });
    await until(async () => (await pending()) === 0);
    const jobs = await waitingJobs(system, 'a');
    expect(jobs.map(({ events }) => events.length)).toEqual([10, 10, 5]);
    // The entries were stored in this order, but within a millisecond no order is promised.
    expect((await waitingIds(system, 'a')).sort()).toEqual(idsOf(all).sort());
  });

  test('keep the order of the flush within each partition of each consumer', () => {
    const events = ['x', 'y', 'x', 'z', 'y', 'x'].map((subject, index) => happening(`${index}`, { subject }));
    const binding = { _id: 'a', consumes: ['happened'], emits: [], partitions: 2, replayedFirst: [] };
    const letters = lettersFor('origin', events, [binding, { ...binding, _id: 'b', partitions: 1 }], 100);
    const sent = (service: string) => letters.filter(letter => letter.service === service);
    expect(sent('b').map(letter => letter.events)).toEqual([events]);
    for (const { events: some } of sent('a')) {
      const ids = (some as typeof events).map(({ id }) => Number(id));
      expect(ids).toEqual([...ids].sort());
    }
    expect(sent('a').flatMap(letter => letter.events)).toHaveLength(6);
  });

  test('are spread over as many queues as the consumer has processes, noticed within a look', async () => {
    const { system, outbox, relay, pending } = await started();
    await system.bind('a', { partitions: 8 });
    await system.transport.announce('a', 'one');
    let looks = 0;
    const look: typeof system.transport.look = async service => {
      const found = await system.transport.look(service);
      looks += 1;
      return found;
    };
    const active = relay({ transport: { ...system.transport, look } });
    /** One look that has begun after this. */
    const looked = async () => {
      const before = looks;
      await until(() => looks > before + 1);
    };
    const send = async (round: number) => {
      const subjects = Array.from({ length: 20 }, (_, index) => `${index}`);
      await outbox.appendDerived(subjects.map(subject => happening(`${round} ${subject}`, { subject })));
      active.wake();
      await until(async () => (await pending()) === 0);
    };
    const used = async () => {
      const { holding } = await system.transport.announce('a', 'one');
      for (const partition of holding) await takeAll(system, 'a', partition);
      return holding;
    };
    await send(1);
    expect(await used()).toEqual([0]);
    await system.transport.announce('a', 'two');
    await system.transport.announce('a', 'three');
    await looked();
    await send(2);
    expect(await used()).toEqual([0, 1, 2]);
    for (const name of ['one', 'two', 'three']) await system.transport.leave('a', name);
    await looked();
    // Nobody is there: whoever comes should find something to share.
    await send(3);
    expect((await used()).length).toBeGreaterThan(3);
  });
});

describe('what nobody waits for', () => {
  /** A consumer in this process that takes everything and lets everything wait. */
  async function patient(handle: (job: Delivered) => Promise<void> = async () => undefined) {
    const { system, relay, outbox, pending } = await started();
    await system.bind('lake', { consumes: [EVERY_TYPE], unhurried: [EVERY_TYPE] });
    const transport = withNearby(system.transport);
    const jobs: Delivered[] = [];
    transport.work({
      ...{ service: 'lake', partition: 0, concurrency: 8 },
      async handle(job) {
        jobs.push(job);
        await handle(job);
      },
    });
    const begin = (options: Partial<RelayOptions> = {}) =>
      relay({ transport, pollMs: 60_000, gatherMs: 50, ...options });
    const hasBegun = () => until(async () => (await system.transport.marks('lake'))[ORIGIN] !== undefined);
    return { outbox, pending, jobs, begin, hasBegun };
  }
  /** By the queue each has a name. */
  const isHanded = ({ id }: Delivered) => id === '';

  test('is handed over too, once it has gathered, and is pending until it is handled', async () => {
    let finish: () => void = () => undefined;
    const { outbox, pending, jobs, begin, hasBegun } = await patient(() => new Promise(resolve => (finish = resolve)));
    const active = begin();
    await hasBegun();
    const stored = happenings(2);
    for (const event of stored) await outbox.append(event);
    active.wake(stored);
    await until(() => jobs.length === 1);
    expect(jobs.map(job => [isHanded(job), idsOf(job.data.events as Event[])])).toEqual([[true, idsOf(stored)]]);
    await delay(100);
    expect(await pending()).toBe(2);
    finish();
    await until(async () => (await pending()) === 0);
    expect(jobs).toHaveLength(1);
  });

  test('comes by the queue when it was not handled, and is not pending any more then', async () => {
    const { outbox, pending, jobs, begin, hasBegun } = await patient(async job => {
      if (isHanded(job)) throw new Error('not now');
    });
    const active = begin();
    await hasBegun();
    await outbox.append(happening('1'));
    active.wake([happening('1')]);
    await until(async () => (await pending()) === 0 && jobs.length === 2);
    expect(jobs.map(isHanded)).toEqual([true, false]);
  });

  test('comes by the queue when it was found: a process may have died of it, and deaths are counted there', async () => {
    const { outbox, pending, jobs, begin } = await patient();
    await outbox.append(happening('1'));
    begin();
    await until(async () => (await pending()) === 0 && jobs.length === 1);
    expect(jobs.map(isHanded)).toEqual([false]);
  });
});

describe('what was queued on one connection after the other', () => {
  test('does not count as sent: what was on the first one may be lost', async () => {
    let connection = 0;
    const letter = { service: 'a', partition: 0, source: 'b', events: [happening('1')] };
    const sender = createSender({
      ...{ service: 'b', trail: noTrail, clock: systemClock, jobMax: 100 },
      transport: {
        send: async () => ++connection,
        // Only the first one is refused here, and has to be queued after the second was.
        hand: ({ partition }) => (partition === 0 ? Promise.resolve(false) : undefined),
      },
    });
    await expect(sender.send({}, { first: [letter, { ...letter, partition: 1 }] })).rejects.toThrow('one connection');
    expect(connection).toBe(2);
  });
});

describe('what somebody in this process waits for', () => {
  /** Whoever takes from the queue of "a" is in this process. */
  async function nearby(handle: (job: Delivered) => Promise<void>, options: Partial<RelayOptions> = {}) {
    const { system, relay, outbox, pending } = await started('a');
    await system.bind('lake', { consumes: [EVERY_TYPE], unhurried: [EVERY_TYPE] });
    const transport = withNearby(system.transport);
    const handed: unknown[][] = [];
    const worker = transport.work({
      ...{ service: 'a', partition: 0, concurrency: 8 },
      async handle(job) {
        handed.push(job.data.events);
        await handle(job);
      },
    });
    const active = relay({ transport, pollMs: 60_000, gatherMs: 50, ...options });
    await until(async () => (await system.transport.marks('lake'))[ORIGIN] !== undefined);
    const store = async (...ids: string[]) => {
      const stored = ids.map(id => happening(id));
      for (const event of stored) await outbox.append(event);
      active.wake(stored);
    };
    const ids = () => handed.map(events => idsOf(events as Event[]));
    return { system, active, worker, store, pending, ids };
  }

  test('is handed over, and the rest is sent and all cleared by the flush', async () => {
    const jobs: Delivered[] = [];
    const { system, store, pending, ids } = await nearby(async job => void jobs.push(job));
    await store('1');
    await until(async () => (await pending()) === 0);
    expect(ids()).toEqual([['1']]);
    expect(jobs.map(({ id }) => id)).toEqual(['']);
    expect([await waitingIds(system, 'a'), await waitingIds(system, 'lake')]).toEqual([[], ['1']]);
  });

  test('is pending until it is handled, and goes to nobody else before', async () => {
    let finish: () => void = () => undefined;
    const { system, store, pending, ids } = await nearby(() => new Promise(resolve => (finish = resolve)));
    await store('1');
    await until(() => ids().length === 1);
    await delay(150);
    expect([await pending(), await waitingIds(system, 'lake')]).toEqual([1, []]);
    finish();
    await until(async () => (await pending()) === 0);
    expect(await waitingIds(system, 'lake')).toEqual(['1']);
  });

  test('is pending until it is handled, also when a flush looks for what is pending meanwhile', async () => {
    let finish: () => void = () => undefined;
    const { system, active, store, pending, ids } = await nearby(() => new Promise(resolve => (finish = resolve)));
    await store('1');
    await until(() => ids().length === 1);
    active.wake();
    await delay(150);
    expect([await pending(), await waitingIds(system, 'lake')]).toEqual([1, []]);
    finish();
    await until(async () => (await pending()) === 0);
    expect(ids()).toEqual([['1']]);
  });

  test('comes by the queue where there is no room beside what is being handed over', async () => {
    const jobs: Delivered[] = [];
    const ends: (() => void)[] = [];
    const handle = (job: Delivered) => {
      jobs.push(job);
      return new Promise<void>(end => ends.push(end));
    };
    const { store, pending, ids } = await nearby(handle, { flushMax: 3 });
    await store('1', '2');
    await until(() => jobs.length === 1);
    await store('3', '4');
    await until(() => ids().flat().length === 4);
    expect(jobs.map(({ id }) => id === '')).toEqual([true, ...jobs.slice(1).map(() => false)]);
    for (const end of ends) end();
    await until(async () => (await pending()) === 0);
  });

  test('is finished and cleared before the relay has stopped', async () => {
    let finish: () => void = () => undefined;
    const { active, store, pending, ids } = await nearby(() => new Promise(resolve => (finish = resolve)));
    await store('1');
    await until(() => ids().length === 1);
    let isOver = false;
    const stopping = active.stop().then(() => {
      isOver = true;
    });
    await delay(150);
    expect(isOver).toBe(false);
    finish();
    await stopping;
    expect(await pending()).toBe(0);
  });

  test('comes by the queue when it was not handled', async () => {
    let refused = 0;
    const { store, pending, ids } = await nearby(async ({ id }) => {
      if (id !== '') return;
      refused += 1;
      throw new Error('not now');
    });
    await store('1');
    await until(async () => (await pending()) === 0 && ids().length === 2);
    expect([ids(), refused]).toEqual([[['1'], ['1']], 1]);
  });

  test('comes by the queue when it was not handled in time', async () => {
    const { store, pending, ids } = await nearby(({ id }) =>
      id === '' ? new Promise(() => undefined) : Promise.resolve(),
    );
    await store('1');
    await until(async () => (await pending()) === 0 && ids().length === 2);
    expect(ids()).toEqual([['1'], ['1']]);
  });

  test('comes by the queue after a process that died of it, where deaths are counted', async () => {
    const { system, relay, outbox, pending } = await started('a');
    await outbox.append(happening('1'));
    const transport = withNearby(system.transport);
    const jobs: Delivered[] = [];
    transport.work({ service: 'a', partition: 0, concurrency: 8, handle: async job => void jobs.push(job) });
    relay({ transport });
    await until(async () => (await pending()) === 0 && jobs.length > 0);
    expect(jobs.map(({ id }) => id)).not.toContain('');
  });
});
