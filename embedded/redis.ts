/**
 * redis-server as a supervised child, on loopback, with its append-only file in `<dataDir>/redis`. Redis is
 * transport, never record: an append-only file that it refuses to read is set aside, and it starts empty.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { spawnServer } from './child.ts';
import { findOnPath } from './path.ts';
import { freePort, isFree } from './port.ts';
import { type Supervised, supervise } from './supervise.ts';

const host = '127.0.0.1';
const pollMs = 25;
const orphanTimeoutMs = 10_000;
/** Starts that must fail on a damaged append-only file before it is set aside. */
const damagedStarts = 2;
/** What Redis writes when it cannot make sense of its files; a full disk or a missing permission reads otherwise. */
const damage = new RegExp(
  [
    'reading the append only file',
    'AOF manifest',
    'AOF file .* doesn.t exist',
    'loading the (DB|append only file)',
    'Short read or OOM loading DB',
    'RDB format version',
    'Wrong signature trying to load DB',
    'error in RDB reading',
    'rdb file reading failure',
  ].join('|'),
  'i',
);

export interface RedisOptions {
  /** The system's data folder; Redis keeps to its subfolder `redis`. */
  readonly dataDir: string;
  readonly log: Logger;
  /** The folders in which `redis-server` is looked for. Default: the environment's PATH. */
  readonly path?: string;
}

export interface RedisServer extends Supervised {
  /** With the password; stays true over restarts. Not for logs. */
  readonly url: string;
}

/** How a folder's Redis is reached: kept in the folder, readable by its owner only. */
interface Access {
  readonly password: string;
  readonly port: number;
}

/**
 * Starts redis-server and resolves when it answers and has loaded its data. The caller holds the data folder's lock:
 * a redis-server that already serves the folder is taken for an orphan of a killed process, and ended.
 * @throws {Error} when there is no redis-server; {StartError} when it does not start.
 */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const { dataDir, log } = options;
  const binary = await findOnPath('redis-server', options.path ?? process.env.PATH ?? '');
  if (!binary) throw new Error('redis-server was not found on the PATH: install it, or set REDIS_URL');
  await mkdir(join(dataDir, 'redis'), { recursive: true, mode: 0o700 });
  const dir = await realpath(join(dataDir, 'redis'));

  const last = await readAccess(dir);
  if (last) await endOrphan(last, dir, log);
  const access: Access = {
    password: last?.password ?? randomBytes(32).toString('hex'),
    port: await freePort(last?.port),
  };
  // Before the spawn: from here on, whatever happens to this process, the next one finds its Redis.
  await writeAccess(dir, access);

  let damaged = 0;
  const supervised = await supervise({
    name: 'redis',
    log,
    readyTimeoutMs: 120_000,
    spawn: () => spawnServer(binary, ['-'], { input: configuration(dir, access), cwd: dir }),
    ready: (_, signal) => answersPing(access, signal),
    async failed(output) {
      damaged = damage.test(output) ? damaged + 1 : 0;
      if (damaged < damagedStarts) return;
      damaged = 0;
      await setAside(dir, log);
    },
  });
  return { ...supervised, url: urlOf(access) };
}

/** Handed to Redis on its standard input, so that the password is not in the list of processes. */
function configuration(dir: string, { password, port }: Access): string {
  return [
    `bind ${host}`,
    `port ${port}`,
    `requirepass ${password}`,
    `dir ${JSON.stringify(dir)}`,
    'daemonize no',
    'save ""',
    'appendonly yes',
    'appendfsync everysec',
    'aof-load-truncated yes',
    'maxmemory-policy noeviction',
    '',
  ].join('\n');
}

/** Resolves when PING is answered, which Redis refuses while it loads its data. */
async function answersPing(access: Access, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const answered = await ask(access, client => client.ping()).catch(() => undefined);
    if (answered === 'PONG') return;
    await delay(pollMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Ends a redis-server that still serves this folder after the process that had started it was killed. */
async function endOrphan(access: Access, dir: string, log: Logger): Promise<void> {
  const found = await ask(access, async client => ({
    dir: (await client.config('GET', 'dir'))[1],
    pid: Number(/^process_id:(\d+)/m.exec(await client.info('server'))?.[1]),
  })).catch(() => undefined);
  // Nobody there, or somebody who does not know our password: not ours to end.
  if (found?.dir !== dir) return;

  log.warn(
    { server: 'redis', serverPid: found.pid },
    'redis of an earlier run still serves the data folder: ending it',
  );
  // It closes the connection instead of answering.
  await ask(access, client => client.shutdown()).catch(() => undefined);
  if (await untilFree(access.port, orphanTimeoutMs)) return;
  process.kill(found.pid, 'SIGKILL');
  if (await untilFree(access.port, orphanTimeoutMs)) return;
  throw new Error(`redis of an earlier run (process ${found.pid}) still serves ${dir} and does not end: end it first`);
}

async function untilFree(port: number, timeoutMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs;
  while (performance.now() < deadlineMs) {
    if (await isFree(port)) return true;
    await delay(pollMs);
  }
  return false;
}

/** One exchange on a connection of its own, without retries. */
async function ask<Answer>({ port, password }: Access, exchange: (client: Redis) => Promise<Answer>): Promise<Answer> {
  const client = new Redis({
    host,
    port,
    password,
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    connectTimeout: 2_000,
    commandTimeout: 2_000,
  });
  // The promise carries the same error; without a listener it would be printed as well.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await exchange(client);
  } finally {
    client.disconnect();
  }
}

/** Moves the append-only file (a folder since Redis 7) to `damaged-<time>`, to be looked at or deleted by hand. */
async function setAside(dir: string, log: Logger): Promise<void> {
  const aside = join(dir, `damaged-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`);
  await mkdir(aside, { mode: 0o700 });
  for (const name of ['appendonlydir', 'appendonly.aof']) {
    await rename(join(dir, name), join(aside, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
  log.error(
    { server: 'redis', aside },
    `redis cannot read its append-only file: it was moved to ${aside}, and redis starts empty. ` +
      'No event is lost: what was in the queues is sent again from the databases.',
  );
}

/** Where the server of a data folder was last reached; it may not run any more. */
export async function redisAddress(dataDir: string): Promise<string | undefined> {
  const access = await readAccess(join(dataDir, 'redis'));
  return access && urlOf(access);
}

const urlOf = ({ password, port }: Access): string => `redis://:${password}@${host}:${port}`;

function accessFile(dir: string): string {
  return join(dir, 'server.json');
}

async function readAccess(dir: string): Promise<Access | undefined> {
  const text = await readFile(accessFile(dir), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const match = /^\{"password":"([0-9a-f]{64})","port":(\d{1,5})\}$/.exec(text.trim());
  return match?.[1] ? { password: match[1], port: Number(match[2]) } : undefined;
}

/** Written aside and renamed, so that the file is whole whenever this process is killed. */
async function writeAccess(dir: string, { password, port }: Access): Promise<void> {
  const file = accessFile(dir);
  await writeFile(`${file}.new`, `${JSON.stringify({ password, port })}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
