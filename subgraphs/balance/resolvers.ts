import { chainIndex } from '../../events/store.ts';
import { assertOwner, clientError } from '../../schema/errors.ts';
import { connection, decodeCursor, numberPlace, pageSize } from '../../schema/paging.ts';
import { DateTime, MinorUnits } from '../../schema/scalars.ts';
import type { Resolvers } from './generated.ts';
import type { Ledger, LedgerRow } from './ledger.ts';

type AsOf = { version?: number | null; time?: string | null };

/**
 * What came at the same time may be counted in another order than it happened in, by the clocks of those who say so: with a row, so
 * many of those counted after it are looked at.
 */
const COUNTED_LATER_MAX = 200;

const NOTHING_YET = { amount: 0, version: 0, asOf: null };

export function createResolvers({ rows, head }: Ledger): Resolvers {
  async function rowAsOf(account: string, { version, time }: AsOf): Promise<LedgerRow | null> {
    if (typeof version === 'number') return rows.findOne({ chain: account, version });
    const newest = await head(account);
    if (typeof time !== 'string' || (newest && newest.event.data.eventTime <= time)) return newest;
    return rowUntil(account, time);
  }

  /** The newest balance that is of a transaction of that time or before. */
  async function rowUntil(account: string, time: string): Promise<LedgerRow | null> {
    const until = { chain: account, 'event.data.eventTime': { $lte: time } };
    const sort = { 'event.data.eventTime': -1, version: -1 } as const;
    const [latest] = await rows.find(until).sort(sort).limit(1).toArray();
    if (!latest) return null;
    const { version } = latest;
    const later = { $gt: version, $lte: version + COUNTED_LATER_MAX };
    const [counted] = await rows
      .find({ ...until, version: later })
      .sort({ version: -1 })
      // By place: by time there may be any number before it.
      .hint(chainIndex.key)
      .limit(1)
      .toArray();
    return counted ?? latest;
  }

  return {
    DateTime,
    MinorUnits,
    Account: {
      __resolveReference: reference => reference,

      async ledger({ id, ownerId }, { first, after }, { identity }) {
        assertOwner(ownerId, identity);
        const size = pageSize(first);
        const place = decodeCursor(after, numberPlace);
        const page = await rows
          .find({ chain: id, ...(place && { version: { $lt: place[0] } }) })
          .sort({ version: -1 })
          .limit(size + 1)
          .toArray();
        return connection(
          page,
          size,
          ({ version }) => [version],
          row => row,
        );
      },

      async balanceAt({ id, ownerId }, asOf, { identity }) {
        assertOwner(ownerId, identity);
        const { version, time } = asOf;
        if (typeof version === 'number' && typeof time === 'string') {
          throw clientError('BAD_USER_INPUT', 'balanceAt takes a version or a time, not both.');
        }
        if (typeof version === 'number' && version < 0) throw clientError('BAD_USER_INPUT', '"version" starts at 0.');
        const row = await rowAsOf(id, asOf);
        // A version that is not there yet is unknown; before the first transaction there was nothing.
        if (!row) return typeof version === 'number' && version > 0 ? null : NOTHING_YET;
        const { balanceMinor, eventTime } = row.event.data;
        return { amount: balanceMinor, version: row.version, asOf: eventTime };
      },
    },
    LedgerEntry: {
      version: ({ version }) => version,
      amount: ({ event }) => event.data.amountMinor,
      balance: ({ event }) => event.data.balanceMinor,
      time: ({ event }) => event.data.eventTime,
      eventId: ({ event }) => event.data.eventId,
      eventType: ({ event }) => event.data.eventType,
    },
  };
}
