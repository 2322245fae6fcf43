import { expect, onTestFinished, test } from 'vitest';
import { createSystem, happening, isReady, ORIGIN, origin, silent, until, useServers } from './fixture.ts';
import type { OutboxEntry } from './outbox.ts';
import { SIGNS, type Sign, startSigns } from './signs.ts';

const urls = useServers();

async function started() {
  const system = createSystem(urls);
  await Promise.all([isReady(system.transport.redis), isReady(system.subscriber)]);
  await system.bind(ORIGIN);
  const { outbox } = await origin(system);
  const heard: string[] = [];
  onTestFinished(system.feed.listen<Sign>(SIGNS, ({ service }) => heard.push(service)));
  let fence: number | undefined = 1;
  // The subscription has to stand before the first sign.
  const channel = `${system.prefix}:feed:${SIGNS}`;
  await until(async () => Number((await system.transport.redis.pubsub('NUMSUB', channel))[1]) > 0);
  const commands: string[] = [];
  system.mongo.on('commandStarted', ({ commandName }) => commands.push(commandName));
  let waits: (() => void)[] = [];
  const signs = startSigns({
    service: ORIGIN,
    collection: () => system.collection<OutboxEntry>(ORIGIN, 'events'),
    lease: { fence: () => fence },
    bindings: system.bindings,
    feed: system.feed,
    clock: {
      ...system.clock,
      sleep: (_, signal) =>
        new Promise(resolve => {
          waits.push(() => {
            signal?.removeEventListener('abort', end);
            resolve();
          });
          const end = () => resolve();
          signal?.addEventListener('abort', end);
        }),
    },
    log: silent,
  });
  onTestFinished(() => signs.stop());
  await until(() => waits.length > 0);
  return {
    ...system,
    outbox,
    heard,
    commands,
    setFence: (next: number | undefined) => {
      fence = next;
    },
    /** One turn. */
    async turn() {
      const [go] = waits;
      waits = [];
      go?.();
      await until(() => waits.length > 0);
    },
    waiting: async () => (await system.bindings.find(ORIGIN))?.waiting,
  };
}

test('a service says that it runs, and what has waited in its outbox for a while', async () => {
  const { outbox, heard, waiting, turn, clock } = await started();
  await until(() => heard.length === 1);
  expect(await waiting()).toEqual({ events: 0, oldestMs: null, notedMs: expect.any(Number) });
  const beforeMs = clock.now();
  await outbox.append(happening('1'));
  await outbox.append(happening('2'));
  await until(async () => {
    await turn();
    return (await waiting())?.events === 2;
  });
  const { oldestMs } = (await waiting()) ?? {};
  expect(oldestMs).toBeGreaterThanOrEqual(beforeMs);
  expect(oldestMs).toBeLessThanOrEqual(clock.now());
  expect(new Set(heard)).toEqual(new Set([ORIGIN]));
});

test('it costs one query a turn while nothing waits, whatever was deposited', async () => {
  const { outbox, commands, turn, collection, waiting } = await started();
  for (let index = 0; index < 50; index++) await outbox.append(happening(`${index}`));
  await until(async () => {
    await turn();
    return (await waiting())?.events === 50;
  });
  await collection(ORIGIN, 'events').updateMany({}, { $unset: { pending: '' } });
  await turn();
  expect(await waiting()).toEqual({ events: 0, oldestMs: null, notedMs: expect.any(Number) });
  commands.length = 0;
  await turn();
  await turn();
  expect(commands).toEqual(['find', 'find']);
});

test('where the relay does not run, nothing is said', async () => {
  const { heard, commands, setFence, turn } = await started();
  await until(() => heard.length === 1);
  setFence(undefined);
  commands.length = 0;
  await turn();
  await turn();
  expect(commands).toEqual([]);
  expect(heard).toHaveLength(1);
});

test('what waits is noted also while Redis is away', async () => {
  const { outbox, waiting, turn, transport } = await started();
  transport.redis.disconnect();
  await outbox.append(happening('1'));
  await until(async () => {
    await turn();
    return (await waiting())?.events === 1;
  });
});
