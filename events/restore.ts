/** What a replay puts back into a service's own rows. */
import isSame from 'fast-deep-equal';
import type { Collection } from 'mongodb';
import type { Handling } from './consumer.ts';
import { asItCame } from './contract.ts';
import { ignoreDuplicates } from './errors.ts';
import type { Event } from './event.ts';

/**
 * Puts events back as the lake has them where they are lost or changed: of a service's own record, or of its micro event store.
 * They are not relayed again.
 *
 * @param fieldsOf what is stored beside an event, and of that what only a row gets that was not there.
 * @param onSeen is told rows as they are stored, so that nobody need look at them again: those that were there, before anything is put back,
 *   and those that have been.
 * @returns how many were wrong. A trial leaves them so.
 */
export async function putBack<Row extends { _id: string; event: Event }>(
  collection: Collection<Row>,
  events: readonly Event[],
  fieldsOf: (event: Event) => { set: object; onInsert?: object },
  how?: Handling,
  onSeen: (rows: readonly Row[]) => void = () => undefined,
): Promise<number> {
  if (events.length === 0) return 0;
  // The driver's types cannot follow a generic row.
  const rows = collection as unknown as Collection<{ _id: string; event: Event }>;
  const ids = events.map(({ id }) => id);
  const found = await rows.find({ _id: { $in: ids } }, { batchSize: ids.length + 1 }).toArray();
  onSeen(found as unknown as Row[]);
  const stored = new Map(found.map(({ _id, event }) => [_id, event]));
  // What an older release has stored is right as it was then.
  const isStored = (event: Event) => isSame(stored.get(event.id), event);
  const wrong = events.filter(event => !isStored(event) && !isStored(asItCame(event)));
  if (wrong.length === 0 || how?.rebuild === 'trial') return wrong.length;
  const [lost, changed] = [false, true].map(isThere => wrong.filter(({ id }) => stored.has(id) === isThere));
  if (lost?.length) {
    const restored = lost.map(event => ({ _id: event.id, event, ...fieldsOf(event).set, ...fieldsOf(event).onInsert }));
    await rows.insertMany(restored, { ordered: false }).then(
      () => onSeen(restored as unknown as Row[]),
      // Somebody else has stored some of them meanwhile: how those are is not known.
      ignoreDuplicates,
    );
  }
  if (changed?.length) {
    const writes = changed.map(event => ({
      updateOne: { filter: { _id: event.id }, update: { $set: { event, ...fieldsOf(event).set } } },
    }));
    await rows.bulkWrite(writes, { ordered: false });
  }
  return wrong.length;
}
