/**
 * For processes that compute for seconds and then are over: simulations, and workers of tests. By default V8 makes fast code of whatever
 * has run for some moments, on threads beside; for a simulation that is a third of all it computes. Here something has to run seven times
 * as long before. What is computed is the same. Services in tests run as everybody's do.
 */
export const SHORT_LIVED: readonly string[] = ['--interrupt-budget=1000000'];
