/**
 * Checkpoints: a state of the storage that is whole on disk, and after which the log goes on (see log.ts).
 *
 * lmdb writes no page anew that a reader may still see. So the pages of a state stay where they are as long as a reader of it
 * is held, but for the first two of the file, the heads: the newer of them says where the tree of the last state begins, and they
 * are written in turn. A checkpoint is a copy of both, taken between two transactions, and is valid when all pages written
 * until then have been synced. To go back to it, the heads are put back before lmdb opens the file.
 */
import { closeSync, fdatasyncSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Place } from './log.ts';

/** A state of the storage, and the last record of the log that it has, in the half in which the log goes on. */
export type Checkpoint = Place & { heads: Buffer };

const MAGIC = 'tributary checkpoint 2\n';
const HEAD_BYTES = MAGIC.length + 17;

const dataFile = (dir: string) => join(dir, 'data.mdb');
const checkpointFile = (dir: string) => join(dir, 'checkpoint');

/** The heads as they are now. @param file lmdb's, while no transaction is being committed. */
export function copyHeads(file: number, pageBytes: number): Buffer {
  const heads = Buffer.alloc(2 * pageBytes);
  if (readSync(file, heads, 0, heads.length, 0) !== heads.length) throw new Error("lmdb's file is too short");
  return heads;
}

/** Goes back to a checkpoint. Nobody may have the storage open. */
export function putHeadsBack(dir: string, { heads }: Checkpoint): void {
  const file = openSync(dataFile(dir), 'r+');
  try {
    writeSync(file, heads, 0, heads.length, 0);
    fdatasyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** @returns undefined when there is none yet. @throws when it is damaged. */
export function readCheckpoint(dir: string): Checkpoint | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(checkpointFile(dir));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const body = bytes.subarray(MAGIC.length + 4);
  const isWhole = bytes.toString('latin1', 0, MAGIC.length) === MAGIC && bytes.length > HEAD_BYTES;
  if (!isWhole || crc32(body) !== bytes.readUInt32LE(MAGIC.length)) {
    throw new Error(`${checkpointFile(dir)} is damaged: take the folder from a backup`);
  }
  const place = {
    half: body[0] === 0 ? 0 : 1,
    number: Number(body.readBigUInt64LE(1)),
    salt: body.readUInt32LE(9),
  } as const;
  return { ...place, heads: body.subarray(13) };
}

/** In one step: after a crash there is this one or the one before. */
export async function writeCheckpoint(dir: string, { half, number, salt, heads }: Checkpoint): Promise<void> {
  const bytes = Buffer.alloc(HEAD_BYTES + heads.length);
  bytes.write(MAGIC, 'latin1');
  const body = bytes.subarray(MAGIC.length + 4);
  body[0] = half;
  body.writeBigUInt64LE(BigInt(number), 1);
  body.writeUInt32LE(salt, 9);
  heads.copy(body, 13);
  bytes.writeUInt32LE(crc32(body), MAGIC.length);
  const next = `${checkpointFile(dir)}.next`;
  await withFile(next, 'w', async file => {
    await file.writeFile(bytes);
    await file.sync();
  });
  await rename(next, checkpointFile(dir));
  await withFile(dir, 'r', folder => folder.sync());
}

async function withFile(path: string, flags: string, work: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, flags);
  try {
    await work(file);
  } finally {
    await file.close();
  }
}
