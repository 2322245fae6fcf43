/**
 * Results read in batches. An open cursor holds a place in a scan, not a snapshot: what is written meanwhile may or
 * may not be seen. Cursors nobody reads for ten minutes are dropped (MongoDB's `cursorTimeoutMillis`), and when there
 * are too many, the one idle the longest.
 */
import { randomInt } from 'node:crypto';
import { Long } from 'bson';
import { fail } from './errors.ts';
import type { Lease } from './scan.ts';
import { type Doc, MAX_DOCUMENT_BYTES } from './values.ts';

const IDLE_MS = 10 * 60 * 1000;
const MAX_CURSORS = 1000;
/** Without a batch size, the first batch holds so many documents, the next as many as fit. */
export const FIRST_BATCH = 101;
/** How long one request may keep others from being served, in milliseconds. */
const TURN_MS = 10;

/** Encoded documents; undefined where a pause is possible. */
export type Results = Iterator<Uint8Array | undefined, unknown>;

type Cursor = { id: Long; namespace: string; results: Results; lease: Lease; usedAt: number; next?: Uint8Array };

export type Cursors = {
  /** The first batch, and if there is more a cursor for the rest. */
  open(
    namespace: string,
    results: Results,
    lease: Lease,
    batchSize: number,
    single: boolean,
    deadline: number,
  ): Promise<Doc>;
  /** The next batch. Throws CursorNotFound. */
  more(id: Long, namespace: string, batchSize: number, deadline: number): Promise<Doc>;
  /** Whether there was such a cursor. */
  kill(id: Long): boolean;
};

/** `now` in milliseconds, from any fixed point. */
export function createCursors(now: () => number): Cursors {
  const cursors = new Map<string, Cursor>();

  function keep(cursor: Cursor): void {
    for (const [id, { usedAt }] of cursors) if (now() - usedAt > IDLE_MS) cursors.delete(id);
    const oldest = cursors.keys().next().value;
    if (cursors.size >= MAX_CURSORS && oldest !== undefined) cursors.delete(oldest);
    cursor.usedAt = now();
    cursors.set(cursor.id.toString(), cursor);
  }

  return {
    async open(namespace, results, lease, batchSize, single, deadline) {
      const cursor: Cursor = { id: Long.ZERO, namespace, results, lease, usedAt: now() };
      const { batch, done } = await fill(cursor, batchSize, deadline);
      if (!done && !single) {
        cursor.id = Long.fromNumber(randomInt(1, 2 ** 47));
        keep(cursor);
      }
      return { cursor: { firstBatch: batch, id: cursor.id, ns: namespace } };
    },
    async more(id, namespace, batchSize, deadline) {
      const cursor = cursors.get(id.toString());
      const expired = cursor && now() - cursor.usedAt > IDLE_MS;
      cursors.delete(id.toString());
      if (!cursor || expired || cursor.namespace !== namespace) fail('CursorNotFound', `cursor id ${id} not found`);
      cursor.lease.stale = true;
      const { batch, done } = await fill(cursor, batchSize || Number.MAX_SAFE_INTEGER, deadline);
      if (!done) keep(cursor);
      return { cursor: { nextBatch: batch, id: done ? Long.ZERO : id, ns: namespace } };
    },
    kill: id => cursors.delete(id.toString()),
  };
}

async function fill(cursor: Cursor, size: number, deadline: number): Promise<{ batch: Uint8Array[]; done: boolean }> {
  const batch: Uint8Array[] = [];
  let bytes = 0;
  const pause = pauses(deadline);
  for (;;) {
    const next = cursor.next ?? (await step(cursor, pause));
    if (!next) return { batch, done: true };
    cursor.next = next;
    // Looking one document ahead saves the client a request that would return nothing.
    if (batch.length >= size || (batch.length > 0 && bytes + next.length > MAX_DOCUMENT_BYTES))
      return { batch, done: false };
    batch.push(next);
    bytes += next.length;
    cursor.next = undefined;
  }
}

async function step({ results, lease }: Cursor, pause: Pause): Promise<Uint8Array | undefined> {
  for (;;) {
    const { done, value } = results.next();
    if (done) return undefined;
    if (value instanceof Uint8Array) return value;
    if (await pause()) lease.stale = true;
  }
}

/** Lets others run if this request has had its turn; resolves to whether it did. Throws MaxTimeMSExpired. */
export type Pause = () => Promise<boolean>;

/** `deadline` on the clock of `performance.now()`. */
export function pauses(deadline: number): Pause {
  let since = performance.now();
  return async () => {
    const now = performance.now();
    if (now > deadline) fail('MaxTimeMSExpired', 'operation exceeded time limit');
    if (now - since < TURN_MS) return false;
    await new Promise<void>(resolve => setImmediate(resolve));
    since = performance.now();
    return true;
  };
}

/** Everything the results still hold. */
export async function drain<T>(
  results: Iterator<T | undefined, unknown>,
  lease: Lease,
  deadline: number,
  each: (item: T) => void,
): Promise<void> {
  const pause = pauses(deadline);
  for (;;) {
    const next = results.next();
    if (next.done) return;
    if (next.value === undefined) lease.stale = (await pause()) || lease.stale;
    else each(next.value);
  }
}
