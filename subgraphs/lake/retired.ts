/**
 * Types of events that nobody emits any more because the service that did was taken out of the system: the lake keeps their
 * events for ever, so it goes on knowing of them.
 */
import type { Collection } from 'mongodb';
import type { Binding } from '../../events/binding.ts';

/** One type. */
export type RetiredType = {
  /** The type. */
  _id: string;
  /** Who emitted it: the first that was taken out of the system. */
  service: string;
};

/** As many as a registry full of services may have said. */
const TYPES_MAX = 20_000;

export type Retired = ReturnType<typeof createRetired>;

/** @param rows those of the whole system. */
export function createRetired({ rows }: { rows: Collection<RetiredType> }) {
  return {
    /** Keeps every type that a service has ever said it emits. */
    async note({ _id: service, emits, emitted = [] }: Pick<Binding, '_id' | 'emits' | 'emitted'>): Promise<void> {
      for (const type of new Set([...emits, ...emitted])) {
        await rows.updateOne({ _id: type }, { $setOnInsert: { service } }, { upsert: true });
      }
    },

    async types(): Promise<string[]> {
      return (await rows.find().limit(TYPES_MAX).toArray()).map(({ _id }) => _id);
    },
  };
}
