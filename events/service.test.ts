import { describe, expect, onTestFinished, test } from 'vitest';
import type { Binding } from './binding.ts';
import { systemIds } from './clock.ts';
import type { Contract } from './contract.ts';
import type { ServiceContext, ServiceDefinition } from './definition.ts';
import { deriveId, type Event } from './event.ts';
import type { fault } from './fault.ts';
import {
  createSystem,
  happened,
  happening,
  isReady,
  ORIGIN,
  type System,
  silent,
  until,
  useServers,
} from './fixture.ts';
import { onlyNearby } from './nearby.ts';
import type { OutboxEntry } from './outbox.ts';
import { rule } from './rule.ts';
import { assemble, type Resources } from './service.ts';

const urls = useServers();

/** Follows from `happened`. */
const answered: Contract<{ n: number }> = { ...happened, type: 'answered' };

type Definition = ServiceDefinition<unknown>;
const named = (name: string, change: Partial<Definition>): Definition => ({
  name,
  consumes: [],
  emits: [],
  indexes: {},
  create: () => ({ rules: [], resolvers: undefined }),
  ...change,
});

/** Emits what it is told to; the way of its outbox is handed out. */
function emitter(hand: (context: ServiceContext) => void): Definition {
  return named(ORIGIN, {
    emits: [happened],
    create(context) {
      hand(context);
      return { rules: [], resolvers: undefined };
    },
  });
}

/** Answers every `happened` once, and fails at "poison". */
const answerer = named('answerer', {
  consumes: [happened],
  emits: [answered],
  indexes: { answers: [{ key: { n: 1 } }] },
  create: ({ outbox, collection }) => ({
    resolvers: undefined,
    rules: [
      rule([happened], async events => {
        if (events.some(({ id }) => id === 'poison')) throw new TypeError('cannot be handled');
        for (const { id, data } of events)
          await collection<{ _id: string }>('answers').updateOne({ _id: id }, { $set: data }, { upsert: true });
        await outbox.appendDerived(
          events.map(({ id, ...event }) => ({
            ...event,
            id: deriveId('answered', id),
            type: 'answered',
            source: '/answerer',
          })),
        );
      }),
    ],
  }),
});

/** Hears everything. */
function listener(heard: Event[]): Definition {
  return named('listener', {
    consumes: 'everything',
    create: () => ({
      resolvers: undefined,
      rules: [{ on: 'everything', handle: async events => void heard.push(...events) }],
    }),
  });
}

async function running(system: System & Pick<Resources, 'utilization'>, definitions: Definition[], holder = 'process') {
  await Promise.all([isReady(system.transport.redis), isReady(system.subscriber)]);
  const services = definitions.map(definition =>
    assemble(definition, { ...system, ids: systemIds, holder, log: silent }),
  );
  await Promise.all(services.map(({ prepare }) => prepare()));
  for (const service of services) {
    service.start();
    onTestFinished(() => service.stop());
  }
  return services;
}

test('what hurries goes by how busy the process is', async () => {
  const system = createSystem(urls);
  let outbox: ServiceContext['outbox'] | undefined;
  let asked = 0;
  const utilization = () => {
    asked += 1;
    return 0;
  };
  await running({ ...system, utilization }, [emitter(context => (outbox = context.outbox)), listener([])]);
  await until(async () => {
    await outbox?.append(happening(`${asked} ${systemIds.next()}`));
    return asked > 0;
  });
});

describe('in a second thread', () => {
  const working = (done: unknown[]) =>
    named('worker', {
      consumes: [happened],
      create: () => ({
        resolvers: undefined,
        rules: [rule([happened], async events => void done.push(...events.map(({ id }) => id)))],
        tasks: { work: async input => void done.push(input) },
      }),
    });

  test('a service does tasks and handles what is handed to it, and leaves its queues to the first', async () => {
    const system = createSystem(urls);
    await Promise.all([isReady(system.transport.redis), isReady(system.subscriber)]);
    const transport = onlyNearby(system.transport);
    const done: unknown[] = [];
    const second = assemble(working(done), { ...system, transport, ids: systemIds, holder: 'beside', log: silent });
    second.startBeside();
    onTestFinished(() => second.stop());
    const letter = { service: 'worker', partition: 0, source: ORIGIN };
    await transport.send([{ ...letter, events: [happening('queued')] }]);
    expect(await transport.hand({ ...letter, events: [happening('handed')] })).toBe(true);
    expect(await transport.hand({ ...letter, partition: 1, events: [happening('another')] })).toBe(true);
    await second.runTask('work', 'a task', new AbortController().signal);
    expect(done).toEqual(['handed', 'another', 'a task']);
    expect((await system.transport.look('worker')).members).toEqual([]);
    expect(second.isRelaying()).toBe(false);
  });

  test('tasks are done where there is one and there is enough to do, and else where they are asked for', async () => {
    const system = createSystem(urls);
    const done: unknown[] = [];
    const elsewhere: unknown[] = [];
    const contexts: ServiceContext[] = [];
    const definition = working(done);
    const asking = {
      ...definition,
      create: (context: ServiceContext) => {
        contexts.push(context);
        return definition.create(context);
      },
    };
    const resources = { ...system, ids: systemIds, holder: 'process', log: silent };
    const run = async (...what: unknown[]) => void elsewhere.push(what.slice(0, 3));
    assemble(asking, { ...resources, beside: { from: 10, run } });
    assemble(asking, resources);
    const { signal } = new AbortController();
    for (const { runTask } of contexts) await runTask('work', 'much', 10, signal);
    await contexts[0]?.runTask('work', 'little', 9, signal);
    expect(elsewhere).toEqual([['worker', 'work', 'much']]);
    expect(done).toEqual(['much', 'little']);
    await expect(contexts[1]?.runTask('play', {}, 10, signal)).rejects.toThrow('service worker has no task "play"');
  });
});

describe('assembled services', () => {
  test('pass an event from outbox to consumers, and what follows from it on to others', async () => {
    const system = createSystem(urls);
    const heard: Event[] = [];
    let context: ServiceContext | undefined;
    await running(system, [emitter(given => (context = given)), answerer, listener(heard)]);
    await context?.outbox.append(happening('1'));
    await until(() => heard.length >= 2);
    expect(heard.map(({ type }) => type).sort()).toEqual(['answered', 'happened']);
    expect(await system.collection('answerer', 'answers').find().toArray()).toEqual([{ _id: '1', n: 1 }]);
  });

  test('say which of their events are not relayed yet', async () => {
    const system = createSystem(urls);
    let context: ServiceContext | undefined;
    const [service] = await running(system, [emitter(given => (context = given))]);
    await until(async () => (await service?.outboxState())?.pending === 0);
    await context?.outbox.append(happening('1'));
    await until(async () => (await system.collection<OutboxEntry>(ORIGIN, 'events').findOne())?.relayed);
    expect(await service?.outboxState()).toMatchObject({ pending: 0, oldestSeconds: 0, resent: 0 });
  });

  test('set aside what they cannot handle as a fault, which goes its way like any other event', async () => {
    const system = createSystem(urls);
    const heard: Event[] = [];
    let context: ServiceContext | undefined;
    await running(system, [emitter(given => (context = given)), answerer, listener(heard)]);
    const poison = happening('poison');
    await context?.outbox.append(poison);
    const found = await until(() => heard.find(({ type }) => type === 'fault'));
    expect(found).toMatchObject({
      source: '/answerer',
      causationid: 'poison',
      data: { service: 'answerer', error: 'cannot be handled', deliveries: 3, original: poison } satisfies Partial<
        typeof fault extends Contract<infer Data> ? Data : never
      >,
    });
  });

  test('make their wishes known before they start, and have their indexes then', async () => {
    const system = createSystem(urls);
    const service = assemble(answerer, { ...system, ids: systemIds, holder: 'process', log: silent });
    await service.prepare();
    await service.prepare();
    expect(await system.bindings.all()).toEqual([
      {
        _id: 'answerer',
        consumes: ['happened'],
        unhurried: [],
        emits: ['answered'],
        emitted: ['answered'],
        ofOthers: [],
        partitions: 8,
        replayedFirst: [],
        replayedTogether: false,
        rebuildable: false,
        rebuiltWhole: false,
        seeding: expect.any(String),
      } satisfies Binding,
    ]);
    const keys = async (name: string) => (await system.collection('answerer', name).indexes()).map(({ key }) => key);
    expect(await keys('answers')).toContainEqual({ n: 1 });
    expect(await keys('events')).toEqual(expect.arrayContaining([{ pending: 1 }, { relayed: 1 }]));
  });

  test('in two processes relay in one of them, and the other wakes it', async () => {
    const system = createSystem(urls);
    const other = createSystem(urls, { prefix: system.prefix });
    const contexts: ServiceContext[] = [];
    const heard: Event[] = [];
    await running(system, [emitter(given => contexts.push(given)), listener(heard)], 'first');
    await running(other, [emitter(given => contexts.push(given))], 'second');
    await contexts[0]?.outbox.append(happening('0'));
    await until(() => heard.length === 1);
    for (const [index, { outbox }] of contexts.entries()) {
      await outbox.append(happening(`${index + 1}`));
      await until(() => heard.length >= index + 2);
    }
    expect(heard.map(({ id }) => id)).toEqual(['0', '1', '2']);
  });

  test('move their watermark by themselves', async () => {
    const system = createSystem(urls);
    let context: ServiceContext | undefined;
    await running(system, [emitter(given => (context = given)), listener([])]);
    await context?.outbox.append(happening('1'));
    const events = system.collection<OutboxEntry>(ORIGIN, 'events');
    const relayed = await until(async () => (await events.findOne())?.relayed);
    await until(async () => ((await system.bindings.find('listener'))?.passed?.[ORIGIN] ?? 0) >= relayed);
  });
});

describe('a definition', () => {
  const made = (change: Partial<Definition>) => () =>
    assemble(named('a', change), { ...createSystem(urls), ids: systemIds, holder: 'process', log: silent });

  test('that consumes what no rule handles is refused, and names it', () => {
    expect(made({ consumes: [happened] })).toThrow('service a: consumed without a rule: happened');
  });

  test('whose rules handle what it does not consume is refused, and names it', () => {
    const rules = [rule([happened], async () => undefined)];
    expect(made({ create: () => ({ rules, resolvers: undefined }) })).toThrow('handled but not consumed: happened');
  });
});
