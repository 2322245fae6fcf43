import { expect, test } from 'vitest';
import { chunk, groupBy } from './group.ts';

test('groups keep the order of their items, and stand in the order of their first', () => {
  const groups = groupBy(['b1', 'a1', 'b2', 'a2'], item => item[0]);
  expect([...groups]).toEqual([
    ['b', ['b1', 'b2']],
    ['a', ['a1', 'a2']],
  ]);
});

test('chunks are consecutive, full but for the last, and none is empty', () => {
  expect(chunk([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
  expect(chunk([1, 2], 2)).toEqual([[1, 2]]);
  expect(chunk([], 2)).toEqual([]);
});
