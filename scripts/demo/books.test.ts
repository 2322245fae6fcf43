import { expect, test } from 'vitest';
import {
  type Answer,
  enter,
  judge,
  openBook,
  type Priced,
  price,
  sumUp,
  type Transaction,
  totalsOf,
  verdictOf,
} from './books.ts';

const move = (type: Priced['type'], amount: number, account: Priced['account'] = 'everyday'): Priced => ({
  ...{ account, type, amount },
  memo: 'rent',
});
const made = (id: string, change: Partial<Transaction> = {}): Transaction => ({
  ...{ id, type: 'WITHDRAWAL', amount: 60, memo: 'rent', time: '2026-01-01T00:00:00.000Z' },
  ...change,
});
const yes = (id: string, change: Partial<Transaction> = {}): Answer<Transaction> => ({ data: made(id, change) });
const no = (code = 'INSUFFICIENT_FUNDS'): Answer<Transaction> => ({ code, message: 'no' });

test('a share of what can be spent is rounded down', () => {
  expect(price({ share: 0.5 }, 101)).toBe(50);
  expect(price({ minor: 7 }, 101)).toBe(7);
});

test('alone, a withdrawal is accepted up to what there is and refused beyond', () => {
  const [all, more] = [move('WITHDRAWAL', 100), move('WITHDRAWAL', 101)];
  expect(verdictOf(all, [all], 100)).toBe('accepted');
  expect(verdictOf(more, [more], 100)).toBe('refused');
});

test('beside others it depends on whether every order of them says the same', () => {
  const withdrawal = move('WITHDRAWAL', 60);
  const verdict = (...others: Priced[]) => verdictOf(withdrawal, [withdrawal, ...others], 100);
  expect(verdict(move('WITHDRAWAL', 40))).toBe('accepted');
  expect(verdict(move('WITHDRAWAL', 41))).toBe('either');
  expect(verdict(move('WITHDRAWAL', 100, 'savings'))).toBe('accepted');
  expect(verdictOf(withdrawal, [withdrawal, move('DEPOSIT', 10)], 50)).toBe('either');
  expect(verdictOf(withdrawal, [withdrawal, move('DEPOSIT', 9)], 50)).toBe('refused');
  const deposit = move('DEPOSIT', 1);
  expect(verdictOf(deposit, [deposit, withdrawal], 0)).toBe('accepted');
});

test.each<[string, 'accepted' | 'refused' | 'either', Answer<Transaction>[], number]>([
  ['accepted as it has to be', 'accepted', [yes('1')], 0],
  ['refused as it has to be', 'refused', [no()], 0],
  ['repeated with the same answer', 'accepted', [yes('1'), yes('1')], 0],
  ['a race either way', 'either', [no(), yes('1')], 0],
  ['one key, two transactions', 'accepted', [yes('1'), yes('2')], 1],
  ['covered and refused', 'accepted', [no()], 1],
  ['covered, and its repetition refused', 'accepted', [yes('1'), no()], 1],
  ['not covered and acknowledged', 'refused', [yes('1')], 1],
  ['another refusal', 'refused', [no('NOT_FOUND')], 1],
  ['another refusal in a race', 'either', [no('INTERNAL_SERVER_ERROR')], 1],
  ['another amount', 'accepted', [yes('1', { amount: 61 })], 1],
  ['another type', 'accepted', [yes('1', { type: 'DEPOSIT' })], 1],
  ['another memo', 'accepted', [yes('1', { memo: null })], 1],
])('judged: %s', (_, verdict, answers, differences) => {
  expect(judge(move('WITHDRAWAL', 60), verdict, answers)).toHaveLength(differences);
});

test('the books add up, and know a transaction that two keys were answered with', () => {
  const book = openBook({ id: 'a', ownerId: 'alice', name: 'everyday', currency: 'USD' });
  expect(enter(book, made('1', { type: 'DEPOSIT', amount: 100 }))).toEqual([]);
  expect(enter(book, made('2'))).toEqual([]);
  expect(enter(book, made('2'))).toEqual([expect.stringContaining('two keys')]);
  expect(book.amount).toBe(40);
  const totals = { deposits: 1, withdrawals: 1, deposited: 100, withdrawn: 60, largest: 100, accounts: 1 };
  expect(totalsOf(book)).toEqual({ ...totals, currency: 'USD' });
});

test('totals are summed up by currency, an account without transactions with no largest one', () => {
  const empty = (currency: string) => totalsOf(openBook({ id: currency, ownerId: 'o', name: 'n', currency }));
  const sums = sumUp([empty('USD'), empty('EUR'), empty('USD')]);
  expect(sums.get('USD')).toMatchObject({ accounts: 2, largest: null });
  expect(sums.get('EUR')).toMatchObject({ accounts: 1, largest: null });
});
