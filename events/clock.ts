/** Time and identity are handed in, so that a test or a seeded simulation decides them. */
import { v7 } from 'uuid';

/** Time, as it is handed to everything here. */
export type Clock = {
  /** Milliseconds since 1970, UTC. It may jump: never measure durations with it, never order events by it. */
  now(): number;
  /** Milliseconds from some start; never jumps. Only differences mean something. */
  monotonic(): number;
  /** Resolves after `ms`, or at once when the signal aborts. Never rejects. Does not keep the process alive. */
  sleep(ms: number, signal?: Ending): Promise<void>;
};

/** What of an AbortSignal a sleep looks at: the signal of a wake is no more than this. */
type Ending = {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void, options?: { once: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
};

/** Identity that follows from nothing: each is new. */
export type Ids = { next(): string };

/** The machine's own clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise(resolve => {
      if (signal?.aborted) return resolve();
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms).unref();
      signal?.addEventListener('abort', end);
    }),
};

/**
 * UUIDs of version 7 (RFC 9562, section 5.7): 74 bits are random, and the time stands before them, so that what is new lies together in
 * every index, and a database changes few pages for many rows.
 */
export const systemIds: Ids = { next: () => v7() };

/** RFC 3339 with milliseconds, UTC: what the envelope's `time` holds. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}

/** A wait that may be cut short. */
export type Wake = {
  /** Ends the current wait, or the next one when nobody waits. Many calls make one wake. */
  notify(): void;
  /** Resolves when notified, after `ms`, or when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
};

/** Ends one sleep. An AbortController costs more than all the rest of it: each makes an error, with its stack, to abort with. */
export function createEnding(): Ending & { end(): void } {
  let aborted = false;
  let onEnd: (() => void) | undefined;
  return {
    get aborted() {
      return aborted;
    },
    addEventListener(_type, listener) {
      onEnd = listener;
    },
    removeEventListener() {
      onEnd = undefined;
    },
    end() {
      if (aborted) return;
      aborted = true;
      onEnd?.();
    },
  };
}

/** "Woken at once, with a poll behind it": one waiter, any number of notifiers. */
export function createWake(clock: Clock): Wake {
  let notified = false;
  let end: (() => void) | undefined;
  return {
    notify() {
      notified = true;
      end?.();
    },
    async wait(ms, signal) {
      if (!notified) {
        const waiting = createEnding();
        end = waiting.end;
        // Not AbortSignal.any: in Node 20 each one stays on the list of a signal that lives on.
        signal.addEventListener('abort', end);
        if (!signal.aborted) await clock.sleep(ms, waiting);
        signal.removeEventListener('abort', end);
        end = undefined;
      }
      notified = false;
    },
  };
}
