import { LRUCache } from 'lru-cache';

/** What the gateway allows each caller. */
export type Limits = {
  /** Sockets of one identity; one more is closed with 4429. */
  connections: number;
  /** Subscriptions of one socket, and apart from them its queries and mutations at one time. */
  subscriptions: number;
  /** Operations of one identity in a minute, over HTTP and sockets together, at this gateway; no limit when absent. */
  requestsPerMinute?: number | undefined;
};

/** Counts what someone has at one time, up to a limit. */
export type Counter = {
  /** @returns false when the limit is reached; then nothing was taken. */
  take(key: string): boolean;
  release(key: string): void;
};

export function counter(max: number): Counter {
  const counts = new Map<string, number>();
  return {
    take(key) {
      const count = counts.get(key) ?? 0;
      if (count >= max) return false;
      counts.set(key, count + 1);
      return true;
    },
    release(key) {
      const count = (counts.get(key) ?? 0) - 1;
      if (count > 0) counts.set(key, count);
      else counts.delete(key);
    },
  };
}

/** Says whether one more operation of someone is within the limit, and counts it. */
export type Allow = (key: string) => boolean;

export const WINDOW_SECONDS = 60;
const KEYS_MAX = 100_000;

/** Allows so many in a minute, which begins with the first; without a number, any. */
export function perMinute(max: number | undefined, clock: { now(): number } = performance): Allow {
  if (max === undefined) return () => true;
  const windows = new LRUCache<string, { count: number }>({
    max: KEYS_MAX,
    ttl: WINDOW_SECONDS * 1000,
    ttlResolution: 0,
    perf: clock,
  });
  return key => {
    const window = windows.get(key) ?? { count: 0 };
    if (window.count === 0) windows.set(key, window);
    window.count++;
    return window.count <= max;
  };
}
