import type { Collection } from 'mongodb';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { contract, createEvent, readEvent } from './contract.ts';
import { createSystem, happening, origin, TIME, useServers } from './fixture.ts';
import { meddledWith } from './meddling.fixture.ts';
import type { OutboxEntry } from './outbox.ts';
import { hasFields, isStoredAs, putBack } from './restore.ts';

const urls = useServers();

/** Rows of which somebody else stores something between a look and an insert. */
function beatenBy<Row extends OutboxEntry>(rows: Collection<Row>, store: () => Promise<unknown>): Collection<Row> {
  return meddledWith(rows, {
    async insertMany(itself, ...args) {
      await store();
      return itself(...args);
    },
  });
}

test('what is lost or changed of a record is put back as the lake has it, and is not relayed again', async () => {
  const { outbox, events } = await origin(createSystem(urls));
  const rows = events as unknown as Parameters<typeof putBack<OutboxEntry & { of?: string; seen?: number }>>[0];
  const [right, changed, lost] = [happening('1'), happening('2'), happening('3')];
  const all = [right, changed, lost];
  const back = (how?: Parameters<typeof putBack>[3]) =>
    putBack(rows, all, ({ id }) => ({ set: { of: id }, onInsert: { seen: 0 } }), how);
  await outbox.append(right, { of: '1', seen: 5 } as object);
  await outbox.append(changed, { of: 'x', seen: 6 } as object);
  await rows.updateOne({ _id: '2' }, { $set: { 'event.subject': 'another' } });

  expect(await back({ replay: false, rebuild: 'trial' })).toBe(2);
  expect(await rows.countDocuments()).toBe(2);
  expect(await back()).toBe(2);
  expect(await back()).toBe(0);
  const stored = await rows.find().sort({ _id: 1 }).toArray();
  expect(stored.map(({ event }) => event)).toEqual(all);
  // What only a new row gets is not touched where there is one.
  expect(stored.map(({ of, seen }) => [of, seen])).toEqual([
    ['1', 5],
    ['2', 6],
    ['3', 0],
  ]);
  expect(stored[2]).not.toHaveProperty('pending');
});

test('whoever asks is told the rows that were there and those that were put back, and none that somebody else was faster with', async () => {
  const { outbox, events } = await origin(createSystem(urls));
  const [there, lost, racing] = [happening('1'), happening('2'), happening('3')];
  await outbox.append(there, {});
  const seen: string[][] = [];
  const back = (rows: typeof events, wanted: Parameters<typeof putBack>[1]) =>
    putBack(
      rows,
      wanted,
      () => ({ set: {} }),
      undefined,
      found => seen.push(found.map(({ _id }) => _id)),
    );
  await back(events, [there, lost]);
  expect(seen).toEqual([['1'], ['2']]);
  await back(
    beatenBy(events, () => outbox.append(racing, {})),
    [racing],
  );
  expect(seen.slice(2)).toEqual([[]]);
});

test('where somebody has stored less than the event meanwhile, a mark that waits for it, the event comes to it all the same', async () => {
  const { events } = await origin(createSystem(urls));
  const rows = events as unknown as Parameters<typeof putBack<OutboxEntry & { of?: string; seen?: number }>>[0];
  const [lost, other] = [happening('1'), happening('2')];
  const marking = beatenBy(rows, () => rows.updateOne({ _id: '1' }, { $set: { seen: 7 } }, { upsert: true }));
  const back = (collection: typeof rows) =>
    putBack(collection, [lost, other], ({ id }) => ({ set: { of: id }, onInsert: { seen: 0 } }));
  expect(await back(marking)).toBe(2);
  expect(await rows.find().sort({ _id: 1 }).toArray()).toEqual([
    { _id: '1', event: lost, of: '1', seen: 7 },
    { _id: '2', event: other, of: '2', seen: 0 },
  ]);
  expect(await back(rows)).toBe(0);
});

test('what stands beside an event is put right as well', async () => {
  const { events } = await origin(createSystem(urls));
  const rows = events as unknown as Parameters<typeof putBack<OutboxEntry & { of?: string }>>[0];
  const back = (how?: Parameters<typeof putBack>[3]) =>
    putBack(rows, [happening('1')], () => ({ set: { of: 'a' }, onInsert: { seen: 0 } }), how);
  await back();
  for (const wrong of [{ $set: { of: 'b' } }, { $unset: { of: '' } }]) {
    await rows.updateOne({ _id: '1' }, wrong as object);
    expect(await back({ replay: false, rebuild: 'trial' })).toBe(1);
    expect(await back()).toBe(1);
    expect(await back()).toBe(0);
    expect(await rows.findOne()).toMatchObject({ of: 'a', seen: 0 });
  }
});

test('what an older release has stored is right as it is, though it is read as something newer', async () => {
  const { outbox, events } = await origin(createSystem(urls));
  const before = contract({
    ...{ type: 'counted', version: 1, description: 'A number came.' },
    data: z.object({ n: z.int() }),
    example: { n: 1 },
  });
  const counted = contract({
    ...{ type: 'counted', version: 2, description: 'A number came, as text.' },
    data: z.object({ text: z.string() }),
    example: { text: '1' },
    before,
    upcast: ({ n }) => ({ text: String(n) }),
  });
  const stored = createEvent(before, { id: '1', source: '/s', subject: 'a', time: TIME, data: { n: 7 } });
  await outbox.append(stored);
  const back = (event: typeof stored) => putBack(events, [readEvent(counted, event)], () => ({ set: {} }));
  expect(isStoredAs(stored, readEvent(counted, stored))).toBe(true);
  expect(hasFields({ event: stored, whose: 'a', more: 1 }, { event: readEvent(counted, stored), whose: 'a' })).toBe(
    true,
  );
  expect(hasFields({ event: stored, whose: 'b' }, { event: readEvent(counted, stored), whose: 'a' })).toBe(false);
  expect(hasFields(undefined, { event: stored })).toBe(false);
  expect(isStoredAs({ ...stored, subject: 'another' }, readEvent(counted, stored))).toBe(false);
  expect(await back(stored)).toBe(0);
  expect(await events.findOne({ _id: '1' })).toMatchObject({ event: stored });
  expect(await back({ ...stored, data: { n: 8 } })).toBe(1);
});
