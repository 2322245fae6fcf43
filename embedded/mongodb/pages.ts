/**
 * The pages of the storage: lmdb, with one transaction that is open for as long as many of the storage's take. Each of those is
 * durable by the log (see journal.ts), so lmdb need not commit each: a page that many change is written once, and not once for each.
 *
 * Whatever is read has what was put until now. A crash loses what was not committed, and an abort does too: the log has it.
 */
import { type Database, open } from 'lmdb';

export type Pages = {
  /** To read from, and to put to and remove from at any time. */
  db: Database<Buffer, Uint8Array>;
  /**
   * Writes the changed pages and the head (see checkpoint.ts).
   *
   * @param then run while no transaction is open, when all is written.
   * @throws when it could not be written; then all is as after `abort`.
   */
  commit<T>(then: () => T): T;
  /** Goes back to the last commit. */
  abort(): void;
  /** Pages written by all commits since it was opened. */
  written(): number;
  close(): Promise<void>;
};

type Ends = { commit: () => void; abort: (error: Error) => void };

/** Opens or creates the file of a folder. Nothing in it is synced by lmdb. @throws when it is damaged, or cannot be read. */
export function openPages(dir: string): Pages {
  const db = open<Buffer, Uint8Array>({
    ...{ path: dir, noSubdir: false, keyEncoding: 'binary', encoding: 'binary' },
    ...{ overlappingSync: false, noSync: true, trackMetrics: true },
  });
  let ends = begin(db);
  return {
    db,
    commit(then) {
      try {
        ends.commit();
        return then();
      } finally {
        ends = begin(db);
      }
    },
    abort() {
      end(ends);
      ends = begin(db);
    },
    written() {
      const { pagesWritten }: { pagesWritten?: number } = db.getStats();
      if (pagesWritten === undefined) throw new Error('lmdb does not say how many pages it has written');
      return pagesWritten;
    },
    close() {
      end(ends);
      return db.close();
    },
  };
}

/**
 * lmdb keeps a transaction open until what its work returns is settled. A promise would settle in a later turn; this is settled in
 * the same one, so that nothing can come between the end of one transaction and what is looked at before the next.
 */
function begin(db: Pages['db']): Ends {
  let ends: Ends | undefined;
  const untilSettled = {
    // biome-ignore lint/suspicious/noThenProperty: lmdb waits for whatever has one.
    then(commit: Ends['commit'], abort: Ends['abort']) {
      ends = { commit, abort };
    },
  };
  db.transactionSync(() => untilSettled);
  if (!ends) throw new Error('lmdb has not waited for the end of a transaction');
  return ends;
}

/** lmdb throws what a transaction is aborted with. */
function end({ abort }: Ends): void {
  const reason = new Error('aborted');
  try {
    abort(reason);
  } catch (error) {
    if (error !== reason) throw error;
  }
}
