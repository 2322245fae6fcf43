/**
 * The bindings: which service consumes which types, durably. A relay reads them to know where an event goes, so a
 * service is added, and its queue fills, without touching any producer.
 *
 * A binding also holds how far its service has durably got in each source's flushes (see watermark.ts): what Redis
 * loses beyond that, the relays send again. A new binding has got nowhere, so every outbox is sent to it from its start.
 */
import { crc32 } from 'node:zlib';
import type { Collection } from 'mongodb';
import type { Event } from './event.ts';

/** Stands for every type, known or not. */
export const EVERY_TYPE = '*';

export type Binding = {
  /** The service. */
  _id: string;
  consumes: string[];
  emits: string[];
  /** How many queues the service's events are spread over, by subject; 1 to 64. */
  partitions: number;
  /** Types that a replay sends before all others: they restore what the others would count. */
  replayedFirst: string[];
  /** By source service: every event of a flush up to this one is durably in the service's own data. */
  passed?: Record<string, number>;
};

export type Bindings = {
  /** Makes a service's wishes known; keeps how far it has got. */
  bind(binding: Omit<Binding, 'passed'>): Promise<void>;
  all(): Promise<Binding[]>;
  find(service: string): Promise<Binding | null>;
  /** Moves the watermark up; never down. */
  pass(service: string, passed: Readonly<Record<string, number>>): Promise<void>;
};

const BINDINGS_MAX = 1_000;

export function createBindings(collection: Collection<Binding>): Bindings {
  return {
    async bind({ _id, ...wishes }) {
      await collection.updateOne({ _id }, { $set: wishes }, { upsert: true });
    },
    all: () => collection.find().limit(BINDINGS_MAX).toArray(),
    find: service => collection.findOne({ _id: service }),
    async pass(service, passed) {
      const moved = Object.fromEntries(Object.entries(passed).map(([source, flush]) => [`passed.${source}`, flush]));
      await collection.updateOne({ _id: service }, { $max: moved });
    },
  };
}

export function wants(binding: Binding, type: string): boolean {
  return binding.consumes.includes(type) || binding.consumes.includes(EVERY_TYPE);
}

/** Events of one subject go the same way, for speed; nothing depends on it for truth. */
export function partitionOf(event: Pick<Event, 'id' | 'subject'>, partitions: number): number {
  return crc32(event.subject ?? event.id) % partitions;
}
