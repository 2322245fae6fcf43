/**
 * Stands before the processes of one service as a load balancer does: each new connection goes to the next of them. The gateway
 * sends all that it asks of a service over one connection, so while there are several processes none lives for long: then old and
 * new take turns, and what was on its way when a connection ended is asked again, mostly of the other.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

const LIFE_MS = 400;

export type Balancer = {
  port: number;
  /** The processes that there are: connections to any other end. */
  spread(ports: readonly number[]): void;
  close(): void;
};

export async function startBalancer(): Promise<Balancer> {
  const links = new Map<Socket, number>();
  let ports: readonly number[] = [];
  let turn = 0;

  const server = createServer(client => {
    const port = ports[turn++ % ports.length];
    if (port === undefined) return void client.destroy();
    const upstream = connect(port, '127.0.0.1').setNoDelay(true);
    links.set(client.setNoDelay(true), port);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.pipe(to);
      from.on('error', () => undefined);
      from.on('close', () => {
        links.delete(client);
        to.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not a TCP address');

  const endAll = () => {
    for (const client of links.keys()) client.destroy();
  };
  const takingTurns = setInterval(() => {
    if (ports.length > 1) endAll();
  }, LIFE_MS);
  return {
    port: address.port,
    spread(some) {
      ports = some;
      for (const [client, port] of links) if (!some.includes(port)) client.destroy();
    },
    close() {
      clearInterval(takingTurns);
      endAll();
      server.close();
    },
  };
}
