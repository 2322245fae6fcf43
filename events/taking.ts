/**
 * How a worker takes the jobs of its queue. Whoever takes a job with BullMQ leaves a marker, so that other workers look for more; and so
 * a worker that has taken a lone job asks for another, waits, finds its own marker, and asks once more: seven commands a job, of
 * which three find nothing. Here it asks, after a job, whether that was all, and if so takes the marker back, in one step: whatever
 * is queued after that leaves a new one.
 */
import { createRedisBackend, type RedisQueueBackend } from 'bullmq';
import type { Redis } from 'ioredis';

/** 1 when nothing waits, and nobody has to look. */
const THAT_WAS_ALL = `
  if redis.call('LLEN', KEYS[1]) + redis.call('ZCARD', KEYS[2]) + redis.call('ZCARD', KEYS[3]) > 0 then return 0 end
  redis.call('ZREM', KEYS[4], '0')
  return 1`;

/** What BullMQ answers who asks for a job when there is none. */
const NO_JOB = [null, '', 0, 0];

/**
 * A backend for BullMQ's workers.
 *
 * @param redis the connection that the worker is given.
 */
export function thriftyBackend(redis: Redis): (...how: Parameters<typeof createRedisBackend>) => RedisQueueBackend {
  return (...how) => {
    const backend = createRedisBackend(...how);
    const take = backend.moveToActive.bind(backend);
    let hasTaken = false;

    async function wasAll(): Promise<boolean> {
      const keys = ['wait', 'prioritized', 'delayed', 'marker'].map(type => backend.toKey(type));
      return (await redis.eval(THAT_WAS_ALL, keys.length, ...keys)) === 1;
    }

    backend.moveToActive = async (token, name) => {
      const mayBeAll = hasTaken;
      hasTaken = false;
      if (mayBeAll && (await wasAll())) return NO_JOB;
      const taken = await take(token, name);
      hasTaken = Boolean(taken[0]);
      return taken;
    };
    return backend;
  };
}
