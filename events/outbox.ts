/**
 * The outbox: a service's `events` collection is its record of what happened and the list of what is still to be
 * relayed, in one document an event. Inserting that document is the acknowledgement; nothing else has to succeed.
 *
 * Guarantees: an event id is stored once for ever; an acknowledged event is durable (majority, journaled) and is relayed
 * some time after. Entries are never deleted. Does not guarantee that events are relayed in the order of insertion.
 */
import type { Collection, Document } from 'mongodb';
import pRetry from 'p-retry';
import type { Clock } from './clock.ts';
import { ignoreDuplicates, isDuplicateKey, isUnavailable } from './errors.ts';
import type { Event } from './event.ts';

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

export type Outbox = {
  /**
   * Stores one event, trying again for up to 3 s while the database is out of reach.
   *
   * @param extra fields of the service's own, stored in the same document.
   * @returns undefined when the event is new; the entry that has the id already otherwise. That may be another request
   *   with the same id, the same request repeated, or this very call, whose first try had arrived after all: whoever
   *   decides the ids compares the contents.
   * @throws when the database stays out of reach: nothing is acknowledged, and the outcome is unknown to the caller.
   */
  append<Entry extends OutboxEntry>(event: Event, extra?: Omit<Entry, keyof OutboxEntry>): Promise<Entry | undefined>;
  /** Stores derived events, whose ids say what they follow from. Those already there are left as they are. */
  appendDerived(events: readonly Event[]): Promise<void>;
  /** The document for an event, for a store that inserts it itself and then calls `wake`. */
  entry<Data>(event: Event<Data>): OutboxEntry<Data>;
  /** Says that there is something to relay: what was just stored, where that is known. */
  wake(events?: readonly Event[]): void;
};

export const outboxIndexes = [
  { key: { pending: 1 }, sparse: true },
  { key: { relayed: 1 }, sparse: true },
] as const;

const RETRY = { retries: 3, minTimeout: 50, maxTimeout: 500, maxRetryTime: 3_000 };

export function createOutbox(options: {
  collection: Collection<Document>;
  clock: Clock;
  wake: (events?: readonly Event[]) => void;
}): Outbox {
  const { clock, wake } = options;
  const collection = options.collection as unknown as Collection<OutboxEntry>;
  const entry = <Data>(event: Event<Data>): OutboxEntry<Data> => ({ _id: event.id, event, pending: clock.now() });

  // The id makes a second try harmless: when the first had arrived after all, it is found under its id.
  const withRetry = <T>(write: () => Promise<T>): Promise<T> =>
    pRetry(write, { ...RETRY, shouldRetry: ({ error }) => isUnavailable(error) });

  return {
    entry,
    wake,
    async append<Entry extends OutboxEntry>(event: Event, extra?: Omit<Entry, keyof OutboxEntry>) {
      const document = { ...entry(event), ...extra };
      try {
        await withRetry(() => collection.insertOne(document));
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        // The cast is the caller's claim about its own collection.
        const existing = (await withRetry(() => collection.findOne({ _id: event.id }))) as Entry | null;
        if (!existing) throw error;
        return existing;
      }
      wake([event]);
      return undefined;
    },

    async appendDerived(events) {
      if (events.length === 0) return;
      await collection.insertMany(events.map(entry), { ordered: false }).catch(ignoreDuplicates);
      wake();
    },
  };
}
