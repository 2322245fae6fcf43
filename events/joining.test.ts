import { describe, expect, test } from 'vitest';
import { EVERY_TYPE } from './binding.ts';
import {
  connected,
  createSystem,
  happening,
  ORIGIN,
  origin,
  takeAll,
  until,
  useServers,
  waitingIds,
} from './fixture.ts';
import { LAKE } from './reconciler.ts';

const urls = useServers();
const SEEDING = 'the replay';

/** A system that has been running: two events were relayed, to the lake and to "known". */
async function grown() {
  const system = createSystem(urls);
  await connected(system.transport);
  await system.bind(LAKE, { consumes: [EVERY_TYPE] });
  await system.bind('known');
  const source = await origin(system);
  await source.outbox.append(happening('1'));
  await source.outbox.append(happening('2'));
  let hold: Promise<void> | undefined;
  let isStanding = false;
  const relay = source.relay({
    bindings: {
      ...system.bindings,
      async all() {
        isStanding = hold !== undefined;
        await hold;
        return system.bindings.all();
      },
    },
  });
  await until(async () => (await source.pending()) === 0);
  await takeAll(system, 'known');
  const binding = { _id: 'new', consumes: ['happened'], emits: [], partitions: 1, replayedFirst: [] };
  return {
    system,
    ...source,
    relay,
    another: source.relay,
    /** Does something while the relay is about to look: no look and no flush is half done. */
    async betweenLooks(work: () => Promise<void>) {
      let release = () => {};
      hold = new Promise(resolve => {
        release = resolve;
      });
      await until(() => isStanding);
      await work();
      hold = undefined;
      release();
    },
    bindNew: () => system.bindings.bind(binding, SEEDING),
    joined: async () => (await system.bindings.find('new'))?.joined?.[ORIGIN],
    marks: async (service: string) => (await system.transport.marks(service))[ORIGIN],
    async emit(id: string) {
      await source.outbox.append(happening(id));
      relay.wake();
      await until(async () => (await source.pending()) === 0);
    },
  };
}

describe('a service that is added', () => {
  test('gets what comes, and nobody gets again what was before', async () => {
    const { system, bindNew, joined, emit, events } = await grown();
    const relayed = (await events.find().toArray()).map(entry => entry.relayed ?? 0);
    await bindNew();
    await until(async () => (await joined()) !== undefined);
    await emit('3');
    expect(await waitingIds(system, 'new')).toEqual(['3']);
    expect(await waitingIds(system, 'known')).toEqual(['3']);
    const joinedAt = (await joined()) ?? 0;
    expect(joinedAt).toBeGreaterThan(Math.max(...relayed));
    expect((await events.findOne({ _id: '3' }))?.relayed).toBeGreaterThan(joinedAt);
  });

  test('is told of to the lake by a mark beyond where it joined, though nothing is sent', async () => {
    const { bindNew, joined, marks } = await grown();
    await bindNew();
    await until(async () => ((await marks(LAKE)) ?? 0) > ((await joined()) ?? Number.POSITIVE_INFINITY));
  });

  test('is told of to the lake by the next tenure, where the one before has noted it and died', async () => {
    const { system, bindNew, marks, relay, another } = await grown();
    await relay.stop();
    await bindNew();
    const noted = ((await marks(LAKE)) ?? 0) + 1;
    await system.bindings.join('new', ORIGIN, noted);
    another({ lease: { fence: () => 2 } });
    await until(async () => ((await marks(LAKE)) ?? 0) > noted);
  });

  test('gets again what Redis loses, from where it joined, when it has passed nothing yet', async () => {
    const { system, bindNew, joined, emit, pending, betweenLooks } = await grown();
    await system.bindings.pass('known', { [ORIGIN]: Number.MAX_SAFE_INTEGER });
    await system.bindings.pass(LAKE, { [ORIGIN]: Number.MAX_SAFE_INTEGER });
    await bindNew();
    await until(async () => (await joined()) !== undefined);
    await emit('3');
    await betweenLooks(system.loseRedis);
    await until(async () => (await waitingIds(system, 'new')).length > 0);
    await until(async () => (await pending()) === 0);
    expect(await waitingIds(system, 'new')).toEqual(['3']);
  });

  test('gets what was relayed since the first note, when that is of a tenure before', async () => {
    const { system, bindNew, joined, emit, events, relay } = await grown();
    await emit('3');
    await emit('4');
    await relay.stop();
    await bindNew();
    const first = ((await events.findOne({ _id: '3' }))?.relayed ?? 0) - 1;
    await system.bindings.join('new', ORIGIN, first);
    await system.bindings.join('new', ORIGIN, first + 100);
    const next = await origin(system);
    next.relay({ lease: { fence: () => 2 } });
    await until(async () => (await waitingIds(system, 'new')).length === 2);
    expect((await waitingIds(system, 'new')).sort()).toEqual(['3', '4']);
    expect(await joined()).toBe(first);
  });

  test('gets everything from its sources where nothing was relayed before, or where there is no lake', async () => {
    const { system, bindNew, joined, relay } = await grown();
    await relay.stop();
    await system.bindings.unbind(LAKE);
    await bindNew();
    const again = await origin(system);
    again.relay({ lease: { fence: () => 2 } });
    await until(async () => (await waitingIds(system, 'new')).length === 2);
    expect(await joined()).toBe(0);
  });
});

test('a service that is unbound gets nothing any more, and nothing is sent again for the loss of its marks', async () => {
  const { system, emit, events, betweenLooks } = await grown();
  const before = await events.find().sort({ _id: 1 }).toArray();
  await system.bindings.unbind('known');
  await system.transport.remove('known');
  // The relay may not have looked yet.
  await emit('3');
  await betweenLooks(() => system.transport.remove('known'));
  await emit('4');
  expect(await waitingIds(system, 'known')).toEqual([]);
  const old = { _id: { $in: ['1', '2'] } };
  expect(await events.find(old).sort({ _id: 1 }).toArray()).toEqual(before);
  expect(await system.transport.marks('known')).toEqual({});
});
