/** Sends requests as clients do: over HTTP, and over one socket for each of them. */
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { signToken } from '../../../gateway/identity.ts';
import { AUTH_SECRET } from '../../system.ts';
import type { Answer } from './answers.ts';
import { type Request, textOf } from './requests.ts';

export type Door = {
  send(request: Request): Promise<Answer>;
  /** Whether there is still somebody behind it. */
  isOpen(): Promise<boolean>;
  close(): Promise<void>;
};

/** Nothing that is asked for takes longer, on a slow and busy machine. */
const HANG_MS = 15_000;
/** A subscription that has nothing to say at first is left after so long. */
const QUIET_MS = 100;
const MAY_BE_QUIET = /\beventStored\b/;

export async function openDoor(url: string): Promise<Door> {
  const [alice, olga] = await Promise.all([callerOf(url, 'alice', []), callerOf(url, 'olga', ['operator'])]);
  const callers = { alice, olga };
  return {
    send: request => (request.over === 'http' ? overHttp : overSocket)(url, callers[request.as], request),
    isOpen: () =>
      fetch(`${url}/health/live`, { signal: AbortSignal.timeout(HANG_MS) }).then(
        ({ ok }) => ok,
        () => false,
      ),
    async close() {
      await Promise.all([alice.socket.dispose(), olga.socket.dispose()]);
    },
  };
}

type Caller = { authorization: string; socket: Client };

async function callerOf(url: string, sub: string, roles: string[]): Promise<Caller> {
  const authorization = `Bearer ${await signToken(AUTH_SECRET, { sub, roles, expiresIn: '1h' })}`;
  const socket = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization },
    retryAttempts: 0,
    lazyCloseTimeout: HANG_MS,
  });
  return { authorization, socket };
}

async function overHttp(url: string, { authorization }: Caller, request: Request): Promise<Answer> {
  try {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization, accept: request.accept },
      body: textOf(request),
      signal: AbortSignal.timeout(HANG_MS),
    });
    const { status, headers } = response;
    return { over: 'http', status, contentType: headers.get('content-type'), text: await response.text() };
  } catch (error) {
    const { message, cause } = error as Error;
    return { over: 'nothing', reason: cause ? `${message}: ${cause}` : message };
  }
}

async function overSocket(_: string, { socket }: Caller, request: Request): Promise<Answer> {
  const results: unknown[] = [];
  const payload = JSON.parse(textOf(request)) as { query: string };
  const { query } = payload;
  const isSubscription = /\bsubscription\b/.test(query);
  const isQuiet = isSubscription && MAY_BE_QUIET.test(query);
  return new Promise(resolve => {
    const leave = (answer: Answer) => {
      clearTimeout(timer);
      resolve(answer);
      unsubscribe();
    };
    const timer = setTimeout(
      () => leave(isQuiet ? { over: 'socket', results } : { over: 'nothing', reason: `in ${HANG_MS} ms` }),
      isQuiet ? QUIET_MS : HANG_MS,
    );
    const unsubscribe = socket.subscribe(payload, {
      next(result) {
        results.push(result);
        if (isSubscription) setImmediate(leave, { over: 'socket', results });
      },
      error(error) {
        if (Array.isArray(error)) return leave({ over: 'socket', results: [{ errors: error }] });
        const { code, reason, message } = error as { code?: number; reason?: string; message?: string };
        leave({ over: 'socket', results, closed: code ? `${code} ${reason}` : String(message) });
      },
      complete: () => leave({ over: 'socket', results }),
    });
  });
}
