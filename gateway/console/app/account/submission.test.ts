import { describe, expect, test } from 'vitest';
import { Failure } from '../failure.ts';
import { isKept, problemOf, randomKey, submissionOf } from './submission.ts';

describe('a submission', () => {
  let made = 0;
  const newKey = () => `key ${++made}`;

  test('has the same key when the same is sent again, and another when anything of it changed', () => {
    const first = submissionOf(undefined, { amount: 1, memo: null }, newKey);
    expect(submissionOf(first, { amount: 1, memo: null }, newKey).key).toBe(first.key);
    expect(submissionOf(first, { amount: 2, memo: null }, newKey).key).not.toBe(first.key);
    expect(submissionOf(undefined, { amount: 1, memo: null }, newKey).key).not.toBe(first.key);
  });

  test.each([
    ['NETWORK', true],
    ['TIMEOUT', true],
    ['UNAVAILABLE', true],
    ['INTERNAL_SERVER_ERROR', true],
    ['INSUFFICIENT_FUNDS', false],
    ['BAD_USER_INPUT', false],
    ['IDEMPOTENCY_KEY_REUSED', false],
  ])('that ended with %s is kept for the next try: %s', (code, kept) => {
    expect(isKept(new Failure(code, ''))).toBe(kept);
  });

  test('has a key that nobody can guess', () => {
    expect(randomKey()).toMatch(/^console-[0-9a-f]{32}$/);
    expect(randomKey()).not.toBe(randomKey());
  });
});

describe('why it was not taken', () => {
  const attempt = { kind: 'withdraw', amountMinor: 5_000, balanceMinor: 1_200, currency: 'USD' } as const;
  const said = (code: string, message = '') => Object.values(problemOf(new Failure(code, message), attempt)).join(' ');

  test.each([
    ['INSUFFICIENT_FUNDS', '$50.00 is more than there is. The balance is $12.00'],
    ['NETWORK', 'It is not known whether the withdrawal arrived.'],
    ['NETWORK', 'booked once, however often it is sent'],
    ['UNAVAILABLE', 'A part of the system is out of reach.'],
    ['NOT_FOUND', 'This is not your account.'],
    ['IDEMPOTENCY_KEY_REUSED', 'as a new withdrawal'],
  ])('%s: %s', (code, text) => {
    expect(said(code)).toContain(text);
  });

  test.each([
    ['USD', '$90,071,992,547,409.91'],
    ['JPY', '¥9,007,199,254,740,991'],
  ])('is said in the account’s own currency where the balance would not be exact any more: %s', (currency, most) => {
    const failure = new Failure('BAD_USER_INPUT', 'amount: the balance would exceed 9007199254740991 minor units');
    const { title, text } = problemOf(failure, { ...attempt, kind: 'deposit', currency });
    expect(title).toBe('This is more than the account can hold.');
    expect(text).toBe(`The balance would be above ${most}, the most that is counted exactly. Nothing was booked.`);
  });

  test('is in the words of the system where it says which input was wrong', () => {
    expect(said('BAD_USER_INPUT', 'memo: must have 500 characters or fewer')).toContain(
      'memo: must have 500 characters or fewer. Nothing was booked.',
    );
  });
});
