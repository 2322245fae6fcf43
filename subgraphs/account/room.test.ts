import { expect, test } from 'vitest';
import { createRoom } from './room.ts';

const MOST = Number.MAX_SAFE_INTEGER;

test('there is room for a usual deposit where it was seen, and for no huge one', () => {
  const room = createRoom();
  expect(room.isThereFor('a', 1)).toBe(false);
  room.note('a', 100);
  expect(room.isThereFor('a', 100_000_000_000)).toBe(true);
  expect(room.isThereFor('a', 100_000_000_001)).toBe(false);
  expect(room.isThereFor('b', 1)).toBe(false);
});

test('there is none any more once something has filled the account', () => {
  const room = createRoom();
  room.note('a', 100);
  room.note('a', MOST - 10);
  expect(room.isThereFor('a', 1)).toBe(false);
});
