import { type FloatValueNode, type GraphQLError, parse, parseValue, visit } from 'graphql';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createEvent } from '../events/contract.ts';
import { loadContracts } from './catalog.ts';
import { assertOperator, assertOwner } from './errors.ts';
import { deposited } from './events/deposited.ts';
import { withdrawn } from './events/withdrawn.ts';
import { parseInput } from './input.ts';
import { connection, decodeCursor, encodeCursor, numberPlace, PAGE_MAX, pageSize, timePlace } from './paging.ts';
import { DateTime, JsonValue, MinorUnits } from './scalars.ts';

const codeOf = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return (error as GraphQLError).extensions.code;
  }
};

describe('the event types', () => {
  test('are each there once, named in the past tense, with a description', async () => {
    const all = await loadContracts();
    expect(new Set(all.map(({ type }) => type)).size).toBe(all.length);
    expect(all.map(({ type }) => type)).toEqual(expect.arrayContaining(['account-opened', 'deposited', 'fault']));
    for (const { type, description } of all) {
      if (type !== 'fault') expect(type).toMatch(/^[a-z-]+(ed|n|t)$/);
      expect(description).toMatch(/\.$/);
    }
  });

  test.each([
    0,
    -1,
    1.5,
    Number.MAX_SAFE_INTEGER + 1,
    '1',
    Number.NaN,
  ])('hold amounts as whole minor units, not as %s', amountMinor => {
    const draft = { id: '1', source: '/account', subject: 'a', time: '2026-01-31T12:00:00.000Z' };
    const data = { amountMinor, currency: 'EUR', channel: 'ACCOUNT' } as {
      amountMinor: number;
      currency: string;
      channel: string;
    };
    for (const contract of [deposited, withdrawn])
      expect(() => createEvent(contract, { ...draft, data })).toThrow(/amountMinor/);
  });
});

describe('minor units', () => {
  const literal = (text: string) => MinorUnits.parseLiteral(parseValue(text));

  test('are whole numbers that can be counted exactly', () => {
    for (const value of [0, 1, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
      expect(MinorUnits.parseValue(value)).toBe(value);
      expect(literal(String(value))).toBe(value);
      expect(MinorUnits.serialize(value)).toBe(value);
    }
  });

  test.each([
    1.5,
    '1',
    true,
    null,
    Number.MAX_SAFE_INTEGER + 1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    {},
    [],
  ])('are not %j', value => {
    expect(codeOf(() => MinorUnits.parseValue(value))).toBe('BAD_USER_INPUT');
    expect(() => MinorUnits.serialize(value)).toThrow();
  });

  test.each(['1.0', '1e3', '"1"', '9007199254740992', 'true', 'null'])('are not the literal %s', text => {
    expect(codeOf(() => literal(text))).toBe('BAD_USER_INPUT');
    // As it was written: the kind of it alone says nothing to who wrote it.
    expect(() => literal(text)).toThrow(`got ${text}`);
  });

  test('that are refused as literals say where in the document', () => {
    const document = 'mutation { deposit(amount: 12.50) }';
    const node = findFloat(document);
    try {
      MinorUnits.parseLiteral(node);
      expect.unreachable();
    } catch (error) {
      expect((error as GraphQLError).locations).toEqual([{ line: 1, column: document.indexOf('12.50') + 1 }]);
    }
  });
});

function findFloat(document: string): FloatValueNode {
  const found: FloatValueNode[] = [];
  visit(parse(document), { FloatValue: node => void found.push(node) });
  if (!found[0]) throw new Error('there is no float in it');
  return found[0];
}

describe('a date-time', () => {
  test.each([
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31t12:00:00z', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31T12:00:00.5Z', '2026-01-31T12:00:00.500Z'],
    ['2026-01-31T12:00:00.123456789Z', '2026-01-31T12:00:00.123Z'],
    ['2026-01-31T12:00:00+01:00', '2026-01-31T11:00:00.000Z'],
    ['2026-01-31T23:30:00-01:00', '2026-02-01T00:30:00.000Z'],
  ])('%s is %s inside', (text, inside) => {
    expect(DateTime.parseValue(text)).toBe(inside);
    expect(DateTime.parseLiteral(parseValue(`"${text}"`))).toBe(inside);
  });

  test.each([
    '2026-01-31',
    '12:00',
    '2026-01-31T12:00:00',
    '2026-13-01T00:00:00Z',
    '2026-01-32T00:00:00Z',
    '2026-02-30T00:00:00Z',
    'now',
    '',
    7,
    null,
  ])('%j is none', value => {
    expect(codeOf(() => DateTime.parseValue(value))).toBe('BAD_USER_INPUT');
  });
});

test('JSON is for output only', () => {
  expect(JsonValue.serialize({ any: ['thing'] })).toEqual({ any: ['thing'] });
  expect(codeOf(() => JsonValue.parseValue({}))).toBe('BAD_USER_INPUT');
  expect(codeOf(() => JsonValue.parseLiteral(parseValue('{}')))).toBe('BAD_USER_INPUT');
});

describe('a page', () => {
  test('has the size asked for, up to its maximum, and at least one', () => {
    expect([pageSize(1), pageSize(20), pageSize(PAGE_MAX + 1)]).toEqual([1, 20, PAGE_MAX]);
    expect([codeOf(() => pageSize(0)), codeOf(() => pageSize(-1))]).toEqual(['BAD_USER_INPUT', 'BAD_USER_INPUT']);
  });

  test('says where it ends and whether there is more', () => {
    const page = (rows: number[]) =>
      connection(
        rows,
        2,
        row => [row],
        row => row * 10,
      );
    expect(page([1, 2, 3])).toEqual({ nodes: [10, 20], pageInfo: { hasNextPage: true, endCursor: encodeCursor([2]) } });
    expect(page([1])).toEqual({ nodes: [10], pageInfo: { hasNextPage: false, endCursor: encodeCursor([1]) } });
    expect(page([])).toEqual({ nodes: [], pageInfo: { hasNextPage: false, endCursor: null } });
  });

  test('goes on from a cursor of its own list, and from no other', () => {
    expect(decodeCursor(encodeCursor([7]), numberPlace)).toEqual([7]);
    expect(decodeCursor(encodeCursor(['t', 'id']), timePlace)).toEqual(['t', 'id']);
    expect([decodeCursor(null, numberPlace), decodeCursor(undefined, numberPlace)]).toEqual([undefined, undefined]);
    for (const cursor of ['', 'nonsense', encodeCursor(['7']), encodeCursor([1, 2]), encodeCursor([1.5])])
      expect(
        codeOf(() => decodeCursor(cursor, numberPlace)),
        cursor,
      ).toBe('BAD_USER_INPUT');
    // No operators of a query get in through a cursor.
    const crafted = Buffer.from('[{"$gt":""},{"$gt":""}]').toString('base64url');
    expect(codeOf(() => decodeCursor(crafted, timePlace))).toBe('BAD_USER_INPUT');
  });
});

test('input is refused with each field that is wrong, and why', () => {
  const schema = z.object({ name: z.string(), deep: z.object({ amount: z.int() }) });
  expect(parseInput(schema, { name: 'x', deep: { amount: 1 } })).toEqual({ name: 'x', deep: { amount: 1 } });
  expect(() => parseInput(schema, { name: 7, deep: { amount: 1.5 } })).toThrow(/^name: .*; deep\.amount: /);
});

test('an owner passes to what is theirs, an operator to everything, and nobody else to anything', () => {
  const [alice, olga] = [
    { ownerId: 'alice', operator: false },
    { ownerId: 'olga', operator: true },
  ];
  expect([
    codeOf(() => assertOwner('alice', alice)),
    codeOf(() => assertOwner('alice', olga)),
    codeOf(() => assertOperator(olga)),
  ]).toEqual([undefined, undefined, undefined]);
  expect([
    codeOf(() => assertOwner('bob', alice)),
    codeOf(() => assertOwner(undefined, alice)),
    codeOf(() => assertOperator(alice)),
  ]).toEqual(['FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN']);
});
