import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Contract, createEvent } from './contract.ts';
import {
  type CollectedRow,
  type CorrelationRule,
  correlationIndexes,
  createCorrelation,
  decide,
  decisionId,
  such,
} from './correlation.ts';
import type { Event } from './event.ts';
import { createSystem, fakeClock, useServers } from './fixture.ts';
import type { OutboxEntry } from './outbox.ts';

const urls = useServers();
const START = '2026-01-31T12:00:00.000Z';
const at = (seconds: number) => new Date(Date.parse(START) + seconds * 1000).toISOString();
const HOUR_MS = 3_600_000;

type Parcel = { parcel?: string | undefined; weight: number };
const contract = (type: string): Contract<Parcel> => ({
  ...{ type, version: 1, description: 'Of a shop.' },
  data: z.object({ parcel: z.string().optional(), weight: z.number() }),
});
const ordered = contract('ordered');
const packed = contract('packed');
const paid = contract('paid');
const shipped = contract('shipped');
const cancelled = contract('cancelled');
const welcomed = contract('welcomed');

const SOURCE = '/shipping';
const of = (type: Contract<Parcel>, seconds: number, more: Partial<Parcel> = {}, id = `${type.type}-${seconds}`) =>
  createEvent(type, {
    ...{ id, source: '/shop', subject: 'shelf', time: at(seconds), correlationid: 'order' },
    data: { parcel: 'p', weight: 1, ...more },
  });

/** Ships what is ordered, paid and packed as heavy as it was ordered; cancels what is not within an hour. */
const rules: readonly CorrelationRule[] = [
  {
    decision: 'fate',
    whenAllOf: [ordered, paid, such(packed, ({ data }, story) => data.weight === story.find(ordered)?.data.weight)],
    emit: (story, draft) => createEvent(shipped, { ...draft, data: { weight: story.the(packed).data.weight } }),
  },
  {
    decision: 'fate',
    since: ordered,
    expireAfter: () => HOUR_MS,
    emit: (story, draft) => createEvent(cancelled, { ...draft, data: { weight: story.the(ordered).data.weight } }),
  },
  {
    decision: 'thanks',
    whenAllOf: [shipped],
    emit: (_, draft) => createEvent(welcomed, { ...draft, data: { weight: 0 } }),
  },
];
const by = ({ data }: Event) => (data as Parcel).parcel;
const all = [of(ordered, 0), of(packed, 2), of(paid, 1)];

describe('a story', () => {
  const decided = (events: readonly Event[], nowMs?: number) => decide({ source: SOURCE, rules }, 'p', events, nowMs);

  test('comes to a decision when all is there, and is told by what follows from what', () => {
    expect(decided(all)).toMatchObject([
      {
        ...{ type: 'shipped', id: decisionId(SOURCE, 'p', 'fate'), source: SOURCE, subject: 'p', time: at(2) },
        ...{ causationid: 'packed-2', correlationid: 'order', data: { weight: 1 } },
      },
    ]);
    for (const left of all) expect(decided(all.filter(event => event !== left))).toEqual([]);
  });

  test('asks of an event what a condition says of it', () => {
    expect(decided([of(ordered, 0), of(packed, 2, { weight: 9 }), of(paid, 1)])).toEqual([]);
    expect(decided([of(ordered, 0), of(packed, 2, { weight: 9 }), of(packed, 3), of(paid, 1)])).toMatchObject([
      { causationid: 'packed-3' },
    ]);
  });

  test('is decided once, by the first rule that holds', () => {
    const late = Date.parse(START) + 2 * HOUR_MS;
    expect(decided(all, late)).toMatchObject([{ type: 'shipped' }]);
    expect(decided([of(ordered, 0)], late)).toMatchObject([
      { type: 'cancelled', time: at(3_600), causationid: 'ordered-0' },
    ]);
    const [cancelling] = decided([of(ordered, 0)], late) as [Event];
    expect(decided([...all, cancelling])).toEqual([]);
  });

  test('expires at its time, not before', () => {
    expect(decided([of(ordered, 0)])).toEqual([]);
    expect(decided([of(ordered, 0)], Date.parse(START) + HOUR_MS - 1)).toEqual([]);
    expect(decided([of(ordered, 0)], Date.parse(START) + HOUR_MS)).toHaveLength(1);
  });

  test('is the same in any order, and with the earliest of several', () => {
    const twice = [...all, of(paid, 5), of(ordered, 7, { weight: 2 })];
    const [expected] = decided(twice);
    fc.assert(
      fc.property(fc.shuffledSubarray(twice, { minLength: twice.length }), order => {
        expect(decided(order)).toEqual([expected]);
      }),
    );
  });

  test('says when a rule asks for what its conditions do not name', () => {
    const wrong: CorrelationRule = {
      decision: 'fate',
      whenAllOf: [ordered],
      emit: (story, draft) => createEvent(shipped, { ...draft, data: story.the(paid).data }),
    };
    expect(() => decide({ source: SOURCE, rules: [wrong] }, 'p', all.slice(0, 1))).toThrow(/p: there is no paid here/);
  });
});

async function correlating() {
  const system = createSystem(urls);
  const { collection, outbox } = system.context('shipping');
  const [store, record] = [collection<CollectedRow>('store'), collection<OutboxEntry>('events')];
  await store.createIndexes([...correlationIndexes]);
  const clock = fakeClock(Date.parse(START));
  const open = () => createCorrelation({ source: SOURCE, by, rules, store, record, outbox, clock });
  return {
    ...open(),
    clock,
    store,
    record,
    another: open,
    types: async () => (await record.find().toArray()).map(({ event }) => event.type).sort(),
  };
}

describe('a correlation', () => {
  test('collects what belongs to a story, and goes on until nothing more follows', async () => {
    const { handle, types, store, decisions } = await correlating();
    const stranger = of(paid, 1, { parcel: undefined }, 'stranger');
    expect(await handle([...all, stranger])).toBe(all.length);
    expect(await types()).toEqual(['shipped', 'welcomed']);
    expect(await store.countDocuments({})).toBe(all.length);
    expect((await decisions(['p', 'q'])).get('p')).toHaveLength(2);
    expect((await decisions(['p', 'q'])).has('q')).toBe(false);
  });

  test('comes to the same however it is delivered, by several processes at once', async () => {
    const { record, store, another } = await correlating();
    const expected = decide({ source: SOURCE, rules }, 'p', all);
    const deliveries = fc.record({
      order: fc.shuffledSubarray(all, { minLength: all.length }),
      again: fc.subarray(all),
      replay: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(deliveries, async ({ order, again, replay }) => {
        await Promise.all([record.deleteMany({}), store.deleteMany({})]);
        const processes = [another(), another()] as const;
        await Promise.all(order.map((event, index) => processes[index % 2 === 0 ? 0 : 1].handle([event])));
        await processes[0].handle(again, { replay });
        const shippings = await record.find({ 'event.type': 'shipped' }).toArray();
        expect(shippings.map(({ event }) => event)).toEqual(expected);
      }),
      { numRuns: 25 },
    );
  });

  test('emits what is missing when a process has died between collecting and emitting', async () => {
    const { collect, handle, types } = await correlating();
    await collect(all);
    expect(await types()).toEqual([]);
    await handle([all[0] as Event]);
    expect(await types()).toEqual(['shipped', 'welcomed']);
  });

  test('emits what has expired once, whichever process looks; and what comes too late changes nothing', async () => {
    const { handle, expire, another, clock, types, store } = await correlating();
    await handle([of(ordered, 0)]);
    await expire();
    expect(await types()).toEqual([]);
    await clock.pass(HOUR_MS);
    await Promise.all([expire(), another().expire(), another().expire()]);
    expect(await types()).toEqual(['cancelled']);
    expect(await store.countDocuments({ due: { $exists: true } })).toBe(0);
    await handle(all);
    await expire();
    expect(await types()).toEqual(['cancelled']);
  });

  test('where something may expire and be decided at once, one of the two stands', async () => {
    const { another, clock, types, record, store } = await correlating();
    await clock.pass(HOUR_MS);
    for (let round = 0; round < 12; round++) {
      await Promise.all([record.deleteMany({}), store.deleteMany({})]);
      const [one, other] = [another(), another()];
      await one.handle(all.slice(0, 2));
      await Promise.all(round % 2 === 0 ? [one.expire(), other.handle(all)] : [other.handle(all), one.expire()]);
      expect([['cancelled'], ['shipped', 'welcomed']]).toContainEqual(await types());
    }
  });

  test('lets a replay put back what was lost or changed in the store', async () => {
    const { handle, store } = await correlating();
    await handle(all);
    const before = await store.find().sort({ _id: 1 }).toArray();
    await store.deleteOne({ _id: 'paid-1' });
    await store.updateOne({ _id: 'packed-2' }, { $set: { key: 'q', 'event.data.weight': 7 } });
    expect(await handle(all)).toBe(1);
    expect(await handle(all, { replay: true })).toBe(1);
    expect(await handle(all, { replay: true })).toBe(0);
    expect(await store.find().sort({ _id: 1 }).toArray()).toEqual(before);
  });

  test('puts back what is lost of a part of the lake, and decides nothing by it: what was decided may be in the rest', async () => {
    const { handle, expire, clock, store, record, types } = await correlating();
    await handle(all);
    expect(await types()).toEqual(['shipped', 'welcomed']);
    await Promise.all([record.deleteMany({}), store.deleteMany({})]);
    expect(await handle(all.slice(0, 2), { replay: true, part: true })).toBe(2);
    await clock.pass(2 * HOUR_MS);
    await expire();
    expect(await handle(all, { replay: true, part: true })).toBe(1);
    expect(await types()).toEqual([]);
  });
});
