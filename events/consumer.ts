/**
 * The consumer: takes jobs from a service's queues, reads their events through their contracts and hands them to the
 * service's rules in batches.
 *
 * Guarantees: a job leaves its queue only when each of its events has been handled or set aside. While one batch is being
 * handled the next one gathers, so a batch is as large as the load makes it. A store that is away is waited for. A poison
 * event (it breaks its contract, its handling throws, or it takes the process down) is set aside as a fault after a
 * counted number of deliveries, and everything around it goes on. Does not guarantee order, or that an event is
 * delivered once: rules must be idempotent and must not care about order.
 */
import type { Collection } from 'mongodb';
import type { Logger } from 'pino';
import { type Batcher, createBatcher } from './batcher.ts';
import { unpack } from './carrying.ts';
import type { Clock } from './clock.ts';
import { isUnavailable } from './errors.ts';
import type { Event } from './event.ts';
import type { FaultInput } from './fault.ts';
import { groupBy } from './group.ts';
import { type Measures, unmeasured } from './measures.ts';
import { laneOf } from './partition.ts';
import { applyRules, type Handling, type Rule, readThrough } from './rule.ts';
import { createSuspects, type Delivery, named, type Suspicious } from './suspects.ts';
import { noTrail, type Trail } from './tracing.ts';
import type { Delivered, Job, Transport } from './transport.ts';

/** A consumer that runs. */
export type Consumer = {
  /** Takes from these queues, and from no others; of those that it has left it finishes what it has at hand. */
  attend(partitions: readonly number[]): void;
  /** The queues that it takes from. */
  attended(): number[];
  /** Takes no more jobs and finishes those it has, within 4 s. */
  stop(): Promise<void>;
};

/** What a consumer is given, and its bounds. */
export type ConsumerOptions = {
  service: string;
  rules: readonly Rule[];
  transport: Transport;
  deliveries: Collection<Delivery>;
  /** What a copy of the service's data that is being built is fed by, while there is one: see generation.ts. */
  rebuilding?(): readonly Rule[] | undefined;
  /** Runs the work on one job; whoever must have the service stand still for a moment makes it wait. */
  gate?(work: () => Promise<void>): Promise<void>;
  /** Stores the fault; the event counts as handled after that. */
  setAside(fault: FaultInput): Promise<void>;
  clock: Clock;
  log: Logger;
  /** Events a batch. Default 500. */
  batchMax?: number;
  /** Jobs held at the same time by each partition's worker. Default 32. */
  concurrency?: number;
  trail?: Trail;
  measures?: Measures;
};

/**
 * A job that so many processes died with may be what they died of: its events go one by one, each counted first. One death
 * is mostly somebody else's fault, and all that a process had in hand goes much faster in batches.
 */
const SUSPICIOUS_DEATHS = 2;
/** Tries inside the processor before the job goes back to its queue. */
const TRIES_MAX = 6;
const TRY_DELAY_MAX_MS = 1_000;
const STOP_WITHIN_MS = 4_000;
/**
 * What comes from the lake is handled in lanes, by subject, side by side: while the database is busy with one, the next is
 * made ready. Batches are small, because what happens meanwhile waits for whichever is at hand.
 */
const REPLAY_LANES = 2;
const REPLAYED_AT_ONCE = 100;
/** Events of a batch that the log names. */
const NAMED_MAX = 100;

/** Takes jobs from the queues of a service that it is told to attend, until it is stopped. */
export function startConsumer(options: ConsumerOptions): Consumer {
  const { service, transport, clock, batchMax = 500, concurrency = 32 } = options;
  const { gate = work => work() } = options;
  const changed: Changes = new Map();
  /** Live events wait for nothing that comes from the lake: each kind has batches of its own. */
  const batchersOf = (kind: Kind, lanes: number) =>
    Array.from({ length: lanes }, () =>
      createBatcher<Taken>({
        handle: taken => measured(options, kind, taken, () => apply(options, kind, taken, changed)),
        batchMax: kind === 'live' ? batchMax : REPLAYED_AT_ONCE,
      }),
    );
  const batchers: Batchers = {
    live: batchersOf('live', 1),
    repair: batchersOf('repair', REPLAY_LANES),
    copy: batchersOf('copy', REPLAY_LANES),
    trial: batchersOf('trial', REPLAY_LANES),
  };
  const suspects = createSuspects<Taken>({
    ...options,
    handle: suspect => apply(options, suspect.kind, [suspect], changed),
  });
  const atHand: AtHand = new Map();
  async function handle(job: Delivered): Promise<void> {
    const { replay } = job.data;
    await withPatience(clock, () => gate(() => processJob(options, { batchers, suspects, atHand }, job)));
    if (!replay) return;
    const rows = changed.get(replay) ?? 0;
    changed.delete(replay);
    await transport.acknowledge(service, replay, job.id, rows);
  }

  const workers = new Map<number, ReturnType<Transport['work']>>();
  const closing = new Set<Promise<void>>();
  let isStopped = false;
  function leave(partition: number): void {
    const closed =
      workers
        .get(partition)
        ?.close()
        .catch(() => undefined) ?? Promise.resolve();
    workers.delete(partition);
    closing.add(closed);
    void closed.then(() => closing.delete(closed));
  }
  return {
    attend(partitions) {
      if (isStopped) return;
      for (const partition of workers.keys()) if (!partitions.includes(partition)) leave(partition);
      for (const partition of partitions) {
        if (!workers.has(partition)) {
          workers.set(partition, transport.work({ service, partition, concurrency, handle }));
        }
      }
    },
    attended: () => [...workers.keys()],
    async stop() {
      isStopped = true;
      for (const partition of workers.keys()) leave(partition);
      // Without Redis there is no closing; what was not finished is delivered again.
      await Promise.race([Promise.all(closing), clock.sleep(STOP_WITHIN_MS)]);
    },
  };
}

/** As it happens; from the lake into the service's data as they are; from the lake into a copy, to serve it or to compare it. */
type Kind = 'live' | 'repair' | 'copy' | 'trial';
type Lanes = readonly Batcher<Taken>[];
type Batchers = Readonly<Record<Kind, Lanes>>;
/** By replay: rows changed since one of its jobs was acknowledged. A process that dies takes its count with it. */
type Changes = Map<string, number>;

const kindOf = ({ data: { replay, rebuild } }: Delivered): Kind => {
  if (replay === undefined) return 'live';
  return rebuild ?? 'repair';
};

/** An event, read through its contract. */
type Taken = { event: Event; index: number; kind: Kind } & Pick<Job, 'replay' | 'part'>;

/**
 * What is being handled as it happens, by event: when it comes from the lake too, that waits, and then finds nothing to
 * repair.
 */
type AtHand = Map<string, Promise<void>>;

type Stages = { batchers: Batchers; suspects: Batcher<Suspicious<Taken>>; atHand: AtHand };

async function processJob(options: ConsumerOptions, stages: Stages, job: Delivered): Promise<void> {
  const { setAside, service, trail = noTrail, measures = unmeasured, log } = options;
  const resubmission = job.data.resubmission ?? 0;
  const { replay, part } = job.data;
  const kind = kindOf(job);
  const events: Taken[] = [];
  for (const [index, original] of job.data.events.entries()) {
    try {
      events.push({
        event: readThrough(options.rules, original),
        index,
        kind,
        ...(replay && { replay }),
        ...(part && { part }),
      });
    } catch (error) {
      log.warn({ ...named(original), err: error }, 'not as its contract says: set aside');
      measures.setAside('contract');
      await setAside({ service, original, error, deliveries: 1, resubmission });
    }
  }
  const { atHand } = stages;
  if (kind === 'repair') await Promise.allSettled(events.flatMap(({ event }) => atHand.get(event.id) ?? []));
  const step = kind === 'live' ? unpack(trail, service, job.data, events) : undefined;
  const work = submit(options, stages, job, events);
  // What comes from the lake was traced when it happened.
  if (kind !== 'live') return work;
  for (const { event } of events) atHand.set(event.id, work);
  try {
    await work;
    step?.end();
  } catch (error) {
    step?.end(error);
    throw error;
  } finally {
    for (const { event } of events) if (atHand.get(event.id) === work) atHand.delete(event.id);
  }
}

/** Hands events over in a batch; or, where one of them may be what a batch fails of, one by one. */
async function submit(
  { measures = unmeasured, log }: ConsumerOptions,
  { batchers, suspects }: Stages,
  job: Delivered,
  events: readonly Taken[],
): Promise<void> {
  if (job.deaths < SUSPICIOUS_DEATHS) {
    try {
      return await submitTo(batchers[kindOf(job)], events);
    } catch (error) {
      if (isUnavailable(error)) throw error;
      measures.batchFailed();
      log.warn(
        { ...named(events[0]?.event), events: events.length, err: error },
        'a batch failed: its events go one by one',
      );
    }
  }
  const resubmission = job.data.resubmission ?? 0;
  for (const taken of events) await suspects.submit([{ ...taken, resubmission }]);
}

/** Events of one subject go the same way: whatever is made of them alone does not compete with itself. */
async function submitTo(lanes: Lanes, events: readonly Taken[]): Promise<void> {
  const parts = groupBy(events, ({ event }) => laneOf(event, lanes.length));
  const results = await Promise.allSettled([...parts].map(([lane, part]) => lanes[lane]?.submit(part)));
  const failed = results.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

/** Counts what a batch is and how long it takes. */
async function measured(
  { clock, measures = unmeasured, log }: ConsumerOptions,
  kind: Kind,
  taken: readonly Taken[],
  work: () => Promise<void>,
): Promise<void> {
  const startedMs = clock.monotonic();
  await work();
  const seconds = (clock.monotonic() - startedMs) / 1_000;
  // Text order is time order.
  const oldest = taken.reduce((time, { event }) => (event.time < time ? event.time : time), taken[0]?.event.time ?? '');
  measures.handled(kind, taken.length, seconds, Math.max(0, clock.now() - Date.parse(oldest)) / 1_000);
  if (!log.isLevelEnabled('debug')) return;
  const eventIds = taken.slice(0, NAMED_MAX).map(({ event }) => event.id);
  log.debug({ kind, events: taken.length, eventIds, seconds }, 'handled');
}

/** Hands a batch of one kind to the rules that it is for. */
async function apply(options: ConsumerOptions, kind: Kind, taken: readonly Taken[], changes: Changes): Promise<void> {
  const events = taken.map(({ event }) => event);
  // There is one replay at a time.
  const { replay: replayId, part } = taken[0] ?? {};
  const whence = { ...(replayId && { replayId }), ...(part && { part }) };
  if (kind === 'live' || kind === 'repair') {
    const how: Handling = { replay: kind === 'repair', ...whence };
    count(taken, await applyRules(options.rules, events, how), changes);
  }
  if (kind === 'repair') return;
  // Also what happens meanwhile is part of the copy. What is for one that has been given up is for nobody.
  const copy = options.rebuilding?.() ?? [];
  const how: Handling = kind === 'live' ? { replay: false } : { replay: false, rebuild: kind, ...whence };
  count(taken, await applyRules(copy, events, how), changes);
}

function count(taken: readonly Taken[], changed: number, changes: Changes): void {
  const replay = taken[0]?.replay;
  if (replay) changes.set(replay, (changes.get(replay) ?? 0) + changed);
}

/** Tries again while a store is away; then lets the queue do so. */
async function withPatience(clock: Clock, work: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!isUnavailable(error) || tries === TRIES_MAX) throw error;
      await clock.sleep(Math.min(50 * 2 ** tries, TRY_DELAY_MAX_MS));
    }
  }
}
