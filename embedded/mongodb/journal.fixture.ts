/** Journals in folders of their own, for tests: what was put into them is known, and what is left open at the end of a test is closed. */
import { cpSync, rmSync } from 'node:fs';
import { afterEach, beforeEach } from 'vitest';
import { until } from '../harness.ts';
import { type Journal, openJournal } from './journal.ts';
import { temporary } from './trial.ts';

/** To be called once in a test file. `trial`: the folder of the test that runs, and what its journal has to have. */
export function useJournals() {
  const trial = { dir: '', known: new Map<string, string>() };
  let opened: Journal[] = [];

  beforeEach(() => {
    trial.dir = temporary();
    trial.known = new Map();
    opened = [];
  });
  afterEach(async () => {
    for (const journal of opened) await journal.close();
    for (const end of ['', '-crashed', '-crashed-crashed']) rmSync(trial.dir + end, { recursive: true, force: true });
  });

  /** @param changes after so many a checkpoint is due; as after so many bytes or pages, and so long. `mostBytes` of the log are written meanwhile. */
  async function start(
    folder = trial.dir,
    changes = 20_000,
    { ms = 60_000, bytes = 64 * 1024 * 1024, pages = 1_000_000, mostBytes = 64 * 1024 * 1024 } = {},
  ): Promise<Journal> {
    const journal = await openJournal(folder, { ms, bytes, changes, pages, mostBytes });
    opened.push(journal);
    return journal;
  }

  async function stop(journal: Journal): Promise<void> {
    opened = opened.filter(each => each !== journal);
    await journal.close();
  }

  /** So many transactions, each of up to so many changes at random places. */
  function change(journal: Journal, transactions: number, random: (below: number) => number, most = 20): void {
    for (let each = 0; each < transactions; each++) {
      journal.transact(() => {
        for (let left = 1 + random(most); left > 0; left--) {
          const key = `key ${random(3_000)}`;
          if (random(4) === 0) {
            journal.remove(Buffer.from(key));
            trial.known.delete(key);
            continue;
          }
          const value = `${key} is ${random(1_000_000)} `.repeat(1 + random(20));
          journal.put(Buffer.from(key), Buffer.from(value));
          trial.known.set(key, value);
        }
      });
    }
  }

  return { trial, start, stop, change };
}

/** Numbers that look random and are the same in every run. */
export function numbers(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Tends it until something is so: while a checkpoint is still being taken, none is begun. */
export const tended = (journal: Journal, isSo: () => boolean) =>
  until(() => {
    journal.tend();
    return isSo();
  });

/** What it has. */
export function all({ db }: Journal): Map<string, string> {
  return new Map([...db.getRange({})].map(({ key, value }) => [String(key), String(value)]));
}

/** The folder as it would be if the process ended now. */
export function crashed(folder: string): string {
  cpSync(folder, `${folder}-crashed`, { recursive: true });
  return `${folder}-crashed`;
}
