/**
 * The lake as text: newline-delimited JSON, a CloudEvent a line, read in parts that cost about the same wherever in the
 * lake they stand. restore.ts reads it back.
 */
import type { EventFilter, Lake, LakeRow } from './store.ts';

export type LinesRequest = {
  filter?: EventFilter | null;
  /** The position to begin behind. */
  after: number;
  /** The position to end at; the lake's size when absent. */
  until?: number | null;
};

export type EventLines = { text: string; position: number; until: number };

/** Bounds of one part: events, and characters (but for one event that has more). */
const EVENTS_MAX = 500;
const CHARS_MAX = 2_000_000;

/** The event as it was stored, with its place as two extension attributes more. */
export function toLine({ event, version, hash }: Pick<LakeRow, 'event' | 'version' | 'hash'>): string {
  return `${JSON.stringify({ ...event, lakeposition: version, lakehash: hash })}\n`;
}

/** One part, oldest first. */
export async function readLines(lake: Pick<Lake, 'page' | 'size'>, request: LinesRequest): Promise<EventLines> {
  const { filter, after, until } = request;
  const end = until ?? (await lake.size());
  if (after >= end) return { text: '', position: end, until: end };
  const page = await lake.page(filter, 1, after, EVENTS_MAX);
  const found = page.filter(({ version }) => version <= end);
  let text = '';
  for (const row of found) {
    text += toLine(row);
    if (text.length > CHARS_MAX) return { text, position: row.version, until: end };
  }
  const position = found.length < EVENTS_MAX ? end : (found.at(-1)?.version ?? end);
  return { text, position, until: end };
}
