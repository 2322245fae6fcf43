import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { THOROUGH } from '../../test/thorough.ts';
import { until } from '../harness.ts';
import { type Journal, openJournal } from './journal.ts';
import { temporary } from './trial.ts';

const PAGE_BYTES = 4_096;

let dir: string;
let known: Map<string, string>;
let opened: Journal[];
/** What is opened lets a sync go on that is held. */
let gates: (() => void)[];

beforeEach(() => {
  dir = temporary();
  known = new Map();
  opened = [];
  gates = [];
});
afterEach(async () => {
  release();
  for (const journal of opened) await journal.close();
  for (const end of ['', '-crashed', '-crashed-crashed']) rmSync(dir + end, { recursive: true, force: true });
});

/** @param changes after so many a checkpoint is due; as after so many bytes, and so long. `mostBytes` of the log are written meanwhile. */
async function start(
  folder = dir,
  changes = 20_000,
  { ms = 60_000, bytes = 64 * 1024 * 1024, mostBytes = 64 * 1024 * 1024 } = {},
): Promise<Journal> {
  const journal = await openJournal(folder, { ms, bytes, changes, mostBytes });
  opened.push(journal);
  return journal;
}

async function stop(journal: Journal): Promise<void> {
  opened = opened.filter(each => each !== journal);
  await journal.close();
}

const text = (value: Buffer | undefined) => value && String(value);

/** Numbers that look random and are the same in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** So many transactions, each of up to so many changes at random places. */
function change(journal: Journal, transactions: number, random: (below: number) => number, most = 20): void {
  for (let each = 0; each < transactions; each++) {
    journal.transact(() => {
      for (let left = 1 + random(most); left > 0; left--) {
        const key = `key ${random(3_000)}`;
        if (random(4) === 0) {
          journal.remove(Buffer.from(key));
          known.delete(key);
          continue;
        }
        const value = `${key} is ${random(1_000_000)} `.repeat(1 + random(20));
        journal.put(Buffer.from(key), Buffer.from(value));
        known.set(key, value);
      }
    });
  }
}

/** Tends it until something is so: while a checkpoint is still being taken, none is begun. */
const tended = (journal: Journal, isSo: () => boolean) =>
  until(() => {
    journal.tend();
    return isSo();
  });

function all({ db }: Journal): Map<string, string> {
  return new Map([...db.getRange({})].map(({ key, value }) => [String(key), String(value)]));
}

describe('when the machine loses its power', () => {
  /** A page that was written and not synced is on disk, or is as it was, or is neither. */
  function loseUnsynced(file: string, synced: Buffer, random: (below: number) => number): void {
    const now = readFileSync(file);
    for (let at = 0; at < now.length; at += PAGE_BYTES) {
      const page = now.subarray(at, at + PAGE_BYTES);
      const before = synced.subarray(at, at + PAGE_BYTES);
      if (page.equals(before)) continue;
      const fate = random(3);
      if (fate === 1 && before.length === page.length) page.set(before);
      else if (fate > 0) page.fill(random(256));
    }
    writeFileSync(file, now);
    if (random(2) === 0) truncateSync(file, Math.max(synced.length, now.length - random(20) * PAGE_BYTES));
  }

  const seeds = Array.from({ length: THOROUGH ? 30 : 3 }, (_, seed) => seed);
  test.each(seeds)('all that was acknowledged is there, whatever becomes of what was not synced (%d)', async seed => {
    const random = numbers(seed);
    let journal = await start();
    change(journal, 100, random);
    await stop(journal);
    for (let crash = 0; crash < 3; crash++) {
      journal = await start();
      // What is on disk for certain: the checkpoint that every start begins with.
      const synced = readFileSync(join(dir, 'data.mdb'));
      change(journal, random(200), random);
      const lost = crashed(dir);
      await stop(journal);
      loseUnsynced(join(lost, 'data.mdb'), synced, random);
      rmSync(dir, { recursive: true });
      renameSync(lost, dir);
      const again = await start();
      expect(all(again)).toEqual(known);
      await stop(again);
    }
  });

  test('also at every moment while a crash before is being recovered from', async () => {
    const random = numbers(7);
    const journal = await start();
    change(journal, 100, random);
    await stop(journal);
    // So much that it is done again in several transactions.
    change(await start(), 12, random, 10_000);
    const lost = crashed(dir);
    const synced = readFileSync(join(lost, 'data.mdb'));
    const checkpoint = readFileSync(join(lost, 'checkpoint'));
    let isOver = false;
    const recovering = start(lost).finally(() => {
      isOver = true;
    });
    const moments: string[] = [];
    while (!isOver) {
      moments.push(`${crashed(lost)}-${moments.length}`);
      renameSync(`${lost}-crashed`, moments.at(-1) ?? '');
      await nextTurn();
    }
    await recovering;
    expect(moments.length).toBeGreaterThan(2);
    for (const moment of moments) {
      // Where there is a new checkpoint already, nothing is left that was not synced.
      const isSynced = !readFileSync(join(moment, 'checkpoint')).equals(checkpoint);
      if (!isSynced) loseUnsynced(join(moment, 'data.mdb'), synced, random);
      const again = await start(moment);
      expect(all(again)).toEqual(known);
      await stop(again);
      rmSync(moment, { recursive: true });
    }
  });

  test('the record that was being written is as if it had never been', async () => {
    const journal = await start();
    change(journal, 10, numbers(1));
    const before = new Map(known);
    change(journal, 1, numbers(2));
    const { file, at } = lastRecord(crashed(dir));
    damage(file, at + 20);
    expect(all(await start(`${dir}-crashed`))).toEqual(before);
  });
});

/** The folder as it would be if the process ended now. */
function crashed(folder: string): string {
  cpSync(folder, `${folder}-crashed`, { recursive: true });
  return `${folder}-crashed`;
}

/** Where the log ends. */
function lastRecord(folder: string): { file: string; at: number; number: number } {
  const found = ['log.0', 'log.1'].flatMap(name => {
    const file = join(folder, name);
    const bytes = readFileSync(file);
    const records: { file: string; at: number; number: number }[] = [];
    for (let at = 0; at + 16 < bytes.length && bytes.readUInt32LE(at) > 0; at += bytes.readUInt32LE(at)) {
      records.push({ file, at, number: Number(bytes.readBigUInt64LE(at + 8)) });
    }
    return records;
  });
  const last = found.sort((one, other) => one.number - other.number).at(-1);
  if (!last) throw new Error('the log is empty');
  return last;
}

function damage(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  writeFileSync(file, bytes);
}

describe('when the process is killed', () => {
  test('what checkpoints have meanwhile and what the log has since then make all that was acknowledged', async () => {
    const random = numbers(3);
    const journal = await start(dir, 500);
    for (let round = 0; round < 40; round++) {
      change(journal, 20, random);
      const waited = journal.tend();
      // Some rounds go on while the checkpoint is being taken.
      if (round % 3 === 0) await (waited ?? new Promise(resolve => setTimeout(resolve, 5)));
      if (round % 8 !== 7) continue;
      const again = await start(crashed(dir));
      expect(all(again)).toEqual(known);
      await stop(again);
      rmSync(`${dir}-crashed`, { recursive: true });
    }
  });

  test('a second crash, while the first is being recovered from, loses nothing', async () => {
    const first = await start();
    change(first, 200, numbers(4));
    const again = await start(crashed(dir));
    change(again, 200, numbers(5));
    expect(all(await start(crashed(`${dir}-crashed`)))).toEqual(known);
  });

  test('a checkpoint that cannot be written is said, costs nothing, and is taken later', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const journal = await start(dir, 100);
    mkdirSync(join(dir, 'checkpoint.next'));
    for (let round = 0; round < 4; round++) {
      change(journal, 50, numbers(round));
      await tended(journal, () => warned.mock.calls.length > round);
      expect(warned).toHaveBeenCalledTimes(round + 1);
    }
    rmSync(join(dir, 'checkpoint.next'), { recursive: true });
    const before = readFileSync(join(dir, 'checkpoint'));
    expect(all(await start(crashed(dir)))).toEqual(known);
    change(journal, 50, numbers(9));
    await tended(journal, () => !readFileSync(join(dir, 'checkpoint')).equals(before));
    rmSync(`${dir}-crashed`, { recursive: true });
    expect(all(await start(crashed(dir)))).toEqual(known);
  });

  test('the log does not grow with what was written in a life, but with what was since a checkpoint', async () => {
    const journal = await start(dir, 2_000);
    const checkpoint = () => readFileSync(join(dir, 'checkpoint'));
    for (let rounds = 0; rounds < 25; rounds += 5) {
      const before = checkpoint();
      for (let round = rounds; round < rounds + 5; round++) {
        change(journal, 100, numbers(round));
        journal.tend();
        await nextTurn();
      }
      // It was due in between, and the disk takes its time over it.
      await tended(journal, () => !checkpoint().equals(before));
    }
    const bytes = ['log.0', 'log.1'].map(name => statSync(join(dir, name)).size);
    // Some 150 KB a round.
    expect(Math.max(...bytes)).toBeLessThan(3 * 1024 * 1024);
  });
});

describe('a checkpoint is taken', () => {
  const NEVER = 1_000_000;
  const checkpoint = () => readFileSync(join(dir, 'checkpoint'));

  test('when the log has grown, however few changes that were', async () => {
    const journal = await start(dir, NEVER, { bytes: 100_000 });
    const before = checkpoint();
    journal.transact(() => journal.put(Buffer.from('large'), Buffer.alloc(200_000, 'x')));
    await tended(journal, () => !checkpoint().equals(before));
  });

  test('after a while, also when nobody writes any more, and then no other one', async () => {
    const journal = await start(dir, NEVER, { ms: 50 });
    const before = checkpoint();
    change(journal, 1, numbers(1));
    await until(() => !checkpoint().equals(before));
    const taken = checkpoint();
    await new Promise(resolve => setTimeout(resolve, 300));
    expect(checkpoint().equals(taken)).toBe(true);
  });

  test('again when it could not be, also when nobody writes any more', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const journal = await start(dir, NEVER, { ms: 50 });
    const before = checkpoint();
    mkdirSync(join(dir, 'checkpoint.next'));
    change(journal, 1, numbers(1));
    await until(() => warned.mock.calls.length > 0);
    rmSync(join(dir, 'checkpoint.next'), { recursive: true });
    await until(() => !checkpoint().equals(before));
  });

  test('at the end: the next start needs nothing of the log', async () => {
    const journal = await start();
    change(journal, 10, numbers(1));
    await stop(journal);
    for (const name of ['log.0', 'log.1']) truncateSync(join(dir, name));
    expect(all(await start())).toEqual(known);
  });
});

/** From now on, what checkpoints sync waits at a gate. @returns what has been begun. */
async function hold(): Promise<string[]> {
  const file = await openFile(join(dir, 'checkpoint'));
  const files = Object.getPrototypeOf(file);
  await file.close();
  const begun: string[] = [];
  for (const name of ['datasync', 'sync']) {
    const real = files[name];
    vi.spyOn(files, name).mockImplementation(async function (this: unknown) {
      begun.push(name);
      await new Promise<void>(resolve => gates.push(resolve));
      return real.call(this);
    });
  }
  return begun;
}

function release(): void {
  vi.restoreAllMocks();
  for (const open of gates) open();
}

test('writes wait for a checkpoint that the disk takes long over, once the log has become too long', async () => {
  const journal = await start(dir, 0, { mostBytes: 100_000 });
  const begun = await hold();
  change(journal, 1, numbers(1));
  expect(journal.tend()).toBeUndefined();
  await until(() => begun.length === 1);
  change(journal, 1, numbers(2));
  expect(journal.tend()).toBeUndefined();
  journal.transact(() => journal.put(Buffer.from('large'), Buffer.alloc(200_000, 'x')));
  let waited = false;
  const waiting = journal.tend()?.then(() => {
    waited = true;
  });
  expect(waiting).toBeDefined();
  for (let turn = 0; turn < 20; turn++) await nextTurn();
  expect(waited).toBe(false);
  release();
  await waiting;
});

test('a checkpoint counts only when its pages are on disk, and then itself', async () => {
  const journal = await start(dir, 0);
  const checkpoint = () => readFileSync(join(dir, 'checkpoint'));
  const before = checkpoint();
  const begun = await hold();
  change(journal, 1, numbers(1));
  void journal.tend();
  for (const done of [['datasync'], ['datasync', 'sync']]) {
    await until(() => begun.length >= done.length);
    expect(begun).toEqual(done);
    for (let turn = 0; turn < 20; turn++) await nextTurn();
    expect(checkpoint().equals(before)).toBe(true);
    gates.shift()?.();
  }
  await until(() => !checkpoint().equals(before));
  release();
});

describe('a transaction that fails', () => {
  test('leaves nothing in the storage, and nothing in the log', async () => {
    const journal = await start();
    change(journal, 5, numbers(1));
    const failing = () =>
      journal.transact(() => {
        journal.put(Buffer.from('half'), Buffer.from('done'));
        throw new Error('mine');
      });
    expect(failing).toThrow('mine');
    change(journal, 5, numbers(2));
    expect(all(journal)).toEqual(known);
    expect(all(await start(crashed(dir)))).toEqual(known);
  });

  test('undoes nothing else of what lmdb has not committed yet', async () => {
    const journal = await start();
    change(journal, 300, numbers(1));
    journal.transact(() => journal.put(Buffer.from('large'), Buffer.alloc(200_000, 'x')));
    known.set('large', 'x'.repeat(200_000));
    const failing = () =>
      journal.transact(() => {
        for (const key of known.keys()) journal.remove(Buffer.from(key));
        throw new Error('mine');
      });
    for (let round = 0; round < 3; round++) {
      expect(failing).toThrow('mine');
      change(journal, 5, numbers(round));
      expect(all(journal)).toEqual(known);
    }
    expect(all(await start(crashed(dir)))).toEqual(known);
  });
});

describe('lmdb', () => {
  test('writes a page once that many transactions change', async () => {
    const journal = await start();
    change(journal, 1_000, numbers(1));
    // Some 60 pages are changed again and again; each would be written anew each time, for no page of a checkpoint may be.
    expect(statSync(join(dir, 'data.mdb')).size).toBeLessThan(1024 * 1024);
    expect(all(journal)).toEqual(known);
  });

  test('writes when much has changed, whether a checkpoint is due or not', async () => {
    const journal = await start(dir, 1_000_000);
    const before = readFileSync(join(dir, 'checkpoint'));
    const size = () => statSync(join(dir, 'data.mdb')).size;
    const sizeBefore = size();
    change(journal, 1_000, numbers(1));
    expect(size()).toBe(sizeBefore);
    journal.tend();
    expect(size()).toBeGreaterThan(sizeBefore);
    expect(readFileSync(join(dir, 'checkpoint')).equals(before)).toBe(true);
  });

  test('is not needed to commit: what it could not is done again from the log, and committed later', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const journal = await start(dir, 100);
    const { db } = journal;
    const transactionSync = db.transactionSync.bind(db);
    type Ends = { then(commit: () => void, abort: (error: Error) => void): void };
    const full = vi.spyOn(db, 'transactionSync').mockImplementation(work =>
      transactionSync(() => {
        const untilSettled = work() as Ends;
        return {
          // biome-ignore lint/suspicious/noThenProperty: as that of whoever asks for it.
          then: (_: unknown, abort: (error: Error) => void) =>
            untilSettled.then(() => abort(new Error('No space left on device')), abort),
        };
      }),
    );
    const checkpoint = () => readFileSync(join(dir, 'checkpoint'));
    const first = checkpoint();
    // The transaction that is open has begun before the disk was full.
    change(journal, 50, numbers(0));
    await tended(journal, () => !checkpoint().equals(first));
    const before = checkpoint();
    for (let round = 1; round < 4; round++) {
      change(journal, 50, numbers(round));
      await tended(journal, () => warned.mock.calls.length >= round);
      expect(warned).toHaveBeenLastCalledWith('no checkpoint: No space left on device');
      expect(all(journal)).toEqual(known);
      expect(all(await start(crashed(dir)))).toEqual(known);
      rmSync(`${dir}-crashed`, { recursive: true });
    }
    full.mockRestore();
    expect(checkpoint().equals(before)).toBe(true);
    // Again this one has begun before there was room.
    change(journal, 50, numbers(4));
    await tended(journal, () => warned.mock.calls.length > 3);
    change(journal, 50, numbers(5));
    await tended(journal, () => !checkpoint().equals(before));
    expect(all(journal)).toEqual(known);
    expect(all(await start(crashed(dir)))).toEqual(known);
  });
});

describe('a start', () => {
  test('goes on with a folder that was made before there was a log', async () => {
    const before = open<Buffer, Uint8Array>({
      ...{ path: dir, noSubdir: false, keyEncoding: 'binary', encoding: 'binary', overlappingSync: false },
    });
    before.transactionSync(() => before.putSync(Buffer.from('old'), Buffer.from('value')));
    await before.close();
    const journal = await start();
    expect(text(journal.db.getBinary(Buffer.from('old')))).toBe('value');
  });

  test.each([
    { how: 'has a damaged record that others follow', spoil: damage },
    { how: 'ends within a record', spoil: truncateSync },
  ])('refuses a log that $how', async ({ spoil }) => {
    const journal = await start();
    change(journal, 3, numbers(1));
    const { file, at, number } = lastRecord(dir);
    change(journal, 3, numbers(2));
    spoil(join(crashed(dir), file.slice(dir.length)), at + 30);
    await expect(start(`${dir}-crashed`)).rejects.toThrow(`record ${number} is missing or damaged`);
  });

  test('takes no value for a record, however much it looks like one', async () => {
    const journal = await start(dir, 0);
    const fakes = Array.from({ length: 3_000 }, (_, index) => {
      const fake = Buffer.alloc(20);
      fake.writeUInt32LE(20);
      fake.writeBigUInt64LE(BigInt((index % 30) + 1), 8);
      fake.writeUInt32LE(crc32(fake.subarray(8)), 4);
      return fake;
    });
    const put = async (key: string, value: Buffer) => {
      const before = readFileSync(join(dir, 'checkpoint'));
      journal.transact(() => journal.put(Buffer.from(key), value));
      const again = await start(crashed(dir));
      expect(text(again.db.getBinary(Buffer.from(key)))).toBe(String(value));
      await stop(again);
      rmSync(`${dir}-crashed`, { recursive: true });
      await tended(journal, () => !readFileSync(join(dir, 'checkpoint')).equals(before));
    };
    for (const half of ['one', 'other']) await put(half, Buffer.concat(fakes));
    // Each half is written anew, and fakes lie behind what is written.
    for (let turn = 0; turn < 8; turn++) await put(`turn ${turn}`, Buffer.from('x'));
  });

  test.each(['log.0', 'log.1', 'checkpoint'])('refuses a folder without its %s', async name => {
    change(await start(), 3, numbers(1));
    rmSync(join(crashed(dir), name));
    await expect(start(`${dir}-crashed`)).rejects.toThrow(`${name} is missing: take the folder from a backup`);
  });

  test('refuses a checkpoint that is damaged', async () => {
    await start();
    damage(join(crashed(dir), 'checkpoint'), 60);
    await expect(start(`${dir}-crashed`)).rejects.toThrow('checkpoint is damaged: take the folder from a backup');
  });
});
