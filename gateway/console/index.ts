import { Router } from 'express';
import { PLACES } from './places.ts';
import { STRICT_POLICY, servedApp } from './serve.ts';
import { type SignIn, sessionRoutes } from './session.ts';

/** The console at `/`, at each of its places, and what signs people in to it. */
export function consoleRoutes(signIn: SignIn | undefined): Router {
  return Router()
    .use(sessionRoutes(signIn))
    .use(
      servedApp({
        dist: new URL('./dist/', import.meta.url),
        base: '/',
        pages: ['/', ...PLACES.flatMap(place => [`/${place}`, `/${place}/:id`])],
        policy: STRICT_POLICY,
      }),
    );
}
