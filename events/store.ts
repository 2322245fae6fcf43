/**
 * The micro event store: a service's own copy of the events it correlates, kept as chains. Each row holds one event, its
 * version within its chain (1, 2, 3, ... without gaps), and what the service calculated up to it, in ONE document. The
 * newest row of a chain is its state, so an event costs the same whatever the chain's history.
 *
 * Guarantees: an event is in the store once; versions have no gaps; a row is calculated from exactly the row before it,
 * whichever processes append at the same time (two unique indexes decide; the loser reads again). Does not guarantee
 * which version events that arrive together get.
 */

import isSame from 'fast-deep-equal';
import type { Collection, Document, Filter, OptionalUnlessRequiredId } from 'mongodb';
import { createCache } from './cache.ts';
import { Contention, isDuplicateKey } from './errors.ts';
import type { Event } from './event.ts';
import { groupBy } from './group.ts';

/** A row of a chain; what was calculated stands beside these. */
export type ChainRow = {
  _id: string;
  /** Which chain: an account. */
  chain: string;
  version: number;
};

/** How much may be taken for known. */
export type AppendOptions = {
  /** They come from the lake once more: rows may have been lost behind the store's back, so heads are verified. Default false. */
  replay?: boolean | undefined;
  /** Asks which events are stored before it adds the others: where mostly nothing is missing. Default as `replay`. */
  knownFirst?: boolean | undefined;
  /**
   * Which of the events are stored, where all rows of their chains were just read and their heads remembered: none of that is
   * asked for again.
   */
  stored?: ReadonlySet<string> | undefined;
};

/** Told which rows are about to be written; what it returns is told how many of them, from the first one on, were stored here. */
export type Writing<Row extends ChainRow> = (rows: readonly Row[]) => (stored: number) => void;

/** Chains in one collection. */
export type Chain<Row extends ChainRow> = {
  /**
   * Adds the events that are not in the store yet, each at the end of its chain, in the order given.
   *
   * @returns the new rows; and, where they are asked for, the newest row of every chain that the events belong to, new or
   *   not, so that whoever keeps a view of them can write it again after a crash.
   * @throws what `next` throws, and when the newest row of a chain does not follow from the one before: nothing of the batch's
   *   remaining events is stored then; Contention when others are always faster.
   */
  append(
    events: readonly Event[],
    how?: AppendOptions,
    writing?: Writing<Row>,
  ): Promise<{ appended: Row[]; heads(): Promise<Row[]> }>;
  /** The newest row of a chain. */
  head(chain: string): Promise<Row | null>;
  /** Whether the newest row of a chain may be followed: see `follows`. */
  endsRight(chain: string): Promise<boolean>;
  /** Takes note of rows that were stored without `append`: what is cached of their chains is never older. */
  learn(rows: readonly Row[]): void;
  /** Takes note of the newest rows of these chains, just read: they need not be read again. A chain without one has no rows. */
  remember(chains: readonly string[], heads: readonly Row[]): void;
};

/** What a row is, and which chain an event belongs to. */
export type ChainOptions<Row extends ChainRow> = {
  collection: Collection<Row>;
  chainOf(event: Event): string;
  /** The row for an event that follows `head`: pure, and quick. */
  next(head: Row | undefined, event: Event): Row;
  /**
   * Looks whether a cached head is still stored, as it was, before it is followed: one more command for each batch. For rows
   * that are calculated here alone and may be removed, moved or mended by whoever calculates them anew; where a row is
   * published, as a ledger's is, it stays true even when it is lost. Default false.
   */
  verifyHeads?: boolean;
  /**
   * Whether a row is what comes of the row before it; `before` is undefined for the first one. A row that is read to be followed is
   * held to it, where the row before it is there: what comes of a row that was changed behind the store's back would be wrong as well.
   * Default true.
   */
  follows?(before: Row | undefined, row: Row): boolean;
  /** The field that holds the id of the row's event; it needs a unique index. Default `_id`. */
  identity?: string;
};

/** Sparse: a collection may hold documents that are in no chain. */
export const chainIndex = { key: { chain: 1, version: 1 }, unique: true, sparse: true } as const;

const CACHED_HEADS_MAX = 50_000;
/** Versions that were taken by other events, in one append. */
const OVERTAKEN = 2;
const ASKED_ONE_BY_ONE = 8;
/** Tries in a row that store nothing. Each follows a write of somebody else's that was in the way. */
const TRIES_MAX = 50;

/** Chains on a collection that has `chainIndex`, and a unique index on `identity`. */
export function createChain<Row extends ChainRow>(options: ChainOptions<Row>): Chain<Row> {
  const { chainOf, next, follows, identity = '_id', verifyHeads = false } = options;
  // The driver's types cannot follow a generic row.
  const collection = options.collection as unknown as Collection<Document>;
  // Rows never change, so a cached head is always a true row; when it is no longer the newest, the unique index says so.
  const heads = createCache<Row>(CACHED_HEADS_MAX);

  async function head(chain: string): Promise<Row | null> {
    const [row] = await collection.find({ chain }).sort({ version: -1 }).limit(1).toArray();
    return (row as Row | undefined) ?? null;
  }

  /** The newest row of a chain, and whether it is what comes of the one before: true where that is missing. */
  async function end(chain: string): Promise<{ row: Row | undefined; isRight: boolean }> {
    const limit = follows ? 2 : 1;
    const found = await collection.find({ chain }).sort({ version: -1 }).limit(limit).toArray();
    const [row, before] = found as unknown as Row[];
    const isNext = row?.version === (before?.version ?? 0) + 1;
    return { row, isRight: !row || !follows || !isNext || follows(before, row) };
  }

  /** The newest row of a chain. @throws when it is not what comes of the one before. */
  async function rowToFollow(chain: string): Promise<Row | undefined> {
    const { row, isRight } = await end(chain);
    if (isRight) return row;
    throw new Error(
      `chain ${chain}: version ${row?.version} does not follow from the one before: repair or rebuild the service`,
    );
  }

  async function dropLostHeads(chains: readonly string[]): Promise<void> {
    const cached = chains.flatMap(chain => heads.get(chain) ?? []);
    if (cached.length === 0) return;
    const field: string = '_id';
    const filter: Filter<Document> = { [field]: { $in: cached.map(({ _id }) => _id) } };
    const projection = { event: 0 };
    const found = await collection.find(filter, { projection, batchSize: cached.length + 1 }).toArray();
    const stored = new Map(found.map(row => [String(row._id), row]));
    for (const row of cached) {
      const { event: _, ...calculated }: Row & { event?: unknown } = row;
      if (!isSame(stored.get(row._id), calculated)) heads.delete(row.chain);
    }
  }

  /** Which chains have rows at all: of many, one question for all of them saves one for each. */
  async function begun(chains: readonly string[]): Promise<readonly string[]> {
    if (chains.length <= ASKED_ONE_BY_ONE) return chains;
    const filter: Filter<Document> = { chain: { $in: chains }, version: 1 };
    const rows = await collection.find(filter, { projection: { chain: 1 }, batchSize: chains.length + 1 }).toArray();
    return rows.map(row => String(row.chain));
  }

  async function loadHeads(chains: Iterable<string>): Promise<void> {
    const unknown = await begun([...chains].filter(chain => !heads.has(chain)));
    await Promise.all(
      unknown.map(async chain => {
        const row = await rowToFollow(chain);
        if (row) heads.set(chain, row);
      }),
    );
  }

  /** Which of the events are stored. Whoever stored one that is newer than the cached head of its chain has left another head. */
  async function known(events: readonly Event[]): Promise<Set<string>> {
    const filter: Filter<Document> = { [identity]: { $in: events.map(({ id }) => id) } };
    const projection = { [identity]: 1, chain: 1, version: 1 };
    const rows = await collection.find(filter, { projection, batchSize: events.length + 1 }).toArray();
    for (const { chain, version } of rows) if (version > (heads.get(chain)?.version ?? 0)) heads.delete(chain);
    return new Set(rows.map(row => String(row[identity])));
  }

  function rowsFor(events: readonly Event[]): Row[] {
    const latest = new Map<string, Row>();
    return events.map(event => {
      const chain = chainOf(event);
      const row = next(latest.get(chain) ?? heads.get(chain), event);
      latest.set(chain, row);
      return row;
    });
  }

  /** Ordered, so that a row is stored only after the one that it follows. @returns how many were stored. */
  async function insert(rows: readonly Row[]): Promise<number> {
    try {
      await collection.insertMany(rows as unknown as OptionalUnlessRequiredId<Document>[], { ordered: true });
      return rows.length;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      return (error as { insertedCount?: number }).insertedCount ?? 0;
    }
  }

  return {
    head,
    endsRight: async chain => (await end(chain)).isRight,
    learn(rows) {
      for (const row of rows) {
        const known = heads.get(row.chain);
        // Where nothing is cached the store is asked, which may hold a newer one.
        if (known && known.version < row.version) heads.set(row.chain, row);
      }
    },
    remember(chains, rows) {
      for (const chain of chains) heads.delete(chain);
      for (const row of rows) heads.set(row.chain, row);
    },
    async append(events, { replay = false, knownFirst = replay, stored: read } = {}, writing = () => () => undefined) {
      let remaining = [...new Map(events.map(event => [event.id, event])).values()];
      const chains = [...groupBy(events, chainOf).keys()];
      const appended: Row[] = [];
      if (!read && (verifyHeads || replay)) await dropLostHeads(chains);
      if (read || knownFirst) {
        const stored = read ?? (await known(remaining));
        remaining = remaining.filter(({ id }) => !stored.has(id));
      }
      let overtaken = 0;
      for (let tries = 0; remaining.length > 0; tries++) {
        if (tries === TRIES_MAX) throw new Contention(`${TRIES_MAX} tries to append ${remaining.length} events`);
        if (!read || tries > 0) await loadHeads(chains);
        const rows = rowsFor(remaining);
        const written = writing(rows);
        const count = await insert(rows);
        written(count);
        for (const row of rows.slice(0, count)) heads.set(row.chain, row);
        appended.push(...rows.slice(0, count));
        remaining = remaining.slice(count);
        if (remaining.length === 0) break;
        if (count > 0) tries = 0;
        // Something was in the way: the event is stored already, or its version is taken.
        const stored = await known(remaining);
        const [first] = remaining;
        if (first) heads.delete(chainOf(first));
        if (first && !stored.has(first.id)) overtaken += 1;
        // Twice is no accident: somebody else has had these chains meanwhile. Reading all anew is cheaper than each failing by itself.
        if (overtaken === OVERTAKEN) for (const event of remaining) heads.delete(chainOf(event));
        remaining = remaining.filter(({ id }) => !stored.has(id));
      }
      return {
        appended,
        async heads() {
          await loadHeads(chains);
          return chains.flatMap(chain => heads.get(chain) ?? []);
        },
      };
    },
  };
}
