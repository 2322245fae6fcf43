import { serialize } from 'bson';
import { Decimal128, Double, Int32, Long } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { fromFilter } from './update.ts';
import { type Doc, decode } from './values.ts';
import { compileUpdate } from './whole.ts';

const through = (doc: object): Doc => decode(serialize(doc));

function apply(doc: object, update: object, inserting = false): Doc {
  const changed = through(doc);
  compileUpdate(through(update)).change(changed, inserting);
  return decode(serialize(changed));
}

const long = (text: string) => Long.fromString(text);
const decimal = (text: string) => Decimal128.fromString(text);

describe('an update', () => {
  test.each<[before: object, update: object, after: object]>([
    [{ a: 1 }, { $set: { b: 2 } }, { a: 1, b: 2 }],
    [{}, { $set: { 'a.b.c': 1 } }, { a: { b: { c: 1 } } }],
    [{}, { $set: { z: 1, a: 1, 'm.10': 1, 'm.9': 1 } }, { a: 1, m: { 9: 1, 10: 1 }, z: 1 }],
    [{ a: [1] }, { $set: { 'a.3': 4 } }, { a: [1, null, null, 4] }],
    [{ a: [{ b: 1 }] }, { $set: { 'a.0.b': 2, 'a.1.b': 3 } }, { a: [{ b: 2 }, { b: 3 }] }],
    [{ a: 1, b: { c: 1, d: 1 } }, { $unset: { a: '', 'b.c': '', x: '' } }, { b: { d: 1 } }],
    [{ a: [1, 2] }, { $unset: { 'a.0': '' } }, { a: [null, 2] }],
    [{ a: 1 }, { $inc: { a: 2, b: 3 } }, { a: 3, b: 3 }],
    [{ a: new Int32(2147483647) }, { $inc: { a: 1 } }, { a: long('2147483648') }],
    [{ a: long('5') }, { $inc: { a: 1 } }, { a: long('6') }],
    [{ a: long('9007199254740993') }, { $inc: { a: 1 } }, { a: long('9007199254740994') }],
    [{ a: 1 }, { $inc: { a: new Double(0.5) } }, { a: new Double(1.5) }],
    [{ a: new Double(1) }, { $inc: { a: 1 } }, { a: new Double(2) }],
    [{ a: decimal('1.10') }, { $inc: { a: 1 } }, { a: decimal('2.10') }],
    [{ a: 2 }, { $mul: { a: 3, b: 5 } }, { a: 6, b: 0 }],
    [{ a: 2 }, { $mul: { a: decimal('1.5') } }, { a: decimal('3.0') }],
    [{ a: 5, b: 5, c: 'x' }, { $min: { a: 3, b: 7, c: 1, d: 1 } }, { a: 3, b: 5, c: 1, d: 1 }],
    [{ a: 5, b: 5, c: 1 }, { $max: { a: 3, b: 7, c: 'x' } }, { a: 5, b: 7, c: 'x' }],
    [{ a: 1, b: 2 }, { $rename: { a: 'c.d', x: 'y' } }, { b: 2, c: { d: 1 } }],
    [{}, { $setOnInsert: { a: 1 } }, {}],
    [{}, { $push: { a: 1 } }, { a: [1] }],
    [{ a: [1] }, { $push: { a: { $each: [2, 3], $position: 0, $slice: 2 } } }, { a: [2, 3] }],
    [{ a: [1, 2] }, { $push: { a: { $each: [3], $slice: -2 } } }, { a: [2, 3] }],
    [{ a: [1] }, { $addToSet: { a: 1 } }, { a: [1] }],
    [{ a: [1] }, { $addToSet: { a: { $each: [1, 2, 2] } } }, { a: [1, 2] }],
    [
      { a: [{ x: 1, y: 2 }] },
      { $addToSet: { a: { y: 2, x: 1 } } },
      {
        a: [
          { x: 1, y: 2 },
          { y: 2, x: 1 },
        ],
      },
    ],
    [{ a: [1, 2, 3, 2] }, { $pull: { a: 2 } }, { a: [1, 3] }],
    [{ a: [1, 5, 9] }, { $pull: { a: { $gte: 5 } } }, { a: [1] }],
    [{ a: [{ b: 1, c: 1 }, { b: 2 }] }, { $pull: { a: { b: 1 } } }, { a: [{ b: 2 }] }],
    [{ a: ['x', 'y'] }, { $pull: { a: { $in: ['y'] } } }, { a: ['x'] }],
    [{ a: [1, 2, 3] }, { $pop: { a: 1 } }, { a: [1, 2] }],
    [{ a: [1, 2, 3] }, { $pop: { a: -1 } }, { a: [2, 3] }],
    [{ _id: 1, a: 1 }, { b: 2 }, { _id: 1, b: 2 }],
    [
      { _id: 1, a: 1 },
      { _id: 1, c: 3 },
      { _id: 1, c: 3 },
    ],
  ])('of %j by %j gives %j, types included', (before, update, after) => {
    expect(apply(before, update)).toEqual(through(after));
  });

  test.each<[before: object, update: object, code: number]>([
    [{ a: 'x' }, { $inc: { a: 1 } }, 14],
    [{ a: null }, { $inc: { a: 1 } }, 14],
    [{ a: 1 }, { $inc: { a: 'x' } }, 14],
    [{ a: Long.MAX_VALUE }, { $inc: { a: 1 } }, 2],
    [{ a: 1 }, { $set: { 'a.b': 1 } }, 28],
    [{ a: [] }, { $set: { 'a.b': 1 } }, 28],
    [{}, { $set: { a: 1 }, $inc: { a: 1 } }, 40],
    [{}, { $set: { a: 1, 'a.b': 1 } }, 40],
    [{}, { $set: { a: 1 }, $rename: { b: 'a' } }, 40],
    [{}, { $foo: { a: 1 } }, 9],
    [{}, { $set: { a: 1 }, b: 1 }, 9],
    [{}, { a: 1, $set: { b: 1 } }, 52],
    [{}, { $set: { '': 1 } }, 56],
    [{}, { $set: { 'a..b': 1 } }, 56],
    [{}, { $set: { 'a.$b': 1 } }, 52],
    [{ a: 1 }, { $push: { a: 1 } }, 2],
    [{ a: 1 }, { $pull: { a: 1 } }, 2],
    [{}, { $pop: { a: 2 } }, 9],
    [{}, { $bit: { a: { and: 1 } } }, 238],
    [{ a: [1] }, { $set: { 'a.$': 1 } }, 238],
    [{ a: [1] }, { $set: { 'a.$[]': 1 } }, 238],
    [{}, { $push: { a: { $each: [1], $sort: 1 } } }, 238],
  ])('of %j by %j is refused with code %i', (before, update, code) => {
    expect(() => apply(before, update)).toThrow(expect.objectContaining({ code }));
  });

  test('given as a pipeline is refused by name', () => {
    expect(() => compileUpdate([{ $set: { a: 1 } }])).toThrow(/pipeline/);
  });

  test('sets the current date, as date or timestamp', () => {
    const { a, b } = apply({}, { $currentDate: { a: true, b: { $type: 'timestamp' } } });
    expect(a).toBeInstanceOf(Date);
    expect(String(b?.constructor.name)).toBe('Timestamp');
  });
});

describe('an upsert', () => {
  test('begins with what the filter demands to be equal', () => {
    const filter = through({ a: 1, 'b.c': { $eq: 2 }, d: { $gt: 3 }, $and: [{ e: 4 }], $or: [{ f: 5 }], g: /x/ });
    expect(fromFilter(filter)).toEqual(through({ a: 1, b: { c: 2 }, e: 4 }));
  });

  test('applies $setOnInsert', () => {
    expect(apply({ a: 1 }, { $set: { b: 2 }, $setOnInsert: { c: 3 } }, true)).toEqual(through({ a: 1, b: 2, c: 3 }));
  });
});
