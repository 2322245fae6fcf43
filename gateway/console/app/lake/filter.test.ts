import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  conditionsOf,
  type Filter,
  filterFrom,
  filterOf,
  inputOf,
  localOf,
  NO_FILTER,
  paramsOf,
  timeFrom,
  toggleType,
} from './filter.ts';

const word = fc.stringMatching(/^[a-z0-9/:<>&=%+-]{1,12}$/);
const filters: fc.Arbitrary<Filter> = fc.record({
  types: fc.uniqueArray(word, { maxLength: 4 }),
  subject: fc.oneof(fc.constant(''), word),
  source: fc.oneof(fc.constant(''), word),
  correlation: fc.oneof(fc.constant(''), word),
  from: fc.constantFrom('', '2026-01-31T12:00:00.000Z'),
  to: fc.constantFrom('', '2026-02-01T00:00:00.000Z'),
});

const queryOf = (filter: Filter) =>
  new URLSearchParams(Object.entries(paramsOf(filter)).filter((entry): entry is [string, string] => entry[1] !== null));

describe('a filter', () => {
  test('is the same after it has stood in an address', () => {
    fc.assert(
      fc.property(filters, filter => {
        expect(filterOf(new URLSearchParams(queryOf(filter).toString()))).toEqual(filter);
      }),
    );
  });

  test('is the same when a replay gives it back', () => {
    fc.assert(
      fc.property(filters, filter => {
        expect(filterFrom(inputOf(filter))).toEqual(filter);
      }),
    );
  });

  test('that asks for nothing leaves the address and the API alone', () => {
    expect(queryOf(NO_FILTER).size).toBe(0);
    expect(inputOf(NO_FILTER)).toBe(null);
    expect(filterFrom(null)).toEqual(NO_FILTER);
  });

  test('takes types between blanks and commas, once each', () => {
    expect(filterOf(new URLSearchParams('types=a,b a,,c')).types).toEqual(['a', 'b', 'c']);
  });

  test('has as many conditions as can be taken out, each of which leaves the others', () => {
    const filter = { ...NO_FILTER, types: ['a', 'b'], subject: 's' };
    expect(conditionsOf(filter)).toEqual([
      { name: 'types', value: 'a', without: { ...filter, types: ['b'] } },
      { name: 'types', value: 'b', without: { ...filter, types: ['a'] } },
      { name: 'subject', value: 's', without: { ...filter, subject: '' } },
    ]);
  });

  test('gets a type and loses it again', () => {
    const chosen = toggleType(NO_FILTER, 'a');
    expect(chosen.types).toEqual(['a']);
    expect(toggleType(chosen, 'a')).toEqual(NO_FILTER);
  });
});

test("a time is the same after it has stood in a form, in the reader's zone", () => {
  expect(timeFrom(localOf('2026-07-31T12:00:05.000Z'))).toBe('2026-07-31T12:00:05.000Z');
  expect(localOf('2026-07-31T12:00:05.000Z')).toMatch(/^2026-0[78]-\d\dT\d\d:\d\d:05$/);
  expect([localOf('yesterday'), timeFrom('')]).toEqual(['', '']);
});
