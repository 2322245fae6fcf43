import { MongoNetworkError } from 'mongodb';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { systemClock } from './clock.ts';
import { contract, createEvent, dataSchemaOf } from './contract.ts';
import { createSystem, happening, origin, TIME, useServers } from './fixture.ts';
import { type Meddling, meddledWith } from './meddling.fixture.ts';
import { createOutbox, type OutboxEntry } from './outbox.ts';

const urls = useServers();

async function started(fail: (write: number) => 'before' | 'after' | undefined = () => undefined) {
  const system = createSystem(urls);
  const { events } = await origin(system);
  let writes = 0;
  let wakes = 0;
  const write: Meddling = async (itself, ...args) => {
    const when = fail(writes++);
    if (when === 'before') throw new MongoNetworkError('away');
    const result = await itself(...args);
    if (when === 'after') throw new MongoNetworkError('away');
    return result;
  };
  const flaky = meddledWith(events, { insertOne: write, insertMany: write });
  const outbox = createOutbox({
    collection: flaky as unknown as ReturnType<typeof system.collection>,
    clock: { ...system.clock, now: () => 42 },
    wake: () => wakes++,
  });
  return { outbox, events, wakes: () => wakes };
}

test('an event is stored in one document with the fields of its service, pending, and the relay is woken', async () => {
  const { outbox, events, wakes } = await started();
  const event = happening('1');
  expect(await outbox.append(event, { owner: 'alice' } as object)).toBeUndefined();
  expect(await events.find().toArray()).toEqual([{ _id: '1', event, pending: 42, owner: 'alice' }]);
  expect(wakes()).toBe(1);
});

test('an event is stored, and handed to the relay, in the version that its contract says is written', async () => {
  const { events } = await origin(createSystem(urls));
  const one = { version: 1, description: 'A number came.', data: z.object({ n: z.int() }), example: { n: 1 } } as const;
  const before = contract({ type: 'counted', ...one });
  const counted = contract({
    ...{ type: 'counted', version: 2, description: 'A number came, as text.' },
    data: z.object({ text: z.string() }),
    example: { text: '1' },
    before,
    upcast: ({ n }) => ({ text: String(n) }),
    writtenAs: ({ text }) => ({ n: Number(text) }),
  });
  const woken: unknown[] = [];
  const outbox = createOutbox({
    collection: events as never,
    emits: [counted],
    clock: { ...systemClock, now: () => 42 },
    wake: (stored = []) => woken.push(...stored),
  });
  const decided = createEvent(counted, { id: '1', source: '/s', subject: 'a', time: TIME, data: { text: '7' } });
  const written = { ...decided, dataschema: dataSchemaOf(before), data: { n: 7 } };
  await outbox.append(decided);
  await outbox.appendDerived([{ ...decided, id: '2' }]);
  outbox.wake([{ ...decided, id: '3' }]);
  expect((await events.find().sort({ _id: 1 }).toArray()).map(({ event }) => event)).toEqual([
    written,
    { ...written, id: '2' },
  ]);
  expect(outbox.entry(decided).event).toEqual(written);
  expect(woken).toEqual([written, { ...written, id: '3' }]);
});

test('an id is stored once for ever: what has it already is handed back and stays as it is', async () => {
  const { outbox, events, wakes } = await started();
  await outbox.append(happening('1', { n: 1 }));
  await events.updateOne({ _id: '1' }, { $unset: { pending: '' }, $set: { relayed: 7 } });
  const stored = await outbox.append(happening('1', { n: 2 }));
  expect(stored).toEqual({ _id: '1', event: happening('1', { n: 1 }), relayed: 7 });
  expect(await events.countDocuments()).toBe(1);
  expect(wakes()).toBe(1);
});

test('of the same event appended many times at once, one is new', async () => {
  const { outbox } = await started();
  const answers = await Promise.all(Array.from({ length: 10 }, () => outbox.append(happening('1'))));
  expect(answers.filter(answer => answer === undefined)).toHaveLength(1);
});

test('of events that are appended together each is told its own outcome', async () => {
  const { outbox, events } = await started();
  await outbox.append(happening('known', { n: 1 }));
  const tooLarge = { ...happening('large'), text: 'x'.repeat(17_000_000) };
  const appended = [happening('1'), happening('known', { n: 2 }), tooLarge, happening('2'), happening('1', { n: 3 })];
  const outcomes = await Promise.allSettled(appended.map(event => outbox.append(event)));
  expect(outcomes).toMatchObject([
    { status: 'fulfilled', value: undefined },
    { status: 'fulfilled', value: { event: happening('known', { n: 1 }) } },
    { status: 'rejected' },
    { status: 'fulfilled', value: undefined },
    { status: 'fulfilled', value: { event: happening('1') } },
  ]);
  expect((await events.find().toArray()).map(({ _id }) => _id).sort()).toEqual(['1', '2', 'known']);
});

test('what is appended while a command is on its way goes with the next one', async () => {
  let commands = 0;
  const { outbox, events } = await started(() => {
    commands += 1;
    return undefined;
  });
  await Promise.all(Array.from({ length: 50 }, (_, n) => outbox.append(happening(`${n}`))));
  expect(commands).toBe(2);
  expect(await events.countDocuments()).toBe(50);
});

test('a database that is away for a moment is waited for', async () => {
  const { outbox, events } = await started(write => (write < 2 ? 'before' : undefined));
  expect(await outbox.append(happening('1'))).toBeUndefined();
  expect(await events.countDocuments()).toBe(1);
});

test('a write whose answer was lost is found under its id', async () => {
  const { outbox } = await started(write => (write === 0 ? 'after' : undefined));
  expect(await outbox.append(happening('1'))).toMatchObject({ _id: '1', event: happening('1') });
});

test('a database that stays away is an error, and nothing is acknowledged', async () => {
  const { outbox, wakes } = await started(() => 'before');
  await expect(outbox.append(happening('1'))).rejects.toThrow('away');
  expect(wakes()).toBe(0);
});

test('derived events that are there already are left as they are, and the others are stored', async () => {
  const { outbox, events } = await started();
  await outbox.appendDerived([happening('1', { n: 1 })]);
  await outbox.appendDerived([happening('1', { n: 2 }), happening('2'), happening('1', { n: 3 })]);
  await outbox.appendDerived([]);
  const rows = await events.find().sort({ _id: 1 }).toArray();
  expect(rows.map(({ event }) => event)).toEqual([happening('1', { n: 1 }), happening('2')]);
});

test('an entry is what a store of its own inserts', async () => {
  const { outbox } = await started();
  expect(outbox.entry(happening('1'))).toEqual({ _id: '1', event: happening('1'), pending: 42 } satisfies OutboxEntry);
});
