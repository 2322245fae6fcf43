import { deserialize, serialize } from 'bson';
import { Binary, Decimal128, Double, Int32, Long, MaxKey, MinKey, ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { compileFilter } from './match.ts';
import { type Doc, decode } from './values.ts';

/** As the wire brings them: through BSON and back. */
const through = (doc: object): Doc => decode(serialize(doc, { ignoreUndefined: false }));
const matches = (filter: object, doc: object) => compileFilter(through(filter))(through(doc));
const id = new ObjectId();

/** Filter, then documents that match, then documents that do not. */
const TABLE: [filter: object, yes: object[], no: object[]][] = [
  [{}, [{}, { a: 1 }], []],
  [
    { a: 1 },
    [{ a: 1 }, { a: 1.0 }, { a: Long.fromNumber(1) }, { a: Decimal128.fromString('1.0') }, { a: [0, 1] }],
    [{}, { a: 2 }, { a: '1' }, { a: [[1]] }, { a: { b: 1 } }],
  ],
  [{ a: null }, [{}, { a: null }, { a: [null] }, { b: 1 }], [{ a: 0 }, { a: [] }, { a: '' }, { a: false }]],
  [
    { 'a.b': null },
    [{}, { a: 1 }, { a: {} }, { a: { b: null } }, { a: [{}] }, { a: [{ b: 1 }, {}] }],
    [{ a: [] }, { a: [1] }, { a: { b: 1 } }, { a: [{ b: 1 }] }],
  ],
  [{ a: { $ne: null } }, [{ a: 1 }, { a: [] }], [{}, { a: null }, { a: [1, null] }]],
  [{ a: { $eq: [1, 2] } }, [{ a: [1, 2] }, { a: [[1, 2], 3] }], [{ a: [2, 1] }, { a: [1, 2, 3] }, { a: 1 }]],
  [
    { a: { b: 1, c: 2 } },
    [{ a: { b: 1, c: 2 } }, { a: [{ b: 1, c: 2 }] }],
    [{ a: { c: 2, b: 1 } }, { a: { b: 1 } }, { a: { b: 1, c: 2, d: 3 } }],
  ],
  [
    { 'a.b': 1 },
    [{ a: { b: 1 } }, { a: [{ b: 1 }] }, { a: { b: [1] } }, { a: [{ b: [0, 1] }] }],
    [{ a: 1 }, { a: [1] }, { a: [[{ b: 1 }]] }, { 'a.c': 1 }],
  ],
  [{ 'a.0': 1 }, [{ a: [1, 2] }, { a: { 0: 1 } }, { a: [{ 0: 1 }] }], [{ a: [2, 1] }, { a: 1 }]],
  [{ 'a.0.b': 1 }, [{ a: [{ b: 1 }] }, { a: [{ 0: { b: 1 } }] }], [{ a: [{ b: 2 }, { b: 1 }] }]],
  [
    { a: { $gt: 1 } },
    [{ a: 2 }, { a: [0, 2] }, { a: Long.MAX_VALUE }],
    [{ a: 1 }, { a: '2' }, { a: null }, {}, { a: new Date() }, { a: Number.NaN }],
  ],
  [{ a: { $lt: 1 } }, [{ a: 0 }, { a: -Infinity }], [{ a: Number.NaN }, { a: null }, {}, { a: 'a' }]],
  [{ a: { $gte: Number.NaN } }, [{ a: Number.NaN }], [{ a: 1 }, { a: -Infinity }, {}]],
  [{ a: { $gte: null } }, [{ a: null }, {}], [{ a: 1 }, { a: 'x' }]],
  [{ a: { $gt: null } }, [], [{ a: null }, {}, { a: 1 }]],
  [{ a: { $gt: 'b' } }, [{ a: 'c' }, { a: 'b\u0000' }], [{ a: 'a' }, { a: 1 }, { a: {} }]],
  [{ a: { $gt: new MinKey() } }, [{ a: 1 }, { a: null }, { a: 'x' }], [{ a: new MinKey() }]],
  [{ a: { $lt: new MaxKey() } }, [{ a: 1 }, { a: {} }], [{ a: new MaxKey() }]],
  [{ a: { $gt: 1, $lt: 3 } }, [{ a: 2 }, { a: [0, 5] }], [{ a: 3 }, { a: 1 }, { a: [0] }]],
  [
    { a: { $gt: Long.fromString('9007199254740992') } },
    [{ a: Long.fromString('9007199254740993') }, { a: 9007199254740994 }],
    [{ a: 9007199254740992 }],
  ],
  [{ a: { $in: [1, 'x', null] } }, [{ a: 1 }, { a: 'x' }, {}, { a: ['y', 'x'] }], [{ a: 2 }, { a: [] }]],
  [{ a: { $in: [/^x/i] } }, [{ a: 'Xy' }], [{ a: 'yx' }, { a: 1 }]],
  [{ a: { $in: [] } }, [], [{}, { a: 1 }]],
  [{ a: { $nin: [1, 2] } }, [{ a: 3 }, {}], [{ a: 1 }, { a: [3, 2] }]],
  [{ a: { $exists: true } }, [{ a: 1 }, { a: null }, { a: [] }], [{}, { b: 1 }]],
  [{ a: { $exists: false } }, [{}, { b: 1 }], [{ a: null }]],
  [{ 'a.b': { $exists: true } }, [{ a: { b: null } }, { a: [{}, { b: 1 }] }], [{ a: {} }, { a: [1] }, {}]],
  [
    { a: { $type: 'number' } },
    [{ a: 1 }, { a: 1.5 }, { a: Decimal128.fromString('1') }, { a: ['x', 1] }],
    [{ a: '1' }, {}],
  ],
  [{ a: { $type: ['string', 8] } }, [{ a: 'x' }, { a: true }], [{ a: 1 }]],
  [{ a: { $type: 'array' } }, [{ a: [] }, { a: [1] }], [{ a: 1 }]],
  [{ a: { $type: 'int' } }, [{ a: new Int32(1) }], [{ a: new Double(1) }, { a: Long.fromNumber(1) }]],
  [{ a: { $not: { $gt: 5 } } }, [{}, { a: 5 }, { a: 'x' }], [{ a: 6 }, { a: [1, 6] }]],
  [{ a: { $not: /x/ } }, [{ a: 'y' }, {}], [{ a: 'x' }]],
  [{ $and: [{ a: 1 }, { b: 2 }] }, [{ a: 1, b: 2 }], [{ a: 1 }]],
  [{ $or: [{ a: 1 }, { b: 2 }] }, [{ a: 1 }, { b: 2 }], [{}]],
  [{ $nor: [{ a: 1 }, { b: 2 }] }, [{}], [{ a: 1 }, { b: 2 }]],
  [{ a: { $all: [1, 2] } }, [{ a: [2, 1, 3] }], [{ a: [1] }, { a: 1 }]],
  [{ a: { $all: [1] } }, [{ a: 1 }, { a: [1] }], [{}]],
  [{ a: { $all: [] } }, [], [{ a: [] }, {}]],
  [
    { a: { $all: [{ $elemMatch: { b: 1 } }, { $elemMatch: { b: 2 } }] } },
    [{ a: [{ b: 1 }, { b: 2 }] }],
    [{ a: [{ b: 1 }] }],
  ],
  [{ a: { $elemMatch: { $gt: 1, $lt: 3 } } }, [{ a: [2] }, { a: [0, 2] }], [{ a: [0, 5] }, { a: 2 }, {}, { a: [[2]] }]],
  [
    { a: { $elemMatch: { b: 1, c: 2 } } },
    [{ a: [{ b: 1, c: 2 }] }],
    [{ a: [{ b: 1 }, { c: 2 }] }, { a: { b: 1, c: 2 } }],
  ],
  [{ a: { $elemMatch: { $or: [{ b: 1 }, { c: 1 }] } } }, [{ a: [{ c: 1 }] }], [{ a: [{ d: 1 }] }]],
  [{ a: { $size: 2 } }, [{ a: [1, 2] }], [{ a: [1] }, { a: 2 }, { a: [[1, 2]] }]],
  [
    { a: { $mod: [4, 1] } },
    [{ a: 5 }, { a: 5.9 }, { a: Long.fromNumber(9) }],
    [{ a: 4 }, { a: '5' }, { a: Number.NaN }],
  ],
  [{ a: { $regex: '^ab', $options: 'i' } }, [{ a: 'ABc' }, { a: ['x', 'abc'] }], [{ a: 'xab' }, { a: 1 }]],
  [{ a: /b$/ }, [{ a: 'ab' }], [{ a: 'ba' }]],
  [{ a: id }, [{ a: new ObjectId(id.toHexString()) }], [{ a: new ObjectId() }, { a: id.toHexString() }]],
  [
    { a: new Binary(Buffer.from('ab')) },
    [{ a: new Binary(Buffer.from('ab')) }],
    [{ a: new Binary(Buffer.from('ac')) }, { a: new Binary(Buffer.from('ab'), 5) }],
  ],
  [{ a: new Date(5) }, [{ a: new Date(5) }], [{ a: new Date(6) }, { a: 5 }]],
  [{ $expr: { $gt: ['$a', '$b'] } }, [{ a: 2, b: 1 }, { a: 1 }], [{ a: 1, b: 2 }]],
  [{ $comment: 'x', a: 1 }, [{ a: 1 }], [{ a: 2 }]],
];

describe('a filter', () => {
  test.each(TABLE.flatMap(([filter, yes]) => yes.map(doc => [filter, doc])))('%j matches %j', (filter, doc) => {
    expect(matches(filter ?? {}, doc ?? {})).toBe(true);
  });

  test.each(TABLE.flatMap(([filter, , no]) => no.map(doc => [filter, doc])))('%j does not match %j', (filter, doc) => {
    expect(matches(filter ?? {}, doc ?? {})).toBe(false);
  });

  test.each([
    [{ a: { $foo: 1 } }, 2, '$foo'],
    [{ $foo: 1 }, 2, '$foo'],
    [{ $and: [] }, 2, '$and'],
    [{ a: { $in: 1 } }, 2, '$in'],
    [{ a: { $not: 1 } }, 2, '$not'],
    [{ a: { $regex: '(' } }, 2, 'Regular expression'],
    [{ a: { $size: -1 } }, 2, '$size'],
    [{ $where: 'true' }, 238, '$where'],
    [{ $text: { $search: 'x' } }, 238, '$text'],
    [{ a: { $near: [0, 0] } }, 238, '$near'],
    [{ a: { $bitsAllSet: 1 } }, 238, '$bitsAllSet'],
    [{ a: { $regex: 'x', $options: 'x' } }, 238, 'option x'],
  ])('%j is refused with code %i, naming %s', (filter, code, name) => {
    expect(() => compileFilter(through(filter))).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(name) }),
    );
  });
});

test('values keep their types through decoding', () => {
  const doc = { i: new Int32(1), d: new Double(1), l: Long.fromNumber(1), m: Decimal128.fromString('1') };
  expect(deserialize(serialize(through(doc)), { promoteValues: false })).toEqual(through(doc));
});
