import { defineConfig } from 'vite';

/** Where `npx vite gateway/playground/app --config gateway/playground/vite.config.ts` finds a system that runs. */
const SYSTEM = process.env.SYSTEM_URL ?? 'http://127.0.0.1:4000';

export default defineConfig({
  base: '/graphiql/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'react' } },
  build: {
    target: 'es2022',
    // Fonts and pictures as files of their own: the page's content security policy allows no fonts in style sheets.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // The editor is one large piece whatever is done.
    chunkSizeWarningLimit: 10_000,
    rolldownOptions: {
      // "use client" and the like, which nothing here reads, hundreds of times.
      onLog: (level, log, handle) => void (log.code === 'MODULE_LEVEL_DIRECTIVE' || handle(level, log)),
    },
  },
  worker: { format: 'es' },
  server: { proxy: { '/graphql': { target: SYSTEM, ws: true }, '/session': SYSTEM } },
});
