/** Whatever index answers a query, the answer is that of testing every document. */
import { rmSync } from 'node:fs';
import { Decimal128, Double, Int32, Long } from 'bson';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, openDatabase } from './commands.ts';
import { sortKey } from './scan.ts';
import { temporary } from './trial.ts';
import type { Doc } from './values.ts';

const dir = temporary();
let database: Database;

const long = 'x'.repeat(700);
const short = [
  ...[
    null,
    new Int32(0),
    new Int32(1),
    new Double(1.5),
    new Int32(2),
    Long.fromNumber(3),
    Decimal128.fromString('2.5'),
  ],
  ...[new Double(Number.NaN), 'a', 'b', true, new Date(5), { c: new Int32(1) }],
];

/** Documents and filters over some values; an index behaves differently once it has met an array or a long value. */
function shapes(values: unknown[], arrays: boolean) {
  const scalar = fc.constantFrom(...values);
  const list = fc.array(scalar, { maxLength: 3 });
  const value = arrays ? fc.oneof({ weight: 8, arbitrary: scalar }, { weight: 1, arbitrary: list }) : scalar;
  const object = fc.record({ c: value });
  const nested = arrays
    ? fc.oneof(value, object, fc.array(fc.record({ c: scalar }), { maxLength: 2 }))
    : fc.oneof(value, object);
  const doc = fc.record({ a: scalar, b: value, n: nested, s: scalar }, { requiredKeys: [] });
  const operator = fc.constantFrom('$eq', '$gt', '$gte', '$lt', '$lte', '$ne');
  const comparison = fc.oneof(
    scalar,
    fc.record({ $in: fc.array(scalar, { maxLength: 4 }) }),
    fc.dictionary(operator, scalar, { minKeys: 1, maxKeys: 2 }),
    fc.record({ $exists: fc.boolean() }),
    fc.record({ $not: fc.record({ $gt: scalar }) }),
  );
  const clause = fc.dictionary(fc.constantFrom('a', 'b', 'n', 'n.c', 's', '_id'), comparison, {
    minKeys: 1,
    maxKeys: 3,
  });
  const filter = fc.oneof(
    { weight: 4, arbitrary: clause },
    { weight: 1, arbitrary: fc.record({ $or: fc.array(clause, { minLength: 1, maxLength: 3 }) }) },
    { weight: 1, arbitrary: fc.record({ $and: fc.array(clause, { minLength: 1, maxLength: 2 }) }) },
  );
  return { doc, filter };
}

const SHAPES = {
  short: shapes(short, false),
  arrays: shapes(short, true),
  long: shapes([...short, `${long}1`, `${long}2`, long], true),
};
const NAMES = ['short', 'arrays', 'long'] as const;
const sort = fc.dictionary(fc.constantFrom('a', 'b', 's', 'n.c'), fc.constantFrom(1, -1), { maxKeys: 2 });

const INDEXES = [
  { name: 'a_b', key: { a: 1, b: -1 } },
  { name: 'b', key: { b: 1 } },
  { name: 'nc', key: { 'n.c': 1 } },
  { name: 's', key: { s: 1 }, sparse: true },
  { name: 'sa', key: { s: -1, a: 1 }, sparse: true },
  { name: 'a_s', key: { a: -1, s: 1 } },
];

const run = async (command: Doc) => {
  const reply = await database.execute({ ...command, $db: 'x' });
  if (!('cursor' in reply) && 'errmsg' in reply) throw new Error(String(reply.errmsg));
  return reply;
};
const find = async (collection: string, query: Doc): Promise<Doc[]> => {
  const { cursor } = await run({ find: collection, batchSize: 1000, ...query });
  return (cursor as { firstBatch: Doc[] }).firstBatch;
};

beforeAll(async () => {
  database = await openDatabase(dir);
  for (const name of NAMES) {
    const fields = fc.sample(SHAPES[name].doc, { numRuns: 300, seed: 7 });
    const documents = fields.map((doc, i) => ({ _id: new Int32(i), ...doc }));
    await run({ createIndexes: `${name}_indexed`, indexes: INDEXES });
    await run({ insert: `${name}_indexed`, documents });
    await run({ insert: `${name}_plain`, documents });
  }
});
afterAll(async () => {
  await database.close();
  rmSync(dir, { recursive: true, force: true });
});

const ids = (docs: Doc[]) => docs.map(({ _id }) => String(_id));

test.each(
  NAMES,
)('among %s values, random filters find, order and count the same with indexes as without', async name => {
  const [plain, indexed] = [`${name}_plain`, `${name}_indexed`];
  await fc.assert(
    fc.asyncProperty(SHAPES[name].filter, sort, fc.integer({ min: 0, max: 20 }), async (wanted, order, limit) => {
      // _id last makes the order complete, so that limits can be compared too.
      const query = { filter: wanted, sort: { ...order, _id: 1 }, limit };
      const expected = ids(await find(plain, query));
      expect(ids(await find(indexed, query))).toEqual(expected);
      const all = await find(plain, { filter: wanted, sort: order });
      const found = await find(indexed, { filter: wanted, sort: order });
      expect(ids(found).sort()).toEqual(ids(all).sort());
      const keys = (docs: Doc[]) =>
        docs.map(doc =>
          sortKey(
            doc,
            Object.entries(order).map(([path, d]) => [path, d === 1 ? 1 : -1]),
          ),
        );
      expect(keys(found)).toEqual(keys(all));
      const { n } = await run({ count: indexed, query: wanted });
      expect(String(n)).toBe(String(all.length));
    }),
    { numRuns: 80, seed: 11 },
  );
});

test.each(
  NAMES,
)('among %s values, those in a list are merged in the order of a sort, and distinct values are found', async name => {
  const [plain, indexed] = [`${name}_plain`, `${name}_indexed`];
  const some = fc.array(fc.constantFrom(...short), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(some, fc.constantFrom(1, -1), fc.integer({ min: 0, max: 20 }), async (list, direction, limit) => {
      const filter = { a: { $in: list } };
      const query = { filter, sort: { b: direction }, limit };
      const keys = (docs: Doc[]) => docs.map(doc => sortKey(doc, [['b', direction === 1 ? 1 : -1]]));
      expect(keys(await find(indexed, { ...query, hint: 'a_b' }))).toEqual(keys(await find(plain, query)));
      for (const wanted of [filter, {}, { a: list[0] }]) {
        for (const key of ['a', 'b', 's']) {
          const [one, other] = await Promise.all(
            [indexed, plain].map(collection => run({ distinct: collection, key, query: wanted })),
          );
          expect(one?.values).toEqual(other?.values);
        }
      }
    }),
    { numRuns: 40, seed: 5 },
  );
});

test('lists of values before the field of the sort are merged, not sorted', async () => {
  await run({ createIndexes: 'merged', indexes: [{ name: 'kind_n', key: { kind: 1, sub: 1, n: 1 } }] });
  const documents = Array.from({ length: 6_000 }, (_, n) => ({
    _id: new Int32(n),
    ...{ kind: `k${n % 3}`, sub: `s${n % 2}`, n: new Int32(n) },
  }));
  await run({ insert: 'merged', documents });
  const filter = { kind: { $in: ['k0', 'k2'] }, sub: { $in: ['s0', 's1', 'none'] }, n: { $gt: new Int32(10) } };
  for (const direction of [1, -1]) {
    const query = { find: 'merged', filter, sort: { n: direction } };
    const expected = documents.filter(({ kind, n }) => kind !== 'k1' && n.value > 10).map(({ n }) => n.value);
    if (direction === -1) expected.reverse();
    const found = await find('merged', { filter, sort: query.sort, limit: 900 });
    expect(found.map(({ n }) => Number(n))).toEqual(expected.slice(0, 900));
    const { queryPlanner, executionStats } = await run({
      explain: { ...query, limit: 50 },
      verbosity: 'executionStats',
    });
    expect(queryPlanner).toMatchObject({ winningPlan: { stage: 'FETCH', inputStage: { stage: 'SORT_MERGE' } } });
    expect(executionStats).toMatchObject({
      totalKeysExamined: new Int32(50),
      totalDocsExamined: new Int32(50),
    });
  }
});

test.each(NAMES)('among %s values, random updates and deletes leave every index complete', async name => {
  const [plain, indexed] = [`${name}_plain`, `${name}_indexed`];
  const { doc, filter } = SHAPES[name];
  const change = fc.record({ wanted: filter, set: doc, remove: fc.boolean() });
  for (const { wanted, set, remove } of fc.sample(change, { numRuns: 60, seed: 3 })) {
    const u = { $set: { z: 1, ...set }, $unset: { y: '' } };
    const q = { $and: [wanted, { _id: { $mod: [5, 0] } }] };
    for (const collection of [plain, indexed]) {
      if (remove) await run({ delete: collection, deletes: [{ q, limit: 0 }] });
      else await run({ update: collection, updates: [{ q: wanted, u, multi: true }] });
    }
  }
  expect(await find(plain, {})).not.toHaveLength(0);
  for (const { name: hint, sparse } of INDEXES) {
    const wanted = sparse ? { s: { $exists: true } } : {};
    const found = ids(await find(indexed, { filter: wanted, hint }));
    expect(found.sort()).toEqual(ids(await find(plain, { filter: wanted })).sort());
  }
});
