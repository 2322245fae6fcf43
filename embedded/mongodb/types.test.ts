import { serialize } from 'bson';
import {
  Binary,
  BSONRegExp,
  Code,
  type Collection,
  Decimal128,
  type Document,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  UUID,
} from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, startTrial, type Trial } from './trial.ts';

/** The driver must not turn types into JavaScript's either. */
const KEEP = { promoteValues: false, promoteLongs: false, promoteBuffers: false, bsonRegExp: true };

let trial: Trial;

beforeAll(async () => {
  trial = await startTrial(KEEP);
});
afterAll(() => trial.end());

const VALUES: [name: string, value: unknown][] = [
  ['int', new Int32(1)],
  ['double that is whole', new Double(1)],
  ['double', new Double(0.1)],
  ['negative zero', new Double(-0)],
  ['NaN', new Double(Number.NaN)],
  ['long', Long.fromString('9007199254740993')],
  ['small long', Long.fromNumber(1)],
  ['decimal', Decimal128.fromString('1.10')],
  ['date', new Date('2024-01-02T03:04:05.678Z')],
  ['early date', new Date(-1)],
  ['ObjectId', new ObjectId('0123456789abcdef01234567')],
  ['binary', new Binary(Buffer.from([0, 1, 255]), 128)],
  ['UUID', new UUID('01234567-89ab-4def-8123-456789abcdef')],
  ['timestamp', new Timestamp({ t: 4294967295, i: 7 })],
  ['regular expression', new BSONRegExp('^a', 'im')],
  ['code', new Code('x => x')],
  ['MinKey', new MinKey()],
  ['MaxKey', new MaxKey()],
  ['null', null],
  ['boolean', true],
  ['text', 'é😀\u0000'],
  ['array', [new Int32(1), [new Double(2)], {}]],
  ['document', { b: new Int32(1), a: Long.fromNumber(2) }],
];

const bytes = (value: unknown) => Buffer.from(serialize({ value })).toString('hex');

test.each(
  VALUES,
)('%s comes back as it was stored, byte for byte, from find, index, projection, update and aggregate', async (name, value) => {
  const items: Collection<Document> = trial.db.collection(name.replaceAll(/\W/g, ''));
  await items.createIndex({ v: 1 });
  await items.insertOne({ _id: 'x', v: value } as Document);
  const read = await items.findOne({ _id: 'x' } as Document);
  expect(bytes(read?.v)).toBe(bytes(value));
  const projected = await items.findOne({}, { projection: { v: 1 } });
  expect(bytes(projected?.v)).toBe(bytes(value));
  await items.updateOne({ _id: 'x' } as Document, { $set: { w: value, other: 1 } });
  const [updated] = await items.aggregate([{ $match: { other: 1 } }, { $project: { v: 1, w: 1 } }]).toArray();
  expect([bytes(updated?.v), bytes(updated?.w)]).toEqual([bytes(value), bytes(value)]);
  if (!(value instanceof BSONRegExp)) expect(await items.find({ v: value as string }).toArray()).toHaveLength(1);
});

test('values of all types are sorted as MongoDB sorts them, with an index and without', async () => {
  const ordered = [
    new MinKey(),
    null,
    new Double(Number.NaN),
    new Int32(-1),
    Long.fromString('9007199254740993'),
    Decimal128.fromString('9007199254740993.5'),
    new Double(2 ** 63), // biome-ignore format: one line a class
    'A',
    'a',
    'é',
    { a: new Int32(1) },
    { b: new Int32(0) },
    [[new Int32(0)]],
    new Binary(Buffer.from('z')),
    new Binary(Buffer.from('ab')),
    new ObjectId('000000000000000000000001'),
    false,
    true,
    new Date(0),
    new Timestamp({ t: 1, i: 1 }),
    new BSONRegExp('a', ''),
    new MaxKey(),
  ];
  const items = trial.db.collection<Document>('sorted');
  await items.insertMany(
    ordered.map((v, i) => ({ _id: new Int32((i * 7) % ordered.length), i, v })) as unknown as Document[],
  );
  const order = async () => (await items.find({}, { promoteValues: true }).sort({ v: 1 }).toArray()).map(({ i }) => i);
  const expected = ordered.map((_, i) => i);
  // An array is sorted by its element: [[0]] as [0], which is an array.
  expect(await order()).toEqual(expected);
  await items.createIndex({ v: 1 });
  expect(await order()).toEqual(expected);
  await items.deleteMany({ v: { $type: 'array' } });
  await items.dropIndexes();
  await items.createIndex({ v: -1 });
  expect(await order()).toEqual(expected.filter(i => !Array.isArray(ordered[i])));
});

test('equal numbers of different types are one key', async () => {
  const items = trial.db.collection<Document>('numbers');
  await items.insertOne({ _id: new Int32(5) } as unknown as Document);
  expect(String(await codeOf(items.insertOne({ _id: Long.fromNumber(5) } as unknown as Document)))).toBe('11000');
  expect(await items.find({ _id: new Double(5) } as unknown as Document).toArray()).toHaveLength(1);
  expect(await items.find({ _id: Decimal128.fromString('5.0') } as unknown as Document).toArray()).toHaveLength(1);
});

test('$inc keeps the type, and widens it when it must', async () => {
  const items = trial.db.collection<Document>('incremented');
  const after = async (start: unknown, by: unknown) => {
    await items.replaceOne({ _id: 'x' } as Document, { v: start }, { upsert: true });
    const found = await items.findOneAndUpdate(
      { _id: 'x' } as Document,
      { $inc: { v: by as number } },
      { returnDocument: 'after' },
    );
    return found?.v;
  };
  expect(await after(new Int32(1), new Int32(1))).toEqual(new Int32(2));
  expect(String(await after(new Int32(2147483647), new Int32(1)))).toBe('2147483648');
  expect(await after(new Int32(2147483647), new Int32(1))).toBeInstanceOf(Long);
  expect(String(await after(Long.fromString('9007199254740993'), new Int32(2)))).toBe('9007199254740995');
  expect(await after(new Double(1), new Int32(1))).toEqual(new Double(2));
  expect(String(await after(new Int32(1), Decimal128.fromString('0.10')))).toBe('1.10');
  expect(String(await codeOf(after(Long.MAX_VALUE, new Int32(1))))).toBe('2');
});
