/**
 * One running system per data folder. The lock is a listening socket, which the kernel closes with its process:
 * after a `kill -9` it is free at once, and there is no lock file to go stale. It holds among the processes of one
 * machine (one network namespace); it does not see another machine or container that shares the folder.
 */
import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** The data folder is in use by another process. */
export class LockedError extends Error {
  override readonly name = 'LockedError';

  constructor(dir: string) {
    super(
      `The data folder ${dir} is in use by a Tributary that is running: stop that one (Ctrl-C, or SIGTERM), ` +
        'or set DATA_DIR to another folder.',
    );
  }
}

/** The data folder cannot be made, or is none. */
export class DataDirError extends Error {
  override readonly name = 'DataDirError';

  constructor(dir: string, reason: string) {
    super(`The data folder ${dir} cannot be used: ${reason}. Set DATA_DIR to a folder that this user may write to.`);
  }
}

/** Makes a data folder when it is missing. @throws {DataDirError} when it cannot be made, or be written to. */
export async function makeDataDir(dir: string): Promise<void> {
  try {
    await make(resolve(dir));
    await access(dir, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new DataDirError(dir, error instanceof Error ? error.message : String(error));
  }
}

/** Node's own recursion does not find an end where a folder can be made and is not there afterwards, as in /proc. */
async function make(dir: string): Promise<void> {
  let failure = await madeOrNot(dir);
  if (failure?.code === 'ENOENT') {
    await make(dirname(dir));
    failure = await madeOrNot(dir);
  }
  // Another process may have made it meanwhile.
  if (failure && !(failure.code === 'EEXIST' && (await stat(dir)).isDirectory())) throw failure;
}

const madeOrNot = (dir: string): Promise<NodeJS.ErrnoException | undefined> =>
  mkdir(dir, { mode: 0o700 }).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error,
  );

export interface DataDirLock {
  /** Frees the folder. May be called again. */
  release(): Promise<void>;
}

/**
 * Locks a data folder for this process, making the folder when it is missing.
 * @param platform decides how; handed in for tests.
 * @throws {LockedError} when another process (or this one) holds the lock.
 * @throws {DataDirError} when it cannot be made, or be written to.
 */
export async function lockDataDir(dir: string, platform: NodeJS.Platform = process.platform): Promise<DataDirLock> {
  await makeDataDir(dir);
  const path = await realpath(dir);
  const server = platform === 'linux' ? await listen(abstractName(path)) : await listenOnFile(path);
  if (!server) throw new LockedError(path);
  server.unref();
  let released: Promise<void> | undefined;
  return {
    release() {
      released ??= new Promise(resolve => server.close(() => resolve()));
      return released;
    },
  };
}

/** A name in Linux's abstract namespace, of the full 108 bytes, since versions of Node pad shorter ones differently. */
function abstractName(path: string): string {
  return `\0tributary-${createHash('sha512').update(path).digest('hex')}`.slice(0, 108);
}

/**
 * Elsewhere a socket is a file, which stays behind after a `kill -9`. A file that nobody answers behind is moved
 * away before it is removed: only one of several starters gets it, and it still answers if it was alive after all.
 */
async function listenOnFile(path: string): Promise<Server | undefined> {
  const file = join(tmpdir(), `tributary-${createHash('sha256').update(path).digest('hex').slice(0, 32)}.sock`);
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const server = await listen(file);
    if (server) return server;
    if (await answers(file)) return undefined;
    const aside = `${file}.${randomUUID().slice(0, 8)}`;
    const moved = await rename(file, aside).then(
      () => true,
      () => false,
    );
    if (!moved) continue;
    if (await answers(aside)) {
      await rename(aside, file);
      return undefined;
    }
    await rm(aside, { force: true });
  }
  return undefined;
}

/** Listens on a local socket; `undefined` when its address is in use. */
function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer(socket => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen({ path, exclusive: true }, () => resolve(server));
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
