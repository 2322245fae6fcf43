import {
  Binary,
  BSONRegExp,
  Code,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  UUID,
} from 'bson';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compare } from './compare.ts';
import { after, complement, encodeValue, shorten, widen } from './keys.ts';
import { add, isNumber } from './numbers.ts';

const decimal = (text: string) => Decimal128.fromString(text);
const long = (text: string) => Long.fromString(text);
const double = (value: number) => new Double(value);

/** In MongoDB's order; each line is one class of equal values. */
const ORDER: unknown[][] = [
  [new MinKey()],
  [null],
  [double(Number.NaN), decimal('NaN')],
  [double(Number.NEGATIVE_INFINITY), decimal('-Infinity')],
  [decimal('-1E+400')],
  [double(-Number.MAX_VALUE)],
  [long('-9223372036854775808'), double(-(2 ** 63)), decimal('-9223372036854775808')],
  [long('-9007199254740993'), decimal('-9007199254740993')],
  [long('-9007199254740992'), double(-9007199254740992)],
  [new Int32(-1), long('-1'), double(-1), decimal('-1.000')],
  [decimal('-1E-6000')],
  [new Int32(0), double(0), double(-0), long('0'), decimal('0'), decimal('-0'), decimal('0E+3')],
  [decimal('1E-6000')],
  [double(Number.MIN_VALUE)],
  [decimal('0.1')],
  [double(0.1), decimal('0.1000000000000000055511151231257827')].slice(0, 1),
  [double(0.5), decimal('0.5')],
  [new Int32(1), double(1), decimal('1E0')],
  [double(1.5)],
  [new Int32(2147483647), long('2147483647')],
  [long('9007199254740992'), double(9007199254740992)],
  [long('9007199254740993'), decimal('9007199254740993')],
  [decimal('9007199254740993.5')],
  [long('9007199254740994'), double(9007199254740994)],
  [long('9223372036854775807'), decimal('9223372036854775807')],
  [double(2 ** 63), decimal('9223372036854775808')],
  [double(Number.MAX_VALUE)],
  [decimal('1E+400')],
  [double(Number.POSITIVE_INFINITY), decimal('Infinity')],
  [''],
  ['\u0000'],
  ['\u0000a'],
  ['\u0001'],
  ['A'],
  ['a'],
  ['a\u0000'],
  ['a\u0000b'],
  ['aa'],
  ['é'],
  ['\uffee'],
  ['😀'],
  [{}],
  [{ a: new Int32(1) }, { a: double(1) }],
  [{ a: new Int32(1), b: new Int32(0) }],
  [{ a: new Int32(2) }],
  [{ b: new Int32(0) }],
  [{ a: 'x' }],
  [[]],
  [[null]],
  [[new Int32(1)]],
  [[new Int32(1), new Int32(2)]],
  [[new Int32(2)]],
  [['a']],
  [new Binary(Buffer.from('z'), 0)],
  [new Binary(Buffer.from('ab'), 0)],
  [new Binary(Buffer.from('ac'), 0)],
  [new Binary(Buffer.from('aa'), 5)],
  [new UUID('00000000-0000-4000-8000-000000000000')],
  [new ObjectId('000000000000000000000001')],
  [new ObjectId('ff0000000000000000000000')],
  [false],
  [true],
  [new Date(-1)],
  [new Date(0)],
  [new Date(1)],
  [new Timestamp({ t: 1, i: 2 })],
  [new Timestamp({ t: 2, i: 1 })],
  [new Timestamp({ t: 4294967295, i: 1 })],
  [new BSONRegExp('a', '')],
  [new BSONRegExp('a', 'i')],
  [new BSONRegExp('b', '')],
  [new Code('x')],
  [new MaxKey()],
];

const sign = (order: number) => Math.sign(order);

describe('the order of values', () => {
  test('is the one MongoDB documents, the same for the comparator and for encoded keys', () => {
    for (const [i, lower] of ORDER.entries()) {
      for (const [j, upper] of ORDER.entries()) {
        for (const a of lower) {
          for (const b of upper) {
            const expected = Math.sign(i - j);
            expect([a, b, sign(compare(a, b))]).toEqual([a, b, expected]);
            expect([a, b, Buffer.compare(encodeValue(a), encodeValue(b))]).toEqual([a, b, expected]);
          }
        }
      }
    }
  });

  const scalar = fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('\u0000', '\u0001', '\u0002', 'a', '\ud83d\ude00', '\uffff') }),
    fc.maxSafeInteger().map(n => new Double(n)),
    fc.integer().map(n => new Int32(n)),
    fc.double().map(n => new Double(n)),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(n => Long.fromBigInt(n)),
    fc.bigInt({ min: 2n ** 53n - 3n, max: 2n ** 53n + 3n }).map(n => Long.fromBigInt(n)),
    fc.bigInt({ min: 2n ** 53n - 3n, max: 2n ** 53n + 3n }).map(n => new Double(Number(n))),
    fc
      .tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: -40, max: 40 }))
      .map(([c, e]) => decimal(`${c}E${e}`)),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array({ maxLength: 5 }).map(bytes => new Binary(bytes)),
    fc.uint8Array({ minLength: 12, maxLength: 12 }).map(bytes => new ObjectId(bytes)),
  );
  const { value } = fc.letrec(tie => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      scalar,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'ab', 'é'), tie('value'), { maxKeys: 3 }),
    ),
  }));

  test('of two random values is the same for the comparator and for encoded keys, also turned around', () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        const expected = sign(compare(a, b));
        expect(Buffer.compare(encodeValue(a), encodeValue(b))).toBe(expected);
        expect(Buffer.compare(complement(encodeValue(b)), complement(encodeValue(a)))).toBe(expected);
        expect(sign(compare(b, a)) + expected).toBe(0);
      }),
      { numRuns: 3000 },
    );
  });

  test.each([0, 100])('of the least characters is that of their bytes, also after %i others', length => {
    const texts = ['', '\0', '\0\0', '\0\u0001', '\u0001', '\u0001\0', '\u0001\u0001', '\u0002', 'a'];
    const keys = texts.map(each => encodeValue(`${'a'.repeat(length)}${each}`));
    expect(keys.toSorted(Buffer.compare)).toEqual(keys);
    for (const one of keys) expect(keys.filter(key => key.subarray(0, one.length).equals(one))).toHaveLength(1);
  });

  test('never lets one key be the beginning of another', () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        const [x, y] = [encodeValue(a), encodeValue(b)];
        expect(x.equals(y) || !y.subarray(0, x.length).equals(x)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test('of decimals and longs agrees with exact fractions', () => {
    const exact = fc.tuple(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.integer({ min: 0, max: 12 }));
    fc.assert(
      fc.property(exact, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), ([c, e], whole) => {
        const left = decimal(`${c}E-${e}`);
        const difference = c - whole * 10n ** BigInt(e);
        expect(sign(compare(left, Long.fromBigInt(whole)))).toBe(difference < 0n ? -1 : difference > 0n ? 1 : 0);
      }),
    );
  });
});

describe('a key that is too long', () => {
  const text = (end: string) => encodeValue('x'.repeat(1000) + end);

  test('becomes its beginning and a hash: equal for equal values, different for others', () => {
    expect(shorten(text('a'), 600)).toHaveLength(600);
    expect(shorten(text('a'), 600)).toEqual(shorten(text('a'), 600));
    expect(shorten(text('a'), 600)).not.toEqual(shorten(text('b'), 600));
    expect(shorten(encodeValue('short'), 600)).toEqual(encodeValue('short'));
  });

  test('lies within the range its widened form begins', () => {
    const widened = widen(text('a'), 600);
    for (const end of ['', 'a', 'zzz']) {
      const key = shorten(text(end), 600);
      expect(Buffer.compare(key, widened)).toBe(1);
      expect(Buffer.compare(key, after(widened))).toBe(-1);
    }
  });
});

describe('the sum of numbers', () => {
  test.each([
    [new Int32(1), new Int32(2), new Int32(3)],
    [new Int32(2147483647), new Int32(1), long('2147483648')],
    [new Int32(1), long('2'), long('3')],
    [long('9007199254740993'), new Int32(2), long('9007199254740995')],
    [new Int32(1), double(0.5), double(1.5)],
    [double(0.1), decimal('0.1'), decimal('0.2000000000000000055511151231257827')],
    [long('9223372036854775807'), decimal('1'), decimal('9223372036854775808')],
    [new Int32(1), decimal('1.10'), decimal('2.10')],
    [decimal('Infinity'), decimal('-Infinity'), decimal('NaN')],
  ])('%s + %s is %s, of the widest type', (a, b, expected) => {
    const sum = add(a, b);
    expect(isNumber(sum)).toBe(true);
    expect(sum?.constructor).toBe(expected.constructor);
    expect(String(sum)).toBe(String(expected));
  });

  test('that leaves the 64 bits of a long is no number', () => {
    expect(add(long('9223372036854775807'), new Int32(1))).toBeUndefined();
  });
});
