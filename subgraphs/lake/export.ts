/**
 * The lake as text: newline-delimited JSON, a CloudEvent a line, read in parts that cost about the same wherever in the
 * lake they stand. restore.ts reads it back.
 */
import type { Filter } from 'mongodb';
import { type EventFilter, type Lake, type LakeRow, queryFor } from './store.ts';

export type LinesRequest = {
  filter?: EventFilter | null;
  /** The position to begin behind. */
  after: number;
  /** The position to end at; the lake's size when absent. */
  until?: number | null;
};

export type EventLines = { text: string; position: number; until: number };

/** Bounds of one part: events, characters (but for one event that has more), and positions that may be looked through. */
const EVENTS_MAX = 500;
const CHARS_MAX = 2_000_000;
const POSITIONS_MAX = 10_000;

/** The event as it was stored, with its place as two extension attributes more. */
export function toLine({ event, version, hash }: Pick<LakeRow, 'event' | 'version' | 'hash'>): string {
  return `${JSON.stringify({ ...event, lakeposition: version, lakehash: hash })}\n`;
}

/** One part, oldest first. It may be empty although there is more: then `position` is less than `until`. */
export async function readLines({ rows, size }: Lake, { filter, after, until }: LinesRequest): Promise<EventLines> {
  const end = until ?? (await size());
  if (after >= end) return { text: '', position: end, until: end };
  const upTo = isIndexed(filter) ? end : Math.min(end, after + POSITIONS_MAX);
  const found = await rows
    .find(queryWithin(filter, after, upTo))
    .sort({ version: 1 })
    .limit(EVENTS_MAX)
    // All in one answer.
    .batchSize(EVENTS_MAX)
    .toArray();
  let text = '';
  let position = after;
  for (const row of found) {
    text += toLine(row);
    position = row.version;
    if (text.length > CHARS_MAX) return { text, position, until: end };
  }
  return { text, position: found.length < EVENTS_MAX ? upTo : position, until: end };
}

/** Whether an index has what it selects in the order of positions, so that no more is read than is taken. */
function isIndexed(filter: EventFilter | null | undefined): boolean {
  const { types, subject, source, correlationId } = filter ?? {};
  return types?.length === 1 || [subject, source, correlationId].some(value => typeof value === 'string');
}

function queryWithin(filter: EventFilter | null | undefined, after: number, upTo: number): Filter<LakeRow> {
  // Everything else is read along the chain: from an index of times or of several types all would be read, and sorted, for
  // each part anew.
  const chain = isIndexed(filter) ? {} : queryFor(null);
  return { ...queryFor(filter), ...chain, version: { $gt: after, $lte: upTo } };
}
