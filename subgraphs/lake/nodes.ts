/** What the resolvers hand over for the types of the schema, where it is not what clients see. */
import type { Fault } from './faults.ts';
import type { ReplayRow } from './replay.ts';
import type { Schedule } from './schedule.ts';
import type { EventFilter, LakeRow } from './store.ts';

type Lazy<Value> = () => Promise<Value>;
type PageInfo = { hasNextPage: boolean; endCursor: string | null };

export type EventNode = LakeRow;
/** Counting costs, and is left where nobody asks. */
export type EventConnectionNode = { nodes: LakeRow[]; pageInfo: PageInfo; totalCount: Lazy<number> };
export type EventSelectionNode = EventFilter;
export type FaultNode = Fault;
export type ReplayNode = ReplayRow;
export type ScheduleNode = Schedule;
export type ServiceNode = {
  name: string;
  consumes: string[];
  emits: string[];
  lagEvents: Lazy<number>;
  lagSeconds: Lazy<number>;
  faults: Lazy<number>;
  unconfirmedEvents: number | null;
  resentEvents: number | null;
};
