import { setTimeout as delay } from 'node:timers/promises';
import type { Collection } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { EVERY_TYPE } from './binding.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Event } from './event.ts';
import {
  connected,
  createSystem,
  happening,
  happenings,
  idsOf,
  mortalRedis,
  ORIGIN,
  origin,
  type System,
  takeAll,
  until,
  useServers,
  waitingIds,
  waitingJobs,
  watching,
} from './fixture.ts';
import { lettersFor } from './letters.ts';
import { withNearby } from './nearby.ts';
import type { OutboxEntry } from './outbox.ts';
import type { RelayOptions } from './relay.ts';
import type { Delivered } from './transport.ts';

const urls = useServers();

async function started(...services: string[]) {
  const system = createSystem(urls);
  await connected(system.transport);
  for (const service of services) await system.bind(service);
  return { system, ...(await origin(system)) };
}

type Surroundings = Pick<RelayOptions, 'collection' | 'transport' | 'bindings'>;

/** What a relay touches outside, with something done before each step that it takes there. */
function watched(
  system: System,
  events: Collection<OutboxEntry>,
  before: (step: string, at: number) => Promise<void>,
): Surroundings {
  let at = 0;
  const asking =
    <Args extends unknown[], Answer>(name: string, ask: (...args: Args) => Promise<Answer>) =>
    async (...args: Args): Promise<Answer> => {
      await before(name, at++);
      return ask(...args);
    };
  const { send, mark, look, resetMark } = system.transport;
  const collection = {
    updateMany: asking('updateMany', events.updateMany.bind(events)),
    find(filter: object) {
      const cursor = events.find(filter);
      cursor.toArray = asking('find', cursor.toArray.bind(cursor));
      return cursor;
    },
  } as unknown as Collection<OutboxEntry>;
  return {
    collection: () => collection,
    transport: {
      ...system.transport,
      send: asking('send', send),
      mark: asking('mark', mark),
      look: asking('look', look),
      resetMark: asking('resetMark', resetMark),
    },
    bindings: {
      ...system.bindings,
      all: asking('bindings', system.bindings.all),
      find: asking('binding', system.bindings.find),
    },
  };
}

/** A clock, and how often somebody has begun to rest by it: a relay does when its turn is over. */
function resting() {
  let rests = 0;
  const clock: Clock = {
    ...systemClock,
    sleep(ms, signal) {
      rests += 1;
      return systemClock.sleep(ms, signal);
    },
  };
  return { clock, rests: () => rests };
}

/** A lease that its holder has until it is told otherwise. */
const leaseOf = (fence: number) => ({ fence: () => fence });

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

  test('of more than one flush go one flush after the other', async () => {
    const { system, outbox, relay, pending, events } = await started('a');
    await outbox.appendDerived(happenings(25));
    relay({ flushMax: 10 });
    await until(async () => (await pending()) === 0);
    expect((await waitingJobs(system, 'a')).map(job => job.events.length)).toEqual([10, 10, 5]);
    expect(new Set((await events.find().toArray()).map(({ relayed }) => relayed)).size).toBe(3);
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

describe('what somebody in this process waits for', () => {
  /** Whoever takes from the queue of "a" is in this process. */
  async function nearby(handle: (job: Delivered) => Promise<void>) {
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
    const active = relay({ transport, pollMs: 60_000, gatherMs: 50 });
    await until(async () => (await system.transport.marks('lake'))[ORIGIN] !== undefined);
    const store = async (id: string) => {
      await outbox.append(happening(id));
      active.wake([happening(id)]);
    };
    const ids = () => handed.map(events => idsOf(events as Event[]));
    return { system, worker, store, pending, ids };
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

describe('two relays', () => {
  /** A relay that has begun, and stands still before the step that clears what it has sent. */
  async function paused(system: System, { relay, events, outbox, pending }: Awaited<ReturnType<typeof origin>>) {
    let hold: Promise<void> | undefined;
    let release: () => void = () => undefined;
    let standing = false;
    const { clock, rests } = resting();
    const stale = relay({
      pollMs: 20_000,
      lease: leaseOf(1),
      clock,
      ...watched(system, events, async step => {
        if (step !== 'updateMany' || !hold) return;
        standing = true;
        await hold;
      }),
    });
    await outbox.append(happening('0'));
    stale.wake();
    await until(async () => (await pending()) === 0);
    return {
      /** Lets it find what is pending, send it, leave its mark, and stop there. */
      async intoClearing() {
        hold = new Promise(resolve => {
          release = resolve;
        });
        stale.wake();
        await until(() => standing);
      },
      /** To the end of its turn, if it stands. */
      async goOn() {
        if (!standing) return;
        const before = rests();
        standing = false;
        hold = undefined;
        release();
        await until(() => rests() > before);
      },
    };
  }

  const tenureOf = (entry: OutboxEntry | null) => Math.floor((entry?.relayed ?? 0) / 1_000_000_000);

  test('one is active: what the holder relays the other leaves alone', async () => {
    const { system, outbox, relay, pending } = await started('a');
    relay({ lease: leaseOf(1) });
    relay({ lease: { fence: () => undefined } });
    await outbox.appendDerived(happenings(30));
    await until(async () => (await pending()) === 0);
    expect((await waitingIds(system, 'a')).length).toBe(30);
  });

  test('the fenced one cannot clear what the new tenure has claimed', async () => {
    const { system, ...source } = await started('a');
    const stale = await paused(system, source);
    await source.outbox.append(happening('1'));
    await stale.intoClearing();
    await source.events.updateMany({ pending: { $exists: true } }, { $set: { fence: 2 } });
    await stale.goOn();
    expect(await source.pending()).toBe(1);
  });

  test('the fenced one cannot put an earlier flush number on what the new tenure has relayed', async () => {
    const { system, ...source } = await started('a');
    const stale = await paused(system, source);
    const { clock, rests } = resting();
    const current = source.relay({ lease: leaseOf(2), pollMs: 60_000, clock });
    // One of what hurries, which there is not; and one after the first turn, which has found nothing.
    await until(() => rests() > 1);
    await source.outbox.append(happening('1'));
    await stale.intoClearing();
    current.wake();
    await until(async () => (await source.pending()) === 0);
    await stale.goOn();
    expect(tenureOf(await source.events.findOne({ _id: '1' }))).toBe(2);
  });

  test('the fenced one cannot clear what was stored after the new tenure began, once Redis has lost it', async () => {
    const { system, ...source } = await started('a');
    const stale = await paused(system, source);
    let begun = false;
    let isStanding = false;
    let goOn: () => void = () => undefined;
    const asked = new Promise<void>(resolve => {
      goOn = resolve;
    });
    source.relay({
      lease: leaseOf(2),
      ...watched(system, source.events, async step => {
        if (begun && step === 'bindings') {
          isStanding = true;
          await asked;
        }
        if (begun && step === 'find') await stale.goOn();
        if (step === 'find') begun = true;
      }),
    });
    // It has found nothing, and is about to look again.
    await until(() => isStanding);
    await source.outbox.append(happening('1'));
    await stale.intoClearing();
    await system.loseRedis();
    goOn();
    await until(async () => (await source.pending()) === 0);
    await until(async () => (await waitingIds(system, 'a')).includes('1'));
  });
});

describe('when Redis loses everything', () => {
  test('it is noticed, and all that was not durably passed is sent again, and nothing that was', async () => {
    const { system, outbox, relay, pending } = await started('a');
    await outbox.appendDerived(happenings(3));
    const active = relay();
    await until(async () => (await pending()) === 0);
    await takeAll(system, 'a');
    const watermark = watching(system, 'a');
    await watermark.observe();

    await outbox.append(happening('4'));
    active.wake();
    await until(async () => (await waitingIds(system, 'a')).includes('4'));
    await until(async () => (await pending()) === 0);
    await system.loseRedis();
    await until(async () => (await waitingIds(system, 'a')).length > 0);
    await delay(150);
    expect(await waitingIds(system, 'a')).toEqual(['4']);
  });

  test('once more, while a loss is made good, what was sent at once meanwhile is sent again', async () => {
    const { system, outbox, relay, pending, events } = await started('a');
    let isLost = false;
    const active = relay({
      ...{ pollMs: 60_000, gatherMs: 50 },
      ...watched(system, events, async step => {
        if (step !== 'resetMark' || !isLost) return;
        isLost = false;
        await outbox.append(happening('2'));
        active.wake([happening('2')]);
        await until(async () => (await waitingIds(system, 'a')).includes('2'));
        await system.loseRedis();
      }),
    });
    await until(async () => (await system.transport.marks('a'))[ORIGIN] !== undefined);
    await system.loseRedis();
    isLost = true;
    await outbox.append(happening('1'));
    active.wake();
    await until(async () => (await pending()) === 0 && !isLost);
    expect((await waitingIds(system, 'a')).sort()).toEqual(['1', '2']);
  });

  test('before any step, also of the very first flush, nothing is lost', async () => {
    // More than one turn has; those after it are the same again.
    const { system, outbox, relay, pending, events } = await started('a', 'b');
    for (let loseAt = 0; loseAt < 18; loseAt++) {
      await system.loseRedis();
      await events.deleteMany({});
      await outbox.append(happening('1'));
      const active = relay({
        lease: leaseOf(loseAt + 1),
        pollMs: 20,
        ...watched(system, events, async (_, at) => {
          if (at === loseAt) await system.loseRedis();
        }),
      });
      await until(async () => (await pending()) === 0);
      for (const service of ['a', 'b']) {
        await until(async () => (await waitingIds(system, service)).includes('1')).catch(() => {
          throw new Error(`lost for ${service} when Redis loses everything before step ${loseAt}`);
        });
      }
      await active.stop();
    }
  });

  test('while a watermark looks on and nobody consumes, a second loss finds everything again', async () => {
    const { system, outbox, relay, pending, events } = await started('a');
    const watermark = watching(system, 'a');
    for (let loseAt = 0; loseAt < 16; loseAt++) {
      await system.loseRedis();
      await events.deleteMany({});
      await outbox.append(happening('1'));
      const active = relay({
        pollMs: 20,
        lease: leaseOf(loseAt + 1),
        ...watched(system, events, async (_, at) => {
          await watermark.observe();
          if (at === loseAt) await system.loseRedis();
        }),
      });
      await until(async () => (await pending()) === 0 && (await waitingIds(system, 'a')).length > 0);
      await watermark.observe();
      await system.loseRedis();
      await until(async () => (await waitingIds(system, 'a')).includes('1')).catch(() => {
        throw new Error(`lost when Redis loses everything before step ${loseAt}`);
      });
      await active.stop();
    }
  });

  test('and the relay with it, the next relay notices by what it had relayed', async () => {
    const { system, outbox, relay, pending } = await started('a');
    await outbox.append(happening('1'));
    const first = relay();
    await until(async () => (await pending()) === 0);
    await first.stop();
    await system.loseRedis();
    relay({ lease: leaseOf(2) });
    await until(async () => (await waitingIds(system, 'a')).includes('1'));
  });

  test('down to an older state, as a truncated append-only file does, what came after is sent again', async () => {
    const { system, outbox, relay, pending } = await started('a');
    const active = relay();
    await outbox.append(happening('1'));
    active.wake();
    await until(async () => (await pending()) === 0);
    const { [ORIGIN]: older = 0 } = await system.transport.marks('a');
    await outbox.append(happening('2'));
    active.wake();
    await until(async () => (await waitingIds(system, 'a')).includes('2'));
    await until(async () => (await pending()) === 0);

    const queue = system.transport.queue('a', 0);
    await Promise.all((await queue.getJobs(['waiting'])).filter(({ id }) => id === '2').map(job => job.remove()));
    await system.transport.resetMark('a', ORIGIN, older);
    await until(async () => (await waitingIds(system, 'a')).includes('2'));
  });

  test('for one consumer, the others lose nothing either', async () => {
    const { system, outbox, relay, pending } = await started('a', 'b');
    await outbox.append(happening('1'));
    relay();
    await until(async () => (await pending()) === 0);
    await system.transport.queue('b', 0).obliterate({ force: true });
    await system.transport.redis.del(`${system.prefix}:{b}:marks`);
    await until(async () => (await waitingIds(system, 'b')).includes('1'));
    expect(await waitingIds(system, 'a')).toContain('1');
  });
});

test('a new binding gets everything from the start', async () => {
  const { system, outbox, relay, pending } = await started('a');
  await outbox.appendDerived(happenings(5));
  relay();
  await until(async () => (await pending()) === 0);
  await system.bind('late');
  await until(async () => (await waitingIds(system, 'late')).length > 0);
  expect((await waitingIds(system, 'late')).sort()).toEqual(['1', '2', '3', '4', '5']);
});

test('while Redis is away events are acknowledged and stay pending, and go out when it is back', async () => {
  const redis = await mortalRedis();
  const system = createSystem({ ...urls, redisUrl: redis.url });
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
