/**
 * What the account service knows: its own emitted events (which accounts there are, which transactions), and the
 * `accounts` view with the latest balance that it has heard of.
 */
import isSame from 'fast-deep-equal';
import type { Collection } from 'mongodb';
import type { z } from 'zod';
import { createCache } from '../../events/cache.ts';
import { asItCame, type EventOf } from '../../events/contract.ts';
import type { ServiceContext } from '../../events/definition.ts';
import { ignoreDuplicates } from '../../events/errors.ts';
import type { Event } from '../../events/event.ts';
import type { OutboxEntry } from '../../events/outbox.ts';
import { putBack } from '../../events/restore.ts';
import type { Handling } from '../../events/rule.ts';
import { noTrail } from '../../events/tracing.ts';
import { createProjection } from '../../events/view.ts';
import { accountOpened } from '../../schema/events/account-opened.ts';
import { balanceUpdated } from '../../schema/events/balance-updated.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { withdrawn } from '../../schema/events/withdrawn.ts';
import type { transaction } from '../../schema/shapes.ts';
import { type AccountFacts, SOURCE } from './decide.ts';
import { type BalanceRow, emptyRow, project } from './projection.ts';
import { createRoom } from './room.ts';
import { createTurns } from './turn.ts';

export type OpenedEntry = OutboxEntry<EventOf<typeof accountOpened>['data']> & { owner: string; openedAt: string };

/** What every version of `deposited` and `withdrawn` says: rows are as the release of their day wrote them. */
export type TransactionEntry = OutboxEntry<z.output<typeof transaction>> & {
  account: string;
  time: string;
  /** The version of the balance that it is in; UNSETTLED until the service hears of it. */
  settled: number;
};

/** Higher than every version, so that "not in version v" is one range: settled > v. */
export const UNSETTLED = Number.MAX_SAFE_INTEGER;

export const indexes = {
  events: [
    { key: { owner: 1, openedAt: 1, _id: 1 }, sparse: true },
    { key: { openedAt: 1, _id: 1 }, sparse: true },
    { key: { account: 1, time: -1, _id: -1 }, sparse: true },
    { key: { account: 1, settled: 1 }, sparse: true },
  ],
} as const;

type BalanceUpdated = EventOf<typeof balanceUpdated>;

// Read through its contract.
const isBalance = (event: Event): event is BalanceUpdated => event.type === balanceUpdated.type;

type EntryFields = { owner?: string; openedAt?: string; account?: string; time?: string; settled?: number };

/** What the service stores beside each of its events. */
export function fieldsOf({ type, subject = '', time, data }: Event): EntryFields {
  // Its own event, read through its contract.
  if (type === accountOpened.type) return { owner: (data as { ownerId: string }).ownerId, openedAt: time };
  if (type === deposited.type || type === withdrawn.type) return { account: subject, time, settled: UNSETTLED };
  return {};
}

type Entry = OutboxEntry & EntryFields;
const isOpening = (entry: Entry): entry is OpenedEntry => entry.owner !== undefined;
const isTransaction = (entry: Entry): entry is TransactionEntry => entry.account !== undefined;

const CACHED_FACTS_MAX = 50_000;
/** The lake may know of a balance before this service does. */
const ON_ITS_WAY_MS = 10_000;

export type View = ReturnType<typeof createView>;

/** What watchers are told: the balance, and where it came from, for whoever follows its trace. */
export type BalanceNews = BalanceRow & { traceparent?: string };

export function createView({
  collection,
  feed,
  clock,
  trail = noTrail,
}: Pick<ServiceContext, 'collection' | 'feed' | 'clock'> & Partial<Pick<ServiceContext, 'trail'>>) {
  const openings = collection<OpenedEntry>('events');
  const transactions = collection<TransactionEntry>('events');
  const entries = collection<Entry>('events');
  const balances: Collection<BalanceRow> = collection('accounts');
  const accounts = createProjection({ collection: balances, idOf: ({ subject = '' }) => subject, project });
  /** Balances whose transactions were just seen to be marked as they say, while those were looked at themselves. */
  const seenMarked = new WeakSet<BalanceUpdated>();
  // The facts of an account never change.
  const facts = createCache<AccountFacts>(CACHED_FACTS_MAX);

  const openingOf = (accountId: string) => ({ _id: accountId, owner: { $exists: true } });

  async function factsOf(accountId: string): Promise<AccountFacts | undefined> {
    return facts.get(accountId) ?? learn((await openings.findOne(openingOf(accountId))) ?? undefined);
  }

  function learn(entry: OpenedEntry | undefined): AccountFacts | undefined {
    if (!entry) return undefined;
    const opened = factsFrom(entry);
    facts.set(opened.id, opened);
    return opened;
  }

  /** In the order asked for; an account without transactions has version 0. */
  async function balancesOf(accountIds: readonly string[]): Promise<BalanceRow[]> {
    const rows = await balances.find({ _id: { $in: [...accountIds] } }).toArray();
    const byId = new Map(rows.map(row => [row._id, row]));
    return accountIds.map(_id => byId.get(_id) ?? emptyRow(_id));
  }

  async function balanceOf(accountId: string): Promise<BalanceRow> {
    return (await balances.findOne({ _id: accountId })) ?? emptyRow(accountId);
  }

  /**
   * Also what is not there is marked: a transaction may come later than the balance that it is in.
   *
   * @returns how many were not marked so; during a rebuild, those of which the service is not just about to hear.
   */
  async function mark(updates: readonly BalanceUpdated[], how: Handling | undefined): Promise<number> {
    // From the lake, mostly all are.
    const fromLake = how?.replay === true || how?.rebuild !== undefined;
    const wrong = fromLake ? await wronglyMarked(updates) : updates;
    const nowMs = clock.now();
    const late = wrong.filter(({ time }) => !how?.rebuild || nowMs - Date.parse(time) > ON_ITS_WAY_MS).length;
    if (wrong.length === 0 || how?.rebuild === 'trial') return late;
    const writes = wrong.map(({ data }) => ({
      updateOne: { filter: { _id: data.eventId }, update: { $set: { settled: data.version } } },
    }));
    const { matchedCount } = await transactions.bulkWrite(writes, { ordered: false });
    if (matchedCount < writes.length) await upsert(writes);
    return fromLake ? late : 0;
  }

  async function wronglyMarked(all: readonly BalanceUpdated[]): Promise<BalanceUpdated[]> {
    const updates = all.filter(update => !seenMarked.has(update));
    if (updates.length === 0) return [];
    const ids = updates.map(({ data }) => data.eventId);
    const found = await transactions
      .find({ _id: { $in: ids } }, { projection: { settled: 1 }, batchSize: ids.length + 1 })
      .toArray();
    const marks = new Map(found.map(({ _id, settled }) => [_id, settled]));
    return updates.filter(({ data }) => marks.get(data.eventId) !== data.version);
  }

  /** What is not there is made of what is said of it, by whoever comes first. */
  async function upsert(writes: readonly { updateOne: { filter: { _id: string }; update: object } }[]): Promise<void> {
    const all = writes.map(({ updateOne }) => ({ updateOne: { ...updateOne, upsert: true } }));
    await entries.bulkWrite(all, { ordered: false }).catch(async error => {
      ignoreDuplicates(error);
      // Another process was faster, and it is there now.
      await entries.bulkWrite(all, { ordered: false });
    });
  }

  return {
    openings,
    transactions,
    factsOf,
    /** Of an account that was read before. */
    knownFacts: (accountId: string): AccountFacts | undefined => facts.get(accountId),
    balanceOf,
    balancesOf,
    /** For whoever looks at an account and decides by that: see turn.ts and room.ts. */
    inTurn: createTurns(),
    room: createRoom(),

    /**
     * An account, if there is one, and what can be spent: the balance up to which every version is known, and all transactions
     * that are not in it. The balance is read first: a transaction is marked with its version before that version is known (see
     * `settle`). Two queries, whether the account was met before or not.
     */
    async look(accountId: string): Promise<{ account: AccountFacts | undefined; availableMinor: number }> {
      const { known } = await balanceOf(accountId);
      const pending = { account: accountId, settled: { $gt: known.version } };
      const before = facts.get(accountId);
      const rows = await entries.find(before ? pending : { $or: [openingOf(accountId), pending] }).toArray();
      const amounts = rows.filter(isTransaction).map(({ event }) => signedAmount(event));
      return {
        account: before ?? learn(rows.find(isOpening)),
        availableMinor: amounts.reduce((sum, amount) => sum + amount, known.amountMinor),
      };
    },

    /** Which of these ids are of events that the service has stored. */
    async stored(ids: readonly string[]): Promise<Set<string>> {
      const found = await entries
        .find({ _id: { $in: [...ids] } }, { projection: { _id: 1 }, batchSize: ids.length + 1 })
        .toArray();
      return new Set(found.map(({ _id }) => _id));
    },

    /**
     * Puts the service's own events back as the lake has them, when they are lost or changed. They were relayed long ago.
     * See `keep` for what other services have emitted of the same types.
     *
     * @param events balances among them mark those transactions at once that have to be put back.
     */
    restore(events: readonly Event[], how?: Handling): Promise<number> {
      const updates = new Map(events.filter(isBalance).map(update => [update.data.eventId, update]));
      return putBack(
        entries,
        events.filter(({ source }) => source === SOURCE),
        event => {
          const { settled, ...set } = fieldsOf(event);
          const mark = updates.get(event.id)?.data.version ?? settled;
          return { set: { ...set, event: asItCame(event) }, ...(settled && { onInsert: { settled: mark } }) };
        },
        how,
        rows => {
          for (const { _id, settled } of rows) {
            const update = updates.get(_id);
            if (update && settled === update.data.version) seenMarked.add(update);
          }
        },
      );
    },

    /** Keeps the transactions that other services have emitted beside its own. Whoever emitted them has relayed them. */
    async keep(events: readonly Event[], how?: Handling): Promise<number> {
      const others = events.filter(({ source }) => source !== SOURCE);
      if (others.length === 0) return 0;
      const ids = others.map(({ id }) => id);
      const found = await entries.find({ _id: { $in: ids } }, { batchSize: ids.length + 1 }).toArray();
      const stored = new Map(found.map(({ _id, event }) => [_id, event]));
      const isStored = (event: Event) => isSame(stored.get(event.id), asItCame(event));
      const wrong = others.filter(event => !isStored(event));
      if (wrong.length === 0 || how?.rebuild === 'trial') return wrong.length;
      const writes = wrong.map(event => {
        const { settled, ...fields } = fieldsOf(event);
        const update = { $set: { ...fields, event: asItCame(event) }, $setOnInsert: { settled } };
        return { updateOne: { filter: { _id: event.id }, update } };
      });
      await upsert(writes);
      return wrong.length;
    },

    /** Marks the transactions that new balances contain, then shows the balances, then tells whoever watches. */
    async settle(updates: readonly BalanceUpdated[], how?: Handling): Promise<{ marked: number; shown: number }> {
      const fromLake = how?.replay === true || how?.rebuild !== undefined;
      const step = fromLake ? undefined : trail.begin('view', updates);
      const marked = await mark(updates, how);
      const { rows, changed } = await accounts.apply(updates, how);
      const places = new Map(updates.map(({ subject }, index) => [subject, step?.places[index]]));
      const news = rows.map((row): BalanceNews => {
        const traceparent = places.get(row._id);
        return traceparent ? { ...row, traceparent } : row;
      });
      // Live also when nothing changed: the process may have died before it said so.
      if (!how?.replay || changed > 0) await feed.publish(news.map(row => ({ topic: topicOf(row._id), message: row })));
      step?.end();
      return { marked, shown: changed };
    },
  };
}

export const topicOf = (accountId: string) => `account/${accountId}`;

export function factsFrom({ _id, event, openedAt }: OpenedEntry): AccountFacts {
  const { ownerId, name, currency } = event.data;
  return { id: _id, ownerId, name, currency, openedAt };
}

export function signedAmount({ type, data }: TransactionEntry['event']): number {
  return type === 'withdrawn' ? -data.amountMinor : data.amountMinor;
}
