import type { Router } from 'express';
import { STRICT_POLICY, servedApp } from '../console/serve.ts';

/**
 * The editor that GraphiQL is built on (Monaco) sets styles in the HTML that it makes, and adds style sheets as it runs: with no
 * setting of its own can it do without. Scripts stay as they are elsewhere: our own files alone. It runs its languages in workers.
 */
const POLICY = STRICT_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'").concat(
  "; worker-src 'self'",
);

/** GraphiQL at `/graphiql`, over this gateway's own `/graphql`. */
export function playgroundRoutes(): Router {
  return servedApp({
    dist: new URL('./dist/', import.meta.url),
    base: '/graphiql/',
    pages: ['/graphiql'],
    policy: POLICY,
  });
}
