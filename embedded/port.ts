import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const host = '127.0.0.1';
/**
 * Below the ranges from which systems take the ports of outgoing connections: while a server is being started
 * again, its clients' own attempts to connect must not take its port (on loopback even by connecting to themselves).
 */
const range = [20_000, 32_000] as const;
const attempts = 100;

/**
 * A loopback TCP port that nobody listens on: the preferred one when it is free, else one at random.
 * @throws {Error} when none is found.
 */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && (await isFree(preferred))) return preferred;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const port = randomInt(...range);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port was found between ${range[0]} and ${range[1]} on ${host}`);
}

/** Whether a server could listen on this loopback port now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
