/**
 * Suspects: events that may be what their batch failed of, or their process died of. Each is handled alone, counted in the
 * database before each try, and set aside as a fault when it has failed too often.
 */
import type { Collection } from 'mongodb';
import type { Logger } from 'pino';
import { type Batcher, createBatcher } from './batcher.ts';
import { createCache } from './cache.ts';
import { ContractViolation, isUnavailable } from './errors.ts';
import type { Event } from './event.ts';
import { type FaultInput, idOf } from './fault.ts';
import { type Measures, unmeasured } from './measures.ts';

/** How often a suspicious event has been handed over, counted before each time. */
export type Delivery = { _id: string; count: number };

/** An event with all that is known of it, and how often an operator has sent it again. */
export type Suspicious<Taken extends { event: Event }> = Taken & { resubmission: number };

/** Who handles suspects, and where deliveries are counted and faults stored. */
export type SuspectsOptions<Taken extends { event: Event }> = {
  service: string;
  deliveries: Collection<Delivery>;
  handle(suspect: Suspicious<Taken>): Promise<void>;
  setAside(fault: FaultInput): Promise<void>;
  log: Logger;
  measures?: Measures;
};

/** An event is set aside when it has failed this often. */
const DELIVERIES_MAX = 3;
const OVERCOUNTED_MAX = 1_000;

/**
 * Handles suspects one at a time: when the process dies, the event that it was handling is the only one that has been counted.
 * What it throws is not an event's fault: a store is away.
 */
export function createSuspects<Taken extends { event: Event }>(
  options: SuspectsOptions<Taken>,
): Batcher<Suspicious<Taken>> {
  const { deliveries, handle, setAside, service, measures = unmeasured, log } = options;
  /** Deliveries that were counted once though it was not the event's fault, which could not be taken back yet. */
  const overcounted = createCache<true>(OVERCOUNTED_MAX);

  async function handleAlone(suspect: Suspicious<Taken>): Promise<void> {
    const { event, resubmission } = suspect;
    // A resubmitted event is counted anew.
    const _id = `${event.id} ${resubmission}`;
    let failure: unknown = new Error('the process died while handling it');
    for (;;) {
      const counted = await deliveries.findOneAndUpdate(
        { _id },
        { $inc: { count: overcounted.has(_id) ? 0 : 1 } },
        { upsert: true, returnDocument: 'after' },
      );
      overcounted.delete(_id);
      const count = counted?.count ?? 1;
      if (count > DELIVERIES_MAX || failure instanceof ContractViolation) {
        log.warn({ ...named(event), err: failure }, 'could not be handled: set aside');
        measures.setAside('handling');
        await setAside({ service, original: event, error: failure, deliveries: count - 1, resubmission });
        break;
      }
      try {
        await handle(suspect);
        break;
      } catch (error) {
        if (isUnavailable(error)) {
          // Not the event's fault, so it does not count; if this cannot be stored either, the next try makes up for it.
          await deliveries.updateOne({ _id }, { $inc: { count: -1 } }).catch(() => overcounted.set(_id, true));
          throw error;
        }
        failure = error;
      }
    }
    await deliveries.deleteOne({ _id });
  }

  return createBatcher({
    handle: async some => {
      for (const suspect of some) await handleAlone(suspect);
    },
    batchMax: 1,
  });
}

/** By what a log line is found: the event, and the story that it belongs to. */
export function named(original: unknown): { eventId: string; correlationId: string } {
  const eventId = idOf(original);
  const { correlationid } = (original ?? {}) as { correlationid?: unknown };
  return { eventId, correlationId: typeof correlationid === 'string' ? correlationid : eventId };
}
