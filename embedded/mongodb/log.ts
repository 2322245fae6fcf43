/**
 * The write-ahead log: what each transaction has put and removed, one record after the other in two files that are used in
 * turn. It is synced after each record, so that the pages of the storage need not be: they are scattered, and to sync
 * them takes thirty times as long. After a crash the records are done again on top of the last checkpoint (see checkpoint.ts).
 *
 * A record is its length and the CRC-32, begun with the folder's salt, of all that follows (4 bytes each), its number (8 bytes),
 * and its operations: a 1 and the lengths of key and value (1, 2 and 4 bytes) and both; or a 0, the length of the key, and the key.
 * Numbers rise by one, so what an earlier turn has left behind a file's last record is known for what it is.
 */
import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';

/** One of the two files. */
export type Half = 0 | 1;

/** A change of one key; without a value, its removal. */
type Change = { key: Buffer; value?: Buffer };

/** Where records follow one another; the salt, of 32 bits, tells them from values that look like records. */
export type Place = { half: Half; number: number; salt: number };

/** One transaction's. */
type LogRecord = { number: number; changes: Change[] };

export type Log = {
  /** Where the next record goes, and the number of the last one. */
  place(): { half: Half; number: number };
  /** Bytes in the file that is written to. */
  bytes(): number;
  /** @throws when there is not even room for a record of the usual size. */
  makeRoom(): void;
  put(key: Uint8Array, value: Uint8Array): void;
  remove(key: Uint8Array): void;
  /** Whether anything was put or removed since the last record. */
  holds(): boolean;
  /** Makes a record of it. @throws when it could not be written; it counts as never written then. */
  commit(): void;
  /** Resolves when all records until now are on disk; undefined when they are. Rejects when they may never be. */
  sync(): Promise<void> | undefined;
  /** Forgets what was put and removed since the last record. */
  forget(): void;
  /** Goes on in the other file, from its beginning: what that holds must not be needed any more. */
  turn(): void;
  close(): void;
};

const HEAD_BYTES = 16;
const PUT = 1;
const REMOVE = 0;
/** Files grow by zeros, in such pieces, so that a record changes nothing but its own bytes: that is half of the time of a sync. */
const PIECE_BYTES = 1024 * 1024;
/** Most records are smaller. */
const USUAL_BYTES = 64 * 1024;

const datasync = promisify(fdatasync);
const fileOf = (dir: string, half: Half) => join(dir, `log.${half}`);
const otherHalf = (half: Half): Half => (half === 0 ? 1 : 0);

/**
 * @param from where to go on: the half that nothing is needed of any more, and the number of the last record that was done.
 * @throws what the file system says.
 */
export function openLog(dir: string, from: Place): Log {
  const files = [open(fileOf(dir, 0)), open(fileOf(dir, 1))] as const;
  syncFolder(dir);
  const sizes = files.map(file => fstatSync(file).size);
  const { salt } = from;
  let { half, number } = from;
  let end = 0;
  /** Records written to the files, and of those how many are synced. */
  let written = 0;
  let synced = 0;
  let syncing: Promise<void> | undefined;
  let buffer = Buffer.allocUnsafe(64 * 1024);
  let used = HEAD_BYTES;

  function reserve(bytes: number): void {
    if (used + bytes <= buffer.length) return;
    const wider = Buffer.allocUnsafe(Math.max(buffer.length * 2, used + bytes));
    buffer.copy(wider, 0, 0, used);
    buffer = wider;
  }

  function add(kind: number, key: Uint8Array, value?: Uint8Array): void {
    reserve(7 + key.length + (value?.length ?? 0));
    used = buffer.writeUInt8(kind, used);
    used = buffer.writeUInt16LE(key.length, used);
    if (value) used = buffer.writeUInt32LE(value.length, used);
    buffer.set(key, used);
    used += key.length;
    if (!value) return;
    buffer.set(value, used);
    used += value.length;
  }

  /** Makes room, in zeros, for what comes. */
  function grow(upTo: number): void {
    const size = sizes[half] ?? 0;
    if (upTo <= size) return;
    const wanted = Math.ceil(upTo / PIECE_BYTES) * PIECE_BYTES;
    writeAll(files[half], Buffer.alloc(wanted - size), size);
    fsyncSync(files[half]);
    sizes[half] = wanted;
  }

  async function syncAll(): Promise<void> {
    try {
      while (synced < written) {
        const upTo = written;
        await datasync(files[half]);
        synced = Math.max(synced, upTo);
      }
    } finally {
      // At once: whatever is written from now on needs a sync of its own.
      syncing = undefined;
    }
  }

  function syncNow(): void {
    fdatasyncSync(files[half]);
    synced = written;
  }

  return {
    place: () => ({ half, number }),
    bytes: () => end,
    makeRoom: () => grow(end + USUAL_BYTES),
    put: (key, value) => add(PUT, key, value),
    remove: key => add(REMOVE, key),
    holds: () => used > HEAD_BYTES,
    commit() {
      const record = buffer.subarray(0, used);
      record.writeUInt32LE(used, 0);
      record.writeBigUInt64LE(BigInt(number + 1), 8);
      record.writeUInt32LE(crc32(record.subarray(8), salt), 4);
      used = HEAD_BYTES;
      grow(end + record.length);
      writeAll(files[half], record, end);
      written++;
      end += record.length;
      number++;
    },
    sync() {
      if (synced >= written) return undefined;
      syncing ??= syncAll();
      return syncing;
    },
    forget() {
      used = HEAD_BYTES;
    },
    turn() {
      if (synced < written) syncNow();
      half = otherHalf(half);
      end = 0;
    },
    close() {
      for (const file of files) closeSync(file);
    },
  };
}

/**
 * What follows a checkpoint: the records after its own number, of its half and then of the other one, up to the one that was being
 * written. @throws when one is missing, or is damaged while others follow.
 */
export function* recordsAfter(dir: string, { half, number, salt }: Place): Generator<LogRecord> {
  let next = number + 1;
  for (const file of [fileOf(dir, half), fileOf(dir, otherHalf(half))]) {
    const bytes = read(file);
    let at = 0;
    let before: number | undefined;
    for (let record = recordAt(bytes, at, salt); record; record = recordAt(bytes, at, salt)) {
      // What an earlier turn has left behind.
      if (before !== undefined && record.number !== before + 1) break;
      if (record.number > next) throw new Error(`${file}: record ${next} is missing or damaged`);
      if (record.number === next) {
        yield { number: next, changes: changesOf(record.bytes) };
        next++;
      }
      before = record.number;
      at += record.bytes.length;
    }
    if (isCutOff(bytes, at, next) || holds(bytes.subarray(at), next + 1, salt)) {
      throw new Error(`${file}: record ${next} is missing or damaged`);
    }
  }
}

/** Undefined when there is none, or it is not whole. */
function recordAt(file: Buffer, at: number, salt: number): { number: number; bytes: Buffer } | undefined {
  if (at + HEAD_BYTES > file.length) return undefined;
  const length = file.readUInt32LE(at);
  if (length <= HEAD_BYTES || at + length > file.length) return undefined;
  const bytes = file.subarray(at, at + length);
  if (crc32(bytes.subarray(8), salt) !== bytes.readUInt32LE(4)) return undefined;
  return { number: Number(bytes.readBigUInt64LE(8)), bytes };
}

/** Whether the file ends within a record of this number: there is room for a whole one before it is begun, in whole pieces. */
const isCutOff = (file: Buffer, at: number, number: number): boolean =>
  file.length % PIECE_BYTES !== 0 &&
  at + HEAD_BYTES <= file.length &&
  at + file.readUInt32LE(at) > file.length &&
  file.readBigUInt64LE(at + 8) === BigInt(number);

/** Whether a record of this number is anywhere in it. */
function holds(bytes: Buffer, number: number, salt: number): boolean {
  const wanted = Buffer.alloc(8);
  wanted.writeBigUInt64LE(BigInt(number));
  for (let at = bytes.indexOf(wanted, 8); at >= 0; at = bytes.indexOf(wanted, at + 1)) {
    if (recordAt(bytes, at - 8, salt)) return true;
  }
  return false;
}

function changesOf(record: Buffer): Change[] {
  const changes: Change[] = [];
  for (let at = HEAD_BYTES; at < record.length; ) {
    const kind = record.readUInt8(at);
    const keyBytes = record.readUInt16LE(at + 1);
    const valueBytes = kind === PUT ? record.readUInt32LE(at + 3) : 0;
    const from = at + (kind === PUT ? 7 : 3);
    const key = record.subarray(from, from + keyBytes);
    at = from + keyBytes + valueBytes;
    changes.push(kind === PUT ? { key, value: record.subarray(from + keyBytes, at) } : { key });
  }
  return changes;
}

/** Both files are there as long as there are checkpoints. */
function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error(`${file} is missing: take the folder from a backup`);
  }
}

/** Whether anything was ever written to the log of a folder. */
export const hasLog = (dir: string): boolean =>
  [fileOf(dir, 0), fileOf(dir, 1)].some(file => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0);

/** Opened, and made if it is not there; nothing in it is lost. */
const open = (file: string) => openSync(file, constants.O_RDWR | constants.O_CREAT, 0o600);

/** What was made in a folder is there after a crash. */
function syncFolder(dir: string): void {
  const folder = openSync(dir, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function writeAll(file: number, bytes: Buffer, at: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done, at + done);
}
