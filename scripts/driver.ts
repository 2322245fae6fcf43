/**
 * Mends the MongoDB driver (7.9.0): it may write a command to a socket that is destroyed and has not said so yet, and then
 * waits for ever for that socket to drain. When a network cut ends all sockets at once, this is what becomes of the
 * check of the server that the first of them sets off; none follows, and the process never finds its MongoDB again.
 */
import { createRequire } from 'node:module';
import { MongoNetworkError } from 'mongodb';

type WriteCommand = (this: object, command: object, options: object) => Promise<void>;

/** What the driver's own module exports, as far as it is needed here; it has no types. */
type Internals = { Connection: { prototype: { writeCommand: WriteCommand } } };

export const { Connection } = createRequire(import.meta.url)('mongodb/lib/cmap/connection.js') as Internals;

const { writeCommand } = Connection.prototype;

Connection.prototype.writeCommand = async function (command, options) {
  const { socket } = this as { socket: { destroyed: boolean } };
  if (socket.destroyed) throw new MongoNetworkError('the connection is closed');
  return writeCommand.call(this, command, options);
};
