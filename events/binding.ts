/**
 * The bindings: which service consumes which types, durably. A relay reads them to know where an event goes, so a
 * service is added, and its queue fills, without touching any producer.
 *
 * A binding also holds how far its service has durably got in each source's flushes (see watermark.ts): what Redis
 * loses beyond that, the relays send again. To a new binding every relay sends what comes from now on, and notes where it
 * began (`joined`); what was before that the lake sends (see joining.ts).
 */
import type { Collection } from 'mongodb';

/** Stands for every type, known or not. */
export const EVERY_TYPE = '*';

/** Who consumes what, and how far it has got: one document a service, shared by all processes. */
export type Binding = {
  /** The service. */
  _id: string;
  consumes: string[];
  /** Those of them that nobody waits for: the relays gather them for a while. */
  unhurried?: string[];
  /** Those of them that it does not get of itself. */
  ofOthers?: string[];
  emits: string[];
  /** Every type that it has ever said it emits. */
  emitted?: string[];
  /** Over how many queues the service's events are spread at most, by subject: see partition.ts. 1 to 16. */
  partitions: number;
  /** Types that a replay sends before all others: they restore what the others would count. */
  replayedFirst: string[];
  /** A replay has the events of a subject together. */
  replayedTogether?: boolean;
  /** Whether it has data that can be built anew beside what it serves. */
  rebuildable?: boolean;
  /** Whether it can only be built anew as a whole: see `Derived`. */
  rebuiltWhole?: boolean;
  /** What is to become of the service's data, as whoever replays wishes: see rebuild.ts. */
  rebuild?: RebuildWish;
  /** What has become of them, as the service says. */
  rebuilt?: RebuildStep;
  /** By source service: every event of a flush up to this one is durably in the service's own data. */
  passed?: Record<string, number>;
  /** By source service: the flush after which its relay sends to this service; what was before comes from the lake. */
  joined?: Record<string, number>;
  /** The replay by which the lake will send what was before; absent once that is planned, and where there is none to plan. */
  seeding?: string;
  /** How far its outbox has been compared with the lake. */
  reconciled?: Reconciled;
  /** What waits in its outbox. */
  waiting?: Waiting;
};

/** See signs.ts. */
export type Waiting = {
  /** Entries that are not relayed yet; 1,000 stands for as many or more. */
  events: number;
  /** When the oldest was stored, in milliseconds. */
  oldestMs: number | null;
  /** When this was noted, in milliseconds, by the same clock. */
  notedMs: number;
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

/** What the service says of the step that it has taken. */
export type RebuildStep = Pick<RebuildWish, 'id' | 'step'> &
  RebuildOutcome & {
    error: string | null;
  };

/** How many rows differed, and the first subjects that they belong to. */
export type RebuildOutcome = { differences: number; subjects: string[] };

/** The registry, which every relay, consumer and the lake go by. */
export type Bindings = {
  /** Wishes for a step of a rebuild; null when nothing is wished for any more. */
  wish(service: string, wish: RebuildWish | null): Promise<void>;
  /** Says that a step was taken. */
  taken(service: string, step: RebuildStep): Promise<void>;
  /**
   * Makes a service's wishes known; keeps how far it has got.
   *
   * @param seeding of a service that was not bound before: names the replay that is to seed it.
   */
  bind(
    binding: Omit<
      Binding,
      'emitted' | 'passed' | 'joined' | 'seeding' | 'reconciled' | 'waiting' | 'rebuild' | 'rebuilt'
    >,
    seeding?: string,
  ): Promise<void>;
  /** Nothing is sent to the service any more as soon as the relays have looked. @returns whether it was bound. */
  unbind(service: string): Promise<boolean>;
  /** Notes where a source begins to send to a service; the first note stays. */
  join(service: string, source: string, flush: number): Promise<void>;
  /** The replay that seeds a service is planned, or there is nothing to send. */
  seeded(service: string, seeding: string): Promise<void>;
  all(): Promise<Binding[]>;
  find(service: string): Promise<Binding | null>;
  /** Moves the watermark up; never down. */
  pass(service: string, passed: Readonly<Record<string, number>>): Promise<void>;
  /** Keeps how far a service has reconciled its outbox; `resent` is added to what there was. */
  reconcile(service: string, reconciled: Reconciled): Promise<void>;
  /** Keeps what waits in a service's outbox. */
  note(service: string, waiting: Waiting): Promise<void>;
};

const BINDINGS_MAX = 1_000;

/** @param collection one for the whole system, in a database of its own. */
export function createBindings(collection: Collection<Binding>): Bindings {
  return {
    async bind({ _id, ...wishes }, seeding) {
      const first = seeding !== undefined && { $setOnInsert: { seeding } };
      const ever = { $addToSet: { emitted: { $each: wishes.emits } } };
      await collection.updateOne({ _id }, { $set: wishes, ...ever, ...first }, { upsert: true });
    },
    unbind: async service => (await collection.deleteOne({ _id: service })).deletedCount === 1,
    async join(service, source, flush) {
      const place = `joined.${source}`;
      await collection.updateOne({ _id: service, [place]: { $exists: false } }, { $set: { [place]: flush } });
    },
    async seeded(service, seeding) {
      await collection.updateOne({ _id: service, seeding }, { $unset: { seeding: '' } });
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
    async note(service, waiting) {
      await collection.updateOne({ _id: service }, { $set: { waiting } });
    },
  };
}

/** Whether a service consumes a type. @param source who emits it, where that makes a difference. */
export function wants(binding: Binding, type: string, source?: string): boolean {
  if (source === binding._id && binding.ofOthers?.includes(type)) return false;
  return binding.consumes.includes(type) || binding.consumes.includes(EVERY_TYPE);
}

/** The flush of a source up to which a service needs nothing of it: it has passed it, or gets it from the lake. */
export function reached({ passed, joined }: Binding, source: string): number {
  return passed?.[source] ?? joined?.[source] ?? 0;
}
