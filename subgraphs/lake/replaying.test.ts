import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../events/clock.ts';
import type { Event } from '../../events/event.ts';
import {
  consuming,
  happenings,
  type System,
  silent,
  TIME,
  takeAll,
  until,
  waitingIds,
  waitingJobs,
} from '../../events/fixture.ts';
import type { Letter } from '../../events/transport.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { counted, deposits, type Started, started } from './replay.fixture.ts';
import { createReplaying } from './replaying.ts';

/** A transport with a consumer nearby that takes all, and is done with nothing until it is told to refuse it. */
function nearby({ transport }: System) {
  const handed: unknown[][] = [];
  const names: unknown[] = [];
  const refuse: (() => void)[] = [];
  const hand = ({ events }: Letter, { jobId }: { jobId?: string } = {}) => {
    handed.push((events as Event[]).map(({ id }) => id));
    names.push(jobId);
    return new Promise<boolean>(resolve => void refuse.push(() => resolve(false)));
  };
  return { transport: { ...transport, hand }, handed, names, refuse };
}

/** A deposit that may just be on its way to the service as it happens. */
function young(): Event {
  const [event] = deposits(1);
  if (!event) throw new Error('there is no deposit');
  return { ...event, id: 'young', time: new Date().toISOString() };
}

describe('a replay', () => {
  test('into a service with a damaged view repairs it', async () => {
    const { context, state, replayer, runService, request, completed } = await counted(60);
    const before = await state();
    await context.collection('statistics').deleteMany({ account: 'account 3' });
    await context.collection('statistics').updateOne({ account: 'account 4' }, { $set: { version: 0, deposits: 0 } });
    expect(await state()).not.toBe(before);
    runService();
    replayer();
    const { _id, total } = await request();
    await completed(_id);
    expect(total).toBe(60);
    expect(await state()).toBe(before);
  });

  test('into a service with nothing left brings everything back that an answer is made of', async () => {
    const { context, replayer, runService, request, completed } = await counted(60);
    const statistics = () => context.collection('statistics').find().sort({ _id: 1 }).toArray();
    const before = await statistics();
    for (const name of ['store', 'statistics']) await context.collection(name).deleteMany({});
    // The service ran all the time, and remembers what is not there any more.
    runService();
    replayer();
    await completed((await request())._id);
    expect(await statistics()).toEqual(before);
  });

  test('into a healthy service changes nothing', async () => {
    const { state, replayer, runService, request, completed, replays } = await counted(60);
    const before = await state();
    runService();
    replayer();
    const { _id } = await request();
    await completed(_id);
    expect(await state()).toBe(before);
    expect(await replays.find(_id)).toMatchObject({ status: 'COMPLETED', total: 60, applied: 60, error: null });
  });

  test('of a filter sends what it selects and the service consumes', async () => {
    const { system, lake, replayer, request, replays } = await counted(20);
    await lake.store(happenings(5));
    replayer();
    const { _id, total } = await request({ filter: { subject: 'account 3' } });
    expect(total).toBe(3);
    await until(async () => (await waitingIds(system, 'reporting')).length > 0);
    expect(await waitingIds(system, 'reporting')).toEqual(['d3', 'd10', 'd17']);
    expect(await replays.find(_id)).toMatchObject({ status: 'RUNNING', applied: 0 });
  });

  test('of nothing is completed at once', async () => {
    const { replayer, request, completed, replays } = await started();
    replayer();
    const { _id } = await request();
    await completed(_id);
    expect(await replays.find(_id)).toMatchObject({ total: 0, applied: 0 });
  });

  test('is handed to consumers nearby, but for what may just be on its way to them as it happens: that goes by their queue', async () => {
    const { system, lake, replayer, request, replays } = await counted(20);
    await lake.store([young()]);
    const { transport, handed } = nearby(system);
    replayer({ transport });
    const { _id } = await request();
    await until(async () => (await waitingIds(system, 'reporting')).length > 0);
    expect(await waitingIds(system, 'reporting')).toEqual(['young']);
    expect(handed).toEqual([deposits(20).map(({ id }) => id)]);
    expect(await replays.find(_id)).toMatchObject({ status: 'RUNNING', applied: 0 });
  });

  test('waits for both, for what is handed over and for as many that go by the queue', async () => {
    const { system, lake, replayer, request } = await counted(1);
    await lake.store([young()]);
    const { transport, names } = nearby(system);
    replayer({ transport });
    await request();
    const queued = () => system.transport.queue('reporting', 0).getJobs(['prioritized']);
    await until(async () => (await queued()).length > 0);
    const all = [...names, ...(await queued()).map(({ id }) => id)];
    expect([all.length, new Set(all).size]).toEqual([2, 2]);
  });

  test('that goes on when what was young is old takes nothing for applied that was not with it before', async () => {
    const { system, lake, replays, replayer, request } = await counted(1);
    await lake.store([young()]);
    const { transport, names } = nearby(system);
    const first = replayer({ transport });
    const { _id } = await request();
    await until(async () => (await waitingIds(system, 'reporting')).length > 0);
    await first.stop();
    // The old is applied; the young is lost with its queue.
    await transport.acknowledge('reporting', _id, String(names[0]), 0);
    await takeAll(system, 'reporting');
    replayer({ transport, clock: { ...system.clock, now: () => system.clock.now() + 60_000 } });
    await until(async () => (await waitingIds(system, 'reporting')).length > 0);
    await delay(150);
    expect(await waitingIds(system, 'reporting')).toEqual(['d0', 'young']);
    expect(await replays.find(_id)).toMatchObject({ status: 'RUNNING', applied: 0 });
  });

  test('that goes on after a death hands over again what nobody can have had at hand', async () => {
    const { system, lake, replayer, request, replays, runService } = await started();
    const events = deposits(12 * 400 + 1);
    for (let at = 0; at < events.length; at += 500) await lake.store(events.slice(at, at + 500));
    const { _id } = await request();
    await replays.rows.updateOne({ _id }, { $set: { status: 'RUNNING' } });
    const { transport, handed } = nearby(system);
    await runService();
    replayer({ transport });
    await until(() => handed.length > 0, 30_000);
    expect(handed).toEqual([[events.at(-1)?.id]]);
  });

  test('that goes on after a death goes by the queue first, where deaths are counted: whoever worked on it may have died of it', async () => {
    const { system, replayer, request, replays } = await counted(20);
    const { _id } = await request();
    await replays.rows.updateOne({ _id }, { $set: { status: 'RUNNING' } });
    const { transport, handed } = nearby(system);
    replayer({ transport });
    await until(async () => (await waitingIds(system, 'reporting')).length === 20);
    expect(handed).toEqual([]);
  });

  test('is sent at once where it was handed over and refused', async () => {
    const { system, replayer, request } = await counted(20);
    const { transport, refuse } = nearby(system);
    replayer({ transport });
    await request();
    await until(() => refuse.length > 0);
    expect(await waitingIds(system, 'reporting')).toEqual([]);
    for (const no of refuse) no();
    await until(async () => (await waitingIds(system, 'reporting')).length === 20, 5_000);
  });

  test('goes behind live events', async () => {
    const { system, replayer, request, rules } = await counted(5);
    replayer();
    await request();
    await until(async () => (await waitingJobs(system, 'reporting')).length > 0);
    const [live] = deposits(1).map(event => ({ ...event, id: 'live' }));
    await system.transport.send([{ service: 'reporting', partition: 0, source: 'account', events: [live] }]);
    const order: string[] = [];
    const noting = rules.map(rule => ({
      ...rule,
      handle: async (...[events, how]: Parameters<typeof rule.handle>) => {
        order.push(...events.map(({ id }) => id));
        await rule.handle(events, how);
      },
    }));
    consuming(system, 'reporting', { rules: noting, concurrency: 1 });
    await until(() => order.length === 6);
    expect(order[0]).toBe('live');
  });

  test('says when it is only a part of the lake that comes', async () => {
    const { system, replayer, request, completed, rules } = await counted(8);
    const heard = new Set<string>();
    const noting = rules.map(rule => ({
      ...rule,
      handle: async (...[, how]: Parameters<typeof rule.handle>) => void heard.add(JSON.stringify(how)),
    }));
    consuming(system, 'reporting', { rules: noting });
    replayer();
    const [whole, part] = [await request({ filter: { subject: null } }), await request({ filter: { from: TIME } })];
    await completed(part._id);
    expect([...heard].map(text => JSON.parse(text))).toEqual([
      { replay: true, replayId: whole._id },
      { replay: true, replayId: part._id, part: true },
    ]);
  });
});

describe('a service that takes nothing', () => {
  /** Ten seconds in a hundredth of one. */
  const hurried = { ...systemClock, monotonic: () => systemClock.monotonic() * 1_000 };

  test('has no more of a replay in its queue, however long it takes', async () => {
    const { system, replayer, request } = await counted(20);
    replayer({ clock: hurried });
    await request();
    await until(async () => (await waitingJobs(system, 'reporting')).length > 0);
    await delay(500);
    expect((await waitingJobs(system, 'reporting')).length).toBe(1);
  });

  test('gets it again under another name when it is divided otherwise: what was done of the old parts is not all of the new', async () => {
    const { system, replayer, request } = await counted(20);
    await system.bind('reporting', { consumes: [deposited.type], partitions: 2 });
    const { transport } = system;
    const named: (string | undefined)[] = [];
    let members = ['one', 'other'];
    replayer({
      clock: hurried,
      transport: {
        ...transport,
        look: async service => ({ ...(await transport.look(service)), members }),
        send: async (_, options) => {
          named.push(options?.jobId);
          if (named.length === 2) members = ['one'];
          return 0;
        },
      },
    }).wake();
    await request();
    await until(() => named.length > 2);
    expect(named.slice(0, 2)).not.toContain(named[2]);
  });

  test('gets it again when Redis has lost it', async () => {
    const { system, replayer, request, runService, completed } = await counted(20);
    replayer({ clock: hurried });
    const { _id } = await request();
    await until(async () => (await waitingJobs(system, 'reporting')).length > 0);
    await system.loseRedis();
    await until(async () => (await waitingJobs(system, 'reporting')).length > 0);
    runService();
    await completed(_id);
  });
});

describe('what a replay has under way', () => {
  const queued = async ({ system }: Started) => (await waitingIds(system, 'reporting')).length;

  test('comes no faster than it was asked to', async () => {
    const all = await counted(900);
    all.replayer();
    await all.request({ ratePerSecond: 100 });
    await until(async () => (await queued(all)) > 0);
    await delay(300);
    expect(await queued(all)).toBeLessThan(500);
  });

  test('is no more than twelve chunks', async () => {
    const all = await started();
    const events = deposits(14 * 400);
    for (let at = 0; at < events.length; at += 500) await all.lake.store(events.slice(at, at + 500));
    all.replayer();
    await all.request();
    await until(async () => (await queued(all)) >= 12 * 400, 30_000);
    await delay(300);
    expect(await queued(all)).toBe(12 * 400);
  });

  test('is applied when all parts of it are', async () => {
    const { system, lake, replays, replayer, request } = await counted(1);
    await lake.store([young()]);
    const { transport, names } = nearby(system);
    replayer({ transport });
    const { _id } = await request();
    await until(async () => (await waitingIds(system, 'reporting')).length > 0);
    await transport.acknowledge('reporting', _id, String(names[0]), 0);
    await delay(300);
    expect(await replays.find(_id)).toMatchObject({ status: 'RUNNING', applied: 0 });
  });

  test('is written down by whoever took over, and by nobody else', async () => {
    const { system, lake, replays, request, runService } = await counted(900);
    runService();
    const { bindings, transport, clock } = system;
    const replaying = createReplaying({ replays, lake, bindings, transport, clock, log: silent });
    const { _id } = await request({ ratePerSecond: 200 });
    const over = replaying(_id, 1, new AbortController().signal);
    await until(async () => (await replays.find(_id)).applied > 0);
    await replays.rows.updateOne({ _id }, { $set: { fence: 2 } });
    await over;
    expect((await replays.find(_id)).status).toBe('RUNNING');
  });
});

describe('a rebuild', () => {
  /** A rebuild of a service that takes every step, and what came of the lake for its copy and for what is served, by event. */
  async function rebuilt(meanwhile: { filling: Event[]; compared: Event[] }) {
    const { system, lake, replayer, request, completed } = await counted(3);
    await system.bind('reporting', { consumes: [deposited.type], rebuildable: true });
    const came = { copy: [] as string[], served: [] as string[] };
    const hand = async ({ service, events, replay = '', rebuild }: Letter, how: { jobId?: string } = {}) => {
      if (came.copy.length === 0) await lake.store(meanwhile.filling);
      (rebuild ? came.copy : came.served).push(...(events as Event[]).map(({ id }) => id));
      await system.transport.acknowledge(service, replay, how.jobId ?? '', 0);
      return true;
    };
    replayer({ transport: { ...system.transport, hand } });
    const { _id } = await request({ mode: 'REBUILD' });
    const over = new AbortController();
    const steps = (async () => {
      for (let taken = ''; !over.signal.aborted; await delay(5)) {
        const wish = (await system.bindings.find('reporting'))?.rebuild;
        if (!wish || wish.step === taken) continue;
        taken = wish.step;
        if (taken === 'SWAP') await lake.store(meanwhile.compared);
        await system.bindings.taken('reporting', { ...wish, differences: 0, subjects: [], error: null });
      }
    })();
    await completed(_id);
    over.abort();
    await steps;
    return came;
  }

  test('sends the copy what was stored while it was filled, and what is served all that was stored since it was asked for', async () => {
    const [, , , filling, compared] = deposits(5);
    const { copy, served } = await rebuilt({ filling: filling ? [filling] : [], compared: compared ? [compared] : [] });
    expect(copy).toEqual(['d0', 'd1', 'd2', 'd3']);
    expect(served).toEqual(['d3', 'd4']);
  });
});

describe('cancelling', () => {
  test('ends a replay that runs: it goes no further', async () => {
    const { replayer, runService, request, replays } = await counted(900);
    runService();
    const active = replayer();
    const { _id } = await request({ ratePerSecond: 200 });
    active.wake();
    await until(async () => (await replays.find(_id)).applied > 0);
    await replays.cancel(_id);
    const { applied, eventsPerSecond } = await replays.find(_id);
    expect(eventsPerSecond).toBeLessThanOrEqual(200);
    await delay(1_200);
    expect(await replays.find(_id)).toMatchObject({ status: 'CANCELLED', applied, finishedAt: expect.any(String) });
    expect(applied).toBeLessThan(900);
  });
});
