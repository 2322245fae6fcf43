import { describe, expect, onTestFinished, test } from 'vitest';
import { EVERY_TYPE } from './binding.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Event } from './event.ts';
import {
  fakeClock,
  happening,
  happenings,
  idsOf,
  ORIGIN,
  origin,
  silent,
  takeAll,
  until,
  waitingIds,
  waitingJobs,
} from './fixture.ts';
import { startHurry } from './hurry.ts';
import { lettersFor } from './letters.ts';
import { leaseOf, resting, started, watched } from './relay.fixture.ts';
import type { RelayOptions } from './relay.ts';
import type { Tenure } from './tenure.ts';

describe('what is stored soon after something that hurried', () => {
  /** @returns what is sent together. */
  async function sentBy(utilization: number, everyMs: number, count: number): Promise<string[][]> {
    const clock = fakeClock();
    const sent: string[][] = [];
    const binding = { _id: 'a', consumes: ['*'], emits: [], replayedFirst: [], partitions: 1 };
    const tenure = {
      ...{ bindings: [binding], members: new Map(), dueMs: undefined },
      ...{
        gathered: new Map<string, Event>(),
        hurried: new Map(),
        sending: new Set<string>(),
        found: new Set<string>(),
      },
    };
    const hurry = startHurry({
      tenure: () => tenure,
      sender: {
        lettersFor: ({ bindings }: Pick<Tenure, 'bindings'>, events: readonly Event[]) =>
          lettersFor('origin', events, bindings, 100),
        async send({ relay = [] }) {
          sent.push(idsOf(relay));
          return 1;
        },
      },
      ...{ gatheredMax: 1_000, gatherMs: 100, onGathered: () => undefined },
      ...{ utilization: () => utilization, clock, log: silent },
    });
    onTestFinished(() => hurry.stop());
    for (let index = 0; index < count; index++) {
      hurry.send([happening(`${index + 1}`)]);
      for (let ms = 0; ms < everyMs; ms++) await clock.pass(1);
    }
    await clock.pass(1_000);
    return sent;
  }

  test('goes at once as long as the process has time to spare', async () => {
    expect(await sentBy(0.5, 10, 4)).toEqual([['1'], ['2'], ['3'], ['4']]);
  });

  test('goes together with what comes within 5 ms', async () => {
    expect(await sentBy(0.5, 2, 5)).toEqual([['1'], ['2', '3'], ['4', '5']]);
  });

  test('goes together with what comes within 40 ms when the process is busy; the first one never waits', async () => {
    expect(await sentBy(1, 10, 6)).toEqual([['1'], ['2', '3', '4', '5'], ['6']]);
  });

  test('goes together with less, the less busy the process is', async () => {
    expect(await sentBy(0.7, 10, 6)).toEqual([['1'], ['2', '3'], ['4', '5'], ['6']]);
  });
});

describe('what somebody waits for', () => {
  /** Stores events and says which, as a service does. A flush gathers for a minute, unless the test says otherwise. */
  async function hurrying(options: Partial<RelayOptions> = {}) {
    const { system, outbox, relay, pending, events } = await started('a');
    await system.bind('lake', { consumes: [EVERY_TYPE], unhurried: [EVERY_TYPE] });
    const active = relay({ pollMs: 60_000, gatherMs: 60_000, ...options });
    // The relay has begun.
    await until(async () => (await system.transport.marks('lake'))[ORIGIN] !== undefined);
    const store = async (...ids: string[]) => {
      const stored = ids.map(id => happening(id));
      for (const event of stored) await outbox.append(event);
      active.wake(stored);
    };
    const sent = async (service: string, count: number) => {
      await until(async () => (await waitingIds(system, service)).length >= count);
      return waitingIds(system, service);
    };
    return { system, active, store, sent, pending, events };
  }

  test('is sent at once, and the rest gathers until the flush, which clears', async () => {
    const { system, active, store, sent, pending } = await hurrying();
    await store('1');
    expect(await sent('a', 1)).toEqual(['1']);
    await store('2');
    expect(await sent('a', 2)).toEqual(['1', '2']);
    expect(await waitingIds(system, 'lake')).toEqual([]);
    expect(await pending()).toBe(2);

    active.wake();
    await until(async () => (await pending()) === 0);
    expect((await waitingJobs(system, 'lake')).map(({ events }) => events.length)).toEqual([2]);
    expect(await waitingIds(system, 'a')).toEqual(['1', '2']);
  });

  test('need not be flushed by anybody: that happens when the flush has gathered', async () => {
    const { system, store, pending } = await hurrying({ gatherMs: 50 });
    await store('1');
    await until(async () => (await pending()) === 0);
    expect([await waitingIds(system, 'a'), await waitingIds(system, 'lake')]).toEqual([['1'], ['1']]);
  });

  test('need not be looked for by the flush: it is known', async () => {
    const { system, active, events } = await hurrying();
    await active.stop();
    const { outbox, relay, pending } = await origin(system);
    const steps: string[] = [];
    const observed = watched(system, events, async step => void steps.push(step));
    const { clock, rests } = resting();
    const next = relay({ pollMs: 60_000, gatherMs: 50, lease: leaseOf(2), clock, ...observed });
    // One of what hurries, which there is not; and one after the first turn, which has found nothing.
    await until(() => rests() > 1);
    await outbox.append(happening('1'));
    next.wake();
    await until(() => rests() > 2);
    expect(await pending()).toBe(0);
    steps.length = 0;
    await outbox.append(happening('2'));
    next.wake([happening('2')]);
    await until(async () => (await pending()) === 0);
    expect(steps).toEqual(['send', 'send', 'mark', 'mark', 'updateMany']);
    expect(await waitingIds(system, 'lake')).toEqual(['1', '2']);
  });

  test('is sent again when Redis has lost it before the flush for which it is gathered', async () => {
    // The flush is due when the test says so.
    let aheadMs = 0;
    const ends: (() => void)[] = [];
    const clock: Clock = {
      ...systemClock,
      monotonic: () => systemClock.monotonic() + aheadMs,
      sleep: (ms, signal) => Promise.race([systemClock.sleep(ms, signal), new Promise<void>(end => ends.push(end))]),
    };
    const { system, store, sent, pending } = await hurrying({ clock, pollMs: 600_000 });
    await store('1');
    await sent('a', 1);
    await system.loseRedis();
    aheadMs = 60_000;
    for (const end of ends) end();
    await until(async () => (await pending()) === 0);
    expect(await waitingIds(system, 'a')).toEqual(['1']);
    // What the flush has sent before it noticed may be lost as well, and is sent again.
    expect(new Set(await waitingIds(system, 'lake'))).toEqual(new Set(['1']));
  });

  test('is sent again when Redis has lost it before the flush', async () => {
    const { system, active, store, sent, pending } = await hurrying();
    await store('1');
    await sent('a', 1);
    await system.loseRedis();
    active.wake();
    await until(async () => (await pending()) === 0);
    expect(await waitingIds(system, 'a')).toEqual(['1']);
  });

  test('is sent again when the connection on which it was sent is gone', async () => {
    let connection = 0;
    const { system, active, store, sent, pending } = await hurrying();
    await active.stop();
    const { outbox, relay } = await origin(system);
    const { send, mark } = system.transport;
    const next = relay({
      ...{ pollMs: 60_000, gatherMs: 60_000, lease: leaseOf(2) },
      transport: {
        ...system.transport,
        send: async letters => {
          await send(letters);
          return connection;
        },
        mark: (service, source, expected, flush) => mark(service, source, expected, flush),
      },
    });
    await store('0');
    next.wake();
    await until(async () => (await pending()) === 0);
    await takeAll(system, 'a');
    await outbox.append(happening('1'));
    next.wake([happening('1')]);
    await sent('a', 1);
    connection = 1;
    next.wake();
    await until(async () => (await pending()) === 0);
    expect(await waitingIds(system, 'a')).toEqual(['1', '1']);
  });

  test('is sent by the flush to whoever has been bound meanwhile', async () => {
    const { system, store, sent, pending } = await hurrying({ pollMs: 400 });
    await store('1');
    await sent('a', 1);
    await system.bind('b');
    // The look at the bindings comes after the flush of what was hurried: what it cleared, the lake has to send.
    await until(async () => (await pending()) === 0 && (await system.transport.marks('b'))[ORIGIN] !== undefined);
    await store('2');
    expect(await sent('b', 1)).toContain('2');
  });

  test('and was found by a flush before it was handed over is not sent twice', async () => {
    const { system, active, store, pending } = await hurrying();
    const event = happening('1');
    const { outbox } = await origin(system);
    await outbox.append(event);
    active.wake();
    await until(async () => (await pending()) === 0);
    active.wake([event]);
    await store('2');
    await until(async () => (await waitingIds(system, 'a')).includes('2'));
    expect(await waitingIds(system, 'a')).toEqual(['1', '2']);
  });

  test('is not sent twice after one of its consumers had lost what it had', async () => {
    const { system, store, pending } = await hurrying({ pollMs: 300 });
    const marked = async () => (await system.transport.marks('a'))[ORIGIN] !== undefined;
    await system.transport.redis.del(`${system.prefix}:{a}:marks`);
    await until(marked);
    await store('1');
    await until(async () => (await pending()) === 0);
    expect([await waitingIds(system, 'a'), await waitingIds(system, 'lake')]).toEqual([['1'], ['1']]);
  });

  test('and is stored by more at once than a flush takes is looked for', async () => {
    const { system, active, pending } = await hurrying({ flushMax: 3 });
    const { outbox } = await origin(system);
    const all = happenings(10);
    for (const event of all) await outbox.append(event);
    active.wake(all);
    await until(async () => (await pending()) === 0);
    expect((await waitingIds(system, 'a')).sort()).toEqual(idsOf(all).sort());
  });

  test('and has no room beside what is gathered is looked for', async () => {
    const { system, store, sent, pending } = await hurrying({ flushMax: 3 });
    await store('1', '2');
    await sent('a', 2);
    await store('3', '4');
    await until(async () => (await pending()) === 0);
    expect((await waitingIds(system, 'a')).sort()).toEqual(['1', '2', '3', '4']);
  });

  test('does not wait for a flush that takes its time', async () => {
    const { system, outbox, relay, pending } = await started('a');
    await system.bind('lake', { consumes: [EVERY_TYPE], unhurried: [EVERY_TYPE] });
    const { mark, marks } = system.transport;
    let gate: Promise<void> | undefined;
    let open: () => void = () => undefined;
    const active = relay({
      ...{ pollMs: 60_000, gatherMs: 60_000 },
      transport: {
        ...system.transport,
        async mark(...how) {
          await gate;
          return mark(...how);
        },
      },
    });
    await until(async () => (await marks('lake'))[ORIGIN] !== undefined);
    gate = new Promise(resolve => (open = resolve));
    await outbox.append(happening('1'));
    active.wake();
    await until(async () => (await waitingIds(system, 'lake')).length === 1);
    await outbox.append(happening('2'));
    active.wake([happening('2')]);
    await until(async () => (await waitingIds(system, 'a')).length === 2);
    expect(await pending()).toBe(2);
    open();
  });

  test('is left to the next tenure, flushed, when the relay stops', async () => {
    const { system, active, store, sent, pending } = await hurrying();
    await store('1');
    await sent('a', 1);
    await active.stop();
    expect(await pending()).toBe(0);
    expect(await waitingIds(system, 'lake')).toEqual(['1']);
  });
});
