/**
 * The queues: BullMQ, one queue for each consuming service and partition; a job is an ordered list of events.
 *
 * Each flush of a relay leaves its number with the queues it went to; when Redis has lost jobs, it has lost the marks
 * that came after them as well.
 */
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { groupBy } from './group.ts';
import { PARTITIONS_MAX } from './partition.ts';
import { callRoll, keysOf, lookAt, queueName } from './roll.ts';
import { thriftyBackend } from './taking.ts';
import type { Backlog, Job, Transport } from './transport.ts';

/** What the queues are made of, for whoever needs a few commands of its own. */
export type QueueTransport = Transport & {
  queue(service: string, partition: number): Queue<Job>;
  /** A service's first queue, and those of the others that have jobs in them. */
  inUse(service: string): Promise<Queue<Job>[]>;
  /** Fails at once while Redis is away. */
  redis: Redis;
};

const MARK = `
  if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
  return 1`;

const COMMAND_TIMEOUT_MS = 5_000;
const RETRY_DELAY_MAX_MS = 2_000;
const ACKNOWLEDGED_SECONDS = 3_600;
/** Above this, `backlog` counts a sample of the jobs and extrapolates. */
const BACKLOG_SAMPLE_JOBS = 1_000;

const retryStrategy = (times: number) => Math.min(100 * times, RETRY_DELAY_MAX_MS);

/**
 * @param prefix of all keys in Redis; systems with different prefixes share a server without meeting.
 * @param onFailed a job has failed for good, which nobody handles any more: one that somebody else has put there, with fewer tries.
 */
export function createTransport(options: {
  redisUrl: string;
  prefix: string;
  onError: (error: Error) => void;
  onFailed?: (service: string, jobId: string | undefined, error: Error) => void;
}): QueueTransport {
  const { redisUrl, prefix, onError, onFailed } = options;
  const redis = new Redis(redisUrl, {
    // The outbox is the buffer: a command that cannot be sent now fails now.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    // One that is frozen keeps its connections: whoever waits for it, or watches it, would not know that it is lost.
    socketTimeout: COMMAND_TIMEOUT_MS,
    enableAutoPipelining: true,
    retryStrategy,
  });
  const workerConnection = new Redis(redisUrl, { maxRetriesPerRequest: null, retryStrategy });
  let connections = 0;
  redis.on('error', onError);
  redis.on('close', () => {
    connections += 1;
  });
  workerConnection.on('error', onError);

  const queues = new Map<string, Queue<Job>>();
  const marksKey = (service: string) => keysOf(prefix, service).marks;
  const membersKey = (service: string) => keysOf(prefix, service).members;
  const replayKey = (service: string, replay: string) => `${prefix}:{${service}}:replay:${replay}`;

  function queue(service: string, partition: number): Queue<Job> {
    const name = queueName(service, partition);
    const known = queues.get(name);
    if (known) return known;
    const created = new Queue<Job>(name, {
      connection: redis,
      prefix,
      skipWaitingForReady: true,
      streams: { events: { maxLen: 100 } },
      defaultJobOptions: {
        removeOnComplete: true,
        // A job is never given up: what cannot be handled is set aside by the consumer, event by event.
        attempts: Number.MAX_SAFE_INTEGER,
        backoff: { type: 'fixed', delay: 1_000 },
      },
    });
    created.on('error', onError);
    queues.set(name, created);
    return created;
  }

  async function waiting(service: string, partition: number): Promise<Omit<Backlog, 'paused'>> {
    const jobs = queue(service, partition);
    const { failed = 0, ...counts } = await jobs.getJobCounts('waiting', 'active', 'delayed', 'prioritized', 'failed');
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
    if (total === 0) return { events: 0, oldestMs: undefined, failed };
    const ids = await jobs.getRanges(['active', 'waiting', 'delayed', 'prioritized'], 0, BACKLOG_SAMPLE_JOBS - 1, true);
    const rows = await Promise.all(ids.map(id => redis.hmget(jobs.toKey(id), 'name', 'timestamp')));
    const present = rows.filter(([name]) => name);
    const sampled = present.reduce((sum, [name]) => sum + eventsIn(name), 0);
    const events = present.length === 0 ? 0 : Math.round((sampled * Math.max(total, present.length)) / present.length);
    const since = present.map(([, ms]) => Number(ms)).filter(Number.isFinite);
    return { events, oldestMs: since.length === 0 ? undefined : Math.min(...since), failed };
  }

  return {
    queue,
    redis,
    async inUse(service) {
      const { holding } = await callRoll(redis, prefix, service);
      return [...new Set([0, ...holding])].map(partition => queue(service, partition));
    },
    work({ service, partition, concurrency, handle }) {
      const worker = new Worker<Job>(
        queueName(service, partition),
        job => handle({ id: job.id ?? '', data: job.data, deaths: job.stalledCounter }),
        {
          connection: workerConnection,
          prefix,
          concurrency,
          // A killed process's jobs are delivered again after 5 to 8 s.
          lockDuration: 5_000,
          stalledInterval: 2_500,
          // Never failed for good: deliveries are counted by the consumer, event by event.
          maxStalledCount: Number.MAX_SAFE_INTEGER,
          removeOnComplete: { count: 0 },
        },
        thriftyBackend(workerConnection),
      );
      worker.on('error', onError);
      worker.on('failed', (job, error) => {
        if (!job || job.attemptsMade >= (job.opts.attempts ?? 1)) onFailed?.(service, job?.id, error);
      });
      return { close: () => worker.close() };
    },
    async outstanding(service, partitions, max) {
      const perQueue = await Promise.all(
        partitions.map(async partition => ({
          partition,
          ids: await queue(service, partition).getRanges(
            ['waiting', 'active', 'delayed', 'prioritized', 'failed'],
            0,
            max,
          ),
        })),
      );
      if (perQueue.some(({ ids }) => ids.length > max)) return undefined;
      return perQueue.flatMap(({ partition, ids }) => ids.map(id => ({ partition, id })));
    },
    look: service => lookAt(redis, prefix, service),
    announce: (service, member) => callRoll(redis, prefix, service, member),
    async leave(service, member) {
      await redis.hdel(membersKey(service), member);
    },
    async send(letters, { jobId, priority } = {}) {
      const connection = connections;
      const perQueue = groupBy(letters, ({ service, partition }) => queueName(service, partition));
      await Promise.all(
        [...perQueue.values()].map(([first, ...rest]) =>
          first === undefined
            ? undefined
            : queue(first.service, first.partition).addBulk(
                [first, ...rest].map(({ service, partition, ...job }) => ({
                  name: String(job.events.length),
                  data: job,
                  opts: { ...(jobId && { jobId }), ...(priority && { priority }) },
                })),
              ),
        ),
      );
      return connection;
    },
    async marks(service) {
      const marks = await redis.hgetall(marksKey(service));
      return Object.fromEntries(Object.entries(marks).map(([source, flush]) => [source, Number(flush)]));
    },
    async mark(service, source, expected, flush, connection = connections) {
      if (connection !== connections) return false;
      return (await redis.eval(MARK, 1, marksKey(service), source, String(expected ?? ''), String(flush))) === 1;
    },
    async resetMark(service, source, flush) {
      await redis.hset(marksKey(service), source, String(flush));
    },
    async acknowledge(service, replay, jobId, changed) {
      const key = replayKey(service, replay);
      // A job that is handed over again finds nothing left to change: its first count stands.
      await redis.multi().hsetnx(key, jobId, changed).expire(key, ACKNOWLEDGED_SECONDS).exec();
    },
    async acknowledged(service, replay, jobIds) {
      if (jobIds.length === 0) return [];
      const counts = await redis.hmget(replayKey(service, replay), ...jobIds);
      return counts.map(count => (count === null ? undefined : Number(count)));
    },
    async remove(service) {
      for (let partition = 0; partition < PARTITIONS_MAX; partition++) {
        await queue(service, partition).obliterate({ force: true });
      }
      await redis.del(marksKey(service), membersKey(service));
    },
    async backlog(service) {
      const { holding, paused } = await callRoll(redis, prefix, service);
      const parts = await Promise.all(holding.map(partition => waiting(service, partition)));
      const oldest = parts.flatMap(({ oldestMs }) => oldestMs ?? []);
      return {
        events: parts.reduce((sum, { events }) => sum + events, 0),
        oldestMs: oldest.length === 0 ? undefined : Math.min(...oldest),
        paused: paused.length,
        failed: parts.reduce((sum, { failed }) => sum + failed, 0),
      };
    },
    async close() {
      redis.disconnect();
      workerConnection.disconnect();
    },
  };
}

/**
 * A job's name is the number of its events, so that counting need not read them. One that somebody else has put there, by
 * hand or with another program, is called anything, and counts as one.
 */
function eventsIn(name: string | null | undefined): number {
  const events = Number(name);
  return Number.isSafeInteger(events) && events > 0 ? events : 1;
}
