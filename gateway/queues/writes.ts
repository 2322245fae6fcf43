import type { Request } from 'express';

/**
 * What may be done to queues where writing is allowed: what an operator needs who looks into a standstill. Not what makes a job
 * that no relay has sent, or changes one that it has, nor what throws away many at once: a service would miss events in silence.
 */
const WRITES: Readonly<Record<string, RegExp>> = {
  PUT: new RegExp(
    [
      '^/api/queues/(pause|resume)$',
      '^/api/queues/[^/]+/(pause|resume|promote)$',
      '^/api/queues/[^/]+/retry/[a-z]+$',
      '^/api/queues/[^/]+/[^/]+/(retry|promote|clean)$',
    ].join('|'),
  ),
};

/** @returns why a request may not change anything; undefined when it may, or when it does not try to. */
export function refusalOfWrite(request: Request, writable: boolean): string | undefined {
  if (request.method === 'GET' || request.method === 'HEAD') return undefined;
  if (!writable) return 'The queues are read-only here: start the gateway with QUEUES_WRITABLE=1 to change that.';
  if (!WRITES[request.method]?.test(request.path))
    return 'This cannot be done here: it would keep events from a service, or send it some that nobody emitted.';
  // A token in a header is never sent by a browser of its own accord; a cookie is.
  if (request.get('authorization') === undefined && !isOwnPage(request))
    return 'Queues are changed only from the page at /queues itself.';
  return undefined;
}

/** Whether a browser says that one of our own pages sends this: every browser names the page's origin when it writes. */
function isOwnPage(request: Request): boolean {
  const site = request.get('sec-fetch-site');
  const origin = request.get('origin');
  if (site !== undefined && site !== 'same-origin') return false;
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === request.get('host');
}
