/**
 * Joining: how a service that is added to a running system gets every event, without a relay sending its whole outbox again.
 *
 * A relay that meets a new binding notes a flush number of its own in it, and sends what it relays from then on to the new
 * service too. What it has relayed up to there is the lake's to send (subgraphs/lake/seeder.ts), which waits until every
 * source has joined and until it has itself durably passed the flush noted by each.
 *
 * Guarantees: no event is between the two. One that was cleared without having been sent to the new service was cleared by a
 * flush below the number, because the number is taken between two flushes and by the tenure that has claimed all that is
 * pending; it was sent to the lake before it was cleared, and the lake's watermark does not pass the number without it. One
 * that is cleared later goes to the new service; when Redis loses it, it is beyond `joined` and is sent again. The first
 * note stays, so a relay that comes late with a higher one has to send from the first one on.
 * Does not guarantee that an event comes once: around the number it may come from both.
 */
import type { Collection } from 'mongodb';
import type { Binding, Bindings } from './binding.ts';
import type { OutboxEntry } from './outbox.ts';
import { LAKE } from './reconciler.ts';

/** Whether a source has still to say from where on it sends to a service that was added. */
export function hasToJoin({ seeding, joined }: Binding, source: string): boolean {
  return seeding !== undefined && joined?.[source] === undefined;
}

/**
 * Notes for every new service from where on the source sends to it.
 *
 * @param all the bindings that the source knows of.
 * @param flush above all numbers that the source has used. 0 is noted instead, "from the first event on", where nothing was
 *   relayed yet, or where there is no lake to send it.
 * @param isFirst it is the first number of this process.
 * @returns whether there was one.
 */
export async function letJoin(options: {
  service: string;
  collection: Collection<OutboxEntry>;
  bindings: Bindings;
  all: readonly Binding[];
  flush: number;
  isFirst: boolean;
}): Promise<boolean> {
  const { service, collection, bindings, all, flush, isFirst } = options;
  const joining = all.filter(binding => hasToJoin(binding, service));
  if (joining.length === 0) return false;
  const hasLake = all.some(({ _id }) => _id === LAKE);
  const isLate = hasLake && (!isFirst || (await collection.findOne({ relayed: { $exists: true } })) !== null);
  for (const { _id } of joining) await bindings.join(_id, service, isLate ? flush : 0);
  return true;
}
