/**
 * Causation: what an event follows from, and what followed from it, each a step at a time, so that a client walks from a
 * deposit to everything that it led to by nesting them. How deep and how many is bounded by the operation's cost.
 */
import DataLoader from 'dataloader';
import type { Collection } from 'mongodb';
import { connection, decodeCursor, numberPlace, pageSize } from '../../schema/paging.ts';
import type { LakeRow } from './store.ts';

export const causeIndexes = [{ key: { 'event.causationid': 1, version: 1 } }] as const;

type Page = { first?: number | null; after?: string | null };

/** The fields of Event for it. @param rows the lake's. */
export function causation(rows: Collection<LakeRow>) {
  const byId = new DataLoader<string, LakeRow | undefined>(
    async ids => {
      const found = await rows
        .find({ _id: { $in: [...ids] } })
        .batchSize(ids.length + 1)
        .toArray();
      const known = new Map(found.map(row => [row._id, row]));
      return ids.map(id => known.get(id));
    },
    { cache: false, maxBatchSize: 1_000 },
  );
  return {
    /** One at most; none where a story begins, and where the lake does not have it. */
    async causes({ event: { causationid } }: LakeRow): Promise<LakeRow[]> {
      const cause = causationid === undefined ? undefined : await byId.load(causationid);
      return cause ? [cause] : [];
    },

    async caused({ event: { id } }: LakeRow, { first, after }: Page) {
      const size = pageSize(first);
      const beyond = decodeCursor(after, numberPlace)?.[0] ?? 0;
      const effects = await rows
        .find({ 'event.causationid': id, version: { $gt: beyond } })
        .sort({ version: 1 })
        .limit(size + 1)
        .batchSize(size + 1)
        .toArray();
      const totalCount = () => rows.countDocuments({ 'event.causationid': id });
      return {
        ...connection(
          effects,
          size,
          ({ version }) => [version],
          row => row,
        ),
        totalCount,
      };
    },
  };
}
