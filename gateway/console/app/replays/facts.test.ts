import { describe, expect, test } from 'vitest';
import { NO_FILTER } from '../lake/filter.ts';
import { addressOf } from '../router.ts';
import { aboutSeconds, counted, inputOfWish, paramsOfWish, problemOfRate, type Wish, wishOf } from './facts.ts';

const wish: Wish = {
  service: 'balance',
  mode: 'REBUILD',
  filter: { ...NO_FILTER, subject: 'a', types: ['deposited'] },
  rate: '500',
  reason: 'a ticket & more',
};

describe('a wish for a replay', () => {
  test('is the same after it has stood in an address', () => {
    const address = addressOf('replays', 'new', paramsOfWish(wish));
    expect(address).toMatch(/^\/replays\/new\?service=balance&mode=rebuild&/);
    expect(wishOf(new URL(address, 'http://x').searchParams)).toEqual(wish);
  });

  test('of an empty address is a repair with everything', () => {
    expect(wishOf(new URLSearchParams())).toEqual({
      ...{ service: '', mode: 'REPAIR', filter: NO_FILTER, rate: '', reason: '' },
    });
    expect(wishOf(new URLSearchParams('mode=destroy')).mode).toBe('REPAIR');
  });

  test('for building anew asks for a subject at most: a part of the events would not be the data', () => {
    expect(inputOfWish(wish, true)).toEqual({
      ...{ service: 'balance', mode: 'REBUILD', dryRun: true, filter: { subject: 'a' } },
      ...{ ratePerSecond: 500, reason: 'a ticket & more' },
    });
    expect(inputOfWish({ ...wish, mode: 'REPAIR' }, false).filter).toEqual({ subject: 'a', types: ['deposited'] });
  });

  test('without a rate or a reason has none', () => {
    expect(inputOfWish({ ...wish, rate: ' ', reason: ' ' }, false)).toMatchObject({
      ratePerSecond: null,
      reason: null,
    });
  });
});

test('a rate is a whole number in bounds, or none', () => {
  expect(['', '1', '100000'].map(problemOfRate)).toEqual([undefined, undefined, undefined]);
  for (const rate of ['0', '1.5', '100001', 'fast', '-3']) expect(problemOfRate(rate)).toMatch(/1 to 100,000/);
});

test('counts and times read as people say them', () => {
  expect([counted(12_402, 'event'), counted(1, 'account')]).toEqual(['12,402 events', '1 account']);
  expect([0.2, 4.4, 40.3, 200].map(aboutSeconds)).toEqual([
    'less than a second',
    'about 4 s',
    'about 40 s',
    'about 3 min 20 s',
  ]);
});
