import { expect, test } from 'vitest';
import { findDifferences, type Row } from './compare.ts';
import { createSystem, fakeClock, useServers } from './fixture.ts';

const urls = useServers();

async function compared(served: Row[], copy: Row[], meanwhile: (of: 'served' | 'copy') => Row[] = () => []) {
  const { rows } = await differencesOf(served, copy, meanwhile);
  return Object.fromEntries([...rows].map(([id, subjects]) => [id, [...subjects].join(', ')]));
}

async function differencesOf(served: Row[], copy: Row[], meanwhile: (of: 'served' | 'copy') => Row[] = () => []) {
  const system = createSystem(urls);
  const [a, b] = [system.collection<Row>('s', 'rows'), system.collection<Row>('s', 'rows-2')];
  if (served.length > 0) await a.insertMany(served);
  if (copy.length > 0) await b.insertMany(copy);
  const clock = {
    ...fakeClock(),
    // While it waits before it looks again, the rest arrives.
    async sleep() {
      for (const row of meanwhile('served')) await a.replaceOne({ _id: row._id }, row, { upsert: true });
      for (const row of meanwhile('copy')) await b.replaceOne({ _id: row._id }, row, { upsert: true });
    },
  };
  return findDifferences({
    ...{ served: a, copy: b, filter: {}, subject: 'of', ignored: ['note'], clock },
    signal: new AbortController().signal,
  });
}

const row = (_id: string, n: number, more: object = {}): Row => ({ _id, of: `subject of ${_id}`, n, ...more });

test('rows that are missing, that are too many, and that differ are named, each with its subject', async () => {
  const served = [row('a', 1), row('b', 2), row('d', 4), row('ö', 5)];
  const copy = [row('a', 1), row('c', 3), row('d', 5), row('ö', 5)];
  expect(await compared(served, copy)).toEqual({ b: 'subject of b', c: 'subject of c', d: 'subject of d' });
  expect(await compared([], copy)).toHaveProperty('c');
  expect(await compared(served, [])).toHaveProperty('b');
});

test('of a row that was moved both subjects are named, the one that has it and the one that it belongs to', async () => {
  expect(await compared([{ ...row('a', 1), of: 'x' }], [{ ...row('a', 1), of: 'y' }])).toEqual({ a: 'x, y' });
});

test('neither the order of fields, nor the marks of the outbox, nor what says nothing of a row makes a difference', async () => {
  const served = [{ _id: 'a', of: 's', n: { x: 1, y: [1, { b: 2, c: 3 }] }, relayed: 7, revision: 3, note: 'x' }];
  const copy = [{ _id: 'a', n: { y: [1, { c: 3, b: 2 }], x: 1 }, of: 's', pending: 8 }];
  expect(await compared(served, copy)).toEqual({});
});

test('a row that changes while it is compared is looked at again', async () => {
  expect(await compared([row('a', 2)], [row('a', 1)], of => (of === 'copy' ? [row('a', 2)] : []))).toEqual({});
});

test('of more rows than are read at once, each is compared with its like', async () => {
  const name = (n: number) => `r${String(n).padStart(4, '0')}`;
  const all = Array.from({ length: 2_300 }, (_, n) => row(name(n), n));
  const served = all.filter(({ _id }) => _id !== name(999));
  const copy = all
    .filter(({ _id }) => _id !== name(0) && _id !== name(2_299))
    .map(each => (each._id === name(2_000) ? { ...each, n: -1 } : each));
  const differing = [0, 999, 2_000, 2_299].map(name);
  expect(Object.keys(await compared(served, copy)).sort()).toEqual(differing);
});

test('of more rows that differ than can be kept the others are counted', async () => {
  const all = Array.from({ length: 10_007 }, (_, n) => row(`r${n}`, n));
  const { rows, beyond } = await differencesOf(all, []);
  expect([rows.size, beyond]).toEqual([10_000, 7]);
});
