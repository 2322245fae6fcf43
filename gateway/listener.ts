import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';

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

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 65_000;
const IDLE_SWEEP_MS = 50;
const CONNECTIONS_MAX = 20_000;

/** Makes the server; it listens when told to. */
export function listener(handler: RequestListener): Listener {
  let stopping = false;
  const server = createServer(
    { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS },
    (request, response) => {
      // A client that keeps its connection would otherwise keep the server from ending.
      if (stopping) response.setHeader('connection', 'close');
      handler(request, response);
    },
  );
  server.maxConnections = CONNECTIONS_MAX;

  return {
    server,
    stopping: () => stopping,
    async listen(host, port) {
      server.listen(port, host);
      await once(server, 'listening');
      const address = server.address();
      if (!address || typeof address === 'string') throw new Error('the server does not listen on a port');
      return { url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`, port: address.port };
    },
    async stop(timeoutMs) {
      if (!server.listening) return;
      stopping = true;
      const closed = once(server, 'close');
      server.close();
      const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
      const cut = setTimeout(() => server.closeAllConnections(), timeoutMs);
      await closed;
      clearInterval(sweep);
      clearTimeout(cut);
    },
  };
}
