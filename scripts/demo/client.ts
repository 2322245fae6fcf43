/** Asks the public GraphQL API over HTTP, as a careful client does: bounded, and again when it is out of reach. */
import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import type { Answer } from './books.ts';

/** The system did not come back, or not at all: one line for people. */
export class OutOfReach extends Error {
  override name = 'OutOfReach';
}

export type Ask = {
  token: string;
  query: string;
  variables?: Record<string, unknown>;
  /** A client that hangs up: gives up after this, without trying again. */
  hangUpMs?: number;
  /** Whether the time that the answer took is kept. */
  timed?: boolean;
};

export type Counts = {
  sent: number;
  /** Sent again because the system was out of reach. */
  retried: number;
  /** Answers that no client should get: code and message. */
  unexpected: string[];
  /** Of the requests that were `timed`, from sending to the answer. */
  latenciesMs: number[];
};

export type Client = {
  /** @throws OutOfReach when it is so for longer than `patienceMs`; the reason of `signal` when it aborts. */
  ask<Data>(request: Ask): Promise<Answer<Data>>;
  /** @throws Error with the code when the answer is a refusal: for what must not be refused. */
  get<Data>(request: Ask): Promise<Data>;
  counts: Counts;
  close(): Promise<void>;
};

export type ClientOptions = {
  /** Such as `http://127.0.0.1:4000`. */
  url: string;
  /** Requests at one time. */
  concurrency: number;
  /** For how long a request is tried again. */
  patienceMs: number;
  /** Ends everything. */
  signal: AbortSignal;
};

/** Longer than the gateway's own limit for a fetch. */
const LIVE_TIMEOUT_MS = 5_000;
const ANSWER_TIMEOUT_MS = 40_000;
const RETRY_FIRST_MS = 50;
const RETRY_MOST_MS = 1_000;
const AGAIN_CODES = new Set(['UNAVAILABLE', 'TIMEOUT']);
const AGAIN_STATUS = new Set([429, 502, 503, 504]);

type Body<Data> = { data?: Data; errors?: { message: string; extensions?: { code?: string } }[] };

export function createClient({ url, concurrency, patienceMs, signal }: ClientOptions): Client {
  const pool = new Pool(new URL(url).origin, { connections: concurrency, headersTimeout: ANSWER_TIMEOUT_MS });
  const counts: Counts = { sent: 0, retried: 0, unexpected: [], latenciesMs: [] };
  const turn = turns(concurrency);
  // Every request in flight listens to it.
  setMaxListeners(0, signal);

  async function once<Data>(ask: Ask): Promise<Answer<Data>> {
    counts.sent += 1;
    const startedMs = performance.now();
    const { statusCode, body } = await pool.request({
      path: '/graphql',
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${ask.token}` },
      body: JSON.stringify({ query: ask.query, variables: ask.variables }),
      signal: ask.hangUpMs ? AbortSignal.any([signal, AbortSignal.timeout(ask.hangUpMs)]) : signal,
    });
    const answer = answerOf<Data>(statusCode, await body.text());
    if (ask.timed) counts.latenciesMs.push(performance.now() - startedMs);
    return answer;
  }

  async function ask<Data>(request: Ask): Promise<Answer<Data>> {
    const startedMs = performance.now();
    for (let attempt = 0; ; attempt += 1) {
      const answer = await turn(() => once<Data>(request)).catch((error: Error) => {
        if (signal.aborted) throw signal.reason;
        return { code: 'OUT_OF_REACH', message: messageOf(error) };
      });
      if ('data' in answer || request.hangUpMs) return answer;
      if (answer.code === 'INTERNAL_SERVER_ERROR') counts.unexpected.push(`${answer.code}: ${answer.message}`);
      if (!isWorthAnother(answer.code)) return answer;
      if (performance.now() - startedMs > patienceMs) {
        throw new OutOfReach(`${answer.message} (tried for ${Math.round(patienceMs / 1000)} s)`);
      }
      counts.retried += 1;
      await delay(backoffMs(attempt), undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }

  return {
    ask,
    counts,
    async get<Data>(request: Ask) {
      const answer = await ask<Data>(request);
      if ('data' in answer) return answer.data;
      throw new Error(`${answer.code}: ${answer.message}`);
    },
    close: () => pool.destroy(),
  };
}

/** Lets so many at a time run, the others wait in the order they came. */
function turns(most: number): <Result>(run: () => Promise<Result>) => Promise<Result> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async run => {
    if (running >= most) await new Promise<void>(resolve => waiting.push(resolve));
    else running += 1;
    try {
      return await run();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

/** An internal error is an unexpected answer, and counted as that; what became of the request is then asked with its key. */
const isWorthAnother = (code: string): boolean =>
  AGAIN_CODES.has(code) || code === 'OUT_OF_REACH' || code === 'INTERNAL_SERVER_ERROR';

/** Doubles up to a second; between half of it and all of it, so that clients do not come back all at once. */
function backoffMs(attempt: number): number {
  const most = Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** attempt);
  return most * (0.5 + Math.random() / 2);
}

/** What an HTTP response says, whatever it is. */
export function answerOf<Data>(status: number, text: string): Answer<Data> {
  const body = parsed<Data>(text);
  const error = body?.errors?.[0];
  const again = AGAIN_STATUS.has(status) && !AGAIN_CODES.has(error?.extensions?.code ?? '');
  if (again) return { code: 'UNAVAILABLE', message: error?.message ?? `HTTP status ${status}` };
  if (error) return { code: error.extensions?.code ?? 'WITHOUT_CODE', message: error.message };
  if (body?.data) return { data: body.data };
  return { code: 'NOT_GRAPHQL', message: `HTTP status ${status}: ${text.slice(0, 100)}` };
}

function parsed<Data>(text: string): Body<Data> | undefined {
  try {
    return JSON.parse(text) as Body<Data>;
  } catch {
    return undefined;
  }
}

function messageOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  return error.message || code || error.name;
}

/** One try: at the start the system has to be there. @throws OutOfReach that says how to start it. */
export async function assertLive(url: string): Promise<void> {
  try {
    const response = await fetch(new URL('/health/live', url), { signal: AbortSignal.timeout(LIVE_TIMEOUT_MS) });
    if (response.ok) return;
  } catch {
    // What it was does not matter to who has not started it.
  }
  throw new OutOfReach(
    `Tributary does not answer at ${url}. Start it first, with: npm start; or name another address, with PORT or --url.`,
  );
}
