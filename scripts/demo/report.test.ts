import { expect, test } from 'vitest';
import { type Check, passed, quantile, table } from './report.ts';

const good: Check = { name: 'balances', unit: 'balances', compared: 1_400, differences: [] };
const bad: Check = { name: 'ledgers', unit: 'entries', compared: 9, differences: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] };
const empty: Check = { name: 'streams', unit: 'versions', compared: 0, differences: [] };

test('only when everything was compared and nothing differs it has passed', () => {
  expect(passed([good])).toBe(true);
  expect(passed([good, bad])).toBe(false);
  expect(passed([good, empty])).toBe(false);
});

test('the table is aligned, names the first differences, and is without colours off a terminal', () => {
  expect(table([good, bad, empty], false).split('\n')).toEqual([
    '  check      compared         result',
    `  ${'─'.repeat(46)}`,
    '  balances   1,400 balances   PASS',
    '  ledgers        9 entries    7 differ',
    ...['a', 'b', 'c', 'd', 'e'].map(difference => `      ${difference}`),
    '      and 2 more',
    '  streams        0 versions   nothing to compare',
    '',
  ]);
  expect(table([good], true)).toContain('\u001b[32mPASS\u001b[0m');
});

test('quantiles', () => {
  const values = [5, 1, 4, 2, 3];
  expect([0, 0.5, 0.99].map(share => quantile(values, share))).toEqual([1, 3, 5]);
  expect(quantile([], 0.5)).toBe(0);
});
