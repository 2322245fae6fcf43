import { assertOperator, assertOwner, clientError } from '../../schema/errors.ts';
import { DateTime, MinorUnits } from '../../schema/scalars.ts';
import type { RequestContext, Resolvers } from '../host.ts';
import type { Interval, IntervalTotals, Range, Statistics } from './statistics.ts';

type Arguments = Range & { interval?: Interval | null };
/** What the gateway knows of an account from the account service. */
type AccountReference = { id: string; ownerId?: string };

export function createResolvers(statistics: Statistics): Resolvers {
  return {
    DateTime,
    MinorUnits,
    Query: {
      async statistics(_: unknown, { interval, ...range }: Arguments, { identity }: RequestContext) {
        assertOperator(identity);
        return (await statistics.overall(ordered(range), interval ?? 'DAY')).map(node);
      },
    },
    Account: {
      __resolveReference: (reference: AccountReference) => reference,

      async statistics(
        { id, ownerId }: AccountReference,
        { interval, ...range }: Arguments,
        { identity }: RequestContext,
      ) {
        assertOwner(ownerId, identity);
        return (await statistics.ofAccount(id, ordered(range), interval ?? 'DAY')).map(node);
      },
    },
  };
}

function ordered(range: Range): Range {
  if (range.from && range.to && range.from > range.to) throw clientError('BAD_USER_INPUT', '"from" is after "to".');
  return range;
}

function node({ depositedMinor, withdrawnMinor, largestMinor, ...rest }: IntervalTotals) {
  return {
    ...rest,
    deposited: depositedMinor,
    withdrawn: withdrawnMinor,
    largest: largestMinor === 0 ? null : largestMinor,
  };
}
