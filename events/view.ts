/**
 * Views: rows that show what events come to. Two ways to write them, neither of which cares about order or duplicates:
 * `materialize`, where a row is replaced by a newer version of it; and `createProjection`, where a pure function makes the
 * next row of the row before, for what one event alone does not say.
 */
import isSame from 'fast-deep-equal';
import type { AnyBulkWriteOperation, BulkWriteResult, Collection, Document } from 'mongodb';
import { createCache } from './cache.ts';
import { Contention, ignoreDuplicates } from './errors.ts';
import { groupBy } from './group.ts';

/** A row that `materialize` writes. */
export type ViewRow = { _id: string; version: number };

/**
 * Writes each row unless the view shows the same version or a newer one of it.
 *
 * @param rows any number, in any order; of several with one id only the newest is written.
 * @param how `replay`: the same version is written as well, because what is shown may have been changed since.
 * @returns how many rows show something else now.
 */
export async function materialize<Row extends ViewRow>(
  collection: Collection<Row>,
  rows: readonly Row[],
  { replay = false }: { replay?: boolean | undefined } = {},
): Promise<number> {
  const newest = new Map<string, Row>();
  for (const row of rows) {
    if (row.version > (newest.get(row._id)?.version ?? Number.NEGATIVE_INFINITY)) newest.set(row._id, row);
  }
  if (newest.size === 0) return 0;
  const due = replay ? await notShown(collection, newest) : [...newest.values()];
  if (due.length === 0) return 0;
  // An upsert whose filter does not match because the view is newer tries to insert, and meets the row's own _id.
  const writes = (upsert: boolean) =>
    due.map(({ _id, ...fields }) => ({
      updateOne: {
        filter: { _id, version: { [replay ? '$lte' : '$lt']: fields.version } },
        update: { $set: fields },
        upsert,
      },
      // The driver's types cannot follow a generic row.
    })) as unknown as AnyBulkWriteOperation<Row>[];
  try {
    return changedBy(await collection.bulkWrite(writes(true), { ordered: false }));
  } catch (error) {
    ignoreDuplicates(error);
    // Two first versions may have raced, and the older one may have won: once more, now that the row is there.
    return changedBy(await collection.bulkWrite(writes(false), { ordered: false }));
  }
}

/** From the lake, mostly all is shown as it should be, or newer: reading costs less than writing what is there. */
async function notShown<Row extends ViewRow>(
  collection: Collection<Row>,
  rows: ReadonlyMap<string, Row>,
): Promise<Row[]> {
  // The driver's types cannot follow a generic row.
  const view = collection as unknown as Collection<ViewRow>;
  const found = await view.find({ _id: { $in: [...rows.keys()] } }, { batchSize: rows.size + 1 }).toArray();
  const shown = new Map(found.map(row => [row._id, row]));
  return [...rows.values()].filter(row => {
    const { version = Number.NEGATIVE_INFINITY } = shown.get(row._id) ?? {};
    return version <= row.version && !isSame(shown.get(row._id), row);
  });
}

const changedBy = ({ modifiedCount, upsertedCount }: BulkWriteResult): number => modifiedCount + upsertedCount;

/** A row of a projection; `revision` counts its changes. */
export type ProjectionRow = { _id: string; revision: number };

/** Rows that are made of the rows before them. */
export type Projection<Row extends ProjectionRow, Update> = {
  /**
   * Projects updates onto their rows.
   *
   * @param how `replay`: rows are read anew, because they may have been lost or changed behind the projection's back.
   * @returns every row concerned, changed or not, as it is now; and how many were changed.
   * @throws Contention when others are always faster.
   */
  apply(updates: readonly Update[], how?: { replay?: boolean }): Promise<{ rows: Row[]; changed: number }>;
};

/** Which row an update belongs to, and what comes of it. */
export type ProjectionOptions<Row extends ProjectionRow, Update> = {
  collection: Collection<Row>;
  idOf(update: Update): string;
  /**
   * The row after an update: pure; whatever the order and however often, the same updates must come to the same row.
   *
   * @param row undefined for the first update of an id.
   * @param how `replay`: the update comes from the lake once more, and the row may be wrong about what it shows.
   * @returns `row` itself when nothing changes; `revision` is set by the projection.
   */
  project(row: Row | undefined, update: Update, how: { replay: boolean }): Row;
};

const CACHED_ROWS_MAX = 50_000;
const TRIES_MAX = 50;

/** A row as it is to be, and the revision that it follows; 0 when there was none. */
type Changed<Row> = { before: number; row: Row };

/** @returns the ids of those that somebody else has written meanwhile. */
async function unlessBeaten<Row extends ProjectionRow>(
  changed: readonly Changed<Row>[],
  write: () => Promise<unknown>,
): Promise<string[]> {
  if (changed.length === 0) return [];
  try {
    await write();
    return [];
  } catch (error) {
    return ignoreDuplicates(error).flatMap(index => changed[index]?.row._id ?? []);
  }
}

/** Guarantees that a row is made of exactly the row before it, whichever processes write: the revision decides. */
export function createProjection<Row extends ProjectionRow, Update>({
  collection,
  idOf,
  project,
}: ProjectionOptions<Row, Update>): Projection<Row, Update> {
  // The driver's types cannot follow a generic row.
  const rows = collection as unknown as Collection<Document & { _id: string }>;
  // A cached row that is not the newest any more makes the write miss, and is read again.
  const cache = createCache<Row>(CACHED_ROWS_MAX);

  async function load(ids: readonly string[]): Promise<void> {
    const unknown = ids.filter(id => !cache.has(id));
    if (unknown.length === 0) return;
    const found = await rows.find({ _id: { $in: unknown } }, { batchSize: unknown.length + 1 }).toArray();
    for (const row of found) cache.set(row._id, row as unknown as Row);
  }

  /** @returns the ids whose row somebody else has changed. */
  async function write(changed: readonly Changed<Row>[]): Promise<string[]> {
    const [added, others] = [true, false].map(isNew => changed.filter(({ before }) => (before === 0) === isNew));
    const [first, second] = await Promise.all([insert(added ?? []), replace(others ?? [])]);
    return [...first, ...second];
  }

  /** New rows: nothing has to be looked for. */
  const insert = (added: readonly Changed<Row>[]) =>
    unlessBeaten(added, () =>
      rows.insertMany(
        added.map(({ row }) => ({ ...row })),
        { ordered: false },
      ),
    );

  const replace = (others: readonly Changed<Row>[]) =>
    unlessBeaten(others, () => {
      // An upsert whose revision is not there any more tries to insert, and meets the row's own _id.
      const writes = others.map(({ before, row: { _id, ...fields } }) => ({
        updateOne: { filter: { _id, revision: before }, update: { $set: fields }, upsert: true },
      }));
      return rows.bulkWrite(writes, { ordered: false });
    });

  return {
    async apply(updates, { replay = false } = {}) {
      const groups = groupBy(updates, idOf);
      if (replay) for (const id of groups.keys()) cache.delete(id);
      let remaining = [...groups.keys()];
      let written = 0;
      for (let tries = 0; remaining.length > 0; tries++) {
        if (tries === TRIES_MAX) throw new Contention(`${TRIES_MAX} tries to project onto ${remaining.length} rows`);
        await load(remaining);
        const changed: Changed<Row>[] = [];
        for (const id of remaining) {
          const before = cache.get(id);
          const after = (groups.get(id) ?? []).reduce<Row | undefined>(
            (row, update) => project(row, update, { replay }),
            before,
          );
          if (!after || after === before) continue;
          changed.push({ before: before?.revision ?? 0, row: { ...after, revision: (before?.revision ?? 0) + 1 } });
        }
        if (changed.length === 0) break;
        remaining = await write(changed);
        written += changed.length - remaining.length;
        for (const { row } of changed) cache.set(row._id, row);
        for (const id of remaining) cache.delete(id);
      }
      return { rows: [...groups.keys()].flatMap(id => cache.get(id) ?? []), changed: written };
    },
  };
}
