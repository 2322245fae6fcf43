import { expect, test } from 'vitest';
import { formatRelative, formatSeconds } from './time.ts';

const NOW_MS = Date.parse('2026-01-31T12:00:00Z');

test.each([
  ['2026-01-31T11:59:58Z', 'just now'],
  ['2026-01-31T12:00:02Z', 'just now'],
  ['2026-01-31T11:59:30Z', '30 seconds ago'],
  ['2026-01-31T11:57:10Z', '2 minutes ago'],
  ['2026-01-31T07:00:00Z', '5 hours ago'],
  ['2026-01-30T11:00:00Z', 'yesterday'],
  ['2025-06-30T12:00:00Z', '7 months ago'],
])('%s was %s', (time, text) => {
  expect(formatRelative(time, NOW_MS)).toBe(text);
});

test.each([
  [0, '0 ms'],
  [0.8504, '850 ms'],
  [1.25, '1.3 s'],
  [12, '12 s'],
  [59.7, '1 min 0 s'],
  [200, '3 min 20 s'],
  [7_500, '2 h 5 min'],
  [273_600, '3 d 4 h'],
])('%f seconds are %s', (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});
