import type { Contract } from '../../events/contract.ts';
import { type CollectedRow, correlationIndexes, createCorrelation } from '../../events/correlation.ts';
import type { ServiceDefinition } from '../../events/definition.ts';
import type { Event } from '../../events/event.ts';
import { rule } from '../../events/rule.ts';
import { accountOpened } from '../../schema/events/account-opened.ts';
import { depositRefused } from '../../schema/events/deposit-refused.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { transferCompensated } from '../../schema/events/transfer-compensated.ts';
import { transferCompleted } from '../../schema/events/transfer-completed.ts';
import { transferExpired } from '../../schema/events/transfer-expired.ts';
import { transferFunded } from '../../schema/events/transfer-funded.ts';
import { transferRefused } from '../../schema/events/transfer-refused.ts';
import { transferRequested } from '../../schema/events/transfer-requested.ts';
import { transferReversed } from '../../schema/events/transfer-reversed.ts';
import { withdrawalRefused } from '../../schema/events/withdrawal-refused.ts';
import { withdrawn } from '../../schema/events/withdrawn.ts';
import type { Resolvers } from '../host.ts';
import { rules, SOURCE, transferOf } from './decide.ts';
import { createResolvers } from './resolvers.ts';
import { createView, indexes } from './view.ts';

const own: readonly Contract[] = [
  ...[transferRequested, transferFunded, transferRefused, transferExpired],
  ...[transferReversed, transferCompleted, transferCompensated],
];
const answers: readonly Contract[] = [withdrawn, withdrawalRefused, deposited, depositRefused];
const correlated: readonly Contract[] = [transferRequested, ...answers];

/**
 * The transfer service, a control service: moves an amount from one account to another without a transaction over the two. It
 * asks by events, correlates the account service's answers by transfer, and decides what follows from them, or from silence.
 */
export const service: ServiceDefinition<Resolvers> = {
  name: 'transfer',
  consumes: [accountOpened, ...answers, ...own],
  emits: own,
  // Most deposits and withdrawals are of no transfer: their way is not to cost more because of those that are.
  unhurried: [accountOpened, withdrawn, deposited],
  // What was decided stands, whatever comes after it and in whatever order.
  replayedFirst: own,
  derived: { accounts: { subject: '_id' }, store: { subject: 'key', ofSeveral: true, incomparable: ['due'] } },
  indexes: { ...indexes, store: correlationIndexes },
  create(context) {
    const { collection, outbox, clock } = context;
    const correlation = createCorrelation({
      ...{ source: SOURCE, by: transferOf, rules, outbox, clock },
      store: collection<CollectedRow>('store'),
      record: collection('events'),
    });
    const view = createView({ ...context, correlation });
    const restore = rule(own, view.restore);
    const tell = (events: readonly Event[]) => view.tell(events.flatMap(({ subject }) => subject ?? []));
    return {
      rules: [restore, rule([accountOpened], view.keep), rule(correlated, correlation.handle), rule(own, tell)],
      // The record is mended in place. A copy only collects, and all of it is compared with what is served when it is whole;
      // what is due is looked at when the copy is served.
      rebuilding: {
        rules: [
          restore,
          rule([accountOpened], async events => void (await view.keep(events))),
          rule(correlated, async events => void (await correlation.collect(events))),
        ],
      },
      resolvers: createResolvers(view, context),
      due: correlation.expire,
    };
  },
};
