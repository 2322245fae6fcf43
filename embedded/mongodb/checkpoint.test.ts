import { mkdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { until } from '../harness.ts';
import { all, crashed, numbers, tended, useJournals } from './journal.fixture.ts';

const { trial, start, stop, change } = useJournals();
/** What is opened lets a sync go on that is held. */
let gates: (() => void)[] = [];
const checkpoint = () => readFileSync(join(trial.dir, 'checkpoint'));

// Before journals are closed, which would wait for it.
afterEach(() => {
  release();
  gates = [];
});

describe('a checkpoint is taken', () => {
  const NEVER = 1_000_000;

  test('when the log has grown, however few changes that were', async () => {
    const journal = await start(trial.dir, NEVER, { bytes: 100_000 });
    const before = checkpoint();
    journal.transact(() => journal.put(Buffer.from('large'), Buffer.alloc(200_000, 'x')));
    await tended(journal, () => !checkpoint().equals(before));
  });

  test('when many pages were written, however few bytes of the log that is', async () => {
    const journal = await start(trial.dir, NEVER, { pages: 500 });
    const before = checkpoint();
    for (let group = 0; group < 30; group++) {
      journal.transact(() => {
        for (let one = 0; one < 100; one++) journal.put(Buffer.from(`${one} ${group}`), Buffer.alloc(1_000, 'x'));
      });
      journal.tend();
    }
    // Written by the commit that comes after 2,000 changes.
    await tended(journal, () => !checkpoint().equals(before));
  });

  test('after a while, also when nobody writes any more, and then no other one', async () => {
    const journal = await start(trial.dir, NEVER, { ms: 50 });
    const before = checkpoint();
    change(journal, 1, numbers(1));
    await until(() => !checkpoint().equals(before));
    const taken = checkpoint();
    await new Promise(resolve => setTimeout(resolve, 300));
    expect(checkpoint().equals(taken)).toBe(true);
  });

  test('again when it could not be, also when nobody writes any more', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const journal = await start(trial.dir, NEVER, { ms: 50 });
    const before = checkpoint();
    mkdirSync(join(trial.dir, 'checkpoint.next'));
    change(journal, 1, numbers(1));
    await until(() => warned.mock.calls.length > 0);
    rmSync(join(trial.dir, 'checkpoint.next'), { recursive: true });
    await until(() => !checkpoint().equals(before));
  });

  test('at the end: the next start needs nothing of the log', async () => {
    const journal = await start();
    change(journal, 10, numbers(1));
    await stop(journal);
    for (const name of ['log.0', 'log.1']) truncateSync(join(trial.dir, name));
    expect(all(await start())).toEqual(trial.known);
  });
});

test('a checkpoint that cannot be written is said, costs nothing, and is taken later', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const journal = await start(trial.dir, 100);
  mkdirSync(join(trial.dir, 'checkpoint.next'));
  for (let round = 0; round < 4; round++) {
    change(journal, 50, numbers(round));
    await tended(journal, () => warned.mock.calls.length > round);
    expect(warned).toHaveBeenCalledTimes(round + 1);
  }
  rmSync(join(trial.dir, 'checkpoint.next'), { recursive: true });
  const before = readFileSync(join(trial.dir, 'checkpoint'));
  expect(all(await start(crashed(trial.dir)))).toEqual(trial.known);
  change(journal, 50, numbers(9));
  await tended(journal, () => !readFileSync(join(trial.dir, 'checkpoint')).equals(before));
  rmSync(`${trial.dir}-crashed`, { recursive: true });
  expect(all(await start(crashed(trial.dir)))).toEqual(trial.known);
});

test('the log does not grow with what was written in a life, but with what was since a checkpoint', async () => {
  const journal = await start(trial.dir, 2_000);
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
  const bytes = ['log.0', 'log.1'].map(name => statSync(join(trial.dir, name)).size);
  // Some 150 KB a round.
  expect(Math.max(...bytes)).toBeLessThan(3 * 1024 * 1024);
});

/** From now on, what checkpoints sync waits at a gate. @returns what has been begun. */
async function hold(): Promise<string[]> {
  const file = await openFile(join(trial.dir, 'checkpoint'));
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
  const journal = await start(trial.dir, 0, { mostBytes: 100_000 });
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
  const journal = await start(trial.dir, 0);
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
