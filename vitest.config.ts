import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/sequence.ts';
import { ALL, LONG } from './test/thorough.ts';
import { SHORT_LIVED } from './test/v8.ts';

export default defineConfig({
  // Apollo's packages require the CommonJS graphql; a second copy as an ES module would be another realm to it.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['**/*.test.ts'],
    globalSetup: 'test/prepare.ts',
    setupFiles: 'test/properties.ts',
    exclude: ['**/node_modules/**', '.data/**', ...(ALL ? [] : LONG)],
    // Each file in a world of its own would load the packages anew, which costs more than most of them do. So what a file changes
    // beyond itself it puts back: clocks, the environment, what libraries have.
    isolate: false,
    // Most tests wait a good part of their time: for processes to start, for disks to sync, for leases to run out. So one more of them
    // run at once than there are cores where CI runs.
    maxWorkers: 3,
    execArgv: [...SHORT_LIVED],
    sequence: { sequencer: LongestFirst },
    // Tests of one file that may run at once compute: planted bugs are looked for in processes of their own.
    maxConcurrency: 2,
    // How long something may take is for a test to say. These are for what never ends: on a busy machine all takes several times as long.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
