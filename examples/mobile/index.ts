import type { ServiceDefinition } from '../../events/definition.ts';
import { rule } from '../../events/rule.ts';
import { accountOpened } from '../../schema/events/account-opened.ts';
import { balanceUpdated } from '../../schema/events/balance-updated.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { withdrawn } from '../../schema/events/withdrawn.ts';
import type { Resolvers } from '../../subgraphs/host.ts';
import { createResolvers } from './resolvers.ts';
import { createView, indexes } from './view.ts';

/**
 * The mobile service, a second backend for frontend beside the account service: made for reading, what a phone shows first is one
 * read. It hears of all that happened, whichever service emitted it, and takes deposits itself.
 */
export const service: ServiceDefinition<Resolvers> = {
  name: 'mobile',
  consumes: [accountOpened, deposited, withdrawn, balanceUpdated],
  // A page on a phone may be a moment behind.
  unhurried: 'everything',
  emits: [deposited],
  replayedFirst: [deposited],
  derived: { accounts: { subject: '_id' } },
  indexes,
  create(context) {
    const view = createView(context);
    const restore = rule([deposited], view.restore);
    const show = rule<unknown>([accountOpened, deposited, withdrawn, balanceUpdated], view.show);
    return {
      // Its record is mended in place, also while a copy of the documents is built.
      rules: [restore, show],
      rebuilding: { rules: [restore, show] },
      resolvers: createResolvers(view, context),
    };
  },
};
