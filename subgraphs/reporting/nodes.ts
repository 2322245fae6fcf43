/** What the resolvers hand over for the types of the schema, where it is not what clients see. */
import type { IntervalTotals } from './statistics.ts';

/** What the gateway knows of an account from the account service. */
export type AccountNode = { id: string; ownerId?: string };
export type StatisticNode = IntervalTotals;
