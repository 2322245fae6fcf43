/**
 * A service definition says what an autonomous service is; `assemble` gives it everything it needs from outside and
 * connects the stages: its outbox to a relay, its queues to a consumer, its rules to its own collections.
 */
import type { Collection, Document, IndexDescription, MongoClient } from 'mongodb';
import type { Logger } from 'pino';
import { type Bindings, EVERY_TYPE } from './binding.ts';
import type { Clock, Ids } from './clock.ts';
import { type Consumer, type ConsumerOptions, type Delivery, type Rule, startConsumer } from './consumer.ts';
import type { Contract } from './contract.ts';
import { faultEvent } from './fault.ts';
import type { Feed } from './feed.ts';
import { contend, type Lease, type LeaseDocument } from './lease.ts';
import { createOutbox, type Outbox, type OutboxEntry, outboxIndexes } from './outbox.ts';
import { type Relay, type RelayOptions, startRelay } from './relay.ts';
import type { Transport } from './transport.ts';
import { createWatermark } from './watermark.ts';

export type ServiceDefinition<Resolvers = unknown> = {
  /** Lower-case; its folder, its source, its queues and its collections are named after it. */
  name: string;
  consumes: readonly Contract[] | 'everything';
  emits: readonly Contract[];
  /** Queues to spread its events over. Default 1. */
  partitions?: number;
  /** How long a batch may gather where nobody waits for the result. Default 0. */
  gatherMs?: number;
  /** What a replay sends before all else. */
  replayedFirst?: readonly Contract[];
  /** By collection; `events` has the outbox's indexes anyway. */
  indexes: Readonly<Record<string, readonly IndexDescription[]>>;
  create(context: ServiceContext): ServiceParts<Resolvers>;
};

export type ServiceParts<Resolvers> = {
  rules: readonly Rule[];
  resolvers: Resolvers;
  /** Work of its own besides consuming; runs from start to stop. */
  start?(): void;
  stop?(): Promise<void>;
};

/** Everything a service may use. Its collections are its own: nobody else reads or writes them. */
export type ServiceContext = {
  name: string;
  collection<Row extends Document>(name: string): Collection<Row>;
  outbox: Outbox;
  feed: Feed;
  bindings: Bindings;
  transport: Transport;
  lease(name: string, onAcquired?: () => void): Lease;
  clock: Clock;
  ids: Ids;
  log: Logger;
};

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
};

export type OutboxState = { pending: number; oldestSeconds: number };

export type RunningService<Resolvers> = {
  definition: ServiceDefinition<Resolvers>;
  resolvers: Resolvers;
  /** Makes indexes and makes the binding known: to be done for all services before any is started. */
  prepare(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
  /** What is acknowledged and not relayed yet. */
  outboxState(): Promise<OutboxState>;
};

const WATERMARK_MS = 1_000;

export function assemble<Resolvers>(
  definition: ServiceDefinition<Resolvers>,
  resources: Resources,
): RunningService<Resolvers> {
  const { name, partitions = 1, gatherMs = 0 } = definition;
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
  } = resources;
  const log = resources.log.child({ service: name });
  const database = mongo.db(`${prefix}-${name}`);
  const collection = <Row extends Document>(of: string) => database.collection<Row>(of);
  const leases: Lease[] = [];
  let relay: Relay | undefined;
  let consumer: Consumer | undefined;
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
  const wake = () => {
    if (relaying?.fence() !== undefined) relay?.wake();
    else
      feed
        .publish([{ topic: `wake/${name}`, message: 1 }])
        .catch(error => log.debug({ err: error }, 'the poll will do'));
  };
  const outbox = createOutbox({ collection: collection('events'), clock, wake });
  const context: ServiceContext = { name, collection, outbox, feed, bindings, transport, lease, clock, ids, log };
  const parts = definition.create(context);
  checkRules(definition, parts.rules);

  async function prepare(): Promise<void> {
    const indexes = { ...definition.indexes, events: [...(definition.indexes.events ?? []), ...outboxIndexes] };
    for (const [of, wanted] of Object.entries(indexes)) {
      if (wanted.length > 0) await collection(of).createIndexes([...wanted]);
    }
    await bindings.bind({
      _id: name,
      consumes: definition.consumes === 'everything' ? [EVERY_TYPE] : typesOf(definition.consumes),
      emits: typesOf(definition.emits),
      partitions,
      replayedFirst: typesOf(definition.replayedFirst ?? []),
    });
  }

  async function watch(): Promise<void> {
    const watermark = createWatermark({ service: name, partitions, transport, bindings });
    while (!stopped.signal.aborted) {
      await watermark.observe().catch(error => log.debug({ err: error }, 'watermark waits'));
      await clock.sleep(WATERMARK_MS, stopped.signal);
    }
  }

  async function heed(wakes: AsyncIterableIterator<unknown>): Promise<void> {
    stopped.signal.addEventListener('abort', () => void wakes.return?.());
    for await (const _ of wakes) relay?.wake();
  }

  return {
    definition,
    resolvers: parts.resolvers,
    prepare,
    start() {
      relaying = lease('relay', () => relay?.wake());
      relay = startRelay({
        service: name,
        collection: collection<OutboxEntry>('events'),
        lease: relaying,
        bindings,
        transport,
        clock,
        log,
        ...flushes,
      });
      consumer = startConsumer({
        service: name,
        partitions,
        rules: parts.rules,
        transport,
        deliveries: collection<Delivery>('deliveries'),
        setAside: async input => outbox.appendDerived([faultEvent(input, clock)]),
        clock,
        log,
        gatherMs,
        ...(batchMax !== undefined && { batchMax }),
      });
      void watch();
      void heed(feed.watch(`wake/${name}`));
      parts.start?.();
    },
    async stop() {
      stopped.abort();
      await parts.stop?.();
      await consumer?.stop();
      await relay?.stop();
      await Promise.all(leases.map(held => held.release()));
    },
    async outboxState() {
      const events = collection<OutboxEntry>('events');
      const [oldest] = await events
        .find({ pending: { $exists: true } })
        .sort({ pending: 1 })
        .limit(1)
        .toArray();
      if (oldest?.pending === undefined) return { pending: 0, oldestSeconds: 0 };
      const pending = await events.countDocuments({ pending: { $exists: true } });
      return { pending, oldestSeconds: Math.max(0, clock.now() - oldest.pending) / 1000 };
    },
  };
}

const typesOf = (contracts: readonly Pick<Contract, 'type'>[]) => contracts.map(({ type }) => type);

function checkRules({ name, consumes }: Pick<ServiceDefinition, 'name' | 'consumes'>, rules: readonly Rule[]): void {
  if (consumes === 'everything') return;
  const declared = new Set(typesOf(consumes));
  const handled = new Set(rules.flatMap(({ on }) => (on === 'everything' ? [] : typesOf(on))));
  const forgotten = [...declared].filter(type => !handled.has(type));
  const undeclared = [...handled].filter(type => !declared.has(type));
  if (forgotten.length + undeclared.length === 0) return;
  throw new Error(
    `service ${name}: consumed without a rule: ${forgotten.join(', ') || 'none'}; handled but not consumed: ${undeclared.join(', ') || 'none'}`,
  );
}
