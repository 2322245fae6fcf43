import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import type { Duplex } from 'node:stream';

/** An HTTP server that can be stopped without cutting off what it is answering. */
export type Listener = {
  server: Server;
  /** @returns the address, with the port that was chosen when 0 was asked for. */
  listen(host: string, port: number): Promise<{ url: string; port: number }>;
  /** Whether it is stopping, or has stopped. */
  stopping(): boolean;
  /** Accepts nothing more, and resolves when every request is answered, or cut off after the time given. */
  stop(timeoutMs: number): Promise<void>;
};

/** How long a client may take to send the headers of a request, and all of it. */
export type Timeouts = { headersMs: number; requestMs: number };

const TIMEOUTS: Timeouts = { headersMs: 10_000, requestMs: 30_000 };
/** Node looks every 30 s else, and a client who dribbles has so much longer. */
const CHECKS_IN_A_TIMEOUT = 10;
const KEEP_ALIVE_MS = 65_000;
const IDLE_SWEEP_MS = 50;
const CONNECTIONS_MAX = 20_000;
/**
 * Connections that the operating system keeps until they are taken up; Linux allows no more (`net.core.somaxconn`). Whoever finds no
 * place tries again after 1 s, then 2, then 4: with Node's own 511, a thousand subscribers that come back at once wait long after the server is free again.
 */
const BACKLOG = 4_096;

/** Makes the server; it listens when told to. */
export function listener(handler: RequestListener, { headersMs, requestMs } = TIMEOUTS): Listener {
  let stopping = false;
  /** Answers that are not with the operating system yet. */
  const sending = new Set<object>();
  const server = createServer(
    {
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: headersMs / CHECKS_IN_A_TIMEOUT,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    (request, response) => {
      // A client that keeps its connection would otherwise keep the server from ending.
      if (stopping) response.setHeader('connection', 'close');
      sending.add(response);
      response.on('finish', () => sending.delete(response));
      response.on('close', () => sending.delete(response));
      handler(request, response);
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.on('clientError', refuse);

  return {
    server,
    stopping: () => stopping,
    async listen(host, port) {
      server.listen({ port, host, backlog: BACKLOG });
      await once(server, 'listening');
      const address = server.address();
      if (!address || typeof address === 'string') throw new Error('the server does not listen on a port');
      return { url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`, port: address.port };
    },
    async stop(timeoutMs) {
      if (!server.listening) return;
      stopping = true;
      const closed = once(server, 'close');
      // http's own close() cuts off what it takes for idle, and to it that is every answer that was ended, sent or not.
      NetServer.prototype.close.call(server);
      const sweep = setInterval(() => {
        if (sending.size === 0) server.closeIdleConnections();
      }, IDLE_SWEEP_MS);
      const cut = setTimeout(() => server.closeAllConnections(), timeoutMs);
      await closed;
      clearInterval(sweep);
      clearTimeout(cut);
    },
  };
}

const REFUSALS: Record<string, { status: string; message: string }> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', message: 'The request took too long to arrive.' },
  HPE_HEADER_OVERFLOW: { status: '431 Request Header Fields Too Large', message: 'The headers are too large.' },
};
const MALFORMED = { status: '400 Bad Request', message: 'This is not HTTP.' };

/** Node itself would answer what is no request without a body; here everything is answered in JSON. */
function refuse({ code = '' }: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || code === 'ECONNRESET') return void socket.destroy();
  const { status, message } = REFUSALS[code] ?? MALFORMED;
  const body = JSON.stringify({ errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] });
  const headers = `Connection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}`;
  // Else it stayed half open for as long as the client likes.
  socket.end(`HTTP/1.1 ${status}\r\n${headers}\r\n\r\n${body}`, () => socket.destroy());
}
