import { assertOperator, assertOwner } from '../../schema/errors.ts';
import { assertOrdered } from '../../schema/input.ts';
import { DateTime, MinorUnits } from '../../schema/scalars.ts';
import type { Resolvers } from './generated.ts';
import type { Statistics } from './statistics.ts';

export function createResolvers(statistics: Statistics): Resolvers {
  return {
    DateTime,
    MinorUnits,
    Query: {
      async statistics(_, { interval, ...range }, { identity }) {
        assertOperator(identity);
        assertOrdered(range);
        return statistics.overall(range, interval ?? 'DAY');
      },
    },
    Account: {
      __resolveReference: reference => reference,

      async statistics({ id, ownerId }, { interval, ...range }, { identity }) {
        assertOwner(ownerId, identity);
        assertOrdered(range);
        return statistics.ofAccount(id, range, interval ?? 'DAY');
      },
    },
    Statistic: {
      deposited: ({ depositedMinor }) => depositedMinor,
      withdrawn: ({ withdrawnMinor }) => withdrawnMinor,
      largest: ({ largestMinor }) => (largestMinor === 0 ? null : largestMinor),
    },
  };
}
