import { expect, test } from 'vitest';
import { counter, perMinute } from './limits.ts';

test('a counter gives so many to each, and takes them back', () => {
  const { take, release } = counter(2);
  expect([take('a'), take('a'), take('a'), take('b')]).toEqual([true, true, false, true]);
  release('a');
  expect([take('a'), take('a')]).toEqual([true, false]);
});

test('so many in a minute for each, then again', () => {
  let nowMs = 1;
  const allow = perMinute(2, { now: () => nowMs });
  expect([allow('a'), allow('a'), allow('a'), allow('b')]).toEqual([true, true, false, true]);
  nowMs += 61_000;
  expect(allow('a')).toBe(true);
});

test('without a number there is no limit', () => {
  const allow = perMinute(undefined);
  expect(Array.from({ length: 1_000 }, () => allow('a')).every(Boolean)).toBe(true);
});
