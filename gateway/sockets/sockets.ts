import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { GraphQLError } from 'graphql';
import { CloseCode } from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { bearer, type Caller, type TokenVerifier } from '../identity.ts';
import { counter } from '../limits.ts';
import { CorkedSocket } from '../wire/corking.ts';
import { type Heartbeat, serveProtocol } from '../wire/protocol.ts';
import { type MessagesOptions, messageHooks, type SocketOptions, type SocketState } from './messages.ts';

export type SocketsOptions = Omit<MessagesOptions, 'stopping'> & {
  server: Server;
  path: string;
  tokens: TokenVerifier;
  log: Logger;
  heartbeat?: Heartbeat | undefined;
};

/** The sockets of all clients. */
export type Sockets = {
  /** Refuses what is new, lets queries and mutations finish, then closes every socket with 1001. */
  stop(timeoutMs: number): Promise<void>;
};

/** The largest message of a client. */
export const MESSAGE_BYTES_MAX = 16_384;
const POLL_MS = 20;
const TRY_AGAIN_LATER = 1013;
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Serves the graphql-transport-ws protocol on the path of an HTTP server. */
export function serveSockets(options: SocketsOptions): Sockets {
  const { server, path, metrics, log, heartbeat } = options;
  const sockets = new WebSocketServer({ noServer: true, WebSocket: CorkedSocket, maxPayload: MESSAGE_BYTES_MAX });
  const states = new Set<SocketState>();
  let stopping = false;
  const hooks = messageHooks({ ...options, stopping: () => stopping });
  const close = serveProtocol<{ state: SocketState }>({ ...hooks, ...admission(options, states) }, sockets, {
    log,
    heartbeat,
  });

  sockets.on('connection', socket => {
    metrics.sockets.inc();
    socket.once('close', () => metrics.sockets.dec());
  });

  server.on('upgrade', (request, socket, head) => {
    if (!/^websocket$/i.test(request.headers.upgrade ?? '')) return withoutUpgrade(server, request, socket, head);
    const status = stopping ? '503 Service Unavailable' : refusedUpgrade(request, path);
    if (status) return answer(socket, status);
    sockets.handleUpgrade(request, socket, head, opened => sockets.emit('connection', opened, request));
  });

  return {
    async stop(timeoutMs) {
      stopping = true;
      const running = () => [...states].some(state => state.running.size > 0);
      for (const endMs = Date.now() + timeoutMs; running() && Date.now() < endMs; ) await delay(POLL_MS);
      await close();
    },
  };
}

/** Lets in whoever has a good token, for as long as it is good, up to so many sockets each. */
function admission(
  { tokens, limits }: SocketsOptions,
  states: Set<SocketState>,
): Pick<SocketOptions, 'onConnect' | 'onClose'> {
  const connections = counter(limits.connections);
  return {
    async onConnect({ connectionParams, extra }) {
      const { socket } = extra;
      const caller = await verified(tokens, connectionParams?.authorization ?? connectionParams?.Authorization);
      if (socket.readyState !== socket.OPEN) return false;
      if (caller === 'unavailable') return refuse(socket, TRY_AGAIN_LATER, 'Try again later');
      if (!caller)
        return refuse(socket, CloseCode.Forbidden, 'No valid bearer token in connectionParams.authorization');
      const { ownerId } = caller.identity;
      const many = !connections.take(ownerId);
      if (many) return refuse(socket, CloseCode.TooManyInitialisationRequests, 'Too many connections');
      const expiry = whenPast(caller.expiresAtMs, () => socket.close(CloseCode.Forbidden, 'The token has expired'));
      const release = () => {
        expiry.abort();
        connections.release(ownerId);
      };
      extra.state = { caller, streams: new Set(), opening: new Set(), running: new Set(), closed: false, release };
      states.add(extra.state);
      return true;
    },
    onClose({ extra: { state } }) {
      if (!state) return;
      state.release();
      state.closed = true;
      for (const stream of state.streams) void stream.return?.();
      states.delete(state);
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

// The answer `false` makes graphql-ws close it too, with 4403, which comes second and is ignored.
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

const UPGRADE_HEADERS = new Set(['upgrade', 'connection', 'http2-settings']);

/**
 * Node takes every offer to upgrade for ours, HTTP/2's too, which some clients make with every request. A server may pass it over
 * (RFC 9110, 7.8): the request is read again without it.
 */
function withoutUpgrade(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { method, url, rawHeaders } = request;
  const lines = [`${method} ${url} HTTP/1.1`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value] = rawHeaders.slice(at, at + 2);
    if (!UPGRADE_HEADERS.has(name.toLowerCase())) lines.push(`${name}: ${value}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', socket);
}

function answer(socket: Duplex, status: string): void {
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
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
