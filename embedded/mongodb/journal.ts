/**
 * What makes lmdb durable here. lmdb itself syncs nothing: each transaction is written to the log before it is committed, and synced
 * there before anybody is told of it; its pages follow by checkpoints, which nobody waits for. After a crash, of the process or of the machine, the
 * storage goes back to the last checkpoint and does again what the log has since: always in this way, so that every kill tries it.
 */
import { randomInt } from 'node:crypto';
import { open as openFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Database, open } from 'lmdb';
import { type Checkpoint, copyHeads, putHeadsBack, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { StorageLost } from './errors.ts';
import { hasLog, type Log, openLog, recordsAfter } from './log.ts';

export type Pages = Database<Buffer, Uint8Array>;

export type Journal = {
  /** To read from. It has what was changed until now, also what is not durable yet. */
  db: Pages;
  /** Only inside a transaction. */
  put(key: Uint8Array, value: Uint8Array): void;
  remove(key: Uint8Array): void;
  /** Runs a transaction. @throws when it could not; nothing of it has happened then. */
  transact(work: () => void): void;
  /** Resolves when all transactions until now are durable; undefined when they are. The process ends when they cannot be. */
  durable(): Promise<void> | undefined;
  /** Begins a checkpoint when one is due. @returns what writes have to wait for, where the disk cannot follow. */
  tend(): Promise<void> | undefined;
  close(): Promise<void>;
};

/**
 * When a checkpoint is due: so long after the last one, or after so many bytes of the log or changes. Each change may hold a page
 * until then, and all bytes are done again at the start after a crash.
 */
type Due = { ms: number; bytes: number; changes: number };
const DUE: Due = { ms: 5_000, bytes: 16 * 1024 * 1024, changes: 20_000 };
/** Where the log has become so long during a checkpoint, writes wait for it. */
const LOG_BYTES_MAX = 64 * 1024 * 1024;
/** Changes of the log that are done again in one transaction. */
const REDO_CHANGES = 10_000;

/** Opens or creates the files of a folder. @throws when they are damaged, or cannot be read or written. */
export async function openJournal(dir: string, due = DUE): Promise<Journal> {
  let valid = readCheckpoint(dir);
  if (valid) putHeadsBack(dir, valid);
  // The first one is there before anything is written to the log.
  else if (hasLog(dir)) throw new Error(`${join(dir, 'checkpoint')} is missing: take the folder from a backup`);
  const db = open<Buffer, Uint8Array>({
    ...{ path: dir, noSubdir: false, keyEncoding: 'binary', encoding: 'binary' },
    ...{ overlappingSync: false, noSync: true },
  });
  // From here on, for as long as a checkpoint is valid, its pages stay where they are.
  let reader = db.useReadTransaction();
  const pages = await openFile(join(dir, 'data.mdb'), 'r+');
  const pageBytes = pageBytesOf(db);
  const number = valid ? redo(db, dir, valid) : 0;
  const salt = valid?.salt ?? randomInt(2 ** 32);
  const log = openLog(dir, { half: valid?.half ?? 0, number, salt });
  let changes = 0;
  let takenMs = 0;
  let going: Promise<void> | undefined;

  async function checkpoint(): Promise<void> {
    // The other half is free unless the valid checkpoint still needs it, because the one after that has failed.
    if ((valid?.half ?? 0) === log.place().half) orGiveUp(() => log.turn());
    const taken: Checkpoint = { ...log.place(), salt, heads: copyHeads(pages.fd, pageBytes) };
    const ofTaken = db.useReadTransaction();
    [changes, takenMs] = [0, performance.now()];
    try {
      await pages.datasync().catch(giveUp);
      await writeCheckpoint(dir, taken);
    } catch (error) {
      // Still to be done, also when nothing more is changed.
      changes++;
      ofTaken.done();
      throw error;
    }
    valid = taken;
    reader.done();
    reader = ofTaken;
  }

  const isDue = () =>
    changes > due.changes || log.bytes() > due.bytes || (changes > 0 && performance.now() - takenMs > due.ms);

  function tend(): Promise<void> | undefined {
    if (isDue()) {
      // One that fails loses nothing: the one before is valid, and the log has all since then. It is tried again.
      going ??= checkpoint()
        .catch(error => process.emitWarning(`no checkpoint: ${error instanceof Error ? error.message : error}`))
        .finally(() => {
          going = undefined;
        });
    }
    return log.bytes() > LOG_BYTES_MAX ? going : undefined;
  }

  async function close(): Promise<void> {
    clearInterval(timer);
    await going;
    await log.sync();
    // So that the next start has nothing to do again. If there is no room for it, that does it.
    if (changes > 0) await checkpoint().catch(() => undefined);
    reader.done();
    await db.close();
    await pages.close();
    log.close();
  }

  const timer = setInterval(tend, due.ms).unref();
  await checkpoint();
  return {
    db,
    put(key, value) {
      db.putSync(key, asBuffer(value));
      log.put(key, value);
      changes++;
    },
    remove(key) {
      db.removeSync(key);
      log.remove(key);
      changes++;
    },
    transact: work => transact(db, log, work),
    durable: () => log.sync()?.catch(giveUp),
    tend,
    close,
  };
}

/** The same bytes, not a copy. */
export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function transact(db: Pages, log: Log, work: () => void): void {
  let isLogged = false;
  try {
    db.transactionSync(() => {
      work();
      if (!log.holds()) return;
      log.commit();
      isLogged = true;
    });
  } catch (error) {
    log.forget();
    // lmdb has not taken what the log has already.
    if (isLogged) orGiveUp(() => log.takeBack());
    throw error;
  }
}

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

/** Does again what the log has. @returns the number of the last record. */
function redo(db: Pages, dir: string, checkpoint: Checkpoint): number {
  let { number } = checkpoint;
  const records = recordsAfter(dir, checkpoint);
  for (let isOver = false; !isOver; ) {
    db.transactionSync(() => {
      for (let changes = 0; changes < REDO_CHANGES; ) {
        const { done, value: record } = records.next();
        isOver = done === true;
        if (done) return;
        for (const { key, value } of record.changes) {
          if (value) db.putSync(key, value);
          else db.removeSync(key);
        }
        changes += record.changes.length;
        number = record.number;
      }
    });
  }
  return number;
}

function pageBytesOf(db: Pages): number {
  const { pageSize }: { pageSize?: number } = db.getStats();
  if (pageSize === undefined) throw new Error('lmdb does not say how large its pages are');
  return pageSize;
}
