import { rule } from '../../events/consumer.ts';
import type { ServiceDefinition } from '../../events/service.ts';
import { accountOpened, balanceUpdated, deposited, withdrawn } from '../../schema/events.ts';
import type { Resolvers } from '../host.ts';
import { createResolvers } from './resolvers.ts';
import { createView, indexes } from './view.ts';

/**
 * The account service, a backend for frontend: lets owners open accounts, deposit, withdraw and see their balance. It
 * does not calculate balances; it listens for them.
 */
export const service: ServiceDefinition<Resolvers> = {
  name: 'account',
  consumes: [balanceUpdated],
  emits: [accountOpened, deposited, withdrawn],
  indexes,
  create(context) {
    const view = createView(context);
    return {
      rules: [rule([balanceUpdated], view.settle)],
      resolvers: createResolvers(view, context),
    };
  },
};
