import { Router } from 'express';
import { PLACES } from './places.ts';
import { STRICT_POLICY, servedApp } from './serve.ts';
import { type SignIn, sessionRoutes } from './session.ts';

const SERVED = { dist: new URL('./dist/', import.meta.url), base: '/', policy: STRICT_POLICY };

/** The console at `/`, at each of its places, and what signs people in to it. */
export function consoleRoutes(signIn: SignIn | undefined): Router {
  return Router()
    .use(sessionRoutes(signIn))
    .use(servedApp({ ...SERVED, pages: ['/', ...PLACES.flatMap(place => [`/${place}`, `/${place}/:id`])] }));
}

/** What a browser is shown at an address where nobody has anything: the console, which says so and leads on. */
export const missingPage = (): Router => servedApp({ ...SERVED, pages: ['/*path'], missing: true });
