/**
 * The system as the lake's process sees it: who runs, what waits where, what flows, and how the servers beneath answer. One
 * look is shared by all who watch, once a second and only while somebody does; it takes no more than a tenth of the time.
 * What cannot be had within a second is null, and the rest is shown all the same: this is looked at when something is away.
 */
import type { Binding, Bindings, Waiting } from '../../events/binding.ts';
import { type Clock, timestamp } from '../../events/clock.ts';
import { type Feed, newestOnly } from '../../events/feed.ts';
import { SIGN_MS, SIGNS, type Sign } from '../../events/signs.ts';
import type { Transport } from '../../events/transport.ts';
import type { Faults } from './faults.ts';
import type { Flow, Flows } from './flows.ts';
import type { Lake } from './store.ts';

export type ServiceHealth = {
  name: string;
  consumes: string[];
  emits: string[];
  running: boolean | null;
  lagEvents: number | null;
  lagSeconds: number | null;
  pausedQueues: number | null;
  failedJobs: number | null;
  faults: number | null;
  pendingEvents: number | null;
  oldestPendingSeconds: number | null;
};

export type Server = { name: 'mongodb' | 'redis'; state: 'OK' | 'DOWN'; roundTripMs: number | null };

export type System = {
  time: string;
  events: number | null;
  flows: Flow[];
  services: ServiceHealth[];
  servers: Server[];
};

const PACE_MS = 1_000;
/** A look that takes long comes less often. */
const SHARE = 9;
const PACE_MS_MAX = 3_000;
const ANSWER_WITHIN_MS = 1_000;
/** Counting faults takes two queries a service. */
const FAULTS_MS = 5_000;
const SEEN_WITHIN_MS = 3 * SIGN_MS;
/** Services whose signs are kept. */
const NAMES_MAX = 1_000;

export type SystemWatch = ReturnType<typeof createSystemWatch>;

export function createSystemWatch(options: {
  lake: Pick<Lake, 'size'>;
  flows: Pick<Flows, 'current' | 'listen'>;
  faults: Pick<Faults, 'open'>;
  bindings: Pick<Bindings, 'all'>;
  transport: Pick<Transport, 'backlog' | 'marks'>;
  feed: Pick<Feed, 'listen'>;
  clock: Clock;
}) {
  const { lake, flows, faults, bindings, transport, feed, clock } = options;
  const seenMs = new Map<string, number>();
  const openFaults = new Map<string, { count: number; atMs: number }>();
  const watchers = new Set<(system: System) => void>();
  let known: Binding[] = [];
  let begunMs = clock.monotonic();
  let looking: Promise<System> | undefined;
  let pacing = new AbortController();

  /** The answer and how long it took; undefined when there is none in time. */
  async function timed<Value>(question: Promise<Value>): Promise<{ value: Value; ms: number } | undefined> {
    const startedMs = clock.monotonic();
    const late = new AbortController();
    const answer = question.then(
      value => ({ value, ms: clock.monotonic() - startedMs }),
      () => undefined,
    );
    const result = await Promise.race([answer, clock.sleep(ANSWER_WITHIN_MS, late.signal).then(() => undefined)]);
    late.abort();
    return result;
  }

  const within = async <Value>(question: Promise<Value>): Promise<Value | null> =>
    (await timed(question))?.value ?? null;

  async function faultsOf(name: string): Promise<number | null> {
    const last = openFaults.get(name);
    if (last && clock.monotonic() - last.atMs < FAULTS_MS) return last.count;
    const count = await within(faults.open(name));
    if (count !== null) openFaults.set(name, { count, atMs: clock.monotonic() });
    return count;
  }

  /** Null while signs of life cannot have come: without either server, or just after the beginning. */
  function isRunning(name: string, reachable: boolean): boolean | null {
    if (!reachable) return null;
    const ms = clock.monotonic() - (seenMs.get(name) ?? Number.NEGATIVE_INFINITY);
    if (ms <= SEEN_WITHIN_MS) return true;
    return clock.monotonic() - begunMs > SEEN_WITHIN_MS ? false : null;
  }

  /** As it was when it was noted; of a service that notes no more, it has grown since. */
  function waitedSeconds({ oldestMs, notedMs }: Waiting): number {
    const isNew = clock.now() - notedMs <= SEEN_WITHIN_MS;
    return secondsFrom(oldestMs, isNew ? notedMs : clock.now());
  }

  async function healthOf(
    { _id: name, consumes, emits, waiting }: Binding,
    { mongodb, redis }: { mongodb: boolean; redis: boolean },
  ): Promise<ServiceHealth> {
    const [backlog, open] = await Promise.all([
      redis ? within(transport.backlog(name)) : null,
      mongodb ? faultsOf(name) : null,
    ]);
    return {
      ...{ name, consumes, emits, running: isRunning(name, mongodb && redis), faults: open },
      lagEvents: backlog?.events ?? null,
      lagSeconds: backlog && secondsFrom(backlog.oldestMs, clock.now()),
      pausedQueues: backlog?.paused ?? null,
      failedJobs: backlog?.failed ?? null,
      pendingEvents: mongodb && waiting ? waiting.events : null,
      oldestPendingSeconds: mongodb && waiting ? waitedSeconds(waiting) : null,
    };
  }

  async function look(): Promise<System> {
    // The smallest questions there are, which are asked anyway: their round trips stand for all.
    const [bound, marks, events] = await Promise.all([
      timed(bindings.all()),
      timed(transport.marks('lake')),
      within(lake.size()),
    ]);
    if (bound) known = bound.value.sort((a, b) => (a._id < b._id ? -1 : 1));
    const reachable = { mongodb: bound !== undefined, redis: marks !== undefined };
    // Nobody was heard while there was no connection.
    if (!reachable.mongodb || !reachable.redis) begunMs = clock.monotonic();
    const services = await Promise.all(known.map(binding => healthOf(binding, reachable)));
    for (const name of [...openFaults.keys()]) if (!known.some(({ _id }) => _id === name)) openFaults.delete(name);
    return {
      ...{ time: timestamp(clock.now()), events, flows: flows.current(), services },
      servers: [serverOf('mongodb', bound?.ms), serverOf('redis', marks?.ms)],
    };
  }

  function now(): Promise<System> {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  async function keepLooking(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const startedMs = clock.monotonic();
      const system = await now();
      for (const tell of watchers) tell(system);
      const tookMs = clock.monotonic() - startedMs;
      await clock.sleep(Math.max(PACE_MS - tookMs, Math.min(SHARE * tookMs, PACE_MS_MAX)), signal);
    }
  }

  return {
    /** One look. */
    now,

    /** A look a second, of which a slow watcher gets the newest. */
    watch: (): AsyncIterableIterator<System> =>
      newestOnly(tell => {
        watchers.add(tell);
        if (watchers.size === 1) {
          pacing = new AbortController();
          void keepLooking(pacing.signal);
        } else now().then(tell, () => undefined);
        return () => {
          watchers.delete(tell);
          if (watchers.size === 0) pacing.abort();
        };
      }),

    /** Hears who runs and what flows, from now on. @returns how to stop. */
    listen(): () => void {
      begunMs = clock.monotonic();
      const ends = [
        flows.listen(),
        feed.listen<Sign>(SIGNS, ({ service }) => {
          if (seenMs.has(service) || seenMs.size < NAMES_MAX) seenMs.set(service, clock.monotonic());
        }),
      ];
      return () => {
        for (const end of ends) end();
        pacing.abort();
      };
    },
  };
}

export const secondsFrom = (ms: number | null | undefined, nowMs: number): number =>
  ms ? Math.max(0, nowMs - ms) / 1_000 : 0;

const serverOf = (name: Server['name'], ms: number | undefined): Server => ({
  ...{ name, state: ms === undefined ? 'DOWN' : 'OK', roundTripMs: ms ?? null },
});
