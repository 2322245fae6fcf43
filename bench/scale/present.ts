/** Keeps processes that stand still from being taken for gone, so that they begin with what they had. */
import { Redis } from 'ioredis';

const SAY_MS = 500;

/** @returns how it ends. */
export function keepPresent(redisUrl: string, service: string): () => void {
  const redis = new Redis(redisUrl);
  const key = `tributary:{${service}}:members`;
  const say = async () => {
    const [members, [seconds]] = await Promise.all([redis.hgetall(key), redis.time()]);
    for (const [name, times] of Object.entries(members)) {
      const [came] = times.split(' ');
      await redis.hset(key, name, `${came} ${seconds}000`);
    }
  };
  const timer = setInterval(() => void say(), SAY_MS);
  return () => {
    clearInterval(timer);
    redis.disconnect();
  };
}
