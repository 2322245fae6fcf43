/** What the transfer service knows: its own record, which transfers there are; and whose accounts there are. */
import { createCache } from '../../events/cache.ts';
import { asItCame, type EventOf } from '../../events/contract.ts';
import type { Correlation } from '../../events/correlation.ts';
import type { ServiceContext } from '../../events/definition.ts';
import { ignoreDuplicates } from '../../events/errors.ts';
import type { Event } from '../../events/event.ts';
import type { OutboxEntry } from '../../events/outbox.ts';
import { hasFields, putBack } from '../../events/restore.ts';
import type { Handling } from '../../events/rule.ts';
import { materialize } from '../../events/view.ts';
import type { accountOpened } from '../../schema/events/account-opened.ts';
import { transferRequested } from '../../schema/events/transfer-requested.ts';
import { type Requested, type Standing, standingOf } from './decide.ts';

/** What never changes about an account. */
export type AccountRow = { _id: string; version: number; ownerId: string; currency: string };

export type RequestedEntry = OutboxEntry<Requested['data']> & { owner: string; requestedAt: string };

/** A transfer as it stands. */
export type Transfer = { event: Event<Requested['data']> } & Standing;

export const indexes = {
  events: [
    { key: { owner: 1, requestedAt: -1, _id: -1 }, sparse: true },
    { key: { requestedAt: -1, _id: -1 }, sparse: true },
  ],
} as const;

const CACHED_ACCOUNTS_MAX = 50_000;
/** How long an account is believed to be as it was read. */
const KNOWN_MS = 60_000;
/** An account that was just opened may not be known here yet. */
const WAIT_FOR_ACCOUNT_MS = 2_000;
const LOOK_AGAIN_MS = 100;

export const topicOf = (transferId: string) => `transfer/${transferId}`;

/** What the service stores beside each of its events. */
export function fieldsOf({ type, time, data }: Event): { owner?: string; requestedAt?: string } {
  // Its own event, read through its contract.
  return type === transferRequested.type ? { owner: (data as Requested['data']).ownerId, requestedAt: time } : {};
}

export type View = ReturnType<typeof createView>;

export function createView({
  correlation,
  collection,
  feed,
  clock,
}: Pick<ServiceContext, 'collection' | 'feed' | 'clock'> & { correlation: Pick<Correlation, 'decisions'> }) {
  const record = collection<OutboxEntry>('events');
  const requests = collection<RequestedEntry>('events');
  const accounts = collection<AccountRow>('accounts');
  // The facts of an account never change; but what was read may have been damaged, and mended since by another process or thread.
  const known = createCache<AccountRow>(CACHED_ACCOUNTS_MAX, KNOWN_MS);

  async function accountNow(id: string): Promise<AccountRow | undefined> {
    const cached = known.get(id);
    if (cached) return cached;
    const row = await accounts.findOne({ _id: id });
    if (row) known.set(id, row);
    return row ?? undefined;
  }

  return {
    requests,

    /** An account; one that is not known is waited for a moment. */
    async accountOf(id: string): Promise<AccountRow | undefined> {
      const untilMs = clock.monotonic() + WAIT_FOR_ACCOUNT_MS;
      for (;;) {
        const account = await accountNow(id);
        if (account || clock.monotonic() >= untilMs) return account;
        await clock.sleep(LOOK_AGAIN_MS);
      }
    },

    /** In the order asked for. */
    async standing(entries: readonly RequestedEntry[]): Promise<Transfer[]> {
      const decided = await correlation.decisions(entries.map(({ _id }) => _id));
      return entries.map(({ _id, event }) => ({ event, ...standingOf(event, decided.get(_id) ?? []) }));
    },

    /** The rule for accounts: what a transfer has to know of the one that it comes from. */
    async keep(events: readonly EventOf<typeof accountOpened>[], how?: Handling): Promise<number> {
      const rows = events.map(({ id, data: { ownerId, currency } }) => ({ _id: id, version: 1, ownerId, currency }));
      if (!how?.replay) return materialize(accounts, rows, how);
      const ids = rows.map(({ _id }) => _id);
      const found = await accounts.find({ _id: { $in: ids } }, { batchSize: ids.length + 1 }).toArray();
      const stored = new Map(found.map(row => [row._id, row]));
      // There is one version of an account's facts: whatever else a row says is wrong.
      const wrong = rows.filter(row => !hasFields(stored.get(row._id), row));
      const writes = wrong.map(({ _id, ...fields }) => ({
        updateOne: { filter: { _id }, update: { $set: fields }, upsert: true },
      }));
      if (writes.length > 0) await accounts.bulkWrite(writes, { ordered: false }).catch(ignoreDuplicates);
      for (const { _id } of wrong) known.delete(_id);
      return wrong.length;
    },

    /** Puts the service's own events back as the lake has them. */
    restore: (events: readonly Event[], how?: Handling): Promise<number> =>
      putBack(record, events, event => ({ set: { ...fieldsOf(event), event: asItCame(event) } }), how),

    /** Tells whoever watches some transfers. */
    async tell(transferIds: readonly string[]): Promise<void> {
      await feed.publish([...new Set(transferIds)].map(id => ({ topic: topicOf(id), message: id })));
    },
  };
}
