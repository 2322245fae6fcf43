import type { Costs } from '../capacity.ts';

/**
 * What was measured: CPU by `npm run bench -- --processes each` at 200 deposits/s, MongoDB's and Redis's with all in one process; the
 * lake's chain by `npm run bench:lake` (8,437 events/s stored, two a deposit); bytes by `npm run bench:budget`. On two cores that had other work.
 */
export const MEASURED: Costs = {
  cpuMs: { gateway: 1.07, account: 2.05, balance: 0.7, reporting: 0.46, lake: 0.56, mongodb: 2.16, redis: 0.08 },
  singleMs: { lake: 0.24 },
  storedBytes: 3_500,
  appendedBytes: 3_015,
};

export const RATES = [1_000, 10_000, 100_000] as const;
