/** What a developer writes: what an autonomous service is, what it is made of, and what it may use. Types alone. */
import type { Collection, Document, IndexDescription } from 'mongodb';
import type { Logger } from 'pino';
import type { Bindings } from './binding.ts';
import type { Clock, Ids } from './clock.ts';
import type { Contract } from './contract.ts';
import type { Feed } from './feed.ts';
import type { Lease } from './lease.ts';
import type { Measures } from './measures.ts';
import type { Outbox } from './outbox.ts';
import type { Derived, Rebuilding } from './rebuild.ts';
import type { Rule } from './rule.ts';
import type { Trail } from './tracing.ts';
import type { Transport } from './transport.ts';

/** What an autonomous service is. Its folder exports it. */
export type ServiceDefinition<Resolvers = unknown> = {
  /** Lower-case; its folder, its source, its queues and its collections are named after it. */
  name: string;
  consumes: readonly Contract[] | 'everything';
  emits: readonly Contract[];
  /** At most so many of its processes share its work, by subject; 1 where they would only be in each other's way. 1 to 16, default 8. */
  partitions?: number;
  /** Of what it consumes, what nobody waits for: it comes some 100 ms later, and many events at a time. Default nothing. */
  unhurried?: readonly Contract[] | 'everything';
  /** Of what it consumes, what it wants of other services alone: what it emits of these types itself it has. Default nothing. */
  ofOthers?: readonly Contract[];
  /** What a replay sends before all else: what the service has emitted itself, and can put back. */
  replayedFirst?: readonly Contract[];
  /**
   * Whether a replay comes subject by subject and not in the lake's order: where a row is made of many events of its subject, it
   * is written once and not once for each. Default false.
   */
  replayedTogether?: boolean;
  /**
   * The collections that hold what the service makes of events, and nothing else: a rebuild makes them anew beside those
   * that are served. Only rules may write to them.
   */
  derived?: Readonly<Record<string, Derived>>;
  /** By collection; `events` has the outbox's indexes anyway. */
  indexes: Readonly<Record<string, readonly IndexDescription[]>>;
  create(context: ServiceContext): ServiceParts<Resolvers>;
};

/** What a service is made of, on one generation of its data. */
export type ServiceParts<Resolvers> = {
  rules: readonly Rule[];
  /** What a copy of the derived data is fed by while it is being built, where that is not the same as `rules`. */
  rebuilding?: Rebuilding;
  resolvers: Resolvers;
  /** Work of its own besides consuming; runs from start to stop. */
  start?(): void;
  stop?(): Promise<void>;
  /**
   * Does what has come due by the clock. Called about once a second, in each process that runs the service, for the data that
   * are served; what it throws is forgotten, for it is called again.
   */
  due?(): Promise<void>;
  /** Work that would keep the process from what somebody waits for, by name: see `runTask`. */
  tasks?: Readonly<Record<string, Task>>;
};

/** @param input as it was given to `runTask`: plain data. @param signal aborts when the process that asked needs it no more. */
export type Task = (input: unknown, signal: AbortSignal) => Promise<void>;

/** Everything a service may use. Its collections are its own: nobody else reads or writes them. */
export type ServiceContext = {
  name: string;
  collection<Row extends Document>(name: string): Collection<Row>;
  outbox: Outbox;
  feed: Feed;
  bindings: Bindings;
  transport: Transport;
  lease(name: string, onAcquired?: () => void): Lease;
  /**
   * Does one of the service's own tasks: in the second thread of the process where it has one and there is enough to do, else here.
   *
   * @param work how much there is to do, in events.
   * @throws what the task throws, and when the thread ends meanwhile.
   */
  runTask(name: string, input: unknown, work: number, signal: AbortSignal): Promise<void>;
  clock: Clock;
  ids: Ids;
  log: Logger;
  /** For steps of its own on the way of an event. */
  trail: Trail;
  measures: Measures;
};
