import { expect, onTestFinished, test } from 'vitest';
import type { Binding } from '../../events/binding.ts';
import { systemIds } from '../../events/clock.ts';
import { createSystem, happenings, isReady, silent, until, useServers, waitingIds } from '../../events/fixture.ts';
import { createReplays, type ReplayRow } from './replay.ts';
import { createRetired, type RetiredType } from './retired.ts';
import { createSchedules, type Schedule } from './schedule.ts';
import { awaited, startSeeder } from './seeder.ts';
import { createLake, indexes, type LakeRow } from './store.ts';
import { dependents, unbind } from './unbinding.ts';

const urls = useServers();

const binding = (_id: string, more: Partial<Binding> = {}): Binding => ({
  _id,
  consumes: [],
  emits: [],
  partitions: 1,
  replayedFirst: [],
  ...more,
});

test('a new service waits for every source to join, and for the lake to have passed where each did', () => {
  const lake = binding('lake', { passed: { a: 5, lake: 2 } });
  const late = (joined?: Record<string, number>) => binding('new', { seeding: 'id', ...(joined && { joined }) });
  const waits = (added: Binding) => awaited(added, [lake, binding('a'), added]);
  expect(waits(late())).toEqual(['lake', 'a', 'new']);
  expect(waits(late({ a: 6, lake: 2, new: 0 }))).toEqual(['a']);
  expect(waits(late({ a: 5, lake: 2, new: 0 }))).toEqual([]);
});

test('whose events others consume, the lake aside', () => {
  const a = binding('a', { emits: ['x'], consumes: ['x'] });
  const all = [a, binding('lake', { consumes: ['*'] }), binding('b', { consumes: ['x'] }), binding('c')];
  expect(dependents(a, all)).toEqual(['b']);
  expect(dependents(binding('b'), all)).toEqual([]);
  // Who emits the same stays in its place.
  expect(dependents(a, [...all, binding('d', { emits: ['x'] })])).toEqual([]);
  expect(dependents({ ...a, emits: ['x', 'y'] }, [...all, binding('d', { emits: ['y'] })])).toEqual(['b']);
});

async function started() {
  const system = createSystem(urls);
  await Promise.all([isReady(system.transport.redis), isReady(system.subscriber)]);
  const rows = system.collection<LakeRow>('lake', 'lake');
  await rows.createIndexes([...indexes.lake]);
  const lake = createLake({ summaries: undefined, rows, feed: system.feed, clock: system.clock });
  await lake.store(happenings(3));
  await system.bind('lake');
  const replays = createReplays({
    ...system,
    rows: system.collection<ReplayRow>('lake', 'replays'),
    lake,
    ids: systemIds,
  });
  const seeder = () => {
    const started = startSeeder({
      ...{ replays, lake, bindings: system.bindings, clock: system.clock, log: silent },
      lease: { fence: () => 1 },
      wake: () => undefined,
    });
    onTestFinished(() => started.stop());
  };
  /** A service that is new, where all that has to be waited for is over. @returns how it is bound. */
  async function bound() {
    const { seeding: _, ...wishes } = binding('new', { consumes: ['happened'] });
    await system.bindings.bind(wishes, 'the replay');
    for (const source of ['lake', 'new']) await system.bindings.join('new', source, source === 'lake' ? 4 : 0);
    await system.bindings.pass('lake', { lake: 4 });
    return wishes;
  }
  return { system, replays, seeder, bound };
}

test('the replay is planned once, by whichever process, and ends with what the lake has', async () => {
  const { system, replays, seeder, bound } = await started();
  const wishes = await bound();
  seeder();
  seeder();
  await until(async () => (await system.bindings.find('new'))?.seeding === undefined);
  expect(await replays.rows.find().toArray()).toMatchObject([
    { _id: 'the replay', service: 'new', mode: 'REPAIR', until: 3, total: 3, requestedBy: 'lake', status: 'PLANNED' },
  ]);
  // Bound again, as at every start, it is not new any more.
  await system.bindings.bind(wishes, 'another');
  expect((await system.bindings.find('new'))?.seeding).toBeUndefined();
});

test('a process that died when it had planned the replay is followed by one that goes on from there', async () => {
  const { system, replays, seeder, bound } = await started();
  await bound();
  await replays.request({ service: 'new' }, 'lake', 'the replay');
  seeder();
  await until(async () => (await system.bindings.find('new'))?.seeding === undefined);
  expect(await replays.rows.countDocuments()).toBe(1);
});

test('a service that runs is not unbound, and is as soon as it has stopped, however that was', async () => {
  const { system, replays } = await started();
  const schedules = createSchedules({ rows: system.collection<Schedule>('lake', 'schedules'), replays, ...system });
  const retired = createRetired({ rows: system.collection<RetiredType>('lake', 'retired') });
  const unbinding = () => unbind({ ...system, replays, schedules, retired }, 'sink');
  const announce = () => Promise.all(['one', 'other'].map(member => system.transport.announce('sink', member)));
  await system.bind('sink');
  await announce();
  const beating = setInterval(() => void announce(), 1_000);
  await expect(unbinding()).rejects.toMatchObject({
    message: 'service: "sink" is running in 2 processes: stop them first.',
    extensions: { code: 'BAD_USER_INPUT' },
  });
  expect(await system.bindings.find('sink')).not.toBeNull();
  // One is killed, the other leaves in order.
  clearInterval(beating);
  await announce();
  await system.transport.leave('sink', 'other');
  await unbinding();
  expect(await system.bindings.find('sink')).toBeNull();
});

test('unbinding cancels replays, now and to come, and removes the queues; the lake, strangers and whoever is needed stay', async () => {
  const { system, replays } = await started();
  const clock = { ...system.clock, sleep: async () => undefined };
  const schedules = createSchedules({ rows: system.collection<Schedule>('lake', 'schedules'), replays, clock });
  const retired = createRetired({ rows: system.collection<RetiredType>('lake', 'retired') });
  const parts = { ...system, replays, schedules, retired, clock };
  await system.bind('source', { emits: ['befallen'], consumes: [] });
  await system.bind('source', { emits: ['happened'], consumes: [] });
  await system.bind('sink');
  await system.transport.send([{ service: 'sink', partition: 0, source: 'source', events: happenings(1) }]);
  const { _id } = await replays.request({ service: 'sink' }, 'olga');
  await expect(unbind(parts, 'lake')).rejects.toThrow('stays bound');
  await expect(unbind(parts, 'nobody')).rejects.toThrow('only sink, source');
  await expect(unbind(parts, 'source')).rejects.toThrow('unbind them first: sink');
  expect(await waitingIds(system, 'sink')).toHaveLength(1);
  await schedules.reconcile({ service: 'sink', everyHours: 1 }, 'olga');
  await unbind(parts, 'sink');
  await unbind(parts, 'source');
  expect((await system.bindings.all()).map(({ _id: name }) => name)).toEqual(['lake']);
  expect(await replays.find(_id)).toMatchObject({ status: 'CANCELLED' });
  expect(await waitingIds(system, 'sink')).toEqual([]);
  expect(await schedules.rows.find().toArray()).toEqual([]);
  // The lake has their events, whoever has ever emitted them.
  expect((await retired.types()).sort()).toEqual(['befallen', 'happened']);
});
