/** What every process of the system has: a log, its connections, and an orderly end. */
import { hostname } from 'node:os';
import { Redis } from 'ioredis';
import { MongoClient } from 'mongodb';
import pRetry from 'p-retry';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { type Binding, createBindings } from '../events/binding.ts';
import { browseQueues, type QueueBrowser } from '../events/browse.ts';
import { systemClock, systemIds } from '../events/clock.ts';
import { isUnavailable } from '../events/errors.ts';
import { createFeed } from '../events/feed.ts';
import { withNearby } from '../events/nearby.ts';
import { createTransport, type QueueTransport } from '../events/queue.ts';
import type { Resources, RunningService } from '../events/service.ts';
import type { Transport } from '../events/transport.ts';
import type { Health } from '../gateway/health.ts';
import { ConfigError, prefixOf } from './config.ts';
import './driver.ts';
import { inTime } from './intime.ts';
import { measuresOf } from './measures.ts';
import type { Tracing } from './tracing.ts';
import { utilizationOf } from './utilization.ts';

export { inTime } from './intime.ts';
export { createLog } from './log.ts';

/** How every process speaks to MongoDB. */
export const MONGODB = {
  appName: 'tributary',
  // Acknowledged means durable.
  writeConcern: { w: 'majority' as const, journal: true },
  serverSelectionTimeoutMS: 2_000,
  connectTimeoutMS: 2_000,
  socketTimeoutMS: 60_000,
  maxPoolSize: 50,
  ignoreUndefined: true,
  // Looking through every text that is read is a quarter of the reading. Only who changes bytes on disk makes one that is no UTF-8, and
  // the lake's chain tells of that, which has to be able to read it.
  enableUtf8Validation: false,
};

export type Connections = {
  resources: Resources;
  transport: QueueTransport;
  health(): Promise<Health>;
  close(): Promise<void>;
};

/**
 * Connects to MongoDB and Redis; does not wait for either.
 *
 * @param holder names this process in leases; by default one that no other process has.
 * @param registry where its services register what they count.
 */
export function connect(options: {
  mongodbUrl: string;
  redisUrl: string;
  log: Logger;
  holder?: string;
  registry?: Registry;
  tracing?: Tracing;
  /** How its consumers are near each other: another way in a second thread. */
  nearby?: <T extends Transport>(transport: T) => T;
}): Connections {
  const {
    mongodbUrl,
    redisUrl,
    log,
    registry,
    tracing,
    nearby = withNearby,
    holder = `${hostname()} ${process.pid} ${systemIds.next()}`,
  } = options;
  const prefix = prefixOf(mongodbUrl);
  const mongo = new MongoClient(mongodbUrl, MONGODB);
  const onError = (error: Error) => log.debug({ err: error }, 'Redis: an error of a connection');
  const onFailed = (service: string, jobId: string | undefined, error: Error) =>
    log.warn({ service, jobId, err: error }, 'a job has failed for good: nobody handles its events, see /queues');
  const transport = nearby(createTransport({ redisUrl, prefix, onError, onFailed }));
  const subscriber = new Redis(redisUrl, {
    maxRetriesPerRequest: null,
    retryStrategy: times => Math.min(100 * times, 2_000),
  });
  subscriber.on('error', onError);
  const quiet = tellWhetherReachable(transport.redis, log);
  const feed = createFeed({ redis: transport.redis, subscriber, prefix, log });
  const bindings = createBindings(mongo.db(`${prefix}-registry`).collection<Binding>('bindings'));

  return {
    transport,
    resources: {
      mongo,
      prefix,
      transport,
      feed,
      bindings,
      clock: systemClock,
      ids: systemIds,
      holder,
      log,
      beatMsOf,
      utilization: utilizationOf(),
      ...(tracing && { tracerOf: tracing.tracerOf }),
      ...(registry && { measuresOf: (service: string) => measuresOf(registry, service) }),
    },
    async health() {
      const [mongodb, redis] = await Promise.all([
        inTime(mongo.db(`${prefix}-registry`).command({ ping: 1 })),
        inTime(transport.redis.ping()),
      ]);
      // Without Redis, mutations are still acknowledged and queries answered; balances stand still.
      return { mongodb: { state: mongodb ? 'ok' : 'down' }, redis: { state: redis ? 'ok' : 'degraded' } };
    },
    async close() {
      quiet();
      feed.close();
      await transport.close();
      await mongo.close();
    },
  };
}

/**
 * One line when Redis is lost, or is not there at the start, and one when it is back: it tries again for as long as it takes.
 *
 * @returns how to say nothing any more.
 */
export function tellWhetherReachable(redis: Pick<Redis, 'on' | 'off'>, log: Pick<Logger, 'warn' | 'info'>): () => void {
  let lost = false;
  let reason: string | undefined;
  const onError = ({ message }: Error) => {
    reason = message;
  };
  const onClose = () => {
    if (lost) return;
    lost = true;
    log.warn({ reason }, 'Redis cannot be reached: events wait in the outboxes, balances stand still; trying again');
  };
  const onReady = () => {
    if (lost) log.info('Redis is back: what has waited is sent');
    lost = false;
    reason = undefined;
  };
  redis.on('error', onError).on('close', onClose).on('ready', onReady);
  return () => void redis.off('error', onError).off('close', onClose).off('ready', onReady);
}

const BEAT_MIN_MS = 900;
const BEATS_MS = 200;

/** From 900 to 1,100, by the service's name: beats that differ do not stay together. */
function beatMsOf(service: string): number {
  const sum = [...service].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) % BEATS_MS, 0);
  return BEAT_MIN_MS + sum;
}

/** The queues, for a process that has no other use for MongoDB and Redis: neither is connected to before somebody looks. */
export function browse(options: { mongodbUrl: string; redisUrl: string; log: Logger }): QueueBrowser {
  const { mongodbUrl, redisUrl, log } = options;
  const prefix = prefixOf(mongodbUrl);
  const mongo = new MongoClient(mongodbUrl, { ...MONGODB, maxPoolSize: 2 });
  const bindings = createBindings(mongo.db(`${prefix}-registry`).collection<Binding>('bindings'));
  const onError = (error: Error) => log.debug({ err: error }, 'the queues are out of reach');
  const browser = browseQueues({ redisUrl, prefix, bindings, onError });
  return {
    look: browser.look,
    stir: browser.stir,
    async close() {
      await browser.close();
      await mongo.close();
    },
  };
}

const PREPARE_TRIES = 8;

/** Prepares services, trying again for some 30 s while MongoDB is not there yet. @throws ConfigError when it stays away. */
export async function prepare(
  services: readonly Pick<RunningService<unknown>, 'prepare'>[],
  log: Logger,
): Promise<void> {
  try {
    await pRetry(() => Promise.all(services.map(service => service.prepare())), {
      retries: PREPARE_TRIES,
      maxTimeout: 4_000,
      shouldRetry: ({ error }) => isUnavailable(error),
      onFailedAttempt: ({ retriesLeft }) => log.warn({ retriesLeft }, 'MongoDB cannot be reached: trying again'),
    });
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    throw new ConfigError('MongoDB cannot be reached: start it, or see whether MONGODB_URL is right.');
  }
}

const STOP_WITHIN_MS = 9_500;

/** Makes the gateway read the supergraph again. (SIGHUP stops every process, as a terminal that closes expects.) */
export const RELOAD_SIGNAL = 'SIGUSR2';

/**
 * Runs `main` as a process: it is stopped in an orderly way by SIGTERM, SIGINT or SIGHUP, with exit code 0 within 10 s. A failed
 * start says what is wrong in one line; anything else that nobody caught is logged and ends the process with 1.
 *
 * @param main hands over how to undo each thing that it starts; they are undone in reverse order. Where there is an end to
 *   what it does it calls `done`, which is like SIGTERM.
 */
export async function run(
  log: Logger,
  main: (undo: (step: () => unknown) => void, done: () => void) => Promise<void>,
): Promise<void> {
  const steps: (() => unknown)[] = [];
  let stopping: Promise<void> | undefined;

  const stop = (exitCode: number) => {
    stopping ??= (async () => {
      setTimeout(() => process.exit(exitCode || 1), STOP_WITHIN_MS).unref();
      for (const step of steps.reverse()) {
        await Promise.resolve(step()).catch(error => log.error({ err: error }, 'while stopping'));
      }
      process.exit(exitCode);
    })();
    return stopping;
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void stop(0));
  // Else it would end whoever does not listen for it.
  process.on(RELOAD_SIGNAL, () =>
    log.info(`${RELOAD_SIGNAL}: only the gateway as a process of its own takes a new supergraph`),
  );
  process.on('uncaughtException', error => {
    log.fatal({ err: error }, 'uncaught');
    void stop(1);
  });

  try {
    await main(
      step => {
        if (stopping) void step();
        else steps.push(step);
      },
      () => void stop(0),
    );
  } catch (error) {
    if (stopping) return;
    if (isMistake(error)) process.stderr.write(`\n${adviceOn(error)}\n\n`);
    else log.fatal({ err: error }, 'could not start');
    await stop(1);
  }
}

/** What is wrong, and what to do. */
export function adviceOn(error: Error): string {
  if (!('code' in error) || error.code !== 'EADDRINUSE' || !('port' in error)) return error.message;
  return `Port ${error.port} is in use by another program: stop that one, or set PORT to a port that is free.`;
}

// Errors whose message is all that a person needs.
function isMistake(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return (
    error instanceof ConfigError ||
    ['StartError', 'LockedError', 'DataDirError', 'PersistedDocumentError', 'StaleSupergraph', 'BrokenExport'].includes(
      error.name,
    ) ||
    'syscall' in error
  );
}
