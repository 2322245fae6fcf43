import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { systemIds } from '../../events/clock.ts';
import type { ServiceContext, ServiceDefinition } from '../../events/definition.ts';
import { faultEvent } from '../../events/fault.ts';
import {
  createSystem,
  happened,
  happening,
  happenings,
  isReady,
  ORIGIN,
  type System,
  silent,
  takeAll,
  until,
  useServers,
} from '../../events/fixture.ts';
import type { OutboxEntry } from '../../events/outbox.ts';
import { assemble, type Resources } from '../../events/service.ts';
import { service as lakeDefinition } from './index.ts';
import { createLake, type LakeRow } from './store.ts';

const urls = useServers();
const AT_ONCE = { pollMs: 50, roundMs: 1_000_000_000 };
const ALWAYS_ROUND = { pollMs: 50, roundMs: 0 };

async function running(definition: ServiceDefinition, system: System, reconciling: Resources['reconciling']) {
  await Promise.all([isReady(system.transport.redis), isReady(system.subscriber)]);
  const service = assemble(definition, { ...system, ids: systemIds, holder: 'process', log: silent, reconciling });
  await service.prepare();
  service.start();
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= service.stop();
    return stopping;
  };
  onTestFinished(stop);
  return { ...service, stop };
}

/** A service that emits, and the lake; both may be stopped and started anew. */
async function started(reconciling: Resources['reconciling'] = AT_ONCE) {
  const system = createSystem(urls);
  let context: ServiceContext | undefined;
  const definition: ServiceDefinition = {
    name: ORIGIN,
    consumes: [],
    emits: [happened],
    indexes: {},
    create(given) {
      context = given;
      return { rules: [], resolvers: undefined };
    },
  };
  const startLake = () => running(lakeDefinition, system, reconciling);
  const lake = await startLake();
  const origin = await running(definition, system, reconciling);
  const rows = system.collection<LakeRow>('lake', 'lake');
  const entries = system.collection<OutboxEntry>(ORIGIN, 'events');
  return {
    system,
    lake,
    startLake,
    origin,
    rows,
    entries,
    emit: (count: number, from = 0) =>
      context?.outbox.appendDerived(happenings(from + count).slice(from)) ?? Promise.reject(),
    verify: () => createLake({ summaries: undefined, rows, feed: system.feed, clock: system.clock }).verify(),
    lakeHas: (count: number) => until(async () => (await rows.countDocuments()) === count),
    confirmed: (count: number) =>
      until(async () => {
        const { pending, unconfirmed } = await origin.outboxState();
        return pending + unconfirmed === 0 && (await entries.countDocuments({ relayed: { $exists: true } })) === count;
      }),
  };
}

describe('an event that was sent and is not in the lake', () => {
  test('is sent again when its job is lost and nothing else is', async () => {
    const { system, lake, startLake, entries, emit, lakeHas, confirmed, origin, rows } = await started();
    await emit(10);
    await lakeHas(10);
    await lake.stop();
    await emit(10, 10);
    await until(async () => (await entries.countDocuments({ pending: { $exists: true } })) === 0);
    await takeAll(system, 'lake');
    await startLake();
    await lakeHas(20);
    await confirmed(20);
    expect((await origin.outboxState()).resent).toBe(10);
    expect(await rows.countDocuments()).toBe(20);
  });

  test('is sent again also when what was sent again was lost, as a job may be twice', async () => {
    const { system, lake, startLake, entries, emit, lakeHas } = await started();
    await emit(10);
    await lakeHas(10);
    await lake.stop();
    await emit(10, 10);
    await until(async () => (await entries.countDocuments({ pending: { $exists: true } })) === 0);
    await takeAll(system, 'lake');
    await entries.updateMany({}, { $set: { resent: 2 } });
    await startLake();
    await lakeHas(20);
  });

  test('is sent again when the lake loses it later, and the lake says that its chain is broken', async () => {
    const { entries, emit, lakeHas, rows, verify } = await started(ALWAYS_ROUND);
    await emit(20);
    await lakeHas(20);
    await until(async () => (await entries.countDocuments({ relayed: { $exists: true } })) === 20);
    const lost = [7, 18, 19, 20];
    const ids = (await rows.find({ version: { $in: lost } }).toArray()).map(({ _id }) => _id);
    await rows.deleteMany({ version: { $in: lost } });
    await until(async () => (await rows.countDocuments({ _id: { $in: ids } })) === 4);
    expect(await verify()).toMatchObject({ valid: false, firstBadPosition: 7 });
  });

  test('is sent again also when it is not known whether it was relayed: a row restored', async () => {
    const { entries, emit, lakeHas, rows } = await started(ALWAYS_ROUND);
    await emit(3);
    await lakeHas(3);
    await entries.insertOne({ _id: 'restored', event: happening('restored') });
    await until(async () => (await rows.countDocuments({ _id: 'restored' })) === 1);
  });

  test('is not sent again for ever when the lake can do nothing with it', async () => {
    const { system, entries, emit, lakeHas, origin } = await started(AT_ONCE);
    await emit(1);
    await lakeHas(1);
    // Not an event: the lake sets it aside, which is as good as having it.
    const bad = { ...happening('bad'), source: 'nowhere' };
    await entries.insertOne({ _id: 'bad', event: bad, pending: 1 });
    await lakeHas(2);
    await until(async () => (await entries.countDocuments({ relayed: { $exists: true } })) === 2);
    await until(async () => (await origin.outboxState()).unconfirmed === 0);
    expect((await origin.outboxState()).resent).toBe(0);
    const expected = faultEvent(
      { service: 'lake', original: bad, error: '', deliveries: 1, resubmission: 0 },
      system.clock,
    );
    expect(await system.collection<LakeRow>('lake', 'lake').findOne({ _id: expected.id })).not.toBeNull();
  });
});

test('nothing is asked and nothing sent again while the lake is away; what it gets then is confirmed', async () => {
  const { lake, startLake, entries, emit, lakeHas, confirmed, origin, system } = await started();
  await emit(1);
  await lakeHas(1);
  await confirmed(1);
  await until(async () => ((await system.bindings.find(ORIGIN))?.reconciled?.flush ?? 0) > 0);
  await lake.stop();
  await emit(30, 1);
  await until(async () => (await entries.countDocuments({ pending: { $exists: true } })) === 0);
  // It may have asked the lake for something just before, and waits for that answer first.
  await until(async () => (await origin.outboxState()).unconfirmed === 30);
  expect((await system.bindings.find(ORIGIN))?.reconciled).toMatchObject({ unconfirmed: 30, resent: 0 });
  await startLake();
  await confirmed(31);
  expect((await origin.outboxState()).resent).toBe(0);
});

test('1,000 events cost three commands of MongoDB and two messages of Redis; nothing new costs one query a look', async () => {
  // All flushes of it are asked for between one look at how far the lake is and the next.
  const { system, entries, emit, confirmed, lakeHas } = await started({ ...AT_ONCE, pollMs: 1_000 });
  await emit(1);
  await lakeHas(1);
  await confirmed(1);
  // The first round is over.
  await until(async () => ((await system.bindings.find(ORIGIN))?.reconciled?.roundMs ?? 0) > 0);
  const commands = new Map<string, number>();
  const count = (what: string) => commands.set(what, (commands.get(what) ?? 0) + 1);
  const looked = ({ commandName, command }: { commandName: string; command: Record<string, unknown> }) => {
    const text = JSON.stringify(command);
    const own = command.$db === `${system.prefix}-${ORIGIN}`;
    if (own && commandName === 'find' && text.includes('"resent"')) count('entries');
    if (commandName === 'find' && command.find === 'lake' && text.includes('"$in"')) count('rows');
    if (text.includes('reconciled.') && text.includes(ORIGIN)) count('places');
    if (commandName === 'find' && command.find === 'bindings' && text.includes('"_id":"lake"')) count('lake');
  };
  // Past the queues, which are not what is measured.
  const first = await entries.findOne({ relayed: { $exists: true } });
  const relayed = first?.relayed ?? 0;
  const rows = system.collection<LakeRow>('lake', 'lake');
  const events = happenings(5_001).slice(1);
  await rows.insertMany(
    events.map((event, index) => ({
      _id: event.id,
      chain: 'lake',
      version: index + 2,
      event,
      storedAt: event.time,
      hash: '',
    })),
  );
  await entries.insertMany(
    events.map((event, index) => ({ _id: event.id, event, relayed: relayed + 1 + Math.floor(index / 1_000) })),
  );
  const published = vi.spyOn(system.transport.redis, 'publish');
  system.mongo.on('commandStarted', looked);
  await system.bindings.pass('lake', { [ORIGIN]: relayed + 5 });
  await until(async () => (await system.bindings.find(ORIGIN))?.reconciled?.flush === relayed + 5);
  system.mongo.off('commandStarted', looked);
  expect(commands.get('rows')).toBe(5);
  // Signs of life are others.
  const said = published.mock.calls.filter(([channel]) => /lake\/(questions|answers)/.test(String(channel)));
  expect(said).toHaveLength(10);
  // One more tells how much is unconfirmed, before any of it is settled.
  expect(commands.get('places')).toBeLessThanOrEqual(6);
  // One that found nothing to do, before the flushes counted as settled, and one at the end.
  expect(commands.get('entries')).toBeLessThanOrEqual(9);
  expect(commands.get('lake')).toBeLessThanOrEqual(4);

  commands.clear();
  system.mongo.on('commandStarted', looked);
  await new Promise(resolve => setTimeout(resolve, 1_600));
  system.mongo.off('commandStarted', looked);
  expect(commands.get('entries')).toBeLessThanOrEqual(5);
  expect([...commands.keys()]).toEqual(['entries']);
});
