import { defineConfig } from 'vitest/config';
export default defineConfig({
  root: '/work/main',
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: { include: ['gateway/**/*.test.ts', 'subgraphs/server.test.ts'], testTimeout: 30_000, hookTimeout: 30_000 },
});
