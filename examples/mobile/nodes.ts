/** What the resolvers hand over for the types of the schema, where it is not what clients see. */
import type { Movement } from './projection.ts';
import type { OpenedRow } from './view.ts';

export type MobileAccountNode = OpenedRow;
export type MobileMovementNode = Movement;
