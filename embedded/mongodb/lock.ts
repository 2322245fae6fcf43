import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Makes sure that one process at a time has a folder open, creating it if needed. The lock is a local socket named
 * after the folder, which the system frees when its process ends, however that ends. On Linux the name is abstract;
 * elsewhere it is a file in the temporary folder, taken over if nobody answers on it. Processes that do not share
 * that name space (containers) are not seen. Throws if the folder is in use; returns what frees it.
 */
export async function lockFolder(dir: string): Promise<() => Promise<void>> {
  mkdirSync(dir, { recursive: true });
  const name = `tributary-mongodb-${createHash('sha256').update(realpathSync(dir)).digest('hex').slice(0, 32)}`;
  const path = socketPath(name);
  if (!path.startsWith('\0') && !(await answers(path))) rmSync(path, { force: true });
  const server = createServer(socket => socket.end());
  await new Promise<void>((resolve, reject) => {
    server.once('error', error => {
      const used = 'code' in error && error.code === 'EADDRINUSE';
      reject(used ? new Error(`the folder ${dir} is in use by another process`) : error);
    });
    server.listen(path, () => resolve());
  });
  server.unref();
  return () => new Promise(resolve => server.close(() => resolve()));
}

function socketPath(name: string): string {
  if (process.platform === 'linux') return `\0${name}`;
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`);
}

function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
  });
}
