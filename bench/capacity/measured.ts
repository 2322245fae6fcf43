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

/**
 * By `npm run bench:scale`, on two cores: deposits a second that processes of balance worked off, with a whole core each or a tenth of
 * one; and milliseconds of CPU a deposit, of balance, of MongoDB, and of all the rest.
 */
export const WORKED_OFF = [
  { count: 1, part: 1, perSecond: 2_921, cpuMs: { balance: 0.12, mongodb: 0.31, others: 0.14 } },
  { count: 2, part: 1, perSecond: 2_526, cpuMs: { balance: 0.14, mongodb: 0.37, others: 0.12 } },
  { count: 4, part: 1, perSecond: 2_472, cpuMs: { balance: 0.24, mongodb: 0.35, others: 0.14 } },
  { count: 1, part: 0.1, perSecond: 458, cpuMs: { balance: 0.24, mongodb: 0.59, others: 0.36 } },
  { count: 2, part: 0.1, perSecond: 2_076, cpuMs: { balance: 0.12, mongodb: 0.39, others: 0.14 } },
  { count: 4, part: 0.1, perSecond: 1_914, cpuMs: { balance: 0.25, mongodb: 0.48, others: 0.2 } },
] as const;
