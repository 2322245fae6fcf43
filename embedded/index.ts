/** The servers that the system runs for itself when it is given none. */
import type { Logger } from 'pino';
import { mongodbAddress, startMongodb } from './mongodb.ts';
import { redisAddress, startRedis } from './redis.ts';
import type { Supervised } from './supervise.ts';

export { type DataDirLock, LockedError, lockDataDir, makeDataDir } from './lock.ts';
export { StartError } from './supervise.ts';

export interface ServersOptions {
  /** The folder that keeps the data of the servers started here, made when it is missing. */
  readonly dataDir: string;
  /** A MongoDB that runs already; none is started then. */
  readonly mongodbUrl?: string | undefined;
  /** A Redis that runs already; none is started then. */
  readonly redisUrl?: string | undefined;
  readonly log: Logger;
}

export interface Servers {
  /** The database's name in its path is the prefix of the services' own. Stays true over restarts. */
  readonly mongodbUrl: string;
  /** Holds a password: not for logs. Stays true over restarts. */
  readonly redisUrl: string;
  /** The servers started here: none for those given by URL. */
  readonly children: readonly Pick<Supervised, 'name' | 'pid'>[];
  /** Ends the servers started here; resolves when their processes are gone. May be called again. */
  stop(): Promise<void>;
}

/**
 * Starts what is not given by URL, side by side, and keeps it running. The caller holds `lockDataDir(dataDir)`
 * from before this call until after `stop`: what still serves the folder is taken for left over, and ended.
 * @throws {StartError} when a server does not start, {Error} when there is none; nothing is left running then.
 */
export async function startServers({ dataDir, mongodbUrl, redisUrl, log }: ServersOptions): Promise<Servers> {
  const started = await Promise.allSettled([
    mongodbUrl ? undefined : startMongodb({ dataDir, log }),
    redisUrl ? undefined : startRedis({ dataDir, log }),
  ]);
  const children = started.flatMap(result => (result.status === 'fulfilled' && result.value ? [result.value] : []));
  const stop = async () => {
    await Promise.all(children.map(child => child.stop()));
  };

  const [mongodb, redis] = started;
  const failure = started.find(result => result.status === 'rejected');
  if (mongodb.status === 'rejected' || redis.status === 'rejected') {
    await stop();
    throw failure?.reason;
  }
  return {
    mongodbUrl: mongodbUrl || urlOf(mongodb.value),
    redisUrl: redisUrl || urlOf(redis.value),
    children,
    stop,
  };
}

/** Where the servers of a data folder were last reached: for whoever looks at a system that runs. */
export async function runningServers(dataDir: string): Promise<Partial<Pick<Servers, 'mongodbUrl' | 'redisUrl'>>> {
  const [mongodbUrl, redisUrl] = await Promise.all([mongodbAddress(dataDir), redisAddress(dataDir)]);
  return { ...(mongodbUrl && { mongodbUrl }), ...(redisUrl && { redisUrl }) };
}

function urlOf(server: { readonly url: string } | undefined): string {
  if (!server) throw new Error('a server was neither given nor started');
  return server.url;
}
