import express, { type Request, Router } from 'express';
import { z } from 'zod';

/** Who may sign in without a token of their own, and what makes one. */
export type SignIn = {
  people: readonly { name: string; roles: readonly string[] }[];
  sign(person: { name: string; roles: readonly string[] }): Promise<string>;
};

const BODY_LIMIT = '1kb';
const body = z.object({ name: z.string() });

/**
 * `GET /session`: who can be picked, nobody where tokens come from elsewhere. `POST /session` with `{"name": "alice"}`: a token. A system
 * that has made its own secret is somebody's own, on their own machine; so the token is given to nobody but a page that this
 * gateway has served to a browser on the same machine.
 */
export function sessionRoutes(signIn: SignIn | undefined): Router {
  const router = Router().get('/session', (request, response) => {
    response.setHeader('cache-control', 'no-store');
    const people = signIn && isLocal(request) ? signIn.people : [];
    response.json({ people: people.map(({ name, roles }) => ({ name, roles })) });
  });
  if (!signIn) return router;
  return router.post('/session', express.json({ limit: BODY_LIMIT }), async (request, response) => {
    response.setHeader('cache-control', 'no-store');
    const refuse = (status: number, message: string, code: string) =>
      void response.status(status).json({ errors: [{ message, extensions: { code } }] });
    if (!isLocal(request) || !isOwnPage(request)) {
      return refuse(403, 'Only the console on this machine can sign somebody in.', 'FORBIDDEN');
    }
    const name = body.safeParse(request.body).data?.name;
    if (name === undefined) return refuse(400, 'Send {"name": "…"} as application/json.', 'BAD_REQUEST');
    const person = signIn.people.find(known => known.name === name);
    if (!person) {
      const names = signIn.people.map(known => known.name).join(', ');
      return refuse(404, `There is nobody of this name: ${names}.`, 'NOT_FOUND');
    }
    response.json({ token: await signIn.sign(person) });
  });
}

const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;
const LOOPBACK_ADDRESS = /^(::ffff:)?127\.|^::1$/;

/** From this machine, under a name that nobody else's page can have (DNS rebinding), and through no proxy. */
function isLocal({ headers, socket }: Request): boolean {
  return (
    LOOPBACK_HOST.test(headers.host ?? '') &&
    LOOPBACK_ADDRESS.test(socket.remoteAddress ?? '') &&
    headers['x-forwarded-for'] === undefined &&
    headers.forwarded === undefined
  );
}

/** Sent by a script of a page of this origin: a browser says so itself, and another page cannot. */
function isOwnPage({ headers }: Request): boolean {
  const { origin = '', host } = headers;
  const site = headers['sec-fetch-site'] ?? 'same-origin';
  return site === 'same-origin' && URL.canParse(origin) && new URL(origin).host === host;
}
