/** Redis: whether it answers, and whether it is set so that it loses nothing by itself. */
import { Redis } from 'ioredis';
import { check, type Finding, note, ok, todo } from './findings.ts';

const TIMEOUT_MS = 3_000;
/** BullMQ wants 6.2 or newer. */
const OLDEST = [6, 2] as const;
const MEMORY_SHARE_MAX = 0.8;
const SLOW_MS = 20;

/** What Redis says of itself; settings that it does not tell are left out. */
export type RedisFacts = {
  info: Readonly<Record<string, string>>;
  settings: Readonly<Record<string, string>>;
  roundTripMs: number;
};

/** @throws when it does not answer. */
export async function askRedis(url: string): Promise<RedisFacts> {
  const redis = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: TIMEOUT_MS,
    commandTimeout: TIMEOUT_MS,
  });
  // The promise carries the same error.
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    await redis.ping();
    const startedMs = performance.now();
    await redis.ping();
    const roundTripMs = performance.now() - startedMs;
    const info = Object.fromEntries([...(await redis.info()).matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, k, v]) => [k, v]));
    // Hosted ones do not let anybody look.
    const pairs = await redis.config('GET', 'append*').catch(() => []);
    return { info, settings: settingsIn(pairs), roundTripMs };
  } finally {
    redis.disconnect();
  }
}

/** Names and values in turn, or by name, as the protocol's version has it. */
function settingsIn(answer: unknown): Record<string, string> {
  if (!Array.isArray(answer)) return Object.fromEntries(Object.entries(answer ?? {}).map(([k, v]) => [k, String(v)]));
  return Object.fromEntries(
    answer.flatMap((name, index) => (index % 2 === 0 ? [[String(name), String(answer[index + 1])]] : [])),
  );
}

/** Pure. */
export function judgeRedis({ info, settings, roundTripMs }: RedisFacts): Finding[] {
  const version = info.redis_version ?? '0';
  return [
    ok('answers', `in ${roundTripMs.toFixed(1)} ms`),
    check(
      isNewEnough(version),
      'version',
      version,
      `Redis ${OLDEST.join('.')} or newer is needed by the queues: update it.`,
    ),
    check(
      info.role === 'master',
      'role',
      info.role ?? 'not known',
      'REDIS_URL leads to a replica, which takes no writes: give it the primary.',
    ),
    ...durability(info, settings),
    check(
      info.maxmemory_policy === 'noeviction',
      'when memory is full',
      info.maxmemory_policy ?? 'not known',
      'It throws jobs away, unnoticed for a while: CONFIG SET maxmemory-policy noeviction, and the same in redis.conf.',
    ),
    memory(info),
    ...(roundTripMs > SLOW_MS
      ? [
          note(
            'distance',
            `${roundTripMs.toFixed(0)} ms`,
            'Each hop of an event takes several round trips: bring it nearer.',
          ),
        ]
      : []),
  ];
}

function durability(info: RedisFacts['info'], { appendfsync }: RedisFacts['settings']): Finding[] {
  if (info.aof_enabled !== '1') {
    const advice =
      'When it ends, all that waits is gone and has to be sent again: CONFIG SET appendonly yes, and the same in redis.conf.';
    return [todo('append-only file', 'off', advice)];
  }
  const written = info.aof_last_write_status ?? 'ok';
  return [
    check(
      written === 'ok',
      'append-only file',
      written === 'ok' ? 'on' : `on, and the last write failed: ${written}`,
      'Look whether its disk is full.',
    ),
    ...(appendfsync === undefined
      ? []
      : [
          check(
            appendfsync !== 'no',
            'synced to disk',
            appendfsync,
            'A power cut loses what the system has not written yet: CONFIG SET appendfsync everysec, and in redis.conf.',
          ),
        ]),
  ];
}

function memory({ used_memory = '0', maxmemory = '0' }: RedisFacts['info']): Finding {
  const [used, max] = [Number(used_memory), Number(maxmemory)];
  const megabytes = (bytes: number) => `${Math.round(bytes / 1_000_000)} MB`;
  if (max === 0) return ok('memory', `${megabytes(used)}, without a limit of its own`);
  const is = `${megabytes(used)} of ${megabytes(max)}`;
  const advice = 'Full, it takes no events; they wait in the outboxes. See what waits (lag, below), or give it more.';
  return check(used < max * MEMORY_SHARE_MAX, 'memory', is, advice);
}

function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}
