import { LRUCache } from 'lru-cache';

/**
 * A cache that forgets what was used longest ago.
 *
 * @param max entries; room is made as they come (given as `max`, lru-cache would take all of it at once: many megabytes,
 *   and many milliseconds of a start).
 * @param ttlMs how long an entry is believed; for ever when absent.
 */
export function createCache<Value extends object | string | true>(max: number, ttlMs?: number) {
  return new LRUCache<string, Value>({
    maxSize: max,
    sizeCalculation: () => 1,
    ...(ttlMs !== undefined && { ttl: ttlMs }),
  });
}
