import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Binding, EVERY_TYPE } from '../../events/binding.ts';
import { systemClock, systemIds } from '../../events/clock.ts';
import { createEvent } from '../../events/contract.ts';
import type { Event } from '../../events/event.ts';
import { faultEvent } from '../../events/fault.ts';
import {
  consuming,
  createSystem,
  fakeClock,
  happenings,
  isReady,
  silent,
  takeAll,
  until,
  useServers,
  waitingIds,
  waitingJobs,
} from '../../events/fixture.ts';
import type { Letter } from '../../events/transport.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { service as reporting } from '../reporting/index.ts';
import { createFaults, type Resubmission } from './faults.ts';
import { createReplays, passesOf, type ReplayRow } from './replay.ts';
import { type Replayer, startReplayer } from './replayer.ts';
import { createReplaying, type ReplayingOptions } from './replaying.ts';
import { createLake, indexes, type LakeRow } from './store.ts';

const urls = useServers();
const TIME = '2026-01-31T12:00:00.000Z';

const deposits = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    createEvent(deposited, {
      id: `d${index}`,
      source: '/account',
      subject: `account ${index % 7}`,
      time: TIME,
      data: { amountMinor: index + 1, currency: 'EUR', channel: 'ACCOUNT' },
    }),
  );

/** A lake, and a service beside it that is not running yet. */
async function started() {
  const system = createSystem(urls);
  await Promise.all([isReady(system.transport.redis), isReady(system.subscriber)]);
  const rows = system.collection<LakeRow>('lake', 'rows');
  await rows.createIndexes([...(Object.values(indexes)[0] ?? [])]);
  const lake = createLake({ rows, feed: system.feed, clock: system.clock });
  const replays = createReplays({
    ...system,
    rows: system.collection<ReplayRow>('lake', 'replays'),
    lake,
    ids: systemIds,
  });
  await system.bind('reporting', { consumes: [deposited.type] });

  const context = system.context('reporting');
  for (const [name, wanted] of Object.entries(reporting.indexes))
    await context.collection(name).createIndexes([...wanted]);
  const { rules } = reporting.create(context);
  const running: Replayer[] = [];
  return {
    system,
    lake,
    replays,
    context,
    rules,
    replayer(options: Partial<Pick<Parameters<typeof startReplayer>[0], 'lease'> & ReplayingOptions> = {}) {
      const { transport, clock, bindings } = system;
      const { lease = { fence: () => 1 }, ...others } = options;
      const shared = { replays, lake, bindings, transport, clock, log: silent, ...others };
      const replaying = createReplaying(shared);
      const replayer = startReplayer({ ...shared, lease, replaying: ({ _id }, ...how) => replaying(_id, ...how) });
      onTestFinished(() => replayer.stop());
      running.push(replayer);
      return replayer;
    },
    runService: () => consuming(system, 'reporting', { rules }),
    async request(input: object = {}) {
      const row = await replays.request({ service: 'reporting', ...input }, 'olga');
      for (const replayer of running) replayer.wake();
      return row;
    },
    completed: (id: string) => until(async () => (await replays.find(id)).status === 'COMPLETED'),
    /** All data of the service, as one hash. */
    async state(): Promise<string> {
      const hash = createHash('sha256');
      for (const name of ['store', 'statistics'])
        hash.update(JSON.stringify(await context.collection(name).find().sort({ _id: 1 }).toArray()));
      return hash.digest('hex');
    },
  };
}

type Started = Awaited<ReturnType<typeof started>>;

/** A lake of deposits that the service has counted. */
async function counted(count: number): Promise<Started> {
  const all = await started();
  const events = deposits(count);
  for (let at = 0; at < count; at += 500) await all.lake.store(events.slice(at, at + 500));
  for (const { handle } of all.rules) await handle(events, { replay: false });
  return all;
}

/** A transport with a consumer nearby that takes all, and is done with nothing until it is told to refuse it. */
function nearby({ transport }: ReturnType<typeof createSystem>) {
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

  test('that only counts sends nothing', async () => {
    const { system, replayer, request } = await counted(20);
    replayer();
    expect(await request({ dryRun: true })).toMatchObject({ status: 'COMPLETED', total: 20, applied: 0 });
    await delay(100);
    expect(await waitingJobs(system, 'reporting')).toEqual([]);
  });

  test('that only counts says of how many subjects the events are', async () => {
    const { request } = await counted(20);
    expect(await request({ dryRun: true })).toMatchObject({ total: 20, subjects: 7 });
    expect(await request({ dryRun: true, filter: { subject: 'account 3' } })).toMatchObject({ total: 3, subjects: 1 });
    expect(await request({ dryRun: true, filter: { types: ['unknown'] } })).toMatchObject({ total: 0, subjects: 0 });
  });

  test('goes on where it was after the replayer stopped in the middle', async () => {
    const { replayer, runService, request, completed, replays, state } = await counted(900);
    const before = await state();
    runService();
    const first = replayer();
    const { _id } = await request({ ratePerSecond: 200 });
    first.wake();
    await until(async () => (await replays.find(_id)).applied > 0);
    await first.stop();
    const { applied, position } = await replays.find(_id);
    expect(applied).toBeLessThan(900);
    expect(position).toBeGreaterThan(0);
    await replays.rows.updateOne({ _id }, { $set: { ratePerSecond: null } });
    replayer({ lease: { fence: () => 2 } });
    await completed(_id);
    expect(await replays.find(_id)).toMatchObject({ applied: 900, total: 900 });
    expect(await state()).toBe(before);
  });

  test('is worked on by the holder of the lease alone', async () => {
    const { replayer, request, replays } = await counted(5);
    replayer({ lease: { fence: () => undefined } });
    const { _id } = await request();
    await delay(150);
    expect(await replays.find(_id)).toMatchObject({ status: 'PLANNED' });
  });

  test('is handed to consumers nearby, but for what may just be on its way to them as it happens: that goes by their queue', async () => {
    const { system, lake, replayer, request, replays } = await counted(20);
    const [young] = deposits(1).map(event => ({ ...event, id: 'young', time: new Date().toISOString() }));
    await lake.store(young ? [young] : []);
    const { transport, handed } = nearby(system);
    replayer({ transport });
    const { _id } = await request();
    await until(async () => (await waitingIds(system, 'reporting')).length > 0);
    expect(await waitingIds(system, 'reporting')).toEqual(['young']);
    expect(handed).toEqual([deposits(20).map(({ id }) => id)]);
    expect(await replays.find(_id)).toMatchObject({ status: 'RUNNING', applied: 0 });
  });

  test('that cannot be worked at is tried again in a moment, not at once', async () => {
    const { system, replays, request } = await counted(1);
    await request();
    let tries = 0;
    const replaying = async () => {
      tries += 1;
      throw new Error('the second thread ended');
    };
    const clock = fakeClock();
    const replayer = startReplayer({
      ...{ replays, bindings: system.bindings, clock, replaying },
      lease: { fence: () => 1 },
      log: silent,
    });
    onTestFinished(() => replayer.stop());
    // One sleeps until it tries again, one until it looks again.
    await clock.asleep(2);
    expect(tries).toBe(1);
    await clock.pass(1_000);
    await until(() => tries > 1);
  });

  test('waits for the one before it into the same service', async () => {
    const { system, replayer, request } = await counted(20);
    const first = await request();
    await request();
    replayer();
    await until(async () => (await waitingJobs(system, 'reporting')).length > 0);
    await delay(150);
    expect((await waitingJobs(system, 'reporting')).map(({ replay }) => replay)).toEqual([first._id]);
  });

  test('waits for both, for what is handed over and for as many that go by the queue', async () => {
    const { system, lake, replayer, request } = await counted(1);
    const [young] = deposits(1).map(event => ({ ...event, id: 'young', time: new Date().toISOString() }));
    await lake.store(young ? [young] : []);
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
    const [young] = deposits(1).map(event => ({ ...event, id: 'young', time: new Date().toISOString() }));
    await lake.store(young ? [young] : []);
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

  test('is left alone once its replay is cancelled, and the next replay has its turn', async () => {
    const { system, replayer, request, replays } = await counted(20);
    const active = replayer();
    const first = await request();
    await until(async () => (await waitingJobs(system, 'reporting')).length > 0);
    expect(await replays.cancel(first._id)).toMatchObject({ status: 'CANCELLED' });
    const next = await request();
    active.wake();
    await until(async () => (await replays.find(next._id)).status === 'RUNNING');
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
    const { applied } = await replays.find(_id);
    await delay(1_200);
    expect(await replays.find(_id)).toMatchObject({ status: 'CANCELLED', applied, finishedAt: expect.any(String) });
    expect(applied).toBeLessThan(900);
  });

  test('leaves alone what is over, and refuses what is unknown', async () => {
    const { request, replays } = await counted(1);
    const { _id } = await request({ dryRun: true });
    expect(await replays.cancel(_id)).toMatchObject({ status: 'COMPLETED' });
    await expect(replays.cancel('unknown')).rejects.toMatchObject({ extensions: { code: 'NOT_FOUND' } });
  });
});

test('while Redis is away the replayer waits, and does not hammer the database', async () => {
  const { system, replayer, request } = await counted(5);
  let sends = 0;
  const away = async () => {
    sends++;
    throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  };
  const active = replayer({ transport: { ...system.transport, send: away } });
  await request();
  active.wake();
  await until(() => sends > 0);
  await delay(500);
  expect(sends).toBeLessThan(4);
});

describe('asking for a replay', () => {
  test.each([['lake'], ['unknown']])('into %s is refused, and says what there is', async service => {
    const { request, replays } = await started();
    await expect(request({ service })).rejects.toThrow(/"?service.*only reporting/);
    expect(await replays.rows.countDocuments()).toBe(0);
  });

  test.each(['REBUILD', 'RECONCILE', 'ROLLBACK'] as const)('%s is refused where nothing can be rebuilt', async mode => {
    const { system, request, replays } = await counted(3);
    await system.bind('plain', { rebuildable: false });
    await expect(request({ service: 'plain', mode })).rejects.toThrow('"plain" declares no data as derived');
    expect(await replays.rows.countDocuments()).toBe(0);
  });

  test('is recorded as it stands', async () => {
    const { request } = await counted(3);
    expect(await request({ filter: { types: [deposited.type] } })).toMatchObject({
      service: 'reporting',
      mode: 'REPAIR',
      status: 'PLANNED',
      total: 3,
      until: 3,
      requestedBy: 'olga',
      finishedAt: null,
    });
  });
});

describe('the passes of a replay', () => {
  const binding: Binding = { _id: 's', consumes: ['a', 'b', 'c'], emits: [], partitions: 1, replayedFirst: ['b'] };

  test.each([
    ['all that the service consumes, what restores first', binding, null, [['b'], ['a', 'c']]],
    ['what the filter selects of it', binding, { types: ['c', 'b', 'x'] }, [['b'], ['c']]],
    ['no pass without a type', binding, { types: ['b'] }, [['b']]],
    ['nothing of what the service does not consume', binding, { types: ['x'] }, []],
    ['nothing when the filter says so', binding, { types: [] }, []],
    [
      'every type of whoever consumes everything',
      { ...binding, consumes: [EVERY_TYPE] },
      { types: ['x', 'b'] },
      [['b'], ['x']],
    ],
  ])('are %s', (_, of, filter, types) => {
    expect(passesOf(of, filter).map(pass => pass.types)).toEqual(types);
  });

  test('keep the rest of the filter', () => {
    expect(passesOf(binding, { subject: 's', types: ['a'] })).toEqual([{ subject: 's', types: ['a'] }]);
  });

  test('of whoever consumes everything, without a filter, leave nothing out', () => {
    const everything = { ...binding, consumes: [EVERY_TYPE] };
    expect(passesOf({ ...everything, replayedFirst: [] }, { subject: 's' })).toEqual([{ subject: 's' }]);
    expect(passesOf(everything, null)).toEqual([{ types: ['b'] }, {}]);
  });
});

describe('resubmitting', () => {
  async function faulty() {
    const all = await started();
    const { system, lake } = all;
    const original = deposits(1)[0];
    const input = { service: 'reporting', original, error: new Error('wrong'), deliveries: 3, resubmission: 0 };
    const fault = faultEvent(input, system.clock);
    await lake.store([fault]);
    const resubmissions = system.collection<Resubmission>('lake', 'resubmissions');
    return { ...all, original, fault, faults: createFaults({ ...system, lake, resubmissions }) };
  }

  test('sends the original to the service that had set it aside, once more', async () => {
    const { system, faults, fault, original } = await faulty();
    const [node] = await faults.resubmit([fault.id], 'olga');
    expect(node).toMatchObject({ row: { _id: fault.id }, service: 'reporting', resubmittedAt: expect.any(String) });
    expect(await waitingJobs(system, 'reporting')).toEqual([{ source: 'lake', events: [original], resubmission: 1 }]);
  });

  test('twice, in a row or at once, sends it once', async () => {
    const { system, faults, fault } = await faulty();
    const answers = await Promise.all([faults.resubmit([fault.id], 'olga'), faults.resubmit([fault.id], 'otto')]);
    await faults.resubmit([fault.id, fault.id], 'olga');
    expect(await waitingJobs(system, 'reporting')).toHaveLength(1);
    expect(answers[0]?.[0]?.resubmittedAt).toBe(answers[1]?.[0]?.resubmittedAt);
  });

  test('after the service took it does not send it again', async () => {
    const { system, faults, fault, runService } = await faulty();
    await faults.resubmit([fault.id], 'olga');
    const { stop } = runService();
    const taken = () => system.collection('reporting', 'store').countDocuments();
    await until(async () => (await taken()) === 1);
    // It finishes what it has, and would leave what comes now.
    await stop();
    await faults.resubmit([fault.id], 'olga');
    expect(await waitingJobs(system, 'reporting')).toEqual([]);
    expect(await taken()).toBe(1);
  });

  test('is counted: an open fault is one that nobody has resubmitted', async () => {
    const { faults, fault } = await faulty();
    expect(await faults.open('reporting')).toBe(1);
    await faults.resubmit([fault.id], 'olga');
    expect(await faults.open('reporting')).toBe(0);
  });

  test('what is no fault is refused, and then nothing is sent', async () => {
    const { system, faults, fault } = await faulty();
    await expect(faults.resubmit([fault.id, 'unknown'], 'olga')).rejects.toThrow('There is no fault unknown.');
    expect(await waitingJobs(system, 'reporting')).toEqual([]);
  });

  test('while Redis is away says so, and can be asked for again', async () => {
    const { system, lake, fault, faults } = await faulty();
    const resubmissions = system.collection<Resubmission>('lake', 'resubmissions');
    const send = async () => {
      throw new Error('Connection is closed.');
    };
    const cut = createFaults({ ...system, transport: { ...system.transport, send }, lake, resubmissions });
    await expect(cut.resubmit([fault.id], 'olga')).rejects.toThrow('Connection is closed.');
    await faults.resubmit([fault.id], 'olga');
    expect(await waitingJobs(system, 'reporting')).toHaveLength(1);
  });
});
