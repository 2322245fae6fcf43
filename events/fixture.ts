/** What the tests of the stages share: real servers, systems of their own on them, and events to send through. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type Document, MongoClient } from 'mongodb';
import { type Logger, pino } from 'pino';
import { inject, onTestFinished } from 'vitest';
import { z } from 'zod';
import { until } from '../embedded/harness.ts';
import { freePort } from '../embedded/port.ts';
import { type Binding, createBindings } from './binding.ts';
import { type Clock, systemClock, systemIds } from './clock.ts';
import { type Consumer, type ConsumerOptions, startConsumer } from './consumer.ts';
import { type Contract, createEvent } from './contract.ts';
import type { ServiceContext } from './definition.ts';
import type { Event } from './event.ts';
import { type FaultInput, idOf } from './fault.ts';
import { createFeed } from './feed.ts';
import { unmeasured } from './measures.ts';
import { createOutbox, type OutboxEntry, outboxIndexes } from './outbox.ts';
import { createTransport, type QueueTransport } from './queue.ts';
import { type RelayOptions, startRelay } from './relay.ts';
import { queueName } from './roll.ts';
import type { Delivery } from './suspects.ts';
import { noTrail } from './tracing.ts';
import type { Job } from './transport.ts';
import { createWatermark } from './watermark.ts';

export { until };

export const silent: Logger = pino({ level: 'silent' });

const connectionErrors = () => undefined;
const retryStrategy = () => 50;

export type ServerUrls = { mongodbUrl: string; redisUrl: string };

declare module 'vitest' {
  export interface ProvidedContext {
    servers: ServerUrls;
  }
}

/** The MongoDB and the Redis that all tests share, and that none may stop; each has systems of its own on them. */
export const useServers = (): ServerUrls => inject('servers');

/** A redis-server that a test may kill, and start again on the same port, which no connection takes meanwhile; it keeps nothing. */
export async function mortalRedis() {
  const port = await freePort();
  let child: ChildProcess | undefined;
  async function start(): Promise<void> {
    child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], {
      cwd: tmpdir(),
      stdio: 'ignore',
    });
    const probe = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null, retryStrategy });
    probe.on('error', connectionErrors);
    await probe.ping();
    probe.disconnect();
  }
  async function kill(): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
  await start();
  onTestFinished(kill);
  return {
    url: `redis://127.0.0.1:${port}`,
    start,
    kill,
    /** It keeps its connections and answers nothing, until it is thawed. */
    freeze: () => child?.kill('SIGSTOP'),
    thaw: () => child?.kill('SIGCONT'),
  };
}

export type System = ReturnType<typeof createSystem>;

/** Everything that a process lends to its services, under a prefix of its own unless one is given; closed with the test. */
export function createSystem({ mongodbUrl, redisUrl }: ServerUrls, options: { prefix?: string; clock?: Clock } = {}) {
  const { prefix = `t${randomUUID().slice(0, 8)}`, clock = systemClock } = options;
  const mongo = new MongoClient(mongodbUrl, {
    ignoreUndefined: true,
    monitorCommands: true,
    writeConcern: { w: 'majority', journal: true },
  });
  const transport = createTransport({ redisUrl, prefix, onError: connectionErrors });
  const subscriber = new Redis(redisUrl, { maxRetriesPerRequest: null, retryStrategy });
  subscriber.on('error', connectionErrors);
  const feed = createFeed({ redis: transport.redis, subscriber, prefix, log: silent });
  const bindings = createBindings(mongo.db(`${prefix}-registry`).collection<Binding>('bindings'));
  onTestFinished(async () => {
    feed.close();
    await transport.close();
    if (!process.env.MONGODB_URL) return mongo.close();
    const { databases } = await mongo.db().admin().listDatabases({ nameOnly: true });
    for (const { name } of databases) if (name.startsWith(`${prefix}-`)) await mongo.db(name).dropDatabase();
    await mongo.close();
  });
  const collection = <Row extends Document>(service: string, name: string) =>
    mongo.db(`${prefix}-${service}`).collection<Row>(name);
  return {
    mongo,
    prefix,
    transport,
    subscriber,
    feed,
    bindings,
    clock,
    collection,
    bind: (service: string, wishes: Partial<Omit<Binding, '_id' | 'passed'>> = {}) =>
      bindings.bind({
        _id: service,
        consumes: [happened.type],
        emits: [],
        partitions: 1,
        replayedFirst: [],
        ...wishes,
      }),
    /** What a service gets when it is created. */
    context: (name: string): ServiceContext => ({
      name,
      collection: of => collection(name, of),
      outbox: createOutbox({ collection: collection(name, 'events'), clock, wake: () => undefined }),
      feed,
      bindings,
      transport,
      lease: () => ({ fence: () => 1, release: async () => undefined }),
      runTask: async task => {
        throw new Error(`nobody does "${task}" here`);
      },
      clock,
      ids: systemIds,
      log: silent,
      trail: noTrail,
      measures: unmeasured,
    }),
    /** FLUSHALL, as far as this system is concerned: in one step. */
    async loseRedis(): Promise<void> {
      const lose = `for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', key) end`;
      await transport.redis.eval(lose, 0, `${prefix}:*`);
    },
  };
}

/** Resolves when a transport can send. */
export const connected = ({ redis }: QueueTransport): Promise<void> => isReady(redis);

export async function isReady(redis: Redis): Promise<void> {
  if (redis.status !== 'ready') await once(redis, 'ready');
}

// ---- events -----------------------------------------------------------------------------------------------------

const happenedData = z.object({ n: z.int() });

/** The event type of these tests. */
export const happened: Contract<z.infer<typeof happenedData>> = {
  type: 'happened',
  version: 1,
  description: 'Something happened.',
  data: happenedData,
};

export const TIME = '2026-01-31T12:00:00.000Z';

export function happening(id: string, { n = 1, subject = 'a', source = '/origin', time = TIME } = {}) {
  return createEvent(happened, { id, source, subject, time, data: { n } });
}

/** As many events as asked for, named 1, 2, 3, ... */
export const happenings = (count: number, subject = 'a') =>
  Array.from({ length: count }, (_, index) => happening(`${index + 1}`, { n: index + 1, subject }));

export const idsOf = (events: readonly Event[]) => events.map(({ id }) => id);

// ---- stages -----------------------------------------------------------------------------------------------------

export const ORIGIN = 'origin';

/** The outbox of a service that emits, with its relay to be started. */
export async function origin(system: System) {
  const events = system.collection<OutboxEntry>(ORIGIN, 'events');
  await events.createIndexes([...outboxIndexes]);
  const outbox = createOutbox({
    collection: events as unknown as ReturnType<typeof system.collection>,
    clock: system.clock,
    wake: () => undefined,
  });
  return {
    events,
    outbox,
    pending: () => events.countDocuments({ pending: { $exists: true } }),
    /** Stopped with the test. */
    relay(options: Partial<RelayOptions> = {}) {
      const relay = startRelay({
        service: ORIGIN,
        collection: () => events,
        lease: { fence: () => 1 },
        bindings: system.bindings,
        transport: system.transport,
        clock: system.clock,
        log: silent,
        pollMs: 50,
        ...options,
      });
      onTestFinished(() => relay.stop());
      return relay;
    },
  };
}

/** The jobs that wait in a service's queue, in their order. */
export async function waitingJobs({ transport }: System, service: string, partition = 0): Promise<Job[]> {
  const jobs = await transport.queue(service, partition).getJobs(['waiting', 'prioritized', 'delayed'], 0, -1, true);
  return jobs.map(({ data }) => data);
}

/** The ids of the events that wait for a service, in their order. */
export const waitingIds = async (system: System, service: string, partition = 0) =>
  (await waitingJobs(system, service, partition)).flatMap(({ events }) => events.map(idOf));

/** Takes everything out of a service's queue, as a consumer does that has handled it. */
export async function takeAll({ transport }: System, service: string, partition = 0): Promise<void> {
  const jobs = await transport.queue(service, partition).getJobs(['waiting', 'prioritized', 'delayed']);
  await Promise.all(jobs.map(job => job.remove()));
}

/** A consumer that keeps what it sets aside; stopped with the test. */
export function consuming(system: System, service: string, options: Partial<ConsumerOptions>) {
  const faults: FaultInput[] = [];
  const deliveries = system.collection<Delivery>(service, 'deliveries');
  const consumer: Consumer = startConsumer({
    service,
    rules: [],
    transport: system.transport,
    deliveries,
    setAside: async input => void faults.push(input),
    clock: systemClock,
    log: silent,
    ...options,
  });
  consumer.attend([0]);
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= consumer.stop();
    return stopping;
  };
  onTestFinished(stop);
  return { ...consumer, faults, deliveries, stop };
}

/** The watermark of a service, with what one of its processes sees whenever it is told to observe. */
export function watching(
  { bindings, ...system }: System,
  service: string,
  transport: QueueTransport = system.transport,
) {
  const watermark = createWatermark({ service, transport, bindings });
  return { observe: async () => watermark.observe(await transport.announce(service, 'observer')) };
}

/** What Redis does by itself some seconds after a consumer was killed: the locks of its jobs run out. */
export async function letLocksRunOut({ transport, prefix }: System, service: string, partition = 0): Promise<void> {
  const key = (name: string) => `${prefix}:${queueName(service, partition)}:${name}`;
  const active = await transport.redis.lrange(key('active'), 0, -1);
  if (active.length > 0) await transport.redis.sadd(key('stalled'), ...active);
  await transport.redis.del(key('stalled-check'), ...active.map(id => key(`${id}:lock`)));
}

// ---- time -------------------------------------------------------------------------------------------------------

/** A clock that stands still until it is told how much time has passed. */
export function fakeClock(startMs = Date.parse(TIME)) {
  let passedMs = 0;
  const sleepers = new Set<{ untilMs: number; wake: () => void }>();
  const clock: Clock = {
    now: () => startMs + passedMs,
    monotonic: () => passedMs,
    sleep: (ms, signal) =>
      new Promise(resolve => {
        const sleeper = { untilMs: passedMs + ms, wake };
        function wake() {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', wake);
          resolve();
        }
        if (signal?.aborted) return resolve();
        signal?.addEventListener('abort', wake);
        sleepers.add(sleeper);
      }),
  };
  return {
    ...clock,
    /** Resolves when so many sleep: what they did when they were awake is done. */
    asleep: (count: number) => until(() => sleepers.size >= count),
    /** Lets time pass for those who sleep, and a little real time for what they do then; when it is done, `asleep` says. */
    async pass(ms: number, settleMs = 15): Promise<void> {
      passedMs += ms;
      for (const sleeper of [...sleepers]) if (sleeper.untilMs <= passedMs) sleeper.wake();
      await delay(settleMs);
    },
  };
}
