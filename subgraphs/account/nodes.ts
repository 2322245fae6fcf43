/** What the resolvers hand over for the types of the schema, where it is not what clients see. */
import type { AccountFacts } from './decide.ts';
import type { BalanceRow } from './projection.ts';
import type { TransactionEntry } from './view.ts';

/** An account as its fields are resolved from; a subscription hands over the balance that it was told of. */
export type AccountNode = AccountFacts & { known?: BalanceRow };
export type TransactionNode = TransactionEntry;
