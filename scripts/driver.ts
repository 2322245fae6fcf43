/**
 * Mends the MongoDB driver (7.9.0): it may write a command to a socket that is destroyed and has not said so yet, and then
 * waits for ever for that socket to drain. When a network cut ends all sockets at once, this is what becomes of the
 * check of the server that the first of them sets off; none follows, and the process never finds its MongoDB again.
 */
import { MongoNetworkError } from 'mongodb';
import { Connection } from 'mongodb/lib/cmap/connection.js';

export { Connection };

const { writeCommand } = Connection.prototype;

Connection.prototype.writeCommand = async function (command, options) {
  const { socket } = this as { socket: { destroyed: boolean } };
  if (socket.destroyed) throw new MongoNetworkError('the connection is closed');
  return writeCommand.call(this, command, options);
};
