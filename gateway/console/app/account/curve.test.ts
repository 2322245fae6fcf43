import { expect, test } from 'vitest';
import { curveInWords, curveOf } from './curve.ts';
import type { AccountView } from './facts.ts';

const account = (balances: number[], more = false): AccountView => ({
  id: 'a',
  ownerId: 'alice',
  name: 'Everyday',
  currency: 'USD',
  openedAt: '1970-01-01T00:00:01Z',
  balance: { amount: balances.at(-1) ?? 0, version: balances.length, asOf: null },
  transactions: { nodes: [], pageInfo: { hasNextPage: false, endCursor: null } },
  ledger: {
    nodes: balances
      .map((balance, at) => ({
        version: at + 1,
        amount: 0,
        balance,
        time: new Date((at + 2) * 1000).toISOString(),
        eventId: `e${at}`,
        eventType: 'deposited',
      }))
      .reverse(),
    pageInfo: { hasNextPage: more, endCursor: null },
  },
});

test('goes from nothing at the opening to the balance now', () => {
  expect(curveOf(account([500, 300]), 9_000)).toEqual({ times: [1, 2, 3, 9], balances: [0, 500, 300, 300] });
});

test('begins with the first line that is known where there are earlier ones', () => {
  expect(curveOf(account([500, 300], true), 9_000)).toEqual({ times: [2, 3, 9], balances: [500, 300, 300] });
});

test('never goes back in time, whatever the clocks say', () => {
  expect(curveOf(account([500]), 0).times).toEqual([1, 2, 2]);
});

test('is said in words to those who cannot see it', () => {
  const words = curveInWords(curveOf(account([50_000, -300]), 9_000), 'USD');
  expect(words).toContain('from $0.00 to −$3.00, at least −$3.00 and at most $500.00');
});
