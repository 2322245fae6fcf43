/**
 * The simulated Redis: queues as BullMQ keeps them (waiting, active with a lock, delayed), marks, acknowledgements, and
 * messages to subscribers. It may be flushed, lose its last seconds, or be away; and it delivers as badly as it may.
 */
import type { EventEmitter } from 'node:events';
import { PARTITIONS_MAX } from '../../events/partition.ts';
import type { Job, Letter } from '../../events/transport.ts';
import { copy } from './documents.ts';
import type { SimProcess, World } from './world.ts';

type StoredJob = {
  id: string;
  data: Job;
  priority: number;
  state: 'waiting' | 'active' | 'delayed';
  /** Whoever works on it; another hand-over has another. */
  token: number;
  lockedUntilMs: number;
  stalled: number;
};

type State = {
  /** By queue, by id. */
  jobs: Record<string, Record<string, StoredJob>>;
  ids: Record<string, number>;
  marks: Record<string, Record<string, number>>;
  acknowledged: Record<string, Record<string, number>>;
  /** By service, by process: when it came, and when it last said that it is there. */
  members: Record<string, Record<string, { cameMs: number; seenMs: number }>>;
};

/** How badly the queues deliver. */
export type Delivery = {
  /** Takes any job instead of the oldest. */
  shuffled: number;
  /** Hands a finished job over once more. */
  again: number;
};

export const LOCK_MS = 5_000;
/** How often jobs are looked at whose lock has run out, or whose delay is over. */
const CHECK_MS = 1_250;
const RETRY_MS = 1_000;
const MEMBER_MS = 3_000;
/** What `appendfsync everysec` may lose. */
const LOSS_MAX_MS = 2_000;

const empty = (): State => ({ jobs: {}, ids: {}, marks: {}, acknowledged: {}, members: {} });

type Subscriber = { process: SimProcess; channels: Set<string>; emitter: EventEmitter; online: boolean };

export type SimRedis = ReturnType<typeof createRedis>;

/** The server: it outlives the processes. */
export function createRedis(world: World) {
  let state = empty();
  let delivery: Delivery = { shuffled: 0, again: 0 };
  const past: { atMs: number; state: State }[] = [];
  const subscribers = new Set<Subscriber>();

  /** Who waits for a job, by queue. */
  const workers = new Map<string, Set<{ process: SimProcess; wake: () => void }>>();

  /** Services whose next job will get lost. */
  const doomed = new Set<string>();

  /** How often all connections have been lost. */
  let outages = 0;

  const jobsOf = (queue: string) => {
    state.jobs[queue] ??= {};
    return state.jobs[queue];
  };

  function reconnect(subscriber: Subscriber, afterMs: number): void {
    world.schedule(afterMs, subscriber.process, () => {
      if (subscriber.online || world.down.has('redis')) return;
      subscriber.online = true;
      subscriber.emitter.emit('ready');
    });
  }

  function wake(queue: string): void {
    for (const { process, wake: go } of workers.get(queue) ?? []) {
      world.schedule(world.random.real() * 2, process, go);
    }
  }

  function check(): void {
    for (const [queue, jobs] of Object.entries(state.jobs)) {
      for (const job of Object.values(jobs)) {
        if (job.state === 'waiting' || job.lockedUntilMs > world.nowMs()) continue;
        if (job.state === 'active') job.stalled += 1;
        job.state = 'waiting';
        wake(queue);
      }
    }
    world.schedule(CHECK_MS, undefined, check);
  }
  world.schedule(CHECK_MS, undefined, check);

  return {
    state: () => state,
    jobsOf,
    hasWaiting: (queue: string) => Object.values(jobsOf(queue)).some(job => job.state === 'waiting'),

    /** Tells a worker whenever a job of its queue may be waiting. @returns how it is told no more. */
    attend(queue: string, process: SimProcess, go: () => void): () => void {
      const attending = workers.get(queue) ?? new Set();
      workers.set(queue, attending);
      const worker = { process, wake: go };
      const leave = () => {
        attending.delete(worker);
        process.onDeath.delete(leave);
      };
      attending.add(worker);
      world.schedule(world.random.real() * 2, process, go);
      process.onDeath.add(leave);
      return leave;
    },

    delivery: () => delivery,
    setDelivery: (next: Delivery) => {
      delivery = next;
    },
    subscribers,
    outages: () => outages,

    /** FLUSHALL. */
    flush(): void {
      world.note('redis is flushed');
      state = empty();
    },

    /** The next job of a service will be accepted and be gone, and nothing will tell of it: no mark is. */
    loseNext(service: string): void {
      doomed.add(service);
    },

    /** Keeps the state as it is, for `loseTail`. */
    remember(): void {
      past.push({ atMs: world.nowMs(), state: copy(state) });
      while ((past[0]?.atMs ?? world.nowMs()) < world.nowMs() - LOSS_MAX_MS) past.shift();
    },

    /** Comes back as it was some time ago, at most two seconds; with the connections gone. */
    loseTail(): void {
      const chosen = past.length > 0 ? world.random.pick(past) : { atMs: 0, state: empty() };
      world.note(`redis is back at ${chosen.atMs.toFixed(3)}`);
      state = copy(chosen.state);
      past.length = 0;
    },

    goDown(): void {
      world.note('redis is away');
      world.down.add('redis');
      outages += 1;
      for (const subscriber of subscribers) subscriber.online = false;
    },

    comeBack(): void {
      if (!world.down.delete('redis')) return;
      world.note('redis is there');
      for (const queue of workers.keys()) wake(queue);
      for (const subscriber of subscribers) reconnect(subscriber, world.random.real() * 500);
    },

    /** Messages to one process get lost for a while. */
    disconnect(subscriber: Subscriber, forMs: number): void {
      subscriber.online = false;
      reconnect(subscriber, forMs);
    },

    /** Everybody is connected again, and it delivers as well as it can. */
    heal(): void {
      doomed.clear();
      delivery = { shuffled: 0, again: 0 };
      this.comeBack();
      for (const subscriber of subscribers) if (!subscriber.online) reconnect(subscriber, 0);
    },

    add({ service, partition, ...data }: Letter, jobId: string | undefined, priority: number): void {
      const queue = queueOf(service, partition);
      const jobs = jobsOf(queue);
      const number = (state.ids[queue] ?? 0) + 1;
      if (!jobId) state.ids[queue] = number;
      if (doomed.delete(service)) {
        world.note(`${queue} loses a job`);
        return;
      }
      const id = jobId ?? String(number);
      if (jobs[id]) return;
      jobs[id] = { id, data: copy(data), priority, state: 'waiting', token: 0, lockedUntilMs: 0, stalled: 0 };
      wake(queue);
    },

    /** The next job to work on, locked; the oldest without a priority first. */
    take(queue: string, token: number): StoredJob | undefined {
      const waiting = Object.values(jobsOf(queue)).filter(job => job.state === 'waiting');
      const urgent = waiting.filter(({ priority }) => priority === 0);
      const eligible = urgent.length > 0 ? urgent : waiting;
      if (eligible.length === 0) return undefined;
      const job = world.random.chance(delivery.shuffled) ? world.random.pick(eligible) : eligible[0];
      if (!job) return undefined;
      Object.assign(job, { state: 'active', token, lockedUntilMs: world.nowMs() + LOCK_MS });
      return job;
    },

    /** Extends the lock if it still is this token's. */
    renew(queue: string, id: string, token: number): void {
      const job = jobsOf(queue)[id];
      if (job?.state === 'active' && job.token === token) job.lockedUntilMs = world.nowMs() + LOCK_MS;
    },

    finish(queue: string, id: string, token: number): void {
      const jobs = jobsOf(queue);
      const job = jobs[id];
      if (job?.state !== 'active' || job.token !== token) return;
      delete jobs[id];
      // Somebody hands it over once more, as at-least-once delivery may.
      if (!world.random.chance(delivery.again)) return;
      jobs[id] = { ...job, state: 'waiting', token: 0 };
      wake(queue);
    },

    giveBack(queue: string, id: string, token: number): void {
      const job = jobsOf(queue)[id];
      if (job?.state !== 'active' || job.token !== token) return;
      job.state = 'delayed';
      job.lockedUntilMs = world.nowMs() + RETRY_MS;
    },

    /** Who is there of a service; those that came first, first. @param member says that it is. */
    members(service: string, member?: string): string[] {
      const now = world.nowMs();
      const all = Object.entries(state.members[service] ?? {}).filter(([, { seenMs }]) => seenMs + MEMBER_MS >= now);
      const present = Object.fromEntries(all);
      if (member !== undefined) {
        present[member] = { cameMs: present[member]?.cameMs ?? now, seenMs: now };
        state.members[service] = present;
      }
      const key = (name: string) => `${String(present[name]?.cameMs ?? 0).padStart(20, '0')} ${name}`;
      return Object.keys(present).sort((one, other) => (key(one) < key(other) ? -1 : 1));
    },

    /** The queues of a service with jobs in them. */
    holding: (service: string) =>
      Array.from({ length: PARTITIONS_MAX }, (_, partition) => partition).filter(
        partition => Object.keys(jobsOf(queueOf(service, partition))).length > 0,
      ),

    /** Whether nothing waits, and nothing is being worked on. */
    isIdle: () => Object.values(state.jobs).every(jobs => Object.keys(jobs).length === 0),
  };
}

export const queueOf = (service: string, partition: number) => `${service}-${partition}`;
