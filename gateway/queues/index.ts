import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type NextFunction, type Request, type Response, Router } from 'express';
import { GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import { type BrowsedQueue, OutOfReach, type QueueBrowser } from '../../events/browse.ts';
import { isUnavailable } from '../../events/errors.ts';
import { bearer, type TokenVerifier } from '../identity.ts';
import { type Board, loadBoard } from './board.ts';
import { readJob } from './display.ts';
import { entryPage, jobPage, troublePage } from './pages.ts';
import { passOf } from './pass.ts';
import { refusalOfWrite } from './writes.ts';

export type QueuesOptions = {
  /** The queues; absent where the process was not told where they are. */
  browser: QueueBrowser | undefined;
  /** Checks the token that a pass is given for. */
  tokens: TokenVerifier;
  /** AUTH_SECRET: the key of the passes comes from it. */
  secret: string;
  /** Whether jobs may be retried, promoted and removed, and queues paused. */
  writable: boolean;
  log: Logger;
};

const BASE_PATH = '/queues';

/** As strict as bull-board can live with: it has a `base` of its own, and what it asks of others is refused. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  // The hash is that of the colours in its picture of Redis.
  "style-src 'self' 'sha256-r2N1TB/gHbBtBZFKg7ejmq1acVSREzucTAEw6ga4hoU='",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const FILES = ['pages.css', 'session.js', 'links.js', 'theme.js', 'icon.svg'] as const;

/**
 * `/queues`: bull-board over the queues of all services, for operators. A browser gets in by `POST /queues/session` with an operator's
 * token, which is answered with a pass in a cookie; whoever sends the token with every request needs none. Without either
 * there is a page that says so. Nothing of it is loaded, and no connection opened, before an operator looks.
 */
export function queuePages(options: QueuesOptions): Router {
  const { browser, tokens, log, writable } = options;
  const pass = passOf(options.secret);
  let board: Promise<Board> | undefined;

  async function loaded(): Promise<Board> {
    board ??= loadBoard({ basePath: BASE_PATH, writable });
    // What could not be loaded once may be there later.
    board.catch(() => {
      board = undefined;
    });
    return board;
  }

  async function look(): Promise<readonly BrowsedQueue[]> {
    if (!browser)
      throw new OutOfReach('This gateway was not told where the queues are: give it MONGODB_URL and REDIS_URL.');
    return browser.look();
  }

  async function enter(request: Request, response: Response): Promise<void> {
    const { identity, expiresAtMs } = await tokens(bearer(request.get('authorization')));
    if (!identity.operator) return answer(request, response, 403, FORBIDDEN, 'FORBIDDEN');
    response.setHeader('set-cookie', await pass.issue(identity.ownerId, expiresAtMs, isSecure(request)));
    log.info({ operator: identity.ownerId }, 'an operator opened the queues');
    response.status(204).end();
  }

  async function admit(request: Request, response: Response, next: NextFunction): Promise<void> {
    const authorization = request.get('authorization');
    if (authorization !== undefined) {
      const { identity } = await tokens(bearer(authorization));
      if (!identity.operator) return answer(request, response, 403, FORBIDDEN, 'FORBIDDEN');
    } else if (!(await pass.verify(request.get('cookie')))) {
      return answer(request, response, 401, ENTRY, 'UNAUTHENTICATED');
    }
    const refusal = refusalOfWrite(request, writable);
    if (refusal !== undefined) return answer(request, response, 403, refusal, 'FORBIDDEN');
    next();
  }

  async function showJob(request: Request<{ queue: string; job: string }>, response: Response): Promise<void> {
    const { queue: name, job: id } = request.params;
    const found = (await look()).find(({ queue }) => queue.name === name);
    const job = await found?.queue.getJob(id);
    if (!found || !job)
      return answer(request, response, 404, 'This job is not in the queue any more: it has been handled.', 'NOT_FOUND');
    response.type('html').send(jobPage(found.service, id, readJob(job.data)));
  }

  async function showBoard(request: Request, response: Response, next: NextFunction): Promise<void> {
    const { show, handle } = await loaded();
    if (request.path.startsWith('/static/')) {
      response.setHeader('cache-control', 'private, max-age=86400');
    } else {
      show(await look());
      withoutOthers(response);
      if (request.method !== 'GET') stirred(response, browser);
    }
    handle(request, response, next);
  }

  return Router().use(
    BASE_PATH,
    Router()
      .use((_request, response, next) => {
        response.setHeader('content-security-policy', POLICY);
        response.setHeader('x-frame-options', 'DENY');
        response.setHeader('cache-control', 'no-store');
        next();
      })
      .get(`/files/:file`, sendFile)
      .post('/session', enter)
      .delete('/session', (request, response) => {
        response.setHeader('set-cookie', pass.withdraw(isSecure(request)));
        response.status(204).end();
      })
      .use(admit)
      .get('/events/:queue/:job', showJob)
      .use(showBoard)
      .use((error: unknown, request: Request, response: Response, next: NextFunction) => {
        if (response.headersSent) return next(error);
        if (error instanceof OutOfReach) return answer(request, response, 503, error.message, 'UNAVAILABLE');
        if (isUnavailable(error)) return answer(request, response, 503, AWAY, 'UNAVAILABLE');
        if (!(error instanceof GraphQLError)) return next(error);
        const away = error.extensions.code === 'UNAVAILABLE';
        answer(request, response, away ? 503 : 401, error.message, away ? 'UNAVAILABLE' : 'UNAUTHENTICATED');
      }),
  );
}

const ENTRY = 'Nobody is signed in to them in this browser, or not any more: that lasts for half an hour.';
const FORBIDDEN = 'This token is not an operator’s. Only operators see the queues.';
const AWAY = 'Redis cannot be reached right now.';

const TITLES: Readonly<Record<number, string>> = {
  403: 'Not allowed',
  404: 'This job is gone',
  503: 'The queues are out of reach',
};

/** Says no: in HTML to somebody who looks, in JSON to a program; to bull-board's own page in its shape as well. */
function answer(request: Request, response: Response, status: number, message: string, code: string): void {
  response.status(status);
  if (status === 401) response.setHeader('www-authenticate', 'Bearer');
  if (status === 503) response.setHeader('retry-after', '2');
  if (request.method === 'GET' && request.accepts(['json', 'html']) === 'html') {
    const title = TITLES[status] ?? 'Something went wrong';
    response.type('html').send(status === 401 ? entryPage(message) : troublePage(title, message));
    return;
  }
  const key = status === 503 ? 'ERRORS.REDIS_UNAVAILABLE' : 'ERRORS.FORBIDDEN';
  response.json({ errors: [{ message, extensions: { code } }], error: { key }, message });
}

/** Whether the browser came by https, to us or to the proxy before us. Who claims it falsely gets a cookie that stays unused. */
const isSecure = (request: Request): boolean =>
  'encrypted' in request.socket || /^https\b/i.test(request.get('x-forwarded-proto') ?? '');

/** Answers when those who take from the queues have been told that something was changed: a pause holds from then on. */
function stirred(response: Response, browser: QueueBrowser | undefined): void {
  const send = response.send.bind(response);
  response.send = body => {
    void browser?.stir().then(() => send(body));
    return response;
  };
}

/** Takes out of bull-board's page what it would ask of other servers, and what the policy refuses anyway. */
function withoutOthers(response: Response): void {
  const send = response.send.bind(response);
  response.send = body => {
    const isPage = typeof body === 'string' && /html/.test(String(response.getHeader('content-type') ?? 'html'));
    return send(isPage ? ownOnly(body) : body);
  };
}

const ownOnly = (page: string): string =>
  page
    .replaceAll(/<link\b[^>]*\bhref="https?:[^>]*>/g, '')
    .replaceAll(/<style\b[\s\S]*?<\/style>/g, '')
    .replaceAll(/ style="[^"]*"/g, '')
    .replace('</body>', '<script defer src="files/links.js"></script></body>');

function sendFile(request: Request<{ file: string }>, response: Response, next: NextFunction): void {
  const file = FILES.find(name => name === request.params.file);
  if (!file) {
    next();
    return;
  }
  response.setHeader('cache-control', 'no-cache');
  response.type(extname(file)).send(readFileSync(fileURLToPath(new URL(`files/${file}`, import.meta.url)), 'utf8'));
}
