import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { GraphQLError } from 'graphql';
import { CloseCode } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { bearer, type Caller, type TokenVerifier } from './identity.ts';
import { closeSockets } from './listener.ts';
import { type MessagesOptions, messageHooks, type SocketOptions, type SocketState } from './messages.ts';

export type SocketsOptions = Omit<MessagesOptions, 'subscriptionsMax' | 'stopping'> & {
  server: Server;
  path: string;
  tokens: TokenVerifier;
  limits: SocketLimits;
};

export type SocketLimits = {
  /** Sockets of one identity; one more is closed with 4429. */
  connections: number;
  /** Subscriptions of one socket, and apart from them its queries and mutations at one time. */
  subscriptions: number;
};

/** The sockets of all clients. */
export type Sockets = {
  /** Refuses what is new, lets queries and mutations finish, then closes every socket with 1001. */
  stop(timeoutMs: number): Promise<void>;
};

const MESSAGE_BYTES_MAX = 100_000;
const INIT_TIMEOUT_MS = 3_000;
/** A socket that does not answer a ping until the next one is due is cut off: a dead client, or one that never reads. */
const PING_MS = 12_000;
const TRY_AGAIN_LATER = 1013;
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Serves the graphql-transport-ws protocol on the path of an HTTP server. */
export function serveSockets(options: SocketsOptions): Sockets {
  const { server, path, tokens, limits, metrics } = options;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX });
  const states = new Map<WebSocket, SocketState>();
  const releases = new Map<WebSocket, () => void>();
  const connections = counter(limits.connections);
  let stopping = false;

  const connect: SocketOptions['onConnect'] = async ({ connectionParams, extra }) => {
    const { socket } = extra;
    const caller = await verified(tokens, connectionParams?.authorization);
    if (socket.readyState !== socket.OPEN) return false;
    if (caller === 'unavailable') return refuse(socket, TRY_AGAIN_LATER, 'Try again later');
    if (!caller) return false;
    const { ownerId } = caller.identity;
    if (!connections.take(ownerId)) {
      return refuse(socket, CloseCode.TooManyInitialisationRequests, 'Too many connections');
    }
    const expiry = whenPast(caller.expiresAtMs, () => socket.close(CloseCode.Forbidden, 'Forbidden'));
    releases.set(socket, () => {
      expiry.abort();
      connections.release(ownerId);
    });
    extra.state = { caller, streams: new Set(), running: new Set() };
    states.set(socket, extra.state);
    return true;
  };

  const protocol = useServer<Record<string, unknown> | undefined, { state: SocketState }>(
    {
      ...messageHooks({ ...options, subscriptionsMax: limits.subscriptions, stopping: () => stopping }),
      connectionInitWaitTimeout: INIT_TIMEOUT_MS,
      isProd: true,
      onConnect: connect,
      onClose({ extra: { socket } }) {
        releases.get(socket)?.();
        releases.delete(socket);
        states.delete(socket);
      },
    },
    sockets,
    PING_MS,
  );

  sockets.on('connection', socket => {
    metrics.sockets.inc();
    socket.once('close', () => metrics.sockets.dec());
  });

  server.on('upgrade', (request, socket, head) => {
    const status = stopping ? '503 Service Unavailable' : refusedUpgrade(request, path);
    if (status) return answer(socket, status);
    sockets.handleUpgrade(request, socket, head, opened => sockets.emit('connection', opened, request));
  });

  return {
    async stop(timeoutMs) {
      stopping = true;
      const running = [...states.values()].flatMap(state => [...state.running]);
      const late = new AbortController();
      await Promise.race([Promise.allSettled(running), delay(timeoutMs, undefined, late).catch(() => undefined)]);
      late.abort();
      await closeSockets(sockets, protocol);
    },
  };
}

async function verified(tokens: TokenVerifier, authorization: unknown): Promise<Caller | 'unavailable' | undefined> {
  try {
    return await tokens(bearer(authorization));
  } catch (error) {
    return error instanceof GraphQLError && error.extensions.code === 'UNAUTHENTICATED' ? undefined : 'unavailable';
  }
}

function refuse(socket: WebSocket, code: number, reason: string): false {
  socket.close(code, reason);
  return false;
}

/** A browser names the page's origin; only the gateway's own pages may open sockets from one. */
function refusedUpgrade({ url = '', headers }: IncomingMessage, path: string): string | undefined {
  if (url.split('?', 1)[0] !== path) return '404 Not Found';
  const { origin, host } = headers;
  if (origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)) return undefined;
  return '403 Forbidden';
}

function answer(socket: Duplex, status: string): void {
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** Counts by key, up to a limit each. */
function counter(max: number): { take(key: string): boolean; release(key: string): void } {
  const counts = new Map<string, number>();
  return {
    take(key) {
      const count = counts.get(key) ?? 0;
      if (count >= max) return false;
      counts.set(key, count + 1);
      return true;
    },
    release(key) {
      const count = (counts.get(key) ?? 0) - 1;
      if (count > 0) counts.set(key, count);
      else counts.delete(key);
    },
  };
}

/** Calls back at a time, however far: Node's own timers end after 24 days. */
function whenPast(timeMs: number, callback: () => void): AbortController {
  const stopped = new AbortController();
  async function wait(): Promise<void> {
    for (let leftMs = timeMs - Date.now(); leftMs > 0; leftMs = timeMs - Date.now()) {
      await delay(Math.min(leftMs, TIMER_MS_MAX), undefined, { signal: stopped.signal, ref: false });
    }
    callback();
  }
  wait().catch(() => undefined);
  return stopped;
}
