import { Buffer } from 'node:buffer';
import { rmSync } from 'node:fs';
import { Int32 } from 'bson';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openDatabase } from './commands.ts';
import { equal } from './compare.ts';
import { decodeOnly, fieldsAt, idFirst } from './elements.ts';
import { CommandError, fail } from './errors.ts';
import { compileFilter, pathsOf } from './match.ts';
import { indexed, parts } from './paths.ts';
import { isPlain } from './plain.ts';
import { compileProjection, compileShown } from './project.ts';
import { temporary } from './trial.ts';
import { changed, compileSteps } from './update.ts';
import { type Doc, decode, encode } from './values.ts';
import { compileUpdate } from './whole.ts';

/** A value as it is written: so that also what no driver would write can be. */
type Value = { type: number; bytes: Buffer };
type Element = { name: Buffer; value: Value };

const int32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};
const text = (value: Buffer) => Buffer.concat([int32(value.length + 1), value, Buffer.alloc(1)]);
const cut = (value: string) => Buffer.concat([Buffer.from(value), Buffer.alloc(1)]);
const elements = (all: readonly Element[]) =>
  all.flatMap(({ name, value }) => [Buffer.from([value.type]), name, Buffer.alloc(1), value.bytes]);

function written(all: readonly Element[]): Buffer {
  const body = Buffer.concat(elements(all));
  return Buffer.concat([int32(body.length + 5), body, Buffer.alloc(1)]);
}

const NAMES = [
  'a',
  'b',
  'c',
  'd',
  'ab',
  '',
  '__proto__',
  'constructor',
  '_id',
  '0',
  '1',
  '12',
  '$ref',
  '$id',
  '$db',
  'ü',
];
const STRANGE = ['toBSON', '_bsontype', '$x', 'length', 'buffer'];
const name = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...NAMES.slice(0, 5)).map(each => Buffer.from(each)) },
  { weight: 4, arbitrary: fc.constantFrom(...NAMES, ...STRANGE).map(each => Buffer.from(each)) },
  { weight: 1, arbitrary: fc.constant(Buffer.from([0xff])) },
);

const of = (type: number, bytes: fc.Arbitrary<Buffer>) => bytes.map((each): Value => ({ type, bytes: each }));
const raw = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map(each => Buffer.from(each));
const string = fc
  .oneof(fc.constantFrom('', 'x', 'y', 'é', 'a\0b', '\ufffd', '😀'), fc.string({ maxLength: 25 }))
  .map(Buffer.from);
const double = fc
  .oneof(fc.constantFrom(0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY), fc.double())
  .map(each => Buffer.from(new Float64Array([each]).buffer));
const date = fc
  .oneof(
    fc.constantFrom(0n, -1n, 8_640_000_000_000_000n, 8_640_000_000_000_001n, -(2n ** 63n)),
    fc.bigInt(-(2n ** 45n), 2n ** 45n),
  )
  .map(each => Buffer.from(new BigInt64Array([each]).buffer));
const small = fc.integer({ min: -3, max: 3 }).map(int32);
const binary = fc
  .tuple(fc.constantFrom(0, 3, 4, 5, 128), fc.oneof(raw(3), raw(16)))
  .map(([subtype, bytes]) => Buffer.concat([int32(bytes.length), Buffer.from([subtype]), bytes]));
const oldBinary = raw(3).map(bytes => Buffer.concat([int32(7), Buffer.from([2]), int32(3), bytes]));
const expression = fc
  .tuple(fc.constantFrom('x', '^a'), fc.constantFrom('', 'i', 'im', 'mi'))
  .map(([pattern, options]) => Buffer.concat([cut(pattern), cut(options)]));

const scalar: fc.Arbitrary<Value> = fc.oneof(
  { weight: 6, arbitrary: of(0x02, string.map(text)) },
  { weight: 6, arbitrary: of(0x10, small) },
  of(0x01, fc.oneof(double, raw(8))),
  of(0x05, fc.oneof(binary, oldBinary)),
  of(0x06, fc.constant(Buffer.alloc(0))),
  of(0x07, raw(12)),
  of(0x08, fc.constantFrom(Buffer.from([0]), Buffer.from([1]))),
  of(0x09, date),
  of(0x0a, fc.constant(Buffer.alloc(0))),
  of(0x0b, expression),
  of(
    0x0c,
    fc.tuple(string, raw(12)).map(([name_, id]) => Buffer.concat([text(name_), id])),
  ),
  of(0x0d, string.map(text)),
  of(0x0e, string.map(text)),
  of(0x11, raw(8)),
  of(0x12, raw(8)),
  of(0x13, raw(16)),
  of(0x7f, fc.constant(Buffer.alloc(0))),
  of(0xff, fc.constant(Buffer.alloc(0))),
);

const { fields } = fc.letrec<{ fields: Element[]; value: Value; array: Value }>(tie => ({
  value: fc.oneof(
    { maxDepth: 3 },
    { weight: 5, arbitrary: scalar },
    { weight: 2, arbitrary: tie('fields').map(all => ({ type: 0x03, bytes: written(all) })) },
    { weight: 2, arbitrary: tie('array') },
    { weight: 1, arbitrary: tie('fields').map(all => withScope(written(all))) },
  ),
  array: fc.tuple(fc.array(tie('value'), { maxLength: 4 }), fc.integer({ min: 0, max: 40 })).map(([all, odd]) => {
    // Names of elements may be anything; mostly they are positions.
    const named = all.map((value, i) => ({ name: Buffer.from(String(i === odd ? 7 : i)), value }));
    return { type: 0x04, bytes: written(named) };
  }),
  fields: fc.array(fc.record({ name, value: tie('value') }), { maxLength: 6 }),
}));

function withScope(scope: Buffer): Value {
  const code = text(Buffer.from('f()'));
  return { type: 0x0f, bytes: Buffer.concat([int32(4 + code.length + scope.length), code, scope]) };
}

/** As a driver writes them. */
const usual = fc
  .dictionary(
    fc.constantFrom('_id', 'a', 'b', 'c', 'd', 'ab', '__proto__', 'constructor', 'length'),
    fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.date({ noInvalidDate: true }), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
    { maxKeys: 7 },
  )
  .map(doc => Buffer.from(encode(doc)));

/** As they are stored: what cannot be decoded is not. */
const stored = fc
  .oneof(usual, fields.map(written))
  .map(bytes => Buffer.from(idFirst(bytes)))
  .filter(bytes => 'done' in outcome(() => decode(bytes)));

const path = fc
  .array(fc.constantFrom(...NAMES.filter(each => each !== ''), ...STRANGE), { minLength: 1, maxLength: 3 })
  .map(all => all.join('.'));
const argument = fields.map(all => decodeOr(written(all)).a ?? new Int32(1));

function decodeOr(bytes: Buffer): Doc {
  try {
    return decode(bytes);
  } catch {
    return {};
  }
}

type Outcome = { done: unknown } | { code: unknown };

/** What comes of it; of errors the code, where they have one. */
function outcome(work: () => unknown): Outcome {
  try {
    return { done: work() };
  } catch (error) {
    return { code: error instanceof CommandError ? error.code : 'other' };
  }
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

const operator = fc.oneof(
  { weight: 4, arbitrary: fc.record({ $set: fc.dictionary(path, argument, { maxKeys: 3 }) }) },
  fc.record({ $unset: fc.dictionary(path, fc.constant(''), { maxKeys: 3 }) }),
  fc.record({ $max: fc.dictionary(path, argument, { maxKeys: 2 }) }),
  fc.record({ $min: fc.dictionary(path, argument, { maxKeys: 2 }) }),
  fc.record({ $rename: fc.dictionary(path, path, { maxKeys: 2 }) }),
  fc.record({ $push: fc.dictionary(path, argument, { maxKeys: 2 }) }),
  fc.record({ $addToSet: fc.dictionary(path, argument, { maxKeys: 2 }) }),
  fc.record({ $pull: fc.dictionary(path, argument, { maxKeys: 2 }) }),
  fc.record({ $setOnInsert: fc.dictionary(path, argument, { maxKeys: 2 }) }),
);
/** Whole fields, as most updates change them. */
const field = fc.constantFrom('a', 'b', 'c', 'd', 'ab', 'length', 'constructor');
const whole = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ $set: fc.dictionary(field, argument, { maxKeys: 4 }) }) },
    fc.record({ $unset: fc.dictionary(field, fc.constant(''), { maxKeys: 2 }) }),
    fc.record({ $setOnInsert: fc.dictionary(field, argument, { maxKeys: 2 }) }),
  ),
  { minLength: 1, maxLength: 2 },
);
const update = fc.oneof(
  { weight: 9, arbitrary: whole.map(all => Object.assign({}, ...all)) },
  { weight: 9, arbitrary: fc.array(operator, { minLength: 1, maxLength: 3 }).map(all => Object.assign({}, ...all)) },
  { weight: 1, arbitrary: fields.map(all => decodeOr(written(all))) },
);

/** What was done before anything stayed bytes. */
function byTheWhole(bytes: Buffer, compiled: ReturnType<typeof compileUpdate>): string {
  const doc = decode(bytes);
  const before = decode(bytes);
  compiled.change(doc, false);
  if (doc._id === undefined || !equal(doc._id, before._id)) fail('ImmutableField', '_id');
  return hex(encode(doc));
}

describe('an update of stored bytes', () => {
  test('comes to the bytes that decoding, changing and encoding the whole document comes to', () => {
    let spliced = 0;
    let put = 0;
    fc.assert(
      fc.property(stored, update, (bytes, how) => {
        const compiled = outcome(() => compileUpdate(how));
        if (!('done' in compiled)) return;
        const known = compiled.done as ReturnType<typeof compileUpdate>;
        const expected = outcome(() => byTheWhole(bytes, compileSteps(how)));
        const found = outcome(() => hex(changed(bytes, known).raw));
        if ('code' in expected && expected.code === 'other') {
          expect('code' in found).toBe(true);
          return;
        }
        expect(found).toEqual(expected);
        if (known.roots?.fields && isPlain(bytes) && 'done' in found) spliced++;
        if (known.elements && isPlain(bytes)) put++;
      }),
      { numRuns: 800 },
    );
    expect(spliced).toBeGreaterThan(100);
    expect(put).toBeGreaterThan(100);
  });
});

describe('an update that encodes a document anew', () => {
  test('finds by every index what that has changed elsewhere in it', async () => {
    // A value that is undefined is not encoded; no driver of today writes one.
    const b = written([{ name: Buffer.from('b'), value: { type: 0x06, bytes: Buffer.alloc(0) } }]);
    const doc = written([
      { name: Buffer.from('_id'), value: { type: 0x10, bytes: int32(1) } },
      { name: Buffer.from('a'), value: { type: 0x03, bytes: b } },
    ]);
    const dir = temporary();
    const database = await openDatabase(dir);
    const run = async (command: Doc) => decode(await database.run({ ...command, $db: 'x' }));
    await run({ createIndexes: 'c', indexes: [{ name: 'a', key: { a: new Int32(1) } }] });
    expect(await run({ insert: 'c', documents: [doc] })).toMatchObject({ n: new Int32(1) });
    const [q, u] = [{ _id: new Int32(1) }, { $set: { other: 'x' } }];
    expect(await run({ update: 'c', updates: [{ q, u }] })).toMatchObject({ nModified: new Int32(1) });
    for (const hint of ['a', '$natural']) {
      expect(await run({ count: 'c', query: { a: {} }, hint }), hint).toMatchObject({ n: new Int32(1) });
    }
    await database.close();
    rmSync(dir, { recursive: true });
  });
});

describe('bytes that are called plain', () => {
  test('are what decoding and encoding them comes to', () => {
    let plain = 0;
    fc.assert(
      fc.property(fields.map(written), bytes => {
        if (!isPlain(bytes)) return;
        plain++;
        expect(hex(encode(decode(bytes)))).toBe(hex(bytes));
      }),
      { numRuns: 800 },
    );
    expect(plain).toBeGreaterThan(100);
  });

  test('are so also when any of them were damaged', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.oneof(fc.constantFrom(0, 1, 0xff), fc.nat(255))), {
      minLength: 1,
      maxLength: 2,
    });
    fc.assert(
      fc.property(fields.map(written), damage, (bytes, all) => {
        for (const [at, byte] of all) bytes[at % bytes.length] = byte;
        if (isPlain(bytes)) expect(hex(encode(decode(bytes)))).toBe(hex(bytes));
      }),
      { numRuns: 1500 },
    );
  });

  test('are those of a usual document, and not those of one whose names are in two places', () => {
    const doc = {
      _id: 'x',
      event: { id: 'x', data: { amount: 5, list: [1, { a: null }, 'ä'] } },
      at: new Date(),
      yes: true,
    };
    expect(isPlain(encode(doc))).toBe(true);
    const one = { name: Buffer.from('a'), value: { type: 0x10, bytes: int32(1) } };
    expect(isPlain(written([one]))).toBe(true);
    expect(isPlain(written([one, one]))).toBe(false);
    const neither = { name: Buffer.from('a'), value: { type: 0x08, bytes: Buffer.from([2]) } };
    expect(() => decode(written([neither]))).toThrow();
    expect(isPlain(written([neither]))).toBe(false);
  });
});

describe('a document decoded in parts', () => {
  const condition = fc.oneof(
    argument,
    fc.record({ $gt: argument }),
    fc.record({ $in: fc.array(argument, { maxLength: 3 }) }),
    fc.record({ $exists: fc.boolean() }),
    fc.record({ $not: fc.record({ $gt: argument }) }),
    fc.record({ $size: fc.nat(3) }),
  );
  const clauses = fc.dictionary(path, condition, { maxKeys: 3 });
  const filter = fc.oneof(
    clauses,
    fc.record({ $or: fc.array(clauses, { minLength: 1, maxLength: 2 }) }),
    fc.record({ $nor: fc.array(clauses, { minLength: 1, maxLength: 2 }), $comment: fc.constant('x') }),
  );

  test('passes the filters that it passes as a whole', () => {
    fc.assert(
      fc.property(stored, filter, (bytes, wanted) => {
        const compiled = outcome(() => compileFilter(wanted));
        if (!('done' in compiled)) return;
        const passes = compiled.done as ReturnType<typeof compileFilter>;
        const fieldsOf = fieldsAt(pathsOf(wanted) ?? []);
        expect(passes(decodeOnly(bytes, fieldsOf))).toBe(passes(decode(bytes)));
      }),
      { numRuns: 800 },
    );
  });

  test('is a reference where the whole is one, whose fields no filter sees', () => {
    const reference = [
      { name: Buffer.from('$ref'), value: { type: 0x02, bytes: text(Buffer.from('x')) } },
      { name: Buffer.from('$id'), value: { type: 0x10, bytes: int32(1) } },
      { name: Buffer.from('a'), value: { type: 0x10, bytes: int32(1) } },
    ];
    const passes = compileFilter({ a: new Int32(1) });
    expect(passes(decode(written(reference)))).toBe(false);
    expect(passes(decodeOnly(written(reference), fieldsAt([['a']])))).toBe(false);
  });

  test('is not what an expression is given, which may ask for anything', () => {
    expect(pathsOf({ a: 1, $expr: { $eq: ['$b', 1] } })).toBeUndefined();
    expect(pathsOf({ $or: [{ a: 1 }, { $expr: { $eq: ['$b', 1] } }] })).toBeUndefined();
  });

  test('has the same keys in an index', () => {
    fc.assert(
      fc.property(stored, fc.array(path, { minLength: 1, maxLength: 3 }), (bytes, paths) => {
        const part = decodeOnly(bytes, fieldsAt(paths.map(parts)));
        const whole = decode(bytes);
        for (const each of paths) expect(indexed(part, parts(each))).toEqual(indexed(whole, parts(each)));
      }),
      { numRuns: 800 },
    );
  });

  test('is projected as the whole is', () => {
    const spec = fc.tuple(
      fc.dictionary(path, fc.constant(1), { minKeys: 1, maxKeys: 3 }),
      fc.constantFrom(0, 1, undefined),
    );
    fc.assert(
      fc.property(stored, spec, fc.boolean(), (bytes, [keys, id], isExclusion) => {
        const { _id: _, ...others } = keys;
        const named = Object.fromEntries(Object.keys(others).map(each => [each, !isExclusion]));
        const projection = { ...named, ...(id === undefined ? {} : { _id: id === 1 }) };
        const expected = outcome(() => hex(encode(compileProjection(projection)?.(decode(bytes)) ?? {})));
        const found = outcome(() => hex(compileShown(projection)?.(bytes) ?? encode({})));
        expect(found).toEqual(expected);
      }),
      { numRuns: 800 },
    );
  });
});
