import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Request, type Response, Router } from 'express';
import { z } from 'zod';

/** A web application as `npm run build` leaves it. */
export type ServedApp = {
  /** Where its `dist/` is. */
  dist: URL;
  /** What its files' addresses begin with: `/`, or `/graphiql/`. */
  base: string;
  /** The addresses that answer its page: paths as Express knows them. */
  pages: readonly string[];
  /** Its pages' content security policy. */
  policy: string;
  /** Whether there is nothing at its addresses: the page says so, with status 404, and only to who asks for a page. Default: no. */
  missing?: boolean;
};

/** Nothing but the application's own files may run, be shown or be talked to; nothing inline, and in nobody's frame. */
export const STRICT_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  // Of the page's own origin, sockets included.
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const PAGE = 'index.html';
const RECORD = 'build.json';

const record = z.object({
  files: z.record(z.string(), z.object({ encodings: z.array(z.enum(['br', 'gzip'])) })),
});
type Build = z.infer<typeof record>['files'];

const SUFFIX = { br: '.br', gzip: '.gz' };

/**
 * Serves a built application: its page at the addresses given, and its files, compressed as they were built. Names of files hold a
 * hash of what is in them, so a browser keeps them; the page is asked for anew each time. A build that comes while the process
 * runs is used from then on; while there is none the page says how to make it.
 */
export function servedApp({ dist, base, pages, policy, missing = false }: ServedApp): Router {
  const current = buildIn(dist);
  const root = fileURLToPath(dist);

  function send(request: Request, response: Response, build: Build, file: string, next: (error?: unknown) => void) {
    const encoding = build[file]?.encodings.find(name => request.acceptsEncodings(name) === name);
    response.setHeader('content-security-policy', policy);
    response.setHeader('x-frame-options', 'DENY');
    response.setHeader('vary', 'accept-encoding');
    if (encoding) response.setHeader('content-encoding', encoding);
    response.type(extname(file));
    response.setHeader('cache-control', file === PAGE ? 'no-cache' : 'public, max-age=31536000, immutable');
    const stored = encoding ? file + SUFFIX[encoding] : file;
    response.sendFile(stored, { root, cacheControl: false, acceptRanges: false }, error => {
      // Most often the client went away, or the build has just been replaced.
      if (error && !response.headersSent) next(error);
    });
  }

  return Router()
    .get([...pages], async (request, response, next) => {
      if (missing && request.accepts(['json', 'html']) !== 'html') return next();
      const build = await current();
      if (missing) {
        if (!build) return next();
        response.status(404);
      }
      if (build?.[PAGE]) return send(request, response, build, PAGE, next);
      response.status(503).type('text/plain').send(NOT_BUILT);
    })
    .get(`${base}*file`, async (request, response, next) => {
      const file = decoded(request.path)?.slice(base.length);
      const build = file === undefined ? undefined : await current();
      if (!file || file === PAGE || !build || !Object.hasOwn(build, file)) return next();
      send(request, response, build, file, next);
    });
}

const NOT_BUILT = `This page has not been built.

Build it with:  npm run build
It needs the development packages too (npm ci). Then load this page again; the system can go on running.
`;

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** @returns what there is to serve, read again when it has changed; undefined while there is no build. */
function buildIn(dist: URL): () => Promise<Build | undefined> {
  const file = new URL(RECORD, dist);
  let known: { mtimeMs: number; build: Build } | undefined;
  return async () => {
    try {
      const { mtimeMs } = await stat(file);
      if (known?.mtimeMs !== mtimeMs) {
        known = { mtimeMs, build: record.parse(JSON.parse(await readFile(file, 'utf8'))).files };
      }
      return known.build;
    } catch {
      known = undefined;
      return undefined;
    }
  };
}
