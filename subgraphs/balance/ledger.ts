/**
 * The ledger: one chain an account. A row is the `balance-updated` event for one transaction, so the row is at once the
 * running balance, the outbox entry, and, when the service hears its own event again, the snapshot to restore it from.
 */
import isSame from 'fast-deep-equal';
import type { Collection } from 'mongodb';
import type { Logger } from 'pino';
import { type Clock, timestamp } from '../../events/clock.ts';
import { asItCame, createEvent, type EventOf } from '../../events/contract.ts';
import { ignoreDuplicates } from '../../events/errors.ts';
import { causedBy, deriveId, type Event } from '../../events/event.ts';
import type { Outbox, OutboxEntry } from '../../events/outbox.ts';
import { putBack } from '../../events/restore.ts';
import type { Handling } from '../../events/rule.ts';
import { type ChainRow, chainIndex, createChain, type Writing } from '../../events/store.ts';
import { noTrail, type Trail } from '../../events/tracing.ts';
import { balanceUpdated } from '../../schema/events/balance-updated.ts';
import { overdrawn } from '../../schema/events/overdrawn.ts';
import { withdrawn } from '../../schema/events/withdrawn.ts';

export type BalanceUpdated = EventOf<typeof balanceUpdated>;
/** What a withdrawal says a deposit says too. */
type Transaction = EventOf<typeof withdrawn>;

export type LedgerRow = ChainRow &
  OutboxEntry<BalanceUpdated['data']> & {
    /** The transaction that the row is about. */
    cause: string;
  };

const SOURCE = '/balance';

export const indexes = {
  events: [
    chainIndex,
    { key: { cause: 1 }, unique: true, sparse: true },
    { key: { chain: 1, 'event.data.eventTime': -1, version: -1 }, sparse: true },
  ],
} as const;

/**
 * The balance after one more transaction: pure.
 *
 * @param head the account's balance before, undefined before its first transaction.
 * @throws RangeError when the balance could not be counted exactly any more.
 */
export function nextBalance(
  head: BalanceUpdated | undefined,
  transaction: Event<Transaction['data']>,
  time: string,
): BalanceUpdated {
  const { id, type, subject = '', data } = transaction;
  const version = (head?.data.version ?? 0) + 1;
  const amountMinor = type === withdrawn.type ? -data.amountMinor : data.amountMinor;
  const balanceMinor = (head?.data.balanceMinor ?? 0) + amountMinor;
  if (!Number.isSafeInteger(balanceMinor))
    throw new RangeError(`account ${subject}: a balance of ${balanceMinor} is not exact`);
  return createEvent(balanceUpdated, {
    id: deriveId(balanceUpdated.type, subject, version, id),
    source: SOURCE,
    subject,
    time,
    ...causedBy(transaction),
    data: {
      version,
      amountMinor,
      balanceMinor,
      currency: data.currency,
      eventId: id,
      eventType: type,
      eventTime: transaction.time,
    },
  });
}

/** Whether a balance is what comes of the one before it and of its own amount: pure. */
export function addsUp(before: BalanceUpdated | undefined, { data }: BalanceUpdated): boolean {
  return data.balanceMinor === (before?.data.balanceMinor ?? 0) + data.amountMinor;
}

/** The `overdrawn` event that a new balance calls for, if it does: pure, and the same whenever it is asked again. */
export function overdraft(update: BalanceUpdated): Event | undefined {
  const { version, amountMinor, balanceMinor, currency, eventId } = update.data;
  if (balanceMinor >= 0 || amountMinor >= 0) return undefined;
  return createEvent(overdrawn, {
    id: deriveId(overdrawn.type, update.subject ?? '', version, eventId),
    source: SOURCE,
    subject: update.subject,
    time: update.time,
    ...causedBy(update),
    data: { version, amountMinor: -amountMinor, balanceMinor, currency, eventId },
  });
}

export type Ledger = ReturnType<typeof createLedger>;

export function createLedger(options: {
  rows: Collection<LedgerRow>;
  outbox: Outbox;
  clock: Clock;
  log: Logger;
  trail?: Trail;
}) {
  const { rows, outbox, clock, log, trail = noTrail } = options;

  const rowFor = (event: BalanceUpdated): LedgerRow => ({
    ...outbox.entry(event),
    chain: event.subject ?? '',
    version: event.data.version,
    cause: event.data.eventId,
  });

  const chain = createChain<LedgerRow>({
    collection: rows,
    chainOf: event => event.subject ?? '',
    next: (head, event) =>
      // The consumer has read the event through its contract.
      rowFor(
        nextBalance(
          head?.event as BalanceUpdated | undefined,
          event as Event<Transaction['data']>,
          timestamp(clock.now()),
        ),
      ),
    // What is followed is published, and then the lake has it for good.
    follows: (before, row) => addsUp(before?.event, row.event),
    identity: 'cause',
  });

  async function notStored(snapshots: readonly BalanceUpdated[]): Promise<BalanceUpdated[]> {
    const ids = snapshots.map(({ id }) => id);
    const found = await rows
      .find({ _id: { $in: ids } }, { projection: { _id: 1 }, batchSize: ids.length + 1 })
      .toArray();
    const stored = new Set(found.map(({ _id }) => _id));
    return snapshots.filter(({ id }) => !stored.has(id));
  }

  /** A row as it was when it had been relayed. */
  function restoredRow(event: BalanceUpdated): LedgerRow {
    const { pending: _, ...row } = rowFor(event);
    return row;
  }

  /** Rows that say something else than was published: each is made again what it was. @returns also what has no row. */
  async function mend(snapshots: readonly BalanceUpdated[]): Promise<{ mended: number; missing: BalanceUpdated[] }> {
    const ids = snapshots.map(({ id }) => id);
    const found = await rows.find({ _id: { $in: ids } }, { batchSize: ids.length + 1 }).toArray();
    const stored = new Map(found.map(row => [row._id, row]));
    const wrong = snapshots.flatMap(event => {
      const row = stored.get(event.id);
      if (!row) return [];
      const { _id, ...right } = restoredRow(event);
      const { chain, version, cause } = row;
      const isRight = isSame({ event: row.event, chain, version, cause }, right);
      return isRight ? [] : [{ _id, ...right }];
    });
    const missing = snapshots.filter(({ id }) => !stored.has(id));
    if (wrong.length === 0) return { mended: 0, missing };
    const writes = wrong.map(({ _id, ...right }) => ({ updateOne: { filter: { _id }, update: { $set: right } } }));
    try {
      const { modifiedCount } = await rows.bulkWrite(writes, { ordered: true });
      return { mended: modifiedCount, missing };
    } catch (error) {
      ignoreDuplicates(error);
      // They stand in each other's places, or in that of another: all of them come again from the lake.
      await rows.deleteMany({ _id: { $in: wrong.map(({ _id }) => _id) } });
      return mend(snapshots);
    }
  }

  /** Stores rows where they belong. @returns the event of one whose place is taken by another transaction. */
  async function put(restored: readonly LedgerRow[]): Promise<BalanceUpdated | undefined> {
    try {
      await rows.insertMany([...restored], { ordered: false });
      return undefined;
    } catch (error) {
      ignoreDuplicates(error);
      const [misplaced] = await notStored(restored.map(({ event }) => event));
      return misplaced;
    }
  }

  /** A step of its own for each row, begun before it is written: the relay may see it before we are told that it is stored. */
  const begunBefore: Writing<LedgerRow> = written => {
    const steps = written.map(({ event, cause }) =>
      trail.begin('ledger', [event], { kind: 'producer', parents: [trail.newest(cause)] }),
    );
    return stored => {
      for (const step of steps.slice(0, stored)) step.end();
    };
  };

  return {
    rows,
    head: chain.head,
    endsRight: chain.endsRight,
    restoredRow,
    notStored,

    /**
     * The rule for transactions: one row each, which is also the event to relay. Also during a replay the newest version
     * known is the one to follow: it was published, whether its row is there again already or not.
     */
    async count(transactions: readonly Event[], how?: Handling): Promise<number> {
      const { appended } = await chain.append(
        transactions,
        { knownFirst: how?.replay },
        how?.replay ? undefined : begunBefore,
      );
      const updates = appended.map(({ event }) => event);
      if (appended.length > 0) outbox.wake(updates);
      return appended.length;
    },

    /**
     * The rule for the service's own events, as snapshots: a row that is missing is put back exactly as it was, so that
     * nothing is counted a second time. They have been relayed already.
     *
     * @throws when a row's place holds another transaction than was published: something was counted while the ledger
     *   was not whole. It must not pass in silence; the snapshot becomes a fault.
     */
    async restore(snapshots: readonly BalanceUpdated[], how?: Handling): Promise<number> {
      const { mended, missing } = how?.replay
        ? await mend(snapshots)
        : { mended: 0, missing: await notStored(snapshots) };
      if (missing.length === 0) return mended;
      log.info({ rows: missing.length }, 'ledger rows restored from snapshots');
      const restored = missing.map(restoredRow);
      const misplaced = await put(restored);
      chain.learn(restored);
      if (!misplaced) return mended + missing.length;
      const { subject, data } = misplaced;
      throw new Error(`ledger of ${subject}: version ${data.version} is not the published one; it has to be rebuilt`);
    },

    /** The rule for the service's other events: they are put back in its record, as relayed. */
    async keep(events: readonly Event[], how?: Handling): Promise<number> {
      // The collection is the ledger's, and the outbox's of all that the service emits.
      const outboxEntries = rows as unknown as Collection<OutboxEntry>;
      if (how?.replay) return putBack(outboxEntries, events, event => ({ set: { event: asItCame(event) } }), how);
      const entries: OutboxEntry[] = events.map(event => ({ _id: event.id, event: asItCame(event) }));
      try {
        return (await outboxEntries.insertMany(entries, { ordered: false })).insertedCount;
      } catch (error) {
        ignoreDuplicates(error);
        return (error as { insertedCount?: number }).insertedCount ?? 0;
      }
    },

    /** The rule that tells the system of an overdraft. */
    async report(updates: readonly BalanceUpdated[]): Promise<void> {
      await outbox.appendDerived(updates.flatMap(update => overdraft(update) ?? []));
    },
  };
}
