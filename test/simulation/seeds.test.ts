import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ALL, THOROUGH } from '../thorough.ts';
import regressions from './regressions.json' with { type: 'json' };
import { TRANSFERS_AFTER } from './scenario.ts';
import { runSeeds } from './seeds.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const SEEDS = ALL ? 500 : 200;
const TRANSFER_SEEDS = THOROUGH ? 500 : 60;

const COMPARED = 30;

/** Of the first ones: their traces. */
let together: string[] = [];

test(`${SEEDS} seeds are clean`, async () => {
  const { done, failures, steps, traces } = await runSeeds({
    root,
    from: 1,
    count: SEEDS,
    jobs: availableParallelism(),
  });
  together = traces.filter(trace => Number(trace.split(' ')[0]) <= COMPARED);
  expect(failures.map(({ seed, violations }) => ({ seed, violations }))).toEqual([]);
  expect(done).toBe(SEEDS);
  // Seeds in which nothing happens are clean as well.
  expect(steps / done).toBeGreaterThan(500);
}, 600_000);

test(`${TRANSFER_SEEDS} seeds are clean in which amounts are moved between accounts`, async () => {
  const { done, failures } = await runSeeds({
    ...{ root, from: TRANSFERS_AFTER + 1, count: TRANSFER_SEEDS, jobs: availableParallelism() },
  });
  expect(failures.map(({ seed, violations }) => ({ seed, violations }))).toEqual([]);
  expect(done).toBe(TRANSFER_SEEDS);
}, 600_000);

test('whatever ran before it in its process, a seed has the same trace', async () => {
  // In those that ran them all, each had others before it; here they begin anew after every few.
  const apart = await runSeeds({ root, from: 1, count: COMPARED, jobs: 3 });
  expect(apart.traces.sort()).toEqual(together.sort());
  expect(apart.traces).toHaveLength(COMPARED);
});

test('seeds that have failed before are clean', async () => {
  for (const seed of regressions) {
    const { failures } = await runSeeds({ root, from: seed, count: 1, jobs: 1 });
    expect(failures).toEqual([]);
  }
});
