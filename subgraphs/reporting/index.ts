import type { Contract } from '../../events/contract.ts';
import type { ServiceDefinition } from '../../events/definition.ts';
import { rule } from '../../events/rule.ts';
import { accountOpened } from '../../schema/events/account-opened.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { overdrawn } from '../../schema/events/overdrawn.ts';
import { withdrawn } from '../../schema/events/withdrawn.ts';
import type { Resolvers } from '../host.ts';
import { createResolvers } from './resolvers.ts';
import { createStatistics, indexes } from './statistics.ts';

const counted: readonly Contract[] = [accountOpened, deposited, withdrawn, overdrawn];

/** The reporting service: keeps every event that statistics are made of, and the statistics. It emits nothing. */
export const service: ServiceDefinition<Resolvers> = {
  name: 'reporting',
  consumes: counted,
  emits: [],
  // Nobody waits for statistics.
  unhurried: counted,
  // An hour's statistic is made of all of its events.
  replayedTogether: true,
  derived: { store: { subject: 'account', incomparable: ['version', 'totals'] }, statistics: { subject: 'account' } },
  indexes,
  create({ collection }) {
    const statistics = createStatistics({ store: collection('store'), statistics: collection('statistics') });
    return { rules: [rule(counted, statistics.count)], resolvers: createResolvers(statistics) };
  },
};
