/** MongoDB's protocol on a loopback port. There is no authentication, so it must not listen anywhere else. */
import { createServer, type Server, type Socket } from 'node:net';
import { type Database, openDatabase } from './commands.ts';
import { lockFolder } from './lock.ts';
import { messageLength, parseMessage, type Request, replyMessage } from './wire.ts';

/** `port` 0 takes any free one; `host` must be a loopback address (default 127.0.0.1). */
export type ServeOptions = { dir: string; port: number; host?: string };
export type Served = { port: number; url: string; close(): Promise<void> };

/** Requests of one connection answered side by side; beyond that its socket is not read. */
const MAX_PIPELINED = 64;
const MAX_CONNECTIONS = 2000;
const CLOSE_MS = 5000;

/** Throws if the folder is in use by another process or the address is taken. */
export async function serve({ dir, port, host = '127.0.0.1' }: ServeOptions): Promise<Served> {
  if (!['127.0.0.1', '::1', 'localhost'].includes(host)) throw new Error(`${host} is not a loopback address`);
  const unlock = await lockFolder(dir);
  let database: Database | undefined;
  try {
    database = await openDatabase(dir);
    return await listen(database, port, host, unlock);
  } catch (error) {
    await database?.close();
    await unlock();
    throw error;
  }
}

async function listen(database: Database, port: number, host: string, unlock: () => Promise<void>): Promise<Served> {
  const connections = new Set<Connection>();
  const server = createServer(socket => {
    const connection = connect(socket, database);
    connections.add(connection);
    socket.on('close', () => connections.delete(connection));
  });
  server.maxConnections = MAX_CONNECTIONS;
  const taken = await new Promise<number>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(portOf(server)));
  });
  return {
    port: taken,
    url: `mongodb://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    async close() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()));
      await Promise.all([...connections].map(connection => connection.finish()));
      await closed;
      await database.close();
      await unlock();
    },
  };
}

function portOf(server: Server): number {
  const address = server.address();
  if (!address || typeof address === 'string') throw new Error('not a TCP address');
  return address.port;
}

type Connection = { finish(): Promise<void> };

function connect(socket: Socket, database: Database): Connection {
  let waiting: Buffer[] = [];
  let size = 0;
  let replies = 0;
  let stopping = false;
  const busy = new Set<Promise<void>>();
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', chunk => {
    waiting.push(chunk);
    size += chunk.length;
    try {
      takeMessages();
    } catch {
      socket.destroy();
    }
  });

  /** Joins chunks only when a whole message is there, so that large ones are not copied again and again. */
  function takeMessages(): void {
    for (;;) {
      if ((waiting[0]?.length ?? 0) < 4 && waiting.length > 1) waiting = [Buffer.concat(waiting)];
      const first = waiting[0];
      const length = first && messageLength(first);
      if (length === undefined || size < length || stopping) return;
      const all = waiting.length === 1 && first ? first : Buffer.concat(waiting);
      waiting = all.length > length ? [all.subarray(length)] : [];
      size -= length;
      start(parseMessage(all.subarray(0, length)));
    }
  }

  function start(request: Request): void {
    const answering = respond(request).finally(() => {
      busy.delete(answering);
      if (busy.size < MAX_PIPELINED) socket.resume();
    });
    busy.add(answering);
    if (busy.size >= MAX_PIPELINED) socket.pause();
  }

  async function respond(request: Request): Promise<void> {
    const reply = await database.run(request.body);
    if (!request.silent && !socket.destroyed) socket.write(replyMessage(++replies, request, reply));
  }

  return {
    async finish() {
      stopping = true;
      const late = setTimeout(() => socket.destroy(), CLOSE_MS);
      await Promise.all(busy);
      await new Promise<void>(resolve => (socket.destroyed ? resolve() : socket.end(resolve)));
      clearTimeout(late);
      socket.destroy();
    },
  };
}
