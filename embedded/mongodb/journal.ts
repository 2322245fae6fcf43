/**
 * What makes lmdb durable here. lmdb itself syncs nothing, and is seldom asked to commit: each transaction is written to the log, and
 * synced there before anybody is told of it; its pages follow by checkpoints, which nobody waits for. After a crash, of the process or of
 * the machine, the storage goes back to the last checkpoint and does again what the log has since: always in this way, so that every
 * kill tries it. So it does, from the last commit, after a transaction that failed half done.
 */
import { randomInt } from 'node:crypto';
import { open as openFile } from 'node:fs/promises';
import { join } from 'node:path';
import { copyHeads, putHeadsBack, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { StorageLost } from './errors.ts';
import { hasLog, openLog, type Place, recordsAfter } from './log.ts';
import { openPages, type Pages } from './pages.ts';

export type Journal = {
  /** To read from. It has what was changed until now, also what is not durable yet. */
  db: Pages['db'];
  /** Only inside a transaction. */
  put(key: Uint8Array, value: Uint8Array): void;
  remove(key: Uint8Array): void;
  /** Runs a transaction. @throws when it could not; nothing of it has happened then. */
  transact(work: () => void): void;
  /** Resolves when all transactions until now are durable; undefined when they are. The process ends when they cannot be. */
  durable(): Promise<void> | undefined;
  /** Commits, and begins a checkpoint, when one is due. @returns what writes have to wait for, where the disk cannot follow. */
  tend(): Promise<void> | undefined;
  close(): Promise<void>;
};

/**
 * When a checkpoint is due: so long after the last one, or after so many bytes of the log, changes or pages. All changes are done again at
 * the start after a crash, and a page that was written is not used again until then. Where the log has become `mostBytes` long meanwhile,
 * writes wait.
 */
type Due = { ms: number; bytes: number; changes: number; pages: number; mostBytes: number };
const DUE: Due = {
  ...{ ms: 5_000, bytes: 16 * 1024 * 1024, changes: 100_000, pages: 20_000, mostBytes: 64 * 1024 * 1024 },
};
/**
 * Changed pages are in memory until they are committed, and everybody waits while they are written. In a small file many changes share a
 * page, in a large one each may have one or two of its own: so commits come after as many changes as had about that many pages last time.
 */
const COMMIT = { pages: 4_000, fewest: 2_000, most: 20_000 };

/** Opens or creates the files of a folder. @throws when they are damaged, or cannot be read or written. */
export async function openJournal(dir: string, due = DUE): Promise<Journal> {
  let valid = readCheckpoint(dir);
  if (valid) putHeadsBack(dir, valid);
  // The first one is there before anything is written to the log.
  else if (hasLog(dir)) throw new Error(`${join(dir, 'checkpoint')} is missing: take the folder from a backup`);
  const pages = openPages(dir);
  const { db } = pages;
  // From here on, for as long as a checkpoint is valid, its pages stay where they are.
  let reader = pages.commit(() => db.useReadTransaction());
  const file = await openFile(join(dir, 'data.mdb'), 'r+');
  const pageBytes = pageBytesOf(pages);
  const number = valid ? redo(pages, dir, valid, COMMIT.fewest) : 0;
  const salt = valid?.salt ?? randomInt(2 ** 32);
  const log = openLog(dir, { half: valid?.half ?? 0, number, salt });
  let committed: Place = { ...log.place(), salt };
  let [changes, uncommitted] = [0, 0];
  let commitAfter = COMMIT.fewest;
  let takenMs = 0;
  /** Pages written, until now and until the last checkpoint. */
  let [written, takenPages] = [0, 0];
  let going: Promise<void> | undefined;

  /** @throws when the disk does not take the pages; they are changed in memory then as they were. */
  function commit<T>(then: () => T): T {
    const [committing, before] = [uncommitted, written];
    // One that fails is tried again after as many changes, or in time.
    uncommitted = 0;
    try {
      return pages.commit(() => {
        committed = { ...log.place(), salt };
        written = pages.written();
        const perChange = (written - before) / committing;
        if (committing >= COMMIT.fewest) commitAfter = within(COMMIT, COMMIT.pages / perChange);
        return then();
      });
    } catch (error) {
      orGiveUp(() => redo(pages, dir, committed));
      throw error;
    }
  }

  async function takeCheckpoint(): Promise<void> {
    // The other half is free unless the valid checkpoint still needs it, because the one after that has failed.
    if ((valid?.half ?? 0) === log.place().half) orGiveUp(() => log.turn());
    const taken = commit(() => ({
      checkpoint: { ...committed, heads: copyHeads(file.fd, pageBytes) },
      reader: db.useReadTransaction(),
    }));
    try {
      await file.datasync().catch(giveUp);
      await writeCheckpoint(dir, taken.checkpoint);
    } catch (error) {
      taken.reader.done();
      throw error;
    }
    valid = taken.checkpoint;
    reader.done();
    reader = taken.reader;
  }

  async function checkpoint(): Promise<void> {
    [changes, takenMs, takenPages] = [0, performance.now(), written];
    try {
      await takeCheckpoint();
    } catch (error) {
      // Still to be done, also when nothing more is changed.
      changes++;
      throw error;
    }
  }

  const isDue = () =>
    changes > due.changes ||
    log.bytes() > due.bytes ||
    written - takenPages > due.pages ||
    (changes > 0 && performance.now() - takenMs > due.ms);

  function transact(work: () => void): void {
    // Where the disk is full that is seen before anything is done, which would have to be undone.
    log.makeRoom();
    try {
      work();
      if (log.holds()) log.commit();
    } catch (error) {
      log.forget();
      // It is half done, and undone with all since the last commit, which the log has.
      orGiveUp(() => {
        pages.abort();
        redo(pages, dir, committed);
      });
      throw error;
    }
  }

  function tend(): Promise<void> | undefined {
    if (isDue()) {
      // One that fails loses nothing: the one before is valid, and the log has all since then. It is tried again.
      going ??= checkpoint()
        .catch(warn('no checkpoint'))
        .finally(() => {
          going = undefined;
        });
    }
    if (uncommitted > commitAfter) {
      try {
        commit(() => undefined);
      } catch (error) {
        warn('no commit')(error);
      }
    }
    return log.bytes() > due.mostBytes ? going : undefined;
  }

  async function close(): Promise<void> {
    clearInterval(timer);
    await going;
    await log.sync();
    // So that the next start has nothing to do again. If there is no room for it, that does it.
    if (changes > 0) await checkpoint().catch(() => undefined);
    reader.done();
    await pages.close();
    await file.close();
    log.close();
  }

  function change(): void {
    changes++;
    uncommitted++;
  }

  const timer = setInterval(tend, due.ms).unref();
  await checkpoint();
  return {
    db,
    put(key, value) {
      db.putSync(key, asBuffer(value));
      log.put(key, value);
      change();
    },
    remove(key) {
      db.removeSync(key);
      log.remove(key);
      change();
    },
    transact,
    durable: () => log.sync()?.catch(giveUp),
    tend,
    close,
  };
}

const within = ({ fewest, most }: { fewest: number; most: number }, count: number) =>
  Math.min(most, Math.max(fewest, count));

/** The same bytes, not a copy. */
export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function orGiveUp(work: () => void): void {
  try {
    work();
  } catch (error) {
    giveUp(error);
  }
}

/**
 * What could not be synced cannot be synced again: the system forgets it, and says so once. So the process ends, and begins
 * anew from what is known to be on disk. Nobody is told how it went, for that is not known: connections break.
 */
function giveUp(error: unknown): never {
  setImmediate(() => {
    throw error;
  });
  throw new StorageLost('what was written may not be on disk', { cause: error });
}

const warn = (what: string) => (error: unknown) =>
  process.emitWarning(`${what}: ${error instanceof Error ? error.message : error}`);

/**
 * Does again what the log has since then.
 *
 * @param changes after so many it is committed; never when absent.
 * @returns the number of the last transaction.
 */
function redo({ db, commit }: Pages, dir: string, since: Place, changes = Number.POSITIVE_INFINITY): number {
  let { number } = since;
  let uncommitted = 0;
  for (const record of recordsAfter(dir, since)) {
    for (const { key, value } of record.changes) {
      if (value) db.putSync(key, value);
      else db.removeSync(key);
    }
    number = record.number;
    uncommitted += record.changes.length;
    if (uncommitted < changes) continue;
    commit(() => undefined);
    uncommitted = 0;
  }
  return number;
}

function pageBytesOf({ db }: Pages): number {
  const { pageSize }: { pageSize?: number } = db.getStats();
  if (pageSize === undefined) throw new Error('lmdb does not say how large its pages are');
  return pageSize;
}
