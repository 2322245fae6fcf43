/**
 * Views: rows that show the newest version of something. A row carries the version it shows and only a newer one
 * replaces it, so order and duplicates do not matter.
 */
import type { AnyBulkWriteOperation, Collection } from 'mongodb';
import { ignoreDuplicates } from './errors.ts';

export type ViewRow = { _id: string; version: number };

/**
 * Writes each row unless the view shows the same version or a newer one of it.
 *
 * @param rows any number, in any order; of several with one id only the newest is written.
 */
export async function materialize<Row extends ViewRow>(
  collection: Collection<Row>,
  rows: readonly Row[],
): Promise<void> {
  const newest = new Map<string, Row>();
  for (const row of rows) {
    if (row.version > (newest.get(row._id)?.version ?? Number.NEGATIVE_INFINITY)) newest.set(row._id, row);
  }
  if (newest.size === 0) return;
  // An upsert whose filter does not match because the view is newer tries to insert, and meets the row's own _id.
  const writes = (upsert: boolean) =>
    [...newest.values()].map(({ _id, ...fields }) => ({
      updateOne: { filter: { _id, version: { $lt: fields.version } }, update: { $set: fields }, upsert },
      // The driver's types cannot follow a generic row.
    })) as unknown as AnyBulkWriteOperation<Row>[];
  try {
    await collection.bulkWrite(writes(true), { ordered: false });
  } catch (error) {
    ignoreDuplicates(error);
    // Two first versions may have raced, and the older one may have won: once more, now that the row is there.
    await collection.bulkWrite(writes(false), { ordered: false });
  }
}
