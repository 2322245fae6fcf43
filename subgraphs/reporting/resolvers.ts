import { assertOperator, assertOwner, clientError } from '../../schema/errors.ts';
import { DateTime, MinorUnits } from '../../schema/scalars.ts';
import type { Resolvers } from './generated.ts';
import type { Range, Statistics } from './statistics.ts';

export function createResolvers(statistics: Statistics): Resolvers {
  return {
    DateTime,
    MinorUnits,
    Query: {
      async statistics(_, { interval, ...range }, { identity }) {
        assertOperator(identity);
        return statistics.overall(ordered(range), interval ?? 'DAY');
      },
    },
    Account: {
      __resolveReference: reference => reference,

      async statistics({ id, ownerId }, { interval, ...range }, { identity }) {
        assertOwner(ownerId, identity);
        return statistics.ofAccount(id, ordered(range), interval ?? 'DAY');
      },
    },
    Statistic: {
      deposited: ({ depositedMinor }) => depositedMinor,
      withdrawn: ({ withdrawnMinor }) => withdrawnMinor,
      largest: ({ largestMinor }) => (largestMinor === 0 ? null : largestMinor),
    },
  };
}

function ordered(range: Range): Range {
  if (range.from && range.to && range.from > range.to) throw clientError('BAD_USER_INPUT', '"from" is after "to".');
  return range;
}
