import type { ServerOptions } from 'graphql-ws';
import { type Extra, useServer } from 'graphql-ws/use/ws';
import type { Logger } from 'pino';
import type { WebSocketServer } from 'ws';

/** The payload of `connection_init`. */
export type ConnectionParams = Record<string, unknown> | undefined;

/** A client that says nothing for this long is closed with 4408. */
const INIT_TIMEOUT_MS = 3_000;
/** A socket that does not answer a ping until the next one is due is cut off: a dead client, or one that never reads. */
const PING_MS = 12_000;
const CLOSE_TIMEOUT_MS = 1_000;

/**
 * Speaks graphql-transport-ws on a WebSocket server, by graphql-ws.
 *
 * @returns what closes all sockets with 1001, and cuts off whoever does not answer that within a second.
 */
export function serveProtocol<State extends Record<PropertyKey, unknown>>(
  options: ServerOptions<ConnectionParams, Extra & Partial<State>>,
  sockets: WebSocketServer,
  log: Logger,
): () => Promise<void> {
  const protocol = useServer<ConnectionParams, State>(
    { connectionInitWaitTimeout: INIT_TIMEOUT_MS, isProd: true, ...options },
    sockets,
    PING_MS,
  );
  sockets.on('connection', socket => {
    // graphql-ws's own listener prints a client's broken frame on the console; ws itself closes the socket for it.
    socket.removeAllListeners('error');
    socket.on('error', error => log.debug({ err: error }, 'a socket failed'));
  });
  return async () => {
    const cut = setTimeout(() => {
      for (const socket of sockets.clients) socket.terminate();
    }, CLOSE_TIMEOUT_MS);
    await protocol.dispose();
    clearTimeout(cut);
  };
}
