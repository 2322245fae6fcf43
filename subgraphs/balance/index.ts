import type { ServiceDefinition } from '../../events/definition.ts';
import { rule } from '../../events/rule.ts';
import { balanceUpdated } from '../../schema/events/balance-updated.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { overdrawn } from '../../schema/events/overdrawn.ts';
import { withdrawn } from '../../schema/events/withdrawn.ts';
import type { Resolvers } from '../host.ts';
import { createLedger, indexes, type LedgerRow } from './ledger.ts';
import { indexes as copyIndexes, createLedgerCopy, type Uncounted } from './rebuild.ts';
import { createResolvers } from './resolvers.ts';

/**
 * The balance service, a control service: correlates the transactions of each account in its ledger, calculates every
 * balance, and tells the system. Nobody calls it; it only listens.
 */
export const service: ServiceDefinition<Resolvers> = {
  name: 'balance',
  consumes: [deposited, withdrawn, balanceUpdated],
  // Its own events are snapshots, for a ledger that has lost rows.
  unhurried: [balanceUpdated],
  emits: [balanceUpdated, overdrawn],
  replayedFirst: [balanceUpdated, overdrawn],
  derived: { events: { subject: 'chain' }, uncounted: { subject: 'chain', incomparable: 'all' } },
  indexes: { ...indexes, ...copyIndexes },
  create({ collection, outbox, clock, log, trail }) {
    const ledger = createLedger({ rows: collection<LedgerRow>('events'), outbox, clock, log, trail });
    return {
      rules: [
        // Snapshots first: what they restore must not be counted again by the transactions of the same batch.
        rule([balanceUpdated], ledger.restore),
        rule<unknown>([overdrawn], ledger.keep),
        rule([deposited, withdrawn], ledger.count),
        rule([balanceUpdated], ledger.report),
      ],
      rebuilding: createLedgerCopy({ ledger, uncounted: collection<Uncounted>('uncounted') }),
      resolvers: createResolvers(ledger),
    };
  },
};
