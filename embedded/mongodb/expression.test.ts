import { Decimal128, Double, Int32, Long, serialize } from 'bson';
import { describe, expect, test } from 'vitest';
import { compileExpression } from './expression.ts';
import { ACCUMULATORS } from './sum.ts';
import { type Doc, decode } from './values.ts';

const through = (doc: object): Doc => decode(serialize(doc));
const compute = (expression: unknown, doc: object = {}) =>
  compileExpression(through({ expression }).expression)(through(doc));
const long = (text: string) => Long.fromString(text);
const decimal = (text: string) => Decimal128.fromString(text);
const at = new Date('2024-05-06T07:08:09.010Z');

describe('an expression', () => {
  test.each<[expression: unknown, doc: object, result: unknown]>([
    ['$a.b', { a: { b: 'x' } }, 'x'],
    ['$a.b', { a: [{ b: 'x' }, {}, { b: 'y' }] }, ['x', 'y']],
    ['$a', {}, undefined],
    ['text', {}, 'text'],
    [{ x: '$a', y: '$missing' }, { a: 'x' }, { x: 'x' }],
    [['$a', '$missing'], { a: 'x' }, ['x', null]],
    ['$$ROOT', { a: 'x' }, { a: 'x' }],
    [{ $literal: '$a' }, {}, '$a'],
    [{ $eq: ['$a', 1] }, { a: long('1') }, true],
    [{ $gt: ['$a', 'x'] }, { a: 5 }, false],
    [{ $lt: ['$missing', null] }, {}, true],
    [{ $and: ['$a', { $not: ['$b'] }] }, { a: 1, b: 0 }, true],
    [{ $or: ['$a', '$b'] }, { a: null }, false],
    [{ $cond: ['$a', 'yes', 'no'] }, { a: 1 }, 'yes'],
    [{ $ifNull: ['$a', 'none'] }, { a: null }, 'none'],
    [{ $concat: ['$a', '-', '$b'] }, { a: 'x', b: 'y' }, 'x-y'],
    [{ $concat: ['$a', '$b'] }, { a: 'x' }, null],
    [{ $arrayElemAt: ['$a', -1] }, { a: ['x', 'y'] }, 'y'],
    [{ $in: ['x', '$a'] }, { a: ['x'] }, true],
    [{ $mergeObjects: ['$a', { c: 'z' }] }, { a: { b: 'x' } }, { b: 'x', c: 'z' }],
    [{ $dateToString: { date: '$at', format: '%Y-%m-%d %H:%M:%S.%L %%' } }, { at }, '2024-05-06 07:08:09.010 %'],
    [{ $dateToString: { date: '$at' } }, {}, null],
    [{ $subtract: ['$at', 1000] }, { at }, new Date(at.getTime() - 1000)],
    [{ $add: ['$at', 1000] }, { at }, new Date(at.getTime() + 1000)],
    [{ $add: ['$a', 1] }, {}, null],
  ])('%j of %j is %j', (expression, doc, result) => {
    expect(compute(expression, doc)).toEqual(result);
  });

  test.each<[expression: object, result: unknown]>([
    [{ $add: [1, 2] }, new Int32(3)],
    [{ $add: [new Int32(2147483647), 1] }, long('2147483648')],
    [{ $add: [long('9007199254740993'), 1] }, long('9007199254740994')],
    [{ $add: [1, new Double(0.5)] }, new Double(1.5)],
    [{ $add: [Long.MAX_VALUE, 1] }, new Double(2 ** 63)],
    [{ $add: [decimal('0.10'), 1] }, decimal('1.10')],
    [{ $subtract: [1, long('2')] }, long('-1')],
    [{ $multiply: [long('4503599627370497'), 2] }, long('9007199254740994')],
    [{ $divide: [1, 4] }, new Double(0.25)],
    [{ $size: [[1, 2]] }, new Int32(2)],
    [{ $cmp: [1, 2] }, new Int32(-1)],
    [{ $subtract: [new Date(5), new Date(3)] }, long('2')],
  ])('%j is %s, of that type', (expression, result) => {
    const computed = compute(expression);
    expect(String(computed)).toBe(String(result));
    expect(computed?.constructor).toBe(result?.constructor);
  });

  test.each<[expression: unknown, code: number, name: string]>([
    [{ $sqrt: 1 }, 168, '$sqrt'],
    [{ $constructor: 1 }, 168, '$constructor'],
    ['$$NOW', 238, 'NOW'],
    [{ $dateToString: { date: '$a', timezone: 'x' } }, 238, 'timezone'],
    [{ $divide: [decimal('1'), 2] }, 238, 'decimals'],
    [{ $divide: [1, 0] }, 2, '$divide'],
    [{ $eq: [1] }, 2, '$eq'],
    [{ $add: ['x', 1] }, 14, '$add'],
    [{ $eq: [1, 1], $ne: [1, 1] }, 9, '$eq'],
  ])('%j is refused with code %i, naming %s', (expression, code, name) => {
    const failing = () => compute(expression);
    expect(failing).toThrow(expect.objectContaining({ code, message: expect.stringContaining(name) }));
  });
});

describe('an accumulator', () => {
  const accumulate = (name: string, values: unknown[]) => {
    const state = ACCUMULATORS[name]?.();
    for (const value of values) state?.add(value);
    return state?.result();
  };
  test.each<[name: string, values: unknown[], result: unknown]>([
    ['$sum', [], new Int32(0)],
    ['$sum', [new Int32(1), 'x', null, new Int32(2)], new Int32(3)],
    ['$sum', [long('9007199254740993'), new Int32(2)], long('9007199254740995')],
    ['$sum', [new Double(1e100), new Double(1), new Double(-1e100)], new Double(1)],
    ['$sum', [decimal('0.1'), decimal('0.2')], decimal('0.3')],
    ['$sum', [Long.MAX_VALUE, new Int32(1)], new Double(2 ** 63)],
    ['$avg', [new Int32(1), new Int32(2)], new Double(1.5)],
    ['$avg', [], null],
    ['$min', [new Int32(2), null, long('1')], long('1')],
    ['$max', [new Int32(2), 'x', new Double(3)], 'x'],
    ['$first', ['x', 'y'], 'x'],
    ['$last', ['x', 'y'], 'y'],
    ['$push', ['x', undefined, 'x'], ['x', 'x']],
    ['$addToSet', [new Int32(1), new Double(1), new Int32(2)], [new Int32(1), new Int32(2)]],
  ])('%s of %s is %s', (name, values, result) => {
    const computed = accumulate(name, values);
    expect(computed).toEqual(result);
    expect(computed?.constructor).toBe(result?.constructor);
  });
});
