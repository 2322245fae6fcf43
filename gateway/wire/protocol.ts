import type { ServerOptions } from 'graphql-ws';
import { type Extra, useServer } from 'graphql-ws/use/ws';
import type { Logger } from 'pino';
import type { Server, WebSocket, WebSocketServer } from 'ws';
import type { CorkedSocket } from './corking.ts';

/** The payload of `connection_init`. */
export type ConnectionParams = Record<string, unknown> | undefined;

/** A client that says nothing for this long is closed with 4408. */
const INIT_TIMEOUT_MS = 3_000;
/**
 * How often sockets are pinged, and after how many pings without an answer one is cut off: a client that is dead, or that
 * has not read anything for so long.
 */
export type Heartbeat = { everyMs: number; unanswered: number };

/** A client may stand still for 30 s, and is cut off by the next ping. */
const HEARTBEAT: Heartbeat = { everyMs: 10_000, unanswered: 3 };
const CLOSE_TIMEOUT_MS = 1_000;

/**
 * Speaks graphql-transport-ws on a WebSocket server, by graphql-ws.
 *
 * @returns what closes all sockets with 1001, and cuts off whoever does not answer that within a second.
 */
export function serveProtocol<State extends Record<PropertyKey, unknown>>(
  options: ServerOptions<ConnectionParams, Extra & Partial<State>>,
  sockets: Server<typeof CorkedSocket>,
  { log, heartbeat = HEARTBEAT }: { log: Logger; heartbeat?: Heartbeat | undefined },
): () => Promise<void> {
  const protocol = useServer<ConnectionParams, State>(
    { connectionInitWaitTimeout: INIT_TIMEOUT_MS, isProd: true, ...options },
    sockets,
    // Its own pings would keep two timers for every socket, and give a slow client half as long.
    0,
  );
  const stopBeating = beat(sockets, heartbeat);
  sockets.on('connection', (socket, request) => {
    socket.cork(request.socket);
    // graphql-ws's own listener prints a client's broken frame on the console; ws itself closes the socket for it.
    socket.removeAllListeners('error');
    socket.on('error', error => log.debug({ err: error }, 'a socket failed'));
  });
  return async () => {
    const cut = setTimeout(() => {
      for (const socket of sockets.clients) socket.terminate();
    }, CLOSE_TIMEOUT_MS);
    stopBeating();
    await protocol.dispose();
    clearTimeout(cut);
  };
}

// Counted and not timed: were this process itself standing still, the answers that wait would come too late for all.
function beat(sockets: WebSocketServer, { everyMs, unanswered }: Heartbeat): () => void {
  const pings = new WeakMap<WebSocket, number>();
  sockets.on('connection', socket => socket.on('pong', () => pings.set(socket, 0)));
  const timer = setInterval(() => {
    for (const socket of sockets.clients) {
      const waiting = pings.get(socket) ?? 0;
      if (waiting >= unanswered) socket.terminate();
      else if (socket.readyState === socket.OPEN) socket.ping();
      pings.set(socket, waiting + 1);
    }
  }, everyMs);
  return () => clearInterval(timer);
}
