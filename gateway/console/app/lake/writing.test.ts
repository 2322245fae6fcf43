import fc from 'fast-check';
import { parse, print } from 'graphql';
import { describe, expect, test } from 'vitest';
import { asCloudEvent, asGraphql, digestOf, kindOf, tokensOf } from './writing.ts';

const event = {
  ...{ id: 'e', type: 'deposited', source: '/account', subject: null, time: '2026-01-31T12:00:00.000Z' },
  ...{ data: { memo: '<b>' }, correlationId: 'c', causationId: null, position: 3, hash: 'abc' },
};

test('an event is a CloudEvent without what it has not', () => {
  expect(JSON.parse(asCloudEvent(event))).toEqual({
    ...{ specversion: '1.0', id: 'e', source: '/account', type: 'deposited', time: event.time },
    ...{ datacontenttype: 'application/json', data: { memo: '<b>' }, correlationid: 'c' },
    ...{ lakeposition: 3, lakehash: 'abc' },
  });
});

const awkward = fc.constantFrom('"', '\\', '\n', '\u0000', '\u2028', '\ud83d\ude00', '#', '{', 'a');

describe('a query as text', () => {
  test('has its arguments written out, without those that are not given', () => {
    const text = asGraphql(
      'events',
      { filter: { types: ['a"b'], subject: null }, first: 5, after: null, order: { enum: 'NEWEST_FIRST' } },
      'nodes { id }\n      totalCount',
    );
    expect(print(parse(text))).toBe(
      '{\n  events(filter: {types: ["a\\"b"]}, first: 5, order: NEWEST_FIRST) {\n    nodes {\n      id\n    }\n    totalCount\n  }\n}',
    );
  });

  test('can be read again whatever its texts hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: awkward }), subject => {
        expect(() => parse(asGraphql('events', { filter: { subject } }, 'totalCount'))).not.toThrow();
      }),
    );
  });

  test('of nothing given has no brackets', () => {
    expect(asGraphql('services', { first: null }, 'name')).toBe('query {\n  services {\n    name\n  }\n}');
  });
});

describe('data in a line', () => {
  test('names each value', () => {
    expect(digestOf({ amountMinor: 1250, currency: 'EUR', more: { a: 1 } })).toBe(
      'amountMinor 1250 · currency EUR · more {"a":1}',
    );
    expect([digestOf(null), digestOf([1, 2]), digestOf('x')]).toEqual(['', '[1,2]', '"x"']);
  });

  test('is never long', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        expect(digestOf(value).length).toBeLessThanOrEqual(120);
      }),
    );
  });
});

describe('coloured JSON', () => {
  test('is its text, whatever the data', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        const text = tokensOf(value).map(token => token.text);
        expect(text.join('')).toBe(JSON.stringify(value, null, 2));
      }),
    );
  });

  test('tells names from texts, numbers and words', () => {
    const kinds = tokensOf({ 'a:b': ['c', -1.5e3, true, null] }).filter(({ kind }) => kind !== 'plain');
    expect(kinds.map(({ kind }) => kind)).toEqual(['name', 'text', 'number', 'word', 'word']);
  });
});

test('a type always has the same colour', () => {
  fc.assert(
    fc.property(fc.string(), type => {
      expect(kindOf(type)).toBe(kindOf(type));
      expect([0, 1, 2, 3, 4, 5, 6, 7]).toContain(kindOf(type));
    }),
  );
  const types = ['account-opened', 'deposited', 'withdrawn', 'balance-updated', 'overdrawn', 'fault'];
  expect(new Set(types.map(kindOf)).size).toBe(types.length);
});
