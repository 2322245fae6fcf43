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
  /** What is to become of the service's data, as whoever replays wishes: see rebuild.ts. */
  rebuild?: RebuildWish;
  /** What has become of them, as the service says. */
  rebuilt?: RebuildStep;
  /** By source service: every event of a flush up to this one is durably in the service's own data. */
  passed?: Record<string, number>;
  /** How far its outbox has been compared with the lake. */
  reconciled?: Reconciled;
};

/** See reconciler.ts. */
export type Reconciled = {
  /** Every entry of a flush up to this one is in the lake, or was sent again. */
  flush: number;
  /** Entries beyond that; 1,000 stands for as many or more. */
  unconfirmed: number;
  /** Entries that the lake lacked and that were sent again, ever. */
  resent: number;
  /** Of the round over the whole outbox: the last entry compared; empty between rounds. */
  at: string;
  /** When the last round ended, in milliseconds. */
  roundMs: number;
};

/** A rebuild goes by steps: the one who replays wishes for each, the service does it and says so. */
export type RebuildWish = {
  /** The replay. */
  id: string;
  /**
   * BUILD: make room for a copy. COMPARE: compare it with what is served. SWAP: compare, and serve the copy. MEND: compare,
   * and put right what differs, subject by subject. DROP: forget the copy. RETURN, instead of BUILD: begin with the data
   * that were served before.
   */
  step: 'BUILD' | 'RETURN' | 'COMPARE' | 'SWAP' | 'MEND' | 'DROP';
  /** Only the rows of this subject are compared and replaced. */
  subject: string | null;
};

export type RebuildStep = Pick<RebuildWish, 'id' | 'step'> &
  RebuildOutcome & {
    error: string | null;
  };

/** How many rows differed, and the first subjects that they belong to. */
export type RebuildOutcome = { differences: number; subjects: string[] };

export type Bindings = {
  /** Makes a service's wishes known; keeps how far it has got. */
  bind(binding: Omit<Binding, 'passed' | 'rebuild' | 'rebuilt'>): Promise<void>;
  /** Wishes for a step of a rebuild; null when nothing is wished for any more. */
  wish(service: string, wish: RebuildWish | null): Promise<void>;
  /** Says that a step was taken. */
  taken(service: string, step: RebuildStep): Promise<void>;
  all(): Promise<Binding[]>;
  find(service: string): Promise<Binding | null>;
  /** Moves the watermark up; never down. */
  pass(service: string, passed: Readonly<Record<string, number>>): Promise<void>;
  /** Keeps how far a service has reconciled its outbox; `resent` is added to what there was. */
  reconcile(service: string, reconciled: Reconciled): Promise<void>;
};

const BINDINGS_MAX = 1_000;

export function createBindings(collection: Collection<Binding>): Bindings {
  return {
    async bind({ _id, ...wishes }) {
      await collection.updateOne({ _id }, { $set: wishes }, { upsert: true });
    },
    async wish(service, wish) {
      await collection.updateOne({ _id: service }, wish ? { $set: { rebuild: wish } } : { $unset: { rebuild: '' } });
    },
    async taken(service, step) {
      await collection.updateOne({ _id: service }, { $set: { rebuilt: step } });
    },
    all: () => collection.find().limit(BINDINGS_MAX).toArray(),
    find: service => collection.findOne({ _id: service }),
    async pass(service, passed) {
      const moved = Object.fromEntries(Object.entries(passed).map(([source, flush]) => [`passed.${source}`, flush]));
      await collection.updateOne({ _id: service }, { $max: moved });
    },
    async reconcile(service, { resent, ...place }) {
      const fields = Object.fromEntries(Object.entries(place).map(([name, value]) => [`reconciled.${name}`, value]));
      await collection.updateOne({ _id: service }, { $set: fields, $inc: { 'reconciled.resent': resent } });
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
