/**
 * How much the tests do. `npm test` does what is wanted before each change, in some minutes; `.ci/run` does what takes longer as well.
 */

/**
 * Whether they take their time (`TEST_THOROUGH=1 npm test`): more rounds, longer histories, every planted bug and more faults.
 */
export const THOROUGH = process.env.TEST_THOROUGH === '1';

/** Whether what is in `LONG` is done as well (`TEST_ALL=1 npm test`). */
export const ALL = THOROUGH || process.env.TEST_ALL === '1';

/**
 * What takes half a minute or a browser, and seldom finds what nothing else has found: the guides, followed word by word in clones of
 * their own; going from release to release under load; the pages as people use them; and what a deposit costs, counted.
 */
export const LONG: readonly string[] = [
  'bench/budget.test.ts',
  'test/browser/**/*.test.ts',
  'test/guide.test.ts',
  'test/import.test.ts',
  'test/rollout.test.ts',
  'test/upgrade.test.ts',
];
