/** What a replay puts back into a service's own rows. */
import isSame from 'fast-deep-equal';
import type { Collection } from 'mongodb';
import { asItCame } from './contract.ts';
import { ignoreDuplicates } from './errors.ts';
import type { Event } from './event.ts';
import type { Handling } from './rule.ts';

/**
 * Puts events back as the lake has them where they are lost or changed: of a service's own record, or of its micro event store.
 * They are not relayed again.
 *
 * @param fieldsOf `set`: what is stored beside an event and stays as it is, so that it is put right as well; `onInsert`: what only a row gets
 *   that was not there.
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
  const rows = collection as unknown as Collection<StoredRow>;
  const ids = events.map(({ id }) => id);
  const found = await rows.find({ _id: { $in: ids } }, { batchSize: ids.length + 1 }).toArray();
  onSeen(found as unknown as Row[]);
  const stored = new Map(found.map(row => [row._id, row]));
  const wrong = events.filter(event => !hasFields(stored.get(event.id), { ...fieldsOf(event).set, event }));
  if (wrong.length === 0 || how?.rebuild === 'trial') return wrong.length;
  const lost = wrong.filter(({ id }) => !stored.has(id));
  const restored = lost.map(event => ({ _id: event.id, event, ...fieldsOf(event).set, ...fieldsOf(event).onInsert }));
  const met = await insert(rows, restored);
  // How those are that somebody else has stored meanwhile is not known.
  if (met.size === 0) onSeen(restored as unknown as Row[]);
  const writes = wrong
    // What was met may be less than the event: a mark that waits for it.
    .filter(({ id }) => stored.has(id) || met.has(id))
    .map(event => ({
      updateOne: { filter: { _id: event.id }, update: { $set: { event, ...fieldsOf(event).set } } },
    }));
  if (writes.length > 0) await rows.bulkWrite(writes, { ordered: false });
  return wrong.length;
}

type StoredRow = { _id: string; event: Event } & Record<string, unknown>;

/** Whether what is stored is this event. What an older release has stored is right as it was then. */
export const isStoredAs = (stored: Event, event: Event): boolean =>
  isSame(stored, event) || isSame(stored, asItCame(event));

/** Whether a row has these fields as they are; `event` as `isStoredAs` has it. What else the row has is nobody's business. */
export function hasFields(row: object | undefined, fields: object): boolean {
  const stored = new Map(Object.entries(row ?? {}));
  return Object.entries(fields).every(([name, value]) => {
    const found = stored.get(name);
    return name === 'event' ? found !== undefined && isStoredAs(found, value) : isSame(found, value);
  });
}

/** @returns the ids of those that are there already. */
async function insert(rows: Collection<StoredRow>, added: readonly StoredRow[]): Promise<ReadonlySet<string>> {
  if (added.length === 0) return new Set();
  try {
    await rows.insertMany([...added], { ordered: false });
    return new Set();
  } catch (error) {
    return new Set(ignoreDuplicates(error).flatMap(index => added[index]?._id ?? []));
  }
}
