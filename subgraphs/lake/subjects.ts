/** How many accounts, or other subjects, some events of the lake are about: for those who ask before they replay them. */
import { isUnavailable } from '../../events/errors.ts';
import type { EventFilter, Lake } from './store.ts';

/** Up to so many events are looked at. */
const EVENTS_MAX = 20_000;
const PAGE_EVENTS = 1_000;
/** Beyond them an index is, for so long. */
const WITHIN_MS = 2_000;

/**
 * @param filters whose events they are, together.
 * @param total how many events these have.
 * @param isWhole that they leave no subject out, so that of many events all of the lake's subjects are counted.
 * @returns null when it would take too long to know.
 */
export async function countSubjects(
  lake: Pick<Lake, 'rows' | 'after'>,
  { filters, total, isWhole }: { filters: readonly EventFilter[]; total: number; isWhole: boolean },
): Promise<number | null> {
  if (total <= EVENTS_MAX) return countAmong(lake, filters);
  if (!isWhole) return null;
  try {
    const all = await lake.rows.distinct('event.subject', {}, { maxTimeMS: WITHIN_MS });
    return all.length;
  } catch (error) {
    // Too many for the time, or for one answer.
    if (isUnavailable(error)) throw error;
    return null;
  }
}

async function countAmong(lake: Pick<Lake, 'after'>, filters: readonly EventFilter[]): Promise<number> {
  const subjects = new Set<string>();
  for (const filter of filters) {
    let position = 0;
    for (let looked = 0; looked < EVENTS_MAX; looked += PAGE_EVENTS) {
      const rows = await lake.after(position, filter, PAGE_EVENTS);
      for (const { event } of rows) if (event.subject !== undefined) subjects.add(event.subject);
      position = rows.at(-1)?.version ?? position;
      if (rows.length < PAGE_EVENTS) break;
    }
  }
  return subjects.size;
}
