/**
 * Compares two collections that should show the same, while both go on changing. Nearly all of it is the same byte for byte: only what is
 * not is decoded.
 */
import isSame from 'fast-deep-equal';
import { BSON, type Collection, type Filter, type FindCursor } from 'mongodb';
import type { Clock } from './clock.ts';
import { chunk } from './group.ts';

/** A row of any derived collection; it has the fields that its service gives it. */
export type Row = { _id: string; version?: number; [field: string]: unknown };

/** What is compared, and what of it does not count. */
export type Comparison = {
  served: Collection<Row>;
  copy: Collection<Row>;
  filter: Filter<Row>;
  /** The field that names the subject that a row belongs to. */
  subject: string;
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

/** What differs: by row, the subjects that it belongs to, one in either, or one in each; and how many more there are than are kept. */
export type Differences = { rows: Map<string, ReadonlySet<string>>; beyond: number };

/** The rows that are missing in one of the two, or differ. */
export async function findDifferences(comparison: Comparison): Promise<Differences> {
  const { served, copy, filter, clock, signal } = comparison;
  const rows = new Map<string, ReadonlySet<string>>();
  let beyond = 0;
  for await (const [id, subjects] of differing(comparison)) {
    if (rows.size < LOOKED_AT_MAX) rows.set(id, subjects);
    else beyond += 1;
  }
  for (let look = 1; look <= LOOKS && rows.size > 0 && !signal.aborted; look++) {
    await clock.sleep(LOOK_AGAIN_MS, signal);
    for (const ids of chunk([...rows.keys()], BATCH)) {
      const [a, b] = await Promise.all([served, copy].map(of => rowsById(of, { ...filter, _id: { $in: ids } })));
      for (const id of ids) if (showSame(a?.get(id), b?.get(id), comparison.ignored)) rows.delete(id);
    }
  }
  return { rows, beyond };
}

async function rowsById(of: Collection<Row>, filter: Filter<Row>): Promise<Map<string, Row>> {
  const rows = await of.find(filter).batchSize(BATCH).toArray();
  return new Map(rows.map(row => [String(row._id), row as Row]));
}

/** The ids that differ as both are read side by side, in the order of their ids; and the subjects of each. */
async function* differing({
  served,
  copy,
  filter,
  subject,
  ignored,
}: Comparison): AsyncGenerator<[string, ReadonlySet<string>]> {
  const subjectsOf = (...rows: Row[]) => new Set(rows.map(row => String(row[subject])));
  const projection = Object.fromEntries([...BOOKKEEPING, ...ignored].map(name => [name, 0]));
  const walk = (of: Collection<Row>) =>
    // As bytes, which the driver's types do not know.
    walkOver(of.find(filter, { projection, raw: true }).sort({ _id: 1 }).batchSize(BATCH) as FindCursor<unknown>);
  const [a, b] = [walk(served), walk(copy)];
  for (;;) {
    if (a.isSpent() || b.isSpent()) await Promise.all([a, b].map(each => each.isSpent() && each.read()));
    const [left, right] = [a.bytes(), b.bytes()];
    if (!left && !right) return;
    if (!left || !right || !left.equals(right)) {
      const [one, other] = [rowOf(left), rowOf(right)];
      const order = orderOf(one?._id, other?._id);
      if (order < 0 && one) yield [one._id, subjectsOf(one)];
      else if (order > 0 && other) yield [other._id, subjectsOf(other)];
      // A row may have been moved from one subject to another.
      else if (one && other && !showSame(one, other, ignored)) yield [one._id, subjectsOf(one, other)];
      if (order <= 0) a.next();
      if (order >= 0) b.next();
    } else {
      a.next();
      b.next();
    }
  }
}

const rowOf = (bytes: Buffer | undefined) => bytes && (BSON.deserialize(bytes) as Row);

/** Walks over what a cursor finds, which it reads some of when asked to. */
function walkOver(cursor: FindCursor<unknown>) {
  let rows: readonly Buffer[] = [];
  let at = 0;
  let isOver = false;
  return {
    /** Whether what was read is behind it, and there may be more. */
    isSpent: () => at >= rows.length && !isOver,
    async read(): Promise<void> {
      isOver = !(await cursor.hasNext());
      [rows, at] = [cursor.readBufferedDocuments() as Buffer[], 0];
    },
    /** Of the row that it is at; undefined behind the last one. */
    bytes: () => rows[at],
    next(): void {
      at++;
    },
  };
}

/** As the database orders text: by its bytes. What has come to its end is behind everything. */
function orderOf(a: string | undefined, b: string | undefined): number {
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Whether two rows show the same, whatever the order of their fields; what is missing is the same as what is missing. */
function showSame(left: Row | undefined, right: Row | undefined, ignored: readonly string[]): boolean {
  if (!left || !right) return left === right;
  const counts = (name: string) => !BOOKKEEPING.includes(name) && !ignored.includes(name);
  const names = Object.keys(left).filter(counts);
  if (names.length !== Object.keys(right).filter(counts).length) return false;
  return names.every(name => name in right && isSame(left[name], right[name]));
}
