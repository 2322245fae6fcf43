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

  test('is in the words of the system where it says which input was wrong', () => {
    expect(said('BAD_USER_INPUT', 'memo: must have 500 characters or fewer')).toContain(
      'memo: must have 500 characters or fewer. Nothing was booked.',
    );
  });
});
