import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Apollo's packages require the CommonJS graphql; a second copy as an ES module would be another realm to it.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['**/*.test.ts'],
    globalSetup: 'test/prepare.ts',
    exclude: ['**/node_modules/**', '.data/**'],
    // The tests wait more than they compute: for processes to start, for disks to sync, for leases to run out.
    maxWorkers: 2,
    // Tests of one file that may run at once compute: planted bugs are looked for in processes of their own.
    maxConcurrency: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
