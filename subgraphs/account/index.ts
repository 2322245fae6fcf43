import type { Contract } from '../../events/contract.ts';
import type { ServiceDefinition } from '../../events/definition.ts';
import { rule } from '../../events/rule.ts';
import { accountOpened } from '../../schema/events/account-opened.ts';
import { balanceUpdated } from '../../schema/events/balance-updated.ts';
import { depositRefused } from '../../schema/events/deposit-refused.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { transferFunded } from '../../schema/events/transfer-funded.ts';
import { transferRequested } from '../../schema/events/transfer-requested.ts';
import { transferReversed } from '../../schema/events/transfer-reversed.ts';
import { withdrawalRefused } from '../../schema/events/withdrawal-refused.ts';
import { withdrawn } from '../../schema/events/withdrawn.ts';
import type { Resolvers } from '../host.ts';
import { createResolvers } from './resolvers.ts';
import { transferRules } from './transfers.ts';
import { createView, indexes } from './view.ts';

const own: readonly Contract[] = [accountOpened, deposited, withdrawn, withdrawalRefused, depositRefused];

/**
 * The account service, a backend for frontend: lets owners open accounts, deposit, withdraw and see their balance. It
 * does not calculate balances; it listens for them.
 */
export const service: ServiceDefinition<Resolvers> = {
  name: 'account',
  consumes: [deposited, balanceUpdated, transferRequested, transferFunded, transferReversed],
  // There are other doors to the bank.
  ofOthers: [deposited],
  emits: own,
  // Its own record first, before it is asked what it has answered; and with it what marks it as settled.
  replayedFirst: [...own, balanceUpdated],
  replayedTogether: true,
  derived: { accounts: { subject: '_id' } },
  indexes,
  create(context) {
    const view = createView(context);
    const restore = rule<unknown>([...own, balanceUpdated], view.restore);
    const keep = rule([deposited], view.keep);
    return {
      rules: [
        restore,
        keep,
        rule([balanceUpdated], async (updates, how) => {
          const { marked, shown } = await view.settle(updates, how);
          return marked + shown;
        }),
        ...transferRules({ ...context, view }),
      ],
      // The record is mended in place, event by event: while it is being rebuilt, more is written to it.
      rebuilding: {
        rules: [
          restore,
          keep,
          rule([balanceUpdated], async (updates, how) => (await view.settle(updates, how)).marked),
        ],
      },
      resolvers: createResolvers(view, context),
    };
  },
};
