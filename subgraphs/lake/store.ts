/**
 * The lake's store: every event of the system, for ever, in one order. It is one chain: an event's place is its version,
 * and what is calculated up to it is a hash, so that nothing can be changed, removed, inserted or swapped unnoticed.
 */
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Collection, Filter } from 'mongodb';
import { type Clock, timestamp } from '../../events/clock.ts';
import type { Event } from '../../events/event.ts';
import type { Feed } from '../../events/feed.ts';
import { type ChainRow, chainIndex, createChain } from '../../events/store.ts';

/** `version` is the event's position: 1, 2, 3, ... without gaps. */
export type LakeRow = ChainRow & { event: Event; storedAt: string; hash: string };

export type EventFilter = {
  types?: string[] | null;
  subject?: string | null;
  source?: string | null;
  correlationId?: string | null;
  from?: string | null;
  to?: string | null;
};

export type Verification = { valid: boolean; events: number; head: string; firstBadPosition: number | null };

const CHAIN = 'lake';
export const TOPIC = 'lake';
/** What the first event follows. */
export const GENESIS = '0'.repeat(64);

const VERIFY_BATCH = 1_000;

export const indexes = {
  lake: [
    chainIndex,
    { key: { 'event.type': 1, version: 1 } },
    { key: { 'event.subject': 1, version: 1 } },
    { key: { 'event.source': 1, version: 1 } },
    { key: { 'event.correlationid': 1, version: 1 } },
    { key: { 'event.time': 1, version: 1 } },
    { key: { 'event.data.service': 1 }, sparse: true },
  ],
} as const;

/**
 * SHA-256, in hexadecimal, over the hash before (as text) and the event as canonical JSON (RFC 8785).
 */
export function hashAfter(previous: string, event: Event): string {
  return createHash('sha256')
    .update(previous)
    .update(canonicalize(event) ?? '')
    .digest('hex');
}

/** The query for a filter: pure. */
export function queryFor(filter: EventFilter | null | undefined): Filter<LakeRow> {
  const { types, subject, source, correlationId, from, to } = filter ?? {};
  // An empty text is something to look for, which no event has.
  const given = <Value>(value: Value | null | undefined): value is Value => value !== null && value !== undefined;
  const time = { ...(given(from) && { $gte: from }), ...(given(to) && { $lt: to }) };
  const query = {
    ...(given(types) && { 'event.type': { $in: types } }),
    ...(given(subject) && { 'event.subject': subject }),
    ...(given(source) && { 'event.source': source }),
    ...(given(correlationId) && { 'event.correlationid': correlationId }),
    ...(Object.keys(time).length > 0 && { 'event.time': time }),
  };
  // Every index ends with the position; the chain's own is the one for no filter, and must not compete with the others.
  return (Object.keys(query).length > 0 ? query : { chain: CHAIN }) as Filter<LakeRow>;
}

export type Lake = ReturnType<typeof createLake>;

export function createLake(options: { rows: Collection<LakeRow>; feed: Feed; clock: Clock }) {
  const { rows, feed, clock } = options;
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

  /** Rows of a filter beyond a position, oldest first. */
  function after(position: number, filter: EventFilter | null | undefined, limit: number): Promise<LakeRow[]> {
    return rows
      .find({ ...queryFor(filter), version: { $gt: position } })
      .sort({ version: 1 })
      .limit(limit)
      .batchSize(limit)
      .toArray();
  }

  return {
    rows,
    size,
    after,

    /** The rule for everything: stores it and tells whoever watches. */
    async store(events: readonly Event[]): Promise<void> {
      const { heads } = await chain.append(events);
      await feed.publish(heads.map(({ version }) => ({ topic: TOPIC, message: version })));
    },

    async count(filter: EventFilter | null | undefined): Promise<number> {
      const query = queryFor(filter);
      return 'chain' in query ? size() : rows.countDocuments(query);
    },

    page(
      filter: EventFilter | null | undefined,
      order: 1 | -1,
      beyond: number | undefined,
      limit: number,
    ): Promise<LakeRow[]> {
      const version = beyond === undefined ? {} : { version: order === 1 ? { $gt: beyond } : { $lt: beyond } };
      return rows
        .find({ ...queryFor(filter), ...version })
        .sort({ version: order })
        .limit(limit)
        .batchSize(limit)
        .toArray();
    },

    /** Computes the whole chain anew, a batch at a time. */
    async verify(): Promise<Verification> {
      let position = 0;
      let hash = GENESIS;
      for (;;) {
        const batch = await after(position, undefined, VERIFY_BATCH);
        for (const row of batch) {
          const expected = hashAfter(hash, row.event);
          const sound = row.version === position + 1 && row.hash === expected && row._id === row.event.id;
          if (!sound) return { valid: false, events: await size(), head: row.hash, firstBadPosition: position + 1 };
          position = row.version;
          hash = expected;
        }
        if (batch.length < VERIFY_BATCH) return { valid: true, events: position, head: hash, firstBadPosition: null };
      }
    },
  };
}
