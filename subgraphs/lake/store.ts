/**
 * The lake's store: every event of the system, for ever, in one order. It is one chain: an event's place is its version,
 * and what is calculated up to it is a hash, so that nothing can be changed, removed, inserted or swapped unnoticed.
 */
import type { Collection } from 'mongodb';
import { type Clock, timestamp } from '../../events/clock.ts';
import type { Event } from '../../events/event.ts';
import type { Feed } from '../../events/feed.ts';
import { type ChainRow, chainIndex, createChain } from '../../events/store.ts';
import { causeIndexes } from './causes.ts';
import type { Checkpoints } from './checkpoint.ts';
import type { Flows } from './flows.ts';
import { GENESIS, hashAfter } from './hash.ts';
import { CHAIN, createQueries, type EventFilter, queryIndexes } from './query.ts';
import type { Summaries } from './summaries.ts';
import { type Part, type Verification, verifyChain } from './verify.ts';
import { createWalk, type Walk } from './walk.ts';

export type { EventFilter } from './query.ts';

/** `version` is the event's position: 1, 2, 3, ... without gaps. */
export type LakeRow = ChainRow & { event: Event; storedAt: string; hash: string };

export const TOPIC = 'lake';
export const indexes = {
  lake: [chainIndex, ...queryIndexes, ...causeIndexes, { key: { 'event.data.service': 1 }, sparse: true }],
} as const;

export type Lake = ReturnType<typeof createLake>;

/**
 * @param summaries kept up with what is stored. Without them reading by time takes as long as the lake is, and whoever has them later has
 *   all to sum up.
 * @param checkpoints recorded as events are stored. Without them rows may be cut off at the end unnoticed.
 * @param flows told of every event that is stored here.
 */
export function createLake(options: {
  rows: Collection<LakeRow>;
  feed: Feed;
  clock: Clock;
  summaries: Summaries | undefined;
  checkpoints?: Checkpoints;
  flows?: Pick<Flows, 'count'>;
}) {
  const { rows, feed, clock, summaries, checkpoints, flows } = options;
  const chain = createChain<LakeRow>({
    collection: rows,
    chainOf: () => CHAIN,
    next: (head, event) => ({
      _id: event.id,
      chain: CHAIN,
      version: (head?.version ?? 0) + 1,
      event,
      storedAt: timestamp(clock.now()),
      hash: hashAfter(head?.hash ?? GENESIS, event),
    }),
  });

  async function size(): Promise<number> {
    return (await chain.head(CHAIN))?.version ?? 0;
  }

  const queries = createQueries({ rows, size, summaries });
  const { page, steps, count } = queries;

  /** Rows of a filter beyond a position, oldest first. */
  const after = (position: number, filter: EventFilter | null | undefined, limit: number): Promise<LakeRow[]> =>
    page(filter, 1, position, limit);

  return {
    rows,
    size,
    after,

    /** All of a filter between two positions, a page at a time: see walk.ts. */
    walk: (filter: EventFilter, between: { from: number; until: number }, together?: boolean): Walk =>
      createWalk(queries, filter, { ...between, together }),

    /** The rule for everything: stores it and tells whoever watches. */
    async store(events: readonly Event[]): Promise<void> {
      const { appended, heads } = await chain.append(events);
      const newest = await heads();
      flows?.count(appended.map(({ event }) => event));
      await feed.publish(newest.map(({ version }) => ({ topic: TOPIC, message: version })));
      for (const { version } of newest) await summaries?.extend(version, appended);
      await checkpoints?.note(appended);
    },

    count,
    page,
    steps,

    head: () => chain.head(CHAIN),

    /** Computes the chain anew, a batch at a time: see verify.ts. */
    verify: (part?: Part): Promise<Verification> =>
      verifyChain({ rows, size, checkpoints: async () => checkpoints?.recorded() ?? [] }, part),
  };
}
