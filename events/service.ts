/**
 * `assemble` gives a service, as its definition says it is, everything it needs from outside, and connects the stages: its outbox to a relay, its queues to a consumer, its rules to its own collections.
 */
import type { Document, MongoClient } from 'mongodb';
import type { Logger } from 'pino';
import type { Bindings } from './binding.ts';
import { type Clock, createWake, type Ids } from './clock.ts';
import { type Consumer, type ConsumerOptions, startConsumer } from './consumer.ts';
import type { ServiceDefinition, ServiceParts } from './definition.ts';
import type { Event } from './event.ts';
import { faultEvent } from './fault.ts';
import type { Feed } from './feed.ts';
import { createGenerations, type Generations } from './generation.ts';
import { createIndexes, createInstances } from './instance.ts';
import { contend, type Lease, type LeaseDocument } from './lease.ts';
import { type Measures, unmeasured } from './measures.ts';
import { MEMBERS, type Ownership, startOwnership } from './ownership.ts';
import { PARTITIONS_DEFAULT } from './partition.ts';
import { type Rebuilder, startRebuilder } from './rebuild.ts';
import { LAKE, type Reconciler, type ReconcilerOptions, startReconciler } from './reconciler.ts';
import { type Relay, type RelayOptions, startRelay } from './relay.ts';
import type { Rule } from './rule.ts';
import { startSigns } from './signs.ts';
import type { Delivery } from './suspects.ts';
import { createTrail, type Tracer, untraced } from './tracing.ts';
import type { Transport } from './transport.ts';
import { createWatermark } from './watermark.ts';
import { checkDefinition, wishesOf } from './wishes.ts';

/** What the process has once and lends to all its services. */
export type Resources = {
  mongo: MongoClient;
  /** Before the names of databases: systems with different prefixes share a server without meeting. */
  prefix: string;
  transport: Transport;
  feed: Feed;
  bindings: Bindings;
  clock: Clock;
  ids: Ids;
  /** Names this process in leases. */
  holder: string;
  log: Logger;
  /** Other bounds than the usual ones: see RelayOptions and ConsumerOptions. */
  bounds?: Pick<RelayOptions, 'flushMax' | 'jobMax'> & Pick<ConsumerOptions, 'batchMax'>;
  /** Other paces than the usual ones, for tests that cannot wait. */
  reconciling?: Pick<ReconcilerOptions, 'pollMs' | 'roundMs'>;
  /**
   * How often a service looks round and says that it is there, about once a second. For each service another, so that those of one
   * process do not all do so at the same moment. Default 1,000 for all.
   */
  beatMsOf?(service: string): number;
  /** How much of its time the process was at work lately, 0 to 1: a busy one gathers more before it sends. Default 0. */
  utilization?(): number;
  /** Who looks, and who counts, by service; nobody when absent. */
  tracerOf?(service: string): Tracer;
  measuresOf?(service: string): Measures;
  /**
   * A second thread, which runs the same services by `startBeside`. `from`: it does tasks that have so many events to work on, or
   * more; infinite while there can be none.
   */
  beside?: { from: number; run(service: string, task: string, input: unknown, signal: AbortSignal): Promise<void> };
};

/** How far what a service emits has got. */
export type OutboxState = {
  pending: number;
  oldestSeconds: number;
  /** Relayed and not known to be in the lake yet; 1,000 stands for as many or more. */
  unconfirmed: number;
  /** What the lake lacked, and was sent again, ever. */
  resent: number;
};

/** A service with all it needs from outside. */
export type RunningService<Resolvers> = {
  definition: ServiceDefinition<Resolvers>;
  /** Those of the data that is served now: others after a rebuild. */
  readonly resolvers: Resolvers;
  /** Calls whoever has to know that the data were replaced. */
  onReplaced(listener: () => void): void;
  /** Makes indexes and makes the binding known: to be done for all services before any is started. */
  prepare(): Promise<void>;
  start(): void;
  /**
   * In place of `start`, in the second thread of a process that has started it: does the service's tasks, and handles what is handed
   * to it meanwhile.
   */
  startBeside(): void;
  /** Does a task here. @throws when the service has none of that name, and what it throws. */
  runTask(name: string, input: unknown, signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
  /** What is acknowledged and not relayed yet, and what is relayed and not known to be in the lake. */
  outboxState(): Promise<OutboxState>;
  /** Whether this process is the one that relays for the service. */
  isRelaying(): boolean;
  /** The service's queues that this process takes from. */
  partitionsOwned(): number[];
};

const BEAT_MS = 1_000;
const DUE_MS = 1_000;
/** While something is being rebuilt. */
const GENERATIONS_BUSY_MS = 100;

/** Connects the stages for one service. Nothing runs until `prepare` and `start`. */
export function assemble<Resolvers>(
  definition: ServiceDefinition<Resolvers>,
  resources: Resources,
): RunningService<Resolvers> {
  const { name, partitions = PARTITIONS_DEFAULT } = definition;
  const {
    mongo,
    prefix,
    transport,
    feed,
    bindings,
    clock,
    ids,
    holder,
    bounds: { batchMax, ...flushes } = {},
    reconciling,
  } = resources;
  const log = resources.log.child({ service: name });
  const trail = createTrail(resources.tracerOf?.(name) ?? untraced);
  const measures = resources.measuresOf?.(name) ?? unmeasured;
  const beatMs = resources.beatMsOf?.(name) ?? BEAT_MS;
  const database = mongo.db(`${prefix}-${name}`);
  const collection = <Row extends Document>(of: string) => database.collection<Row>(of);
  const derived = definition.derived ?? {};
  const leases: Lease[] = [];
  let relay: Relay | undefined;
  let consumer: Consumer | undefined;
  let ownership: Ownership | undefined;
  let rebuilder: Rebuilder | undefined;
  let reconciler: Reconciler | undefined;
  let signs: ReturnType<typeof startSigns> | undefined;
  const stopped = new AbortController();

  const lease = (of: string, onAcquired?: () => void) => {
    const taken = contend({
      collection: collection<LeaseDocument>('leases'),
      name: of,
      holder,
      clock,
      log,
      ...(onAcquired && { onAcquired }),
    });
    leases.push(taken);
    return taken;
  };
  let relaying: Lease | undefined;
  // The active relay may run in another process.
  const wake = (events?: readonly Event[]) => {
    if (relaying?.fence() !== undefined) relay?.wake(events);
    else
      feed
        .publish([{ topic: `wake/${name}`, message: 1 }])
        .catch(error => log.debug({ err: error }, 'the poll will do'));
  };

  const runTask = (task: string, input: unknown, work: number, signal: AbortSignal) => {
    const { beside } = resources;
    return beside && work >= beside.from ? beside.run(name, task, input, signal) : doTask(task, input, signal);
  };

  async function doTask(task: string, input: unknown, signal: AbortSignal): Promise<void> {
    const work = served().parts.tasks?.[task];
    if (!work) throw new Error(`service ${name} has no task "${task}"`);
    return work(input, signal);
  }

  const looked = createWake(clock);
  const listeners: (() => void)[] = [];
  const instances = createInstances(definition, {
    database,
    wake,
    lent: { feed, bindings, transport, lease, runTask, clock, ids, log, trail, measures },
    onReplaced() {
      relay?.wake();
      for (const listener of listeners) listener();
    },
  });
  const { served, copy } = instances;
  checkDefinition(definition, served().parts.rules);

  const generations: Generations | undefined =
    definition.derived &&
    createGenerations({
      collection: collection('generations'),
      holder,
      clock,
      onChange: instances.goBy,
    });

  async function prepare(): Promise<void> {
    await generations?.tick();
    await createIndexes(definition, served());
    // Nobody can seed the lake but the outboxes themselves.
    await bindings.bind(wishesOf(definition), name === LAKE ? undefined : ids.next());
    // Who sends to it should know that somebody is there before it sends. If Redis is away, they will see.
    await transport.announce(name, holder).catch(error => log.debug({ err: error }, 'not announced yet'));
  }

  async function watchGenerations(): Promise<void> {
    if (!generations) return;
    while (!stopped.signal.aborted) {
      await generations.tick().catch(error => log.debug({ err: error }, 'not known whether there is a rebuild'));
      const { rebuild, hold } = generations.known();
      await looked.wait(rebuild !== null || hold ? GENERATIONS_BUSY_MS : beatMs, stopped.signal);
    }
  }

  async function watchDue(): Promise<void> {
    if (!served().parts.due) return;
    while (!stopped.signal.aborted) {
      await clock.sleep(DUE_MS, stopped.signal);
      if (stopped.signal.aborted) return;
      // Nothing of it while a copy takes the place of what is served.
      const work = async () => served().parts.due?.();
      await (generations ? generations.gate(work) : work()).catch(error => log.debug({ err: error }, 'it stays due'));
    }
  }

  function consume(): Consumer {
    return startConsumer({
      service: name,
      rules: rulesOf(served().parts, () => served().parts),
      ...(generations && {
        gate: generations.gate,
        rebuilding: () => copy()?.rules,
      }),
      transport,
      deliveries: collection<Delivery>('deliveries'),
      setAside: async input => served().outbox.appendDerived([faultEvent(input, clock)]),
      clock,
      log,
      trail,
      measures,
      ...(batchMax !== undefined && { batchMax }),
    });
  }

  async function heed(topic: string, wakeUp: () => void): Promise<void> {
    const wakes = feed.watch(`${topic}/${name}`);
    stopped.signal.addEventListener('abort', () => void wakes.return?.());
    for await (const _ of wakes) wakeUp();
  }

  return {
    definition,
    get resolvers() {
      return served().parts.resolvers;
    },
    onReplaced: listener => void listeners.push(listener),
    prepare,
    start() {
      relaying = lease('relay', () => relay?.wake());
      relay = startRelay({
        service: name,
        collection: () => served().events,
        lease: relaying,
        bindings,
        transport,
        clock,
        log,
        trail,
        measures,
        pollMs: beatMs,
        ...(resources.utilization && { utilization: resources.utilization }),
        ...flushes,
      });
      reconciler = startReconciler({
        service: name,
        collection: () => served().events,
        lease: relaying,
        bindings,
        feed,
        clock,
        ids,
        log,
        onMissing: () => relay?.wake(),
        ...reconciling,
      });
      signs = startSigns({
        service: name,
        collection: () => served().events,
        lease: relaying,
        bindings,
        feed,
        clock,
        log,
      });
      consumer = consume();
      const { attend } = consumer;
      const watermark = createWatermark({ service: name, transport, bindings });
      ownership = startOwnership({
        ...{ service: name, limit: partitions, member: holder, transport, feed, clock, log, attend, beatMs },
        onSeen: seen => watermark.observe(seen).catch(error => log.debug({ err: error }, 'watermark waits')),
      });
      if (generations) {
        rebuilder = startRebuilder({
          ...{ service: name, derived, generations, feed, lease: relaying, bindings, clock, log },
          generationOf: instances.of,
          createIndexes: of => createIndexes(definition, of),
        });
      }
      void watchGenerations();
      void watchDue();
      void heed('wake', () => relay?.wake());
      void heed(MEMBERS, () => ownership?.wake());
      if (generations) {
        void heed('rebuild', () => {
          rebuilder?.wake();
          looked.notify();
        });
      }
      served().parts.start?.();
    },
    startBeside() {
      consumer = consume();
      consumer.attend(Array.from({ length: partitions }, (_, partition) => partition));
      void watchGenerations();
      if (generations) void heed('rebuild', looked.notify);
    },
    runTask: doTask,
    async stop() {
      stopped.abort();
      await served().parts.stop?.();
      await signs?.stop();
      await reconciler?.stop();
      // What it has at hand it finishes; what waits is the others' from now on.
      await ownership?.stop();
      await consumer?.stop();
      await rebuilder?.stop();
      await relay?.stop();
      await Promise.all(leases.map(held => held.release()));
    },
    isRelaying: () => relaying?.fence() !== undefined,
    partitionsOwned: () => consumer?.attended() ?? [],
    async outboxState() {
      const { events } = served();
      const [oldest] = await events
        .find({ pending: { $exists: true } })
        .sort({ pending: 1 })
        .limit(1)
        .toArray();
      const { unconfirmed = 0, resent = 0 } = (await bindings.find(name))?.reconciled ?? {};
      if (oldest?.pending === undefined) return { pending: 0, oldestSeconds: 0, unconfirmed, resent };
      const pending = await events.countDocuments({ pending: { $exists: true } });
      return { pending, oldestSeconds: Math.max(0, clock.now() - oldest.pending) / 1000, unconfirmed, resent };
    },
  };
}

/** Rules that lead to those of whatever is served when they are called: the same contracts, another generation. */
function rulesOf(first: ServiceParts<unknown>, current: () => ServiceParts<unknown>): Rule[] {
  return first.rules.map(({ on }, index) => ({
    on,
    handle: async (events, how) => current().rules[index]?.handle(events, how),
  }));
}
