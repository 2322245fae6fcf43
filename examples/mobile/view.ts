/**
 * What the mobile service knows: a document for each account, with all that a phone shows of it, so that its first page is one
 * read; and its own record, the deposits that it was asked for. What an event says is of an account, and only its opening says
 * whose that is: so an account has a document, and an owner a few.
 */

import { asItCame } from '../../events/contract.ts';
import type { ServiceContext } from '../../events/definition.ts';
import type { Event } from '../../events/event.ts';
import type { OutboxEntry } from '../../events/outbox.ts';
import { putBack } from '../../events/restore.ts';
import type { Handling } from '../../events/rule.ts';
import { createProjection } from '../../events/view.ts';
import { SOURCE } from './decide.ts';
import { type AccountRow, project } from './projection.ts';

/** An account of which it is known whose it is. */
export type OpenedRow = AccountRow & Required<Pick<AccountRow, 'opened'>>;

export const indexes = {
  accounts: [{ key: { 'opened.ownerId': 1, 'opened.at': 1, _id: 1 }, sparse: true }],
} as const;

const ACCOUNTS_MAX = 20;
/** An account was opened at another service: news of it may be on its way. */
const WAIT_FOR_ACCOUNT_MS = 2_000;
const LOOK_AGAIN_MS = 50;

export type View = ReturnType<typeof createView>;

export function createView({ collection, clock }: Pick<ServiceContext, 'collection' | 'clock'>) {
  const record = collection<OutboxEntry>('events');
  const rows = collection<AccountRow>('accounts');
  const accounts = createProjection<AccountRow, Event>({
    collection: rows,
    idOf: ({ subject = '' }) => subject,
    project,
  });

  return {
    /** The deposit that an id was given to, if any. */
    stored: (id: string): Promise<OutboxEntry | null> => record.findOne({ _id: id }),

    /** The first accounts of an owner, and whether there are more. */
    async home(ownerId: string): Promise<{ accounts: OpenedRow[]; more: boolean }> {
      const found = await rows
        .find({ 'opened.ownerId': ownerId })
        .sort({ 'opened.at': 1, _id: 1 })
        .limit(ACCOUNTS_MAX + 1)
        .toArray();
      return { accounts: found.filter(isOpened).slice(0, ACCOUNTS_MAX), more: found.length > ACCOUNTS_MAX };
    },

    /** An account; one that is not known is waited for a moment. */
    async accountOf(id: string): Promise<OpenedRow | undefined> {
      const untilMs = clock.monotonic() + WAIT_FOR_ACCOUNT_MS;
      for (;;) {
        const row = await rows.findOne({ _id: id });
        if (row && isOpened(row)) return row;
        if (clock.monotonic() >= untilMs) return undefined;
        await clock.sleep(LOOK_AGAIN_MS);
      }
    },

    /** The rule: shows what has happened. @returns how many documents show something else now. */
    show: async (events: readonly Event[], how?: Handling): Promise<number> =>
      (await accounts.apply(events, how)).changed,

    /** Puts the service's own deposits back as the lake has them; those of other services are in their records. */
    restore: (events: readonly Event[], how?: Handling): Promise<number> =>
      putBack(
        record,
        events.filter(({ source }) => source === SOURCE),
        event => ({ set: { event: asItCame(event) } }),
        how,
      ),
  };
}

const isOpened = (row: AccountRow): row is OpenedRow => row.opened !== undefined;
