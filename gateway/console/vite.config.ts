import { defineConfig } from 'vite';

/** Where `npx vite gateway/console/app --config gateway/console/vite.config.ts` finds a system that runs. */
const SYSTEM = process.env.SYSTEM_URL ?? 'http://127.0.0.1:4000';

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    // Nothing inline: the page's content security policy allows neither scripts nor styles in it.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '/graphql': { target: SYSTEM, ws: true }, '/session': SYSTEM, '/health': SYSTEM } },
});
