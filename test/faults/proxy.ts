/** A TCP proxy on loopback, at which the network between two processes is made slow, frozen or cut. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export type Link = {
  port: number;
  /** Ends all connections and refuses new ones. */
  cut(): void;
  /** Takes everything and passes nothing on. */
  freeze(): void;
  /** Holds each piece back for so long, in both directions, in its order. */
  slow(latencyMs: () => number): void;
  /** All is well again; what was frozen is passed on. */
  heal(): void;
  close(): void;
};

export async function startProxy(target: number): Promise<Link> {
  const sockets = new Set<Socket>();
  let isCut = false;
  let isFrozen = false;
  let latencyMs: (() => number) | undefined;
  let thaw: (() => void)[] = [];

  function pass(from: Socket, to: Socket): void {
    let before = Promise.resolve();
    let held = 0;
    from.on('data', chunk => {
      if (!isFrozen && !latencyMs && !held) return void to.write(chunk);
      const waits: Promise<void>[] = [];
      if (isFrozen) waits.push(new Promise(resolve => thaw.push(resolve)));
      const ms = latencyMs?.();
      if (ms !== undefined) waits.push(new Promise(resolve => setTimeout(resolve, ms)));
      held += 1;
      // Pieces stay in their order, however long each is held.
      before = Promise.all([before, ...waits]).then(() => {
        held -= 1;
        to.write(chunk);
      });
    });
    from.on('close', () => {
      sockets.delete(from);
      void before.then(() => to.destroy());
    });
    from.on('error', () => undefined);
  }

  const server = createServer(client => {
    if (isCut) return void client.destroy();
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) sockets.add(socket.setNoDelay(true));
    pass(client, upstream);
    pass(upstream, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not a TCP address');

  const endAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: address.port,
    cut() {
      isCut = true;
      endAll();
    },
    freeze() {
      isFrozen = true;
    },
    slow(latency) {
      latencyMs = latency;
    },
    heal() {
      isCut = false;
      isFrozen = false;
      latencyMs = undefined;
      for (const go of thaw) go();
      thaw = [];
    },
    close() {
      endAll();
      server.close();
    },
  };
}
