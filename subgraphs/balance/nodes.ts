/** What the resolvers hand over for the types of the schema, where it is not what clients see. */
import type { LedgerRow } from './ledger.ts';

/** What the gateway knows of an account from the account service. */
export type AccountNode = { id: string; ownerId?: string };
export type LedgerEntryNode = LedgerRow;
