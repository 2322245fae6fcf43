/**
 * The queues of all bound services, for people to look into. Over a connection of its own, opened by the first who looks:
 * whatever they read keeps no event waiting. Looking writes nothing, and nothing here decides who may look.
 */
import { once } from 'node:events';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import type { Binding, Bindings } from './binding.ts';
import { channelOf } from './feed.ts';
import { MEMBERS } from './ownership.ts';
import { spreadOver } from './partition.ts';
import { callRoll, queueName } from './roll.ts';
import type { Job } from './transport.ts';

/** One queue of a service, of as many as there are in use or not empty. */
export type BrowsedQueue = { service: string; partition: number; partitions: number; queue: Queue<Job> };

/** The queues of whatever is bound, opened when somebody looks. */
export type QueueBrowser = {
  /**
   * The queues there are now, by service and partition; 500 at most.
   *
   * @throws OutOfReach when Redis does not answer within 2 s, or nobody could ever say which services are bound.
   */
  look(): Promise<readonly BrowsedQueue[]>;
  /**
   * Has the owners of the queues seen at the last look look at them at once: some may have been paused, or go on. Without
   * it they do so within a second. Does not reject.
   */
  stir(): Promise<void>;
  close(): Promise<void>;
};

/** The queues cannot be looked into right now. */
export class OutOfReach extends Error {
  override name = 'OutOfReach';
}

const ANSWERS_WITHIN_MS = 2_000;
const COMMAND_TIMEOUT_MS = 5_000;
const RETRY_DELAY_MAX_MS = 2_000;
const QUEUES_MAX = 500;

/**
 * @param prefix of all keys in Redis, as the transport has it.
 * @param bindings which services are bound; asked at every look, so that one that is added later is there.
 */
export function browseQueues(options: {
  redisUrl: string;
  prefix: string;
  bindings: Pick<Bindings, 'all'>;
  onError: (error: Error) => void;
}): QueueBrowser {
  const { redisUrl, prefix, bindings, onError } = options;
  const redis = new Redis(redisUrl, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    enableAutoPipelining: true,
    retryStrategy: times => Math.min(100 * times, RETRY_DELAY_MAX_MS),
  });
  redis.on('error', onError);
  const queues = new Map<string, BrowsedQueue>();
  /** Who was bound at the last look that could tell: MongoDB may be away while the queues are not. */
  let known: readonly Binding[] | undefined;

  function open(service: string, partition: number, partitions: number): BrowsedQueue {
    const name = queueName(service, partition);
    const opened = queues.get(name);
    if (opened?.partitions === partitions) return opened;
    const queue =
      opened?.queue ??
      // Without its meta data written: that is for those who send.
      new Queue<Job>(name, { connection: redis, prefix, skipWaitingForReady: true, skipMetasUpdate: true });
    if (!opened) queue.on('error', onError);
    const browsed = { service, partition, partitions, queue };
    queues.set(name, browsed);
    return browsed;
  }

  async function answering(): Promise<void> {
    // It goes on trying by itself, whatever becomes of the first try.
    if (redis.status === 'wait') redis.connect().catch(onError);
    if (redis.status !== 'ready') await once(redis, 'ready', { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) });
    await redis.ping();
  }

  async function queuesOf({ _id: service, partitions: limit }: Binding) {
    const { members, holding } = await callRoll(redis, prefix, service);
    const used = Array.from({ length: spreadOver(limit, Math.max(1, members.length)) }, (_, partition) => partition);
    const all = [...new Set([...used, ...holding])].sort((one, other) => one - other);
    return all.map(partition => ({ service, partition, partitions: (all.at(-1) ?? 0) + 1 }));
  }

  async function look(): Promise<readonly BrowsedQueue[]> {
    const [bound] = await Promise.all([
      inTime(bindings.all(), 'MongoDB, which knows the services,').catch(error => known ?? Promise.reject(error)),
      inTime(answering(), 'Redis'),
    ]);
    known = bound;
    const found = (await Promise.all(bound.toSorted((one, other) => one._id.localeCompare(other._id)).map(queuesOf)))
      .flat()
      .slice(0, QUEUES_MAX)
      .map(({ service, partition, partitions }) => open(service, partition, partitions));
    for (const [name, { queue }] of queues) {
      if (found.some(kept => kept.queue === queue)) continue;
      queues.delete(name);
      queue.close().catch(onError);
    }
    return found;
  }

  return {
    look,
    async stir() {
      const services = [...new Set([...queues.values()].map(({ service }) => service))];
      const topics = services.map(service => channelOf(prefix, `${MEMBERS}/${service}`));
      await Promise.all(topics.map(topic => redis.publish(topic, '1'))).catch(onError);
    },
    async close() {
      redis.disconnect();
    },
  };
}

async function inTime<Value>(question: Promise<Value>, who: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(reject, ANSWERS_WITHIN_MS, new Error(`no answer within ${ANSWERS_WITHIN_MS} ms`));
  });
  try {
    return await Promise.race([question, late]);
  } catch (cause) {
    throw new OutOfReach(`${who} cannot be reached right now.`, { cause });
  } finally {
    clearTimeout(timer);
  }
}
