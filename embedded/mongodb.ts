/**
 * The MongoDB of the embedded mode, as a supervised child on loopback: a `mongod` when one is on the PATH, else the
 * project's own server, which keeps its data in a format of its own. A data folder stays with the server that first
 * wrote it: a `mongod` that is installed or removed later must not make the data seem gone.
 */
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { access, mkdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MongoClient } from 'mongodb';
import type { Logger } from 'pino';
import { spawnServer } from './child.ts';
import { endOrphan } from './orphan.ts';
import { findOnPath } from './path.ts';
import { freePort } from './port.ts';
import { type Supervised, supervise } from './supervise.ts';

const host = '127.0.0.1';
/** Runs TypeScript. */
const runner = fileURLToPath(new URL('../scripts/run.mjs', import.meta.url));
const database = 'tributary';
const pollMs = 50;
const stopTimeoutMs = 8_000;

export interface MongodbOptions {
  /** The system's data folder; MongoDB keeps to its subfolder `mongod` or `mongodb`. */
  readonly dataDir: string;
  readonly log: Logger;
  /** The folders in which `mongod` is looked for. Default: the environment's PATH. */
  readonly path?: string;
  /** The main file of the own server. Default: `embedded/mongodb/main.ts`. */
  readonly main?: string;
}

export interface MongodbServer extends Supervised {
  /** Ends with the database's name; stays true over restarts. */
  readonly url: string;
}

/** One way to serve MongoDB's protocol. */
interface Kind {
  /** Of the subfolder and in log lines. */
  readonly name: 'mongod' | 'mongodb';
  spawn(dir: string, port: number): ChildProcess;
  ready(child: ChildProcess, port: number, signal: AbortSignal): Promise<void>;
}

/**
 * Starts MongoDB and resolves when it answers. The caller holds the data folder's lock: a server that an earlier,
 * killed run left on the folder is ended first.
 * @throws {Error} when the folder's data need a `mongod` and there is none; {StartError} when it does not start.
 */
export async function startMongodb(options: MongodbOptions): Promise<MongodbServer> {
  const { dataDir, log } = options;
  const own = ownServer(options.main ?? fileURLToPath(new URL('./mongodb/main.ts', import.meta.url)));
  if (await exists(join(dataDir, own.name))) return start(own, options);

  const binary = await findOnPath('mongod', options.path ?? process.env.PATH ?? '');
  const dir = join(dataDir, 'mongod');
  if (await exists(dir)) {
    if (binary) return start(mongod(binary), options);
    throw new Error(
      `The data in ${dir} were written by mongod, which is not on the PATH: install it, set MONGODB_URL, ` +
        'or set DATA_DIR to another folder.',
    );
  }
  if (!binary) return start(own, options);
  try {
    return await start(mongod(binary), options);
  } catch (error) {
    // Nothing is in the folder yet, so the other server may have it.
    log.warn({ server: 'mongod', err: error }, `${binary} does not work here: using the embedded server instead`);
    await rm(dir, { recursive: true, force: true });
    return start(own, options);
  }
}

async function start(kind: Kind, { dataDir, log }: MongodbOptions): Promise<MongodbServer> {
  await mkdir(join(dataDir, kind.name), { recursive: true, mode: 0o700 });
  const dir = await realpath(join(dataDir, kind.name));
  const pidFile = join(dataDir, `${kind.name}.pid`);
  const port = await freePort();

  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
  if (pid > 0 && (await endOrphan(pid, dir, stopTimeoutMs))) {
    log.warn(
      { server: kind.name, serverPid: pid },
      `${kind.name} of an earlier run still served the data folder: ended it`,
    );
  }

  const supervised = await supervise({
    name: kind.name,
    log,
    stopTimeoutMs,
    spawn() {
      const child = kind.spawn(dir, port);
      // Before anything else can happen: from here on, the next run finds this process.
      writeFileSync(pidFile, `${child.pid ?? ''}\n`, { mode: 0o600 });
      return child;
    },
    ready: (child, signal) => kind.ready(child, port, signal),
  });
  const url = `mongodb://${host}:${port}/${database}`;
  await writeFile(addressFile(dataDir), `${url}\n`, { mode: 0o600 });
  return {
    ...supervised,
    url,
    async stop() {
      await supervised.stop();
      await Promise.all([pidFile, addressFile(dataDir)].map(file => rm(file, { force: true })));
    },
  };
}

const addressFile = (dataDir: string): string => join(dataDir, 'mongodb.url');

/** Where the server of a data folder was last reached, if it was not stopped since; it may have been killed. */
export async function mongodbAddress(dataDir: string): Promise<string | undefined> {
  return (await readFile(addressFile(dataDir), 'utf8').catch(() => '')).trim() || undefined;
}

/** MongoDB's own server. After a `kill -9` of this process it lives on, and is ended by the next start. */
function mongod(binary: string): Kind {
  return {
    name: 'mongod',
    spawn: (dir, port) =>
      spawnServer(binary, ['--dbpath', dir, '--bind_ip', host, '--port', String(port), '--nounixsocket', '--quiet']),
    async ready(_, port, signal) {
      while (!signal.aborted && !(await answersPing(port))) {
        await delay(pollMs, undefined, { signal }).catch(() => undefined);
      }
    },
  };
}

/** The project's own server. It ends by itself when the IPC channel to this process closes. */
function ownServer(main: string): Kind {
  return {
    name: 'mongodb',
    spawn(dir, port) {
      const args = [runner, main, '--dir', dir, '--port', String(port)];
      return spawnServer(process.execPath, args, { ipc: true });
    },
    ready: (child, port, signal) =>
      new Promise(resolve => {
        const onMessage = (message: unknown) => {
          if (isListening(message, port)) resolve();
        };
        child.on('message', onMessage);
        signal.addEventListener('abort', () => child.removeListener('message', onMessage), { once: true });
      }),
  };
}

function isListening(message: unknown, port: number): boolean {
  return typeof message === 'object' && message !== null && 'listening' in message && message.listening === port;
}

async function answersPing(port: number): Promise<boolean> {
  const client = new MongoClient(`mongodb://${host}:${port}/?directConnection=true`, {
    serverSelectionTimeoutMS: 1_000,
    socketTimeoutMS: 2_000,
  });
  try {
    await client.db('admin').command({ ping: 1 });
    return true;
  } catch {
    return false;
  } finally {
    await client.close();
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
