/**
 * The ledger that is being built beside the one that is served. What was published is put where it was; nothing is counted
 * and nothing is published before the copy is served. Transactions that nobody has counted are kept until then.
 *
 * A place in an account's chain can have been published twice, when the ledger had lost rows and went on counting. Then the
 * earlier one has it; from where the chain does not add up any more, its transactions are counted again behind it. So they are where a
 * chain does not add up at its end, before anything is counted behind that.
 */
import type { Collection, Filter } from 'mongodb';
import { ignoreDuplicates } from '../../events/errors.ts';
import type { Event } from '../../events/event.ts';
import type { Rebuilding } from '../../events/rebuild.ts';
import { rule } from '../../events/rule.ts';
import { balanceUpdated } from '../../schema/events/balance-updated.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { overdrawn } from '../../schema/events/overdrawn.ts';
import { withdrawn } from '../../schema/events/withdrawn.ts';
import { addsUp, type BalanceUpdated, type Ledger, type LedgerRow } from './ledger.ts';

/** A transaction that may have to be counted; or, without one, an account whose chain may not add up. */
export type Uncounted = { _id: string; chain: string; time: string; event?: Event };

/** By the time of their transactions. */
export const indexes = { uncounted: [{ key: { time: 1, _id: 1 } }] } as const;

const BATCH = 500;
/** No time is later. */
const DISPUTE = '';

export function createLedgerCopy({
  ledger,
  uncounted,
}: {
  ledger: Ledger;
  uncounted: Collection<Uncounted>;
}): Rebuilding {
  const { rows, notStored, restoredRow } = ledger;

  async function noteAll(transactions: readonly Event[]): Promise<void> {
    if (transactions.length === 0) return;
    const notes = transactions.map(event => ({ _id: event.id, chain: event.subject ?? '', time: event.time, event }));
    await uncounted.insertMany(notes, { ordered: false }).catch(ignoreDuplicates);
  }

  async function dispute(chain: string): Promise<void> {
    await uncounted.updateOne({ _id: `chain ${chain}` }, { $set: { chain, time: DISPUTE } }, { upsert: true });
  }

  /** Two published balances want one place, or one transaction has two. */
  async function settle(snapshot: BalanceUpdated): Promise<void> {
    const chain = snapshot.subject ?? '';
    const { version, eventId } = snapshot.data;
    await dispute(chain);
    const rivals = await rows.find({ $or: [{ chain, version }, { cause: eventId }] }).toArray();
    if (!rivals.every(({ event }) => isEarlier(snapshot, event))) return noteAll([transactionOf(snapshot)]);
    await noteAll(rivals.map(({ event }) => transactionOf(event)));
    for (const { _id } of rivals) await rows.deleteOne({ _id });
    await rows.insertMany([restoredRow(snapshot)]).catch(ignoreDuplicates);
  }

  async function restore(snapshots: readonly BalanceUpdated[]): Promise<void> {
    try {
      await rows.insertMany(snapshots.map(restoredRow), { ordered: false });
    } catch (error) {
      ignoreDuplicates(error);
      for (const snapshot of await notStored(snapshots)) await settle(snapshot);
    }
  }

  /** Keeps what is not in the ledger. Most of it is there by the time that it is asked for. */
  async function note(transactions: readonly Event[]): Promise<void> {
    const unknown = await notCounted(transactions);
    await noteAll(unknown);
  }

  async function notCounted(transactions: readonly Event[]): Promise<Event[]> {
    const ids = transactions.map(({ id }) => id);
    const found = await rows
      .find({ cause: { $in: ids } }, { projection: { cause: 1 }, batchSize: ids.length + 1 })
      .toArray();
    const counted = new Set(found.map(({ cause }) => cause));
    return transactions.filter(({ id }) => !counted.has(id));
  }

  /** Takes out what does not follow from the row before it. @returns how many rows. */
  async function cut(chain: string): Promise<number> {
    let before: LedgerRow | undefined;
    const wrong: LedgerRow[] = [];
    for await (const row of rows.find({ chain }).sort({ version: 1 })) {
      if (wrong.length === 0 && follows(before, row)) before = row;
      else wrong.push(row);
    }
    await noteAll(wrong.map(({ event }) => transactionOf(event)));
    // From the end, so that it can be cut short anywhere.
    for (const { _id } of wrong.reverse()) await rows.deleteOne({ _id });
    return wrong.length;
  }

  type Add = (chain: string, count: number) => void;

  /** Counts what nobody has counted, by the time of it. @returns whether some was left over that has to be counted as well. */
  async function countLeft(whose: Filter<Uncounted>, add: Add): Promise<boolean> {
    let isMore = false;
    let after: Uncounted | undefined;
    for (;;) {
      const filter = { ...whose, ...beyond(after) };
      const left = await uncounted.find(filter).sort({ time: 1, _id: 1 }).limit(BATCH).toArray();
      const events = await notCounted(left.flatMap(({ event }) => event ?? []));
      for (const chain of new Set(events.map(({ subject = '' }) => subject))) {
        if (await ledger.endsRight(chain)) continue;
        add(chain, await cut(chain));
        // It may have happened earlier than where we are.
        isMore = true;
      }
      if (events.length > 0) await ledger.count(events);
      for (const event of events) add(event.subject ?? '', 1);
      if (left.length < BATCH) return isMore;
      after = left.at(-1);
    }
  }

  return {
    rules: [
      rule([balanceUpdated], restore),
      rule<unknown>([overdrawn], async events => void (await ledger.keep(events))),
      rule<unknown>([deposited, withdrawn], note),
    ],
    async adopt(subject) {
      const changed = new Map<string, number>();
      const add: Add = (chain, count) => void changed.set(chain, (changed.get(chain) ?? 0) + count);
      const whose = subject === null ? {} : { chain: subject };
      for (const { chain } of await uncounted.find({ ...whose, time: DISPUTE }).toArray()) add(chain, await cut(chain));
      // A chain that was cut adds up, so that this comes to its end.
      while (await countLeft(whose, add));
      return changed;
    },
  };
}

function beyond(after: Uncounted | undefined): Filter<Uncounted> {
  if (!after) return { time: { $gt: DISPUTE } };
  return { $or: [{ time: { $gt: after.time } }, { time: after.time, _id: { $gt: after._id } }] };
}

function follows(before: LedgerRow | undefined, { version, event }: LedgerRow): boolean {
  return version === (before?.version ?? 0) + 1 && addsUp(before?.event, event);
}

function isEarlier(a: BalanceUpdated, b: BalanceUpdated): boolean {
  return a.time === b.time ? a.id < b.id : a.time < b.time;
}

/** The transaction that a balance is about, as far as counting it needs. */
function transactionOf({ subject, correlationid, traceparent, data }: BalanceUpdated): Event {
  const { amountMinor, currency, eventId, eventType, eventTime } = data;
  return {
    specversion: '1.0',
    id: eventId,
    source: '/balance',
    type: eventType,
    subject,
    time: eventTime,
    data: { amountMinor: Math.abs(amountMinor), currency },
    ...(correlationid !== undefined && correlationid !== eventId && { correlationid }),
    ...(traceparent !== undefined && { traceparent }),
  };
}
