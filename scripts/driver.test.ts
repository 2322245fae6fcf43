import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { Connection } from './driver.ts';

test('a command on a connection whose socket is gone fails at once, and not never', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  // Its `close` event is still to come: until then the driver takes it for open.
  socket.destroy();
  const connection: object = Object.create(Connection.prototype, { socket: { value: socket } });
  const command = { toBin: () => [Buffer.from('ping')] };
  const written = Connection.prototype.writeCommand.call(connection, command, { agreedCompressor: 'none' });
  const outcome = Promise.race([written, new Promise(resolve => setTimeout(resolve, 1_000, 'hangs'))]);
  await expect(outcome).rejects.toMatchObject({ name: 'MongoNetworkError' });
});
