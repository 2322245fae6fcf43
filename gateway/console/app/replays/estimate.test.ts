import { describe, expect, test } from 'vitest';
import { estimate, shareOf, speedOf } from './estimate.ts';

const measured = (eventsPerSecond: number | null, other: object = {}) => ({
  service: 'balance',
  mode: 'REPAIR' as const,
  status: 'COMPLETED' as const,
  applied: 1_000,
  ratePerSecond: null,
  eventsPerSecond,
  ...other,
});
const wanted = {
  service: 'balance',
  mode: 'REPAIR' as const,
  total: 12_000,
  ratePerSecond: null,
  createdAt: '2026-01-31T12:00:00.000Z',
  finishedAt: '2026-01-31T12:00:07.000Z',
};

describe('the time a replay will take', () => {
  test('is known from how fast such replays were: the one in the middle', () => {
    expect(estimate(wanted, [measured(100), measured(300), measured(9_000)])).toBe(40);
    expect(estimate(wanted, [measured(200), measured(400)])).toBe(40);
  });

  test('goes by the chosen rate where that is slower', () => {
    expect(estimate({ ...wanted, ratePerSecond: 100 }, [measured(300)])).toBe(120);
    expect(estimate({ ...wanted, ratePerSecond: 1_000 }, [measured(300)])).toBe(40);
    expect(estimate({ ...wanted, ratePerSecond: 100 }, [])).toBe(120);
  });

  test('is what the dry run took where that has built the data already', () => {
    expect(estimate({ ...wanted, mode: 'REBUILD' }, [measured(1, { mode: 'REBUILD' })])).toBe(7);
  });

  test('goes by large replays before small ones, which take their time to begin', () => {
    expect(estimate(wanted, [measured(10, { applied: 50 }), measured(12, { applied: 60 }), measured(300)])).toBe(40);
  });

  test('is not guessed', () => {
    expect(estimate(wanted, [])).toBe(undefined);
    expect(estimate(wanted, [measured(null), measured(0)])).toBe(undefined);
    expect(estimate({ ...wanted, total: 0 }, [])).toBe(0);
  });

  test('leaves out other services, what was held back, what ended early and what was too short', () => {
    const others = [{ service: 'account' }, { ratePerSecond: 10 }, { status: 'CANCELLED' as const }, { applied: 3 }];
    expect(speedOf(wanted, [...others.map(other => measured(5, other)), measured(300)])).toBe(300);
  });

  test('goes by another mode only where its own is not known', () => {
    const rebuild = measured(50, { mode: 'REBUILD' });
    expect(speedOf(wanted, [rebuild])).toBe(50);
    expect(speedOf(wanted, [rebuild, measured(300)])).toBe(300);
  });
});

test('the share that is done is known once there is something to do', () => {
  expect(shareOf({ status: 'RUNNING', total: 200, applied: 50 })).toBe(0.25);
  expect(shareOf({ status: 'RUNNING', total: 200, applied: 250 })).toBe(1);
  expect(shareOf({ status: 'COMPLETED', total: 0, applied: 0 })).toBe(1);
  expect(shareOf({ status: 'PLANNED', total: 200, applied: 0 })).toBe(undefined);
  expect(shareOf({ status: 'RUNNING', total: 0, applied: 0 })).toBe(undefined);
});
