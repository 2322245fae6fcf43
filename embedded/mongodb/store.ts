/**
 * Durable ordered storage of bytes under keys of bytes: lmdb behind a write-ahead log, with one writer and group commit. It
 * guarantees that a write's promise resolves only after its transaction is on disk, that a transaction is there whole or not
 * at all after a crash, and that jobs run one after the other.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CommandError, StorageError, StorageLost } from './errors.ts';
import { asBuffer, openJournal } from './journal.ts';
import type { Pages } from './pages.ts';

export type Entry = { key: Buffer; value: Buffer };

/** Keys from `from` (included) to `to` (excluded), in bytes order or, reversed, from the end. */
export type Span = { from: Uint8Array; to: Uint8Array; reverse?: boolean; limit: number };

export type Storage = {
  /** Inside a job it sees the job's own transaction, elsewhere what is committed, and may not be on disk yet: see `durable`. */
  get(key: Uint8Array): Buffer | undefined;
  scan(span: Span): Entry[];
  count(from: Uint8Array, to: Uint8Array): number;
  /** Only inside a job. Throws StorageError, which undoes the whole transaction. */
  put(key: Uint8Array, value: Uint8Array): void;
  remove(key: Uint8Array): void;
  /**
   * Runs a synchronous job in the next transaction and resolves to its result once that is durable. A job that throws
   * is not undone: it must check everything before its first `put`.
   */
  write<T>(job: () => T): Promise<T>;
  /** Resolves when all that can be read now is on disk; undefined when it is. */
  durable(): Promise<void> | undefined;
  /** Told when a transaction was undone, so that what was cached from it can be read again. */
  onUndo(listener: () => void): void;
  close(): Promise<void>;
};

type Job = { run: () => void; settle: (error?: unknown) => void };

/** How long one transaction may gather work before others wait for the disk, in milliseconds. */
const GROUP_MS = 40;

/** Opens or creates the storage of a folder. @throws when its files are damaged, or cannot be read or written. */
export async function openStorage(dir: string): Promise<Storage> {
  const journal = await openJournal(dir);
  const { db } = journal;
  const queue: Job[] = [];
  let running: Promise<void> | undefined;
  let closed = false;
  const undone: (() => void)[] = [];

  async function commitAll(): Promise<void> {
    while (queue.length > 0) {
      // What has arrived meanwhile joins the group.
      await nextTurn();
      await commitGroup();
      await journal.tend();
    }
    running = undefined;
  }

  async function commitGroup(): Promise<void> {
    const taken: Job[] = [];
    try {
      journal.transact(() => runGroup(queue, taken));
      await journal.durable();
      for (const job of taken) job.settle();
    } catch (error) {
      // The process ends: nobody is told what is not known.
      if (error instanceof StorageLost) return;
      for (const listener of undone) listener();
      // If not even the transaction could begin, nothing that waits for one can go on.
      if (taken.length === 0) taken.push(...queue.splice(0));
      for (const job of taken) job.settle(asCommandError(error));
    }
  }

  return {
    get: key => copyOf(db.getBinaryFast(key)),
    scan: span => scan(db, span),
    count: (from, to) => db.getCount({ start: from, end: to }),
    put: (key, value) => guard(() => journal.put(key, value)),
    remove: key => guard(() => journal.remove(key)),
    write(run) {
      if (closed) return Promise.reject(new CommandError('InternalError', 'the storage is closed'));
      return new Promise((resolve, reject) => {
        queue.push(toJob(run, resolve, reject));
        running ??= commitAll();
      });
    },
    durable: journal.durable,
    onUndo: listener => undone.push(listener),
    async close() {
      closed = true;
      await running;
      await journal.close();
    },
  };
}

function runGroup(queue: Job[], taken: Job[]): void {
  const end = performance.now() + GROUP_MS;
  do {
    const job = queue.shift();
    if (!job) return;
    taken.push(job);
    job.run();
  } while (performance.now() < end);
}

/** Keeps the job's own result or error until the transaction is durable. A StorageError is the transaction's. */
function toJob<T>(run: () => T, resolve: (result: T) => void, reject: (error: unknown) => void): Job {
  let outcome: () => void = () => {};
  return {
    run() {
      try {
        const result = run();
        outcome = () => resolve(result);
      } catch (error) {
        if (error instanceof StorageError) throw error;
        outcome = () => reject(error);
      }
    },
    settle: error => (error === undefined ? outcome() : reject(error)),
  };
}

function scan(db: Pages['db'], { from, to, reverse, limit }: Span): Entry[] {
  const range = reverse
    ? db.getRange({ start: to, exclusiveStart: true, end: from, inclusiveEnd: true, reverse, limit })
    : db.getRange({ start: from, end: to, limit });
  const entries: Entry[] = [];
  for (const { key, value } of range) entries.push({ key: asBuffer(key), value: asBuffer(value) });
  return entries;
}

/** Of bytes that are only there until something else is read. Of these only `length` tells how many there are. */
function copyOf(bytes: Buffer | undefined): Buffer | undefined {
  if (!bytes) return undefined;
  const copy = Buffer.allocUnsafe(bytes.length);
  copy.set(new Uint8Array(bytes.buffer, bytes.byteOffset, copy.length));
  return copy;
}

function guard(action: () => void): void {
  try {
    action();
  } catch (error) {
    throw new StorageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function asCommandError(error: unknown): CommandError {
  const message = error instanceof Error ? error.message : String(error);
  // lmdb makes an input/output error of a write that was cut short, which is how a disk gets full.
  const full = /ENOSPC|MAP_FULL|No space|Input\/output error/i.test(message);
  return new CommandError(full ? 'OutOfDiskSpace' : 'InternalError', `storage: ${message}`);
}
