import { expect, test } from 'vitest';
import { isUnderWay, passageOf, type Transfer } from './transfers.ts';

const transfer = (more: Partial<Transfer> = {}): Transfer => ({
  ...{ status: 'COMPLETED', problem: null, from: { id: 'a' }, to: { id: 'b' } },
  ...{ ownFrom: { name: 'Everyday' }, ownTo: { name: 'Savings' } },
  ...more,
});

test('a transfer is read from the side of the account that is looked at', () => {
  expect(passageOf('a', 'WITHDRAWAL', transfer())).toEqual({
    words: 'Transfer to',
    other: { id: 'b', name: 'Savings' },
  });
  expect(passageOf('b', 'DEPOSIT', transfer())).toEqual({
    words: 'Transfer from',
    other: { id: 'a', name: 'Everyday' },
  });
});

test('of somebody else’s account it has the id alone, and of somebody else’s transfer nothing', () => {
  expect(passageOf('a', 'WITHDRAWAL', transfer({ ownTo: null })).other).toEqual({ id: 'b', name: undefined });
  expect(passageOf('b', 'DEPOSIT', undefined)).toEqual({ words: 'Transfer in' });
  expect(passageOf('b', 'WITHDRAWAL', undefined)).toEqual({ words: 'Transfer out' });
});

test('one that came back says so, and why, where it went out and where it came in again', () => {
  const back = transfer({ status: 'COMPENSATED', problem: 'CURRENCY_MISMATCH' });
  expect(passageOf('a', 'WITHDRAWAL', back).outcome).toEqual({
    kind: 'bad',
    text: 'Came back',
    why: 'its currency is another one',
  });
  expect(passageOf('a', 'DEPOSIT', back)).toEqual({
    words: 'Transfer back from',
    other: { id: 'b', name: 'Savings' },
  });
});

test.each([
  ['REQUESTED', 'On its way', true],
  ['WITHDRAWN', 'On its way', true],
  ['RETURNING', 'On its way back', true],
  ['COMPENSATED', 'Came back', false],
  ['REFUSED', 'Not carried out', false],
  ['EXPIRED', 'Not carried out', false],
  ['COMPLETED', undefined, false],
] as const)('%s: %s', (status, text, more) => {
  expect(passageOf('a', 'WITHDRAWAL', transfer({ status })).outcome?.text).toBe(text);
  expect(isUnderWay(transfer({ status }))).toBe(more);
});
