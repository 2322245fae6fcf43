import { readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { open } from 'lmdb';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { THOROUGH } from '../../test/thorough.ts';
import { all, crashed, numbers, tended, useJournals } from './journal.fixture.ts';
import type { Journal } from './journal.ts';

const PAGE_BYTES = 4_096;

const { trial, start, stop, change } = useJournals();

afterEach(() => vi.restoreAllMocks());

const text = (value: Buffer | undefined) => value && String(value);

describe('changed pages are written', () => {
  const VALUE = Buffer.alloc(300, 'x');
  const stats = ({ db }: Journal): { lastTxnId?: number; pagesWritten?: number } => db.getStats();

  /** Changes so many of so many keys, a hundred a transaction. @returns commits, and pages each has written at most. */
  function write(journal: Journal, changes: number, keys: number) {
    const random = numbers(keys);
    let [commits, most, last] = [0, 0, stats(journal)];
    for (let group = 0; group < changes / 100; group++) {
      journal.transact(() => {
        for (let one = 0; one < 100; one++) journal.put(Buffer.from(`key ${random(keys)}`), VALUE);
      });
      journal.tend();
      const now = stats(journal);
      if (now.lastTxnId === last.lastTxnId) continue;
      commits++;
      most = Math.max(most, (now.pagesWritten ?? 0) - (last.pagesWritten ?? 0));
      last = now;
    }
    return { commits, most };
  }

  test('seldom, where many changes share a page', async () => {
    const journal = await start(trial.dir, 1_000_000);
    expect(write(journal, 60_000, 50).commits).toBeLessThanOrEqual(4);
  });

  test('some thousands at a time, where each change has its own', async () => {
    const journal = await start(trial.dir, 1_000_000);
    write(journal, 100_000, 50_000);
    const { commits, most } = write(journal, 50_000, 50_000);
    expect(commits).toBeGreaterThanOrEqual(5);
    expect(most).toBeLessThan(6_000);
  });
});

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
      const synced = readFileSync(join(trial.dir, 'data.mdb'));
      change(journal, random(200), random);
      const lost = crashed(trial.dir);
      await stop(journal);
      loseUnsynced(join(lost, 'data.mdb'), synced, random);
      rmSync(trial.dir, { recursive: true });
      renameSync(lost, trial.dir);
      const again = await start();
      expect(all(again)).toEqual(trial.known);
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
    const lost = crashed(trial.dir);
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
      expect(all(again)).toEqual(trial.known);
      await stop(again);
      rmSync(moment, { recursive: true });
    }
  });

  test('the record that was being written is as if it had never been', async () => {
    const journal = await start();
    change(journal, 10, numbers(1));
    const before = new Map(trial.known);
    change(journal, 1, numbers(2));
    const { file, at } = lastRecord(crashed(trial.dir));
    damage(file, at + 20);
    expect(all(await start(`${trial.dir}-crashed`))).toEqual(before);
  });
});

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
    const journal = await start(trial.dir, 500);
    for (let round = 0; round < 40; round++) {
      change(journal, 20, random);
      const waited = journal.tend();
      // Some rounds go on while the checkpoint is being taken.
      if (round % 3 === 0) await (waited ?? new Promise(resolve => setTimeout(resolve, 5)));
      if (round % 8 !== 7) continue;
      const again = await start(crashed(trial.dir));
      expect(all(again)).toEqual(trial.known);
      await stop(again);
      rmSync(`${trial.dir}-crashed`, { recursive: true });
    }
  });

  test('a second crash, while the first is being recovered from, loses nothing', async () => {
    const first = await start();
    change(first, 200, numbers(4));
    const again = await start(crashed(trial.dir));
    change(again, 200, numbers(5));
    expect(all(await start(crashed(`${trial.dir}-crashed`)))).toEqual(trial.known);
  });
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
    expect(all(journal)).toEqual(trial.known);
    expect(all(await start(crashed(trial.dir)))).toEqual(trial.known);
  });

  test('undoes nothing else of what lmdb has not committed yet', async () => {
    const journal = await start();
    change(journal, 300, numbers(1));
    journal.transact(() => journal.put(Buffer.from('large'), Buffer.alloc(200_000, 'x')));
    trial.known.set('large', 'x'.repeat(200_000));
    const failing = () =>
      journal.transact(() => {
        for (const key of trial.known.keys()) journal.remove(Buffer.from(key));
        throw new Error('mine');
      });
    for (let round = 0; round < 3; round++) {
      expect(failing).toThrow('mine');
      change(journal, 5, numbers(round));
      expect(all(journal)).toEqual(trial.known);
    }
    expect(all(await start(crashed(trial.dir)))).toEqual(trial.known);
  });
});

describe('lmdb', () => {
  test('writes a page once that many transactions change', async () => {
    const journal = await start();
    change(journal, 1_000, numbers(1));
    // Some 60 pages are changed again and again; each would be written anew each time, for no page of a checkpoint may be.
    expect(statSync(join(trial.dir, 'data.mdb')).size).toBeLessThan(1024 * 1024);
    expect(all(journal)).toEqual(trial.known);
  });

  test('writes when much has changed, whether a checkpoint is due or not', async () => {
    const journal = await start(trial.dir, 1_000_000);
    const before = readFileSync(join(trial.dir, 'checkpoint'));
    const size = () => statSync(join(trial.dir, 'data.mdb')).size;
    const sizeBefore = size();
    change(journal, 1_000, numbers(1));
    expect(size()).toBe(sizeBefore);
    journal.tend();
    expect(size()).toBeGreaterThan(sizeBefore);
    expect(readFileSync(join(trial.dir, 'checkpoint')).equals(before)).toBe(true);
  });

  test('is not needed to commit: what it could not is done again from the log, and committed later', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const journal = await start(trial.dir, 100);
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
    const checkpoint = () => readFileSync(join(trial.dir, 'checkpoint'));
    const first = checkpoint();
    // The transaction that is open has begun before the disk was full.
    change(journal, 50, numbers(0));
    await tended(journal, () => !checkpoint().equals(first));
    const before = checkpoint();
    for (let round = 1; round < 4; round++) {
      change(journal, 50, numbers(round));
      await tended(journal, () => warned.mock.calls.length >= round);
      expect(warned).toHaveBeenLastCalledWith('no checkpoint: No space left on device');
      expect(all(journal)).toEqual(trial.known);
      expect(all(await start(crashed(trial.dir)))).toEqual(trial.known);
      rmSync(`${trial.dir}-crashed`, { recursive: true });
    }
    full.mockRestore();
    expect(checkpoint().equals(before)).toBe(true);
    // Again this one has begun before there was room.
    change(journal, 50, numbers(4));
    await tended(journal, () => warned.mock.calls.length > 3);
    change(journal, 50, numbers(5));
    await tended(journal, () => !checkpoint().equals(before));
    expect(all(journal)).toEqual(trial.known);
    expect(all(await start(crashed(trial.dir)))).toEqual(trial.known);
  });
});

describe('a start', () => {
  test('goes on with a folder that was made before there was a log', async () => {
    const before = open<Buffer, Uint8Array>({
      ...{ path: trial.dir, noSubdir: false, keyEncoding: 'binary', encoding: 'binary', overlappingSync: false },
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
    const { file, at, number } = lastRecord(trial.dir);
    change(journal, 3, numbers(2));
    spoil(join(crashed(trial.dir), file.slice(trial.dir.length)), at + 30);
    await expect(start(`${trial.dir}-crashed`)).rejects.toThrow(`record ${number} is missing or damaged`);
  });

  test('takes no value for a record, however much it looks like one', async () => {
    const journal = await start(trial.dir, 0);
    const fakes = Array.from({ length: 3_000 }, (_, index) => {
      const fake = Buffer.alloc(20);
      fake.writeUInt32LE(20);
      fake.writeBigUInt64LE(BigInt((index % 30) + 1), 8);
      fake.writeUInt32LE(crc32(fake.subarray(8)), 4);
      return fake;
    });
    const put = async (key: string, value: Buffer) => {
      const before = readFileSync(join(trial.dir, 'checkpoint'));
      journal.transact(() => journal.put(Buffer.from(key), value));
      const again = await start(crashed(trial.dir));
      expect(text(again.db.getBinary(Buffer.from(key)))).toBe(String(value));
      await stop(again);
      rmSync(`${trial.dir}-crashed`, { recursive: true });
      await tended(journal, () => !readFileSync(join(trial.dir, 'checkpoint')).equals(before));
    };
    for (const half of ['one', 'other']) await put(half, Buffer.concat(fakes));
    // Each half is written anew, and fakes lie behind what is written.
    for (let turn = 0; turn < 8; turn++) await put(`turn ${turn}`, Buffer.from('x'));
  });

  test.each(['log.0', 'log.1', 'checkpoint'])('refuses a folder without its %s', async name => {
    change(await start(), 3, numbers(1));
    rmSync(join(crashed(trial.dir), name));
    await expect(start(`${trial.dir}-crashed`)).rejects.toThrow(`${name} is missing: take the folder from a backup`);
  });

  test('refuses a checkpoint that is damaged', async () => {
    await start();
    damage(join(crashed(trial.dir), 'checkpoint'), 60);
    await expect(start(`${trial.dir}-crashed`)).rejects.toThrow('checkpoint is damaged: take the folder from a backup');
  });
});
