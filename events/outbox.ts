/**
 * The outbox: a service's `events` collection is its record of what happened and the list of what is still to be
 * relayed, in one document an event. Inserting that document is the acknowledgement; nothing else has to succeed.
 *
 * Guarantees: an event id is stored once for ever; an acknowledged event is durable (majority, journaled) and is relayed
 * some time after. Entries are never deleted. What is stored is of the version that its contract says is written. Does not
 * guarantee that events are relayed in the order of insertion.
 */
import type { Collection, Document } from 'mongodb';
import pRetry from 'p-retry';
import type { Logger } from 'pino';
import { createBatcher } from './batcher.ts';
import type { Clock } from './clock.ts';
import { asWritten, type Contract } from './contract.ts';
import { ignoreDuplicates, isDuplicateKey, isUnavailable } from './errors.ts';
import type { Event } from './event.ts';
import { groupBy } from './group.ts';
import { type Measures, unmeasured } from './measures.ts';
import { noTrail, readPlace, type Trail } from './tracing.ts';

/** An event as its own service stores it; services add fields of their own beside these. */
export type OutboxEntry<Data = unknown> = {
  /** The event's id. */
  _id: string;
  event: Event<Data>;
  /** When it was stored, in milliseconds; absent once it is relayed. */
  pending?: number;
  /** The flush that relayed it. */
  relayed?: number;
  /** The relay tenure that has claimed it; an earlier tenure may not touch it any more. */
  fence?: number;
  /** How often it was sent again because the lake lacked it (see reconciler.ts). */
  resent?: number;
};

/** Who asked for an event: told to the log and the trace, and to nobody who decides. */
export type Origin = {
  /** The place in the caller's trace. */
  trace?: string | undefined;
  /** What the caller calls the request. */
  correlationId?: string | undefined;
};

/** How a service stores what it emits; see the head of this file. */
export type Outbox = {
  /**
   * Stores one event, trying again for up to 3 s while the database is out of reach.
   *
   * @param extra fields of the service's own, stored in the same document.
   * @param origin where it is traced, the event is stored with its place as `traceparent`, and all that follows carries it.
   * @returns undefined when the event is new; the entry that has the id already otherwise. That may be another request
   *   with the same id, the same request repeated, or this very call, whose first try had arrived after all: whoever
   *   decides the ids compares the contents.
   * @throws when the database stays out of reach: nothing is acknowledged, and the outcome is unknown to the caller.
   */
  append<Entry extends OutboxEntry>(
    event: Event,
    extra?: Omit<Entry, keyof OutboxEntry>,
    origin?: Origin,
  ): Promise<Entry | undefined>;
  /** Stores derived events, whose ids say what they follow from. Those already there are left as they are. */
  appendDerived(events: readonly Event[]): Promise<void>;
  /** The document for an event, for a store that inserts it itself and then calls `wake`. */
  entry<Data>(event: Event<Data>): OutboxEntry<Data>;
  /** Says that there is something to relay: what somebody else than the outbox has just stored, where that is known. */
  wake(events?: readonly Event[]): void;
};

/** The indexes that every outbox needs; `assemble` makes them. */
export const outboxIndexes = [
  { key: { pending: 1 }, sparse: true },
  { key: { relayed: 1 }, sparse: true },
] as const;

/** Appended by requests that come together: they go to the database together, each a document of its own. */
const TOGETHER_MAX = 200;

type Appended = { document: OutboxEntry; outcome?: 'stored' | 'known' | { error: unknown } };

const RETRY = { retries: 3, minTimeout: 50, maxTimeout: 500, maxRetryTime: 3_000 };

/** @param options `wake` is told that there is something to relay; `emits`: the contracts that say which versions are written. */
export function createOutbox(options: {
  collection: Collection<Document>;
  clock: Clock;
  wake: (events?: readonly Event[]) => void;
  emits?: readonly Contract[];
  trail?: Trail;
  measures?: Measures;
  log?: Logger;
}): Outbox {
  const { clock, trail = noTrail, measures = unmeasured, log } = options;
  const collection = options.collection as unknown as Collection<OutboxEntry>;
  const migrating = new Map(
    (options.emits ?? []).flatMap(each => (each.writtenAs ? [[each.type, each] as const] : [])),
  );

  function written<Data>(event: Event<Data>): Event<Data> {
    const contract = migrating.get(event.type);
    // Of the version before: whoever asks for the entry stores it, and reads what is stored through the contract.
    return contract ? (asWritten(contract, event) as Event<Data>) : event;
  }

  const entry = <Data>(event: Event<Data>): OutboxEntry<Data> => ({
    ...{ _id: event.id, event: written(event), pending: clock.now() },
  });

  function wake(stored?: readonly Event[]): void {
    count(stored ?? []);
    options.wake(stored?.map(written));
  }

  function count(stored: readonly Event[]): void {
    for (const [type, events] of groupBy(stored, event => event.type)) measures.stored(type, events.length);
  }

  /** The story begins here: the step's own place is what its events carry. */
  function begun(event: Event, trace: string | undefined) {
    const step = readPlace(trace)
      ? trail.begin('outbox', [{ ...event, traceparent: trace }], { kind: 'producer' })
      : none;
    const [place] = step.places;
    return { step, traced: place === undefined ? event : { ...event, traceparent: place } };
  }

  // The id makes a second try harmless: when the first had arrived after all, it is found under its id.
  const withRetry = <T>(write: () => Promise<T>): Promise<T> =>
    pRetry(write, { ...RETRY, shouldRetry: ({ error }) => isUnavailable(error) });

  /** Stores them as far as their ids are new. @throws when the database is out of reach: some may be stored. */
  async function insertAll(all: readonly Appended[]): Promise<void> {
    try {
      await collection.insertMany(
        all.map(({ document }) => document),
        { ordered: false },
      );
      for (const one of all) one.outcome = 'stored';
    } catch (error) {
      const known = new Set(ignoreDuplicates(error));
      for (const [index, one] of all.entries()) one.outcome = known.has(index) ? 'known' : 'stored';
    }
  }

  /** One alone costs the driver half as much; and it is told from the others when one of them cannot be stored at all. */
  async function insertAlone(one: Appended): Promise<void> {
    try {
      await collection.insertOne(one.document);
      one.outcome = 'stored';
    } catch (error) {
      if (isUnavailable(error)) throw error;
      one.outcome = isDuplicateKey(error) ? 'known' : { error };
    }
  }

  async function commit(all: readonly Appended[]): Promise<void> {
    const [first, ...others] = all;
    if (first && others.length === 0) return insertAlone(first);
    try {
      await insertAll(all);
    } catch (error) {
      if (isUnavailable(error)) throw error;
      for (const one of all) await insertAlone(one);
    }
  }

  // While one command is on its way the next ones gather, so there is never more than one.
  const commits = createBatcher<Appended>({ handle: commit, batchMax: TOGETHER_MAX });

  return {
    entry,
    wake,
    async append<Entry extends OutboxEntry>(
      event: Event,
      extra?: Omit<Entry, keyof OutboxEntry>,
      { trace, correlationId }: Origin = {},
    ) {
      const { step, traced } = begun(event, trace);
      const one: Appended = { document: { ...entry(traced), ...extra } };
      try {
        await withRetry(() => commits.submit([one]));
        if (typeof one.outcome === 'object') throw one.outcome.error;
        step.end();
      } catch (error) {
        step.end(error);
        throw error;
      }
      if (one.outcome === 'stored') {
        log?.debug({ eventId: event.id, type: event.type, correlationId }, 'stored');
        // As it was stored: what is relayed from memory has to be the same.
        wake([traced]);
        return undefined;
      }
      // The cast is the caller's claim about its own collection.
      const existing = (await withRetry(() => collection.findOne({ _id: event.id }))) as Entry | null;
      // Another unique index of the service's refused it.
      if (!existing) throw new Error(`event ${event.id} contradicts one that is stored`);
      return existing;
    },

    async appendDerived(events) {
      if (events.length === 0) return;
      await collection.insertMany(events.map(entry), { ordered: false }).catch(ignoreDuplicates);
      count(events);
      // Some may have been there, and relayed.
      wake();
    },
  };
}

const none = { places: [], end: () => undefined };
