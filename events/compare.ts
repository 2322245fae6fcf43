/** Compares two collections that should show the same, while both go on changing. */
import type { Collection, Document, Filter } from 'mongodb';
import type { Clock } from './clock.ts';

export type Comparison = {
  served: Collection<Document>;
  copy: Collection<Document>;
  filter: Filter<Document>;
  /** Top-level fields that say nothing of what a row shows. */
  ignored: readonly string[];
  clock: Clock;
  signal: AbortSignal;
};

/** What is the outbox's, not the row's. */
const BOOKKEEPING = ['pending', 'relayed', 'fence', 'revision'];
const BATCH = 1_000;
/** A row that changes right now differs for a moment: it is looked at again, so often and so long after. */
const LOOKS = 8;
const LOOK_AGAIN_MS = 150;
/** Rows that differ that are looked at again; those beyond are counted as they are. */
const LOOKED_AT_MAX = 10_000;

/** How many rows are missing in one of them, or differ: rows that only one of them has count as well. */
export async function countDifferences(comparison: Comparison): Promise<number> {
  const { served, copy, filter, clock, signal } = comparison;
  const suspects: string[] = [];
  let beyond = 0;
  for await (const id of differing(comparison)) {
    if (suspects.length < LOOKED_AT_MAX) suspects.push(id);
    else beyond += 1;
  }
  let left = suspects;
  for (let look = 1; look <= LOOKS && left.length > 0 && !signal.aborted; look++) {
    await clock.sleep(LOOK_AGAIN_MS, signal);
    const still: string[] = [];
    for (let at = 0; at < left.length; at += BATCH) {
      const ids = left.slice(at, at + BATCH);
      const [a, b] = await Promise.all(
        [served, copy].map(of => faces(of, { ...filter, _id: { $in: ids } }, comparison)),
      );
      still.push(...ids.filter(id => a?.get(id) !== b?.get(id)));
    }
    left = still;
  }
  return left.length + beyond;
}

async function faces(of: Collection<Document>, filter: Document, comparison: Comparison): Promise<Map<string, string>> {
  const rows = await of.find(filter).batchSize(BATCH).toArray();
  return new Map(rows.map(row => [String(row._id), face(row, comparison.ignored)]));
}

/** The ids that differ as both are read side by side, in the order of their ids. */
async function* differing({ served, copy, filter, ignored }: Comparison): AsyncGenerator<string> {
  const walk = (of: Collection<Document>) =>
    of.find(filter).sort({ _id: 1 }).batchSize(BATCH)[Symbol.asyncIterator]() as AsyncIterator<Document>;
  const [a, b] = [walk(served), walk(copy)];
  let [left, right] = [await a.next(), await b.next()];
  while (!left.done || !right.done) {
    const order = orderOf(
      left.done ? undefined : String(left.value._id),
      right.done ? undefined : String(right.value._id),
    );
    if (order === 0) {
      if (face(left.value, ignored) !== face(right.value, ignored)) yield String(left.value._id);
      [left, right] = [await a.next(), await b.next()];
    } else if (order < 0) {
      yield String(left.value._id);
      left = await a.next();
    } else {
      yield String(right.value._id);
      right = await b.next();
    }
  }
}

/** As the database orders text: by its bytes. What has come to its end is behind everything. */
function orderOf(a: string | undefined, b: string | undefined): number {
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** What a row shows, as text: the same whatever the order of its fields. */
function face(row: Document, ignored: readonly string[]): string {
  return JSON.stringify(sorted(row, name => BOOKKEEPING.includes(name) || ignored.includes(name)));
}

function sorted(value: unknown, leaveOut: (name: string) => boolean = () => false): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(item => sorted(item));
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !leaveOut(name))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, field]) => [name, sorted(field)]),
  );
}
