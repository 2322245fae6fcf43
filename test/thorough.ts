/**
 * Whether the tests take their time (`TEST_THOROUGH=1 npm test`): more rounds, longer histories, every planted bug and more faults,
 * of which `npm test` tries a selection, so that it stays within some minutes.
 */
export const THOROUGH = process.env.TEST_THOROUGH === '1';
