import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSystem, useServers } from './fixture.ts';
import { createProjection, materialize, type ViewRow } from './view.ts';

const urls = useServers();

type Row = ViewRow & { text: string };
const row = (_id: string, version: number): Row => ({ _id, version, text: `${_id} at ${version}` });
const rows = () => createSystem(urls).collection<Row>('a', 'view');

test('the last version wins, in any order, with any duplicates, in any batches', async () => {
  const collection = rows();
  const writes = fc.array(
    fc.array(fc.record({ _id: fc.constantFrom('x', 'y'), version: fc.integer({ min: 1, max: 6 }) })),
    {
      maxLength: 6,
    },
  );
  await fc.assert(
    fc.asyncProperty(writes, fc.boolean(), async (batches, concurrent) => {
      await collection.deleteMany({});
      const work = batches.map(
        batch => () =>
          materialize(
            collection,
            batch.map(({ _id, version }) => row(_id, version)),
          ),
      );
      if (concurrent) await Promise.all(work.map(write => write()));
      else for (const write of work) await write();
      const newest = (id: string) =>
        Math.max(0, ...batches.flat().flatMap(({ _id, version }) => (_id === id ? version : [])));
      const expected = ['x', 'y'].filter(id => newest(id) > 0).map(id => row(id, newest(id)));
      expect(await collection.find().sort({ _id: 1 }).toArray()).toEqual(expected);
    }),
    { numRuns: 40 },
  );
});

test('of concurrent first writes the newest wins', async () => {
  const collection = rows();
  for (let round = 0; round < 10; round++) {
    const versions = [3, 1, 5, 2, 4];
    await Promise.all(versions.map(version => materialize(collection, [row(`${round}`, version)])));
    expect(await collection.findOne({ _id: `${round}` })).toEqual(row(`${round}`, 5));
  }
});

test('the same version again changes nothing', async () => {
  const collection = rows();
  await materialize(collection, [row('x', 1)]);
  await materialize(collection, [{ ...row('x', 1), text: 'another' }]);
  expect(await collection.findOne({ _id: 'x' })).toEqual(row('x', 1));
});

test('from the lake, what is shown wrongly or not at all is put right, and nothing else is written', async () => {
  const collection = rows();
  await materialize(collection, [row('wrong', 2), row('right', 2), row('newer', 3)]);
  await collection.updateOne({ _id: 'wrong' }, { $set: { text: 'tampered with' } });
  const again = [row('wrong', 2), row('right', 2), row('newer', 2), row('lost', 1)];
  expect(await materialize(collection, again, { replay: true })).toBe(2);
  const shown = [row('lost', 1), row('newer', 3), row('right', 2), row('wrong', 2)];
  expect(await collection.find().sort({ _id: 1 }).toArray()).toEqual(shown);
  expect(await materialize(collection, again, { replay: true })).toBe(0);
});

test('a duplicate does not keep the rest of its batch out', async () => {
  const collection = rows();
  await materialize(collection, [row('x', 5)]);
  await materialize(collection, [row('x', 4), row('y', 1), row('x', 5), row('z', 1)]);
  expect(await collection.find().sort({ _id: 1 }).toArray()).toEqual([row('x', 5), row('y', 1), row('z', 1)]);
});

describe('a projection', () => {
  /** Which numbers have been heard of; a set has no order. */
  type Heard = { _id: string; revision: number; numbers: number[] };
  type Update = { id: string; n: number };

  const system = () => createSystem(urls).collection<Heard>('a', 'projection');
  const projection = (collection: ReturnType<typeof system>) =>
    createProjection<Heard, Update>({
      collection,
      idOf: ({ id }) => id,
      project(row, { id, n }) {
        const numbers = row?.numbers ?? [];
        return row && numbers.includes(n)
          ? row
          : { _id: id, revision: 0, ...row, numbers: [...numbers, n].sort((a, b) => a - b) };
      },
    });
  const updates = fc.array(fc.record({ id: fc.constantFrom('x', 'y'), n: fc.nat(5) }), { maxLength: 5 });

  test('comes to the same in any batches, by any number of processes, one after the other or at once', async () => {
    const collection = system();
    await fc.assert(
      fc.asyncProperty(fc.array(updates, { maxLength: 5 }), fc.boolean(), async (batches, concurrent) => {
        await collection.deleteMany({});
        const processes = [projection(collection), projection(collection)] as const;
        const work = batches.map((batch, index) => () => processes[index % 2 === 0 ? 0 : 1].apply(batch));
        if (concurrent) await Promise.all(work.map(apply => apply()));
        else for (const apply of work) await apply();
        for (const id of ['x', 'y']) {
          const heard = new Set(batches.flat().flatMap(one => (one.id === id ? one.n : [])));
          const row = await collection.findOne({ _id: id });
          expect(row?.numbers ?? []).toEqual([...heard].sort((a, b) => a - b));
        }
      }),
      { numRuns: 40 },
    );
  });

  test('hands back every row concerned, changed or not, and writes only what changes', async () => {
    const collection = system();
    const { apply } = projection(collection);
    await apply([
      { id: 'x', n: 1 },
      { id: 'y', n: 1 },
    ]);
    const { rows, changed } = await apply([
      { id: 'x', n: 1 },
      { id: 'y', n: 2 },
    ]);
    expect(changed).toBe(1);
    expect(rows).toEqual([
      { _id: 'x', revision: 1, numbers: [1] },
      { _id: 'y', revision: 2, numbers: [1, 2] },
    ]);
    expect(await collection.find().sort({ _id: 1 }).toArray()).toEqual(rows);
  });

  test('writes a lost row again when the updates are replayed', async () => {
    const collection = system();
    const { apply } = projection(collection);
    await apply([{ id: 'x', n: 1 }]);
    await collection.deleteMany({});
    await apply([{ id: 'x', n: 1 }], { replay: true });
    expect(await collection.findOne()).toMatchObject({ numbers: [1] });
  });
});

test('nothing to write is nothing asked', async () => {
  await materialize(rows(), []);
});
