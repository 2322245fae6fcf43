import { rule } from '../../events/consumer.ts';
import type { Contract } from '../../events/contract.ts';
import type { ServiceDefinition } from '../../events/service.ts';
import { accountOpened, balanceUpdated, deposited, withdrawn } from '../../schema/events.ts';
import type { Resolvers } from '../host.ts';
import { createResolvers } from './resolvers.ts';
import { createView, indexes } from './view.ts';

const owned: readonly Contract[] = [accountOpened, deposited, withdrawn];

/**
 * The account service, a backend for frontend: lets owners open accounts, deposit, withdraw and see their balance. It
 * does not calculate balances; it listens for them.
 */
export const service: ServiceDefinition<Resolvers> = {
  name: 'account',
  consumes: [balanceUpdated],
  emits: owned,
  // Its own record, then the balances that it is told.
  replayedFirst: owned,
  derived: { accounts: { subject: '_id' } },
  indexes,
  create(context) {
    const view = createView(context);
    return {
      rules: [rule<unknown>(owned, view.restore), rule([balanceUpdated], view.settle)],
      resolvers: createResolvers(view, context),
    };
  },
};
