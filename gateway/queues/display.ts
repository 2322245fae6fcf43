import { z } from 'zod';

/** An event of a job, as far as it can be told: what is in a queue may be anything. */
export type ShownEvent = { id: string; type: string; subject: string; source: string; time: string };

export type ShownJob = {
  /** The service that sent it. */
  source: string;
  replay?: string | undefined;
  rebuild?: string | undefined;
  resubmission?: number | undefined;
  events: readonly ShownEvent[];
};

const JOB = z.object({
  source: z.string().catch('unknown'),
  replay: z.string().optional().catch(undefined),
  rebuild: z.string().optional().catch(undefined),
  resubmission: z.number().optional().catch(undefined),
  events: z.array(z.unknown()).catch([]),
});

const text = z.string().max(400).catch('');
const EVENT = z
  .object({ id: text, type: text, subject: text, source: text, time: text })
  .catch({ id: '', type: '', subject: '', source: '', time: '' });

/** Events of a job that the board shows with the job; the rest is on the page of its events. */
const BOARD_EVENTS_MAX = 20;
/** As many as a replay puts into a job. */
const PAGE_EVENTS_MAX = 1_000;

/** What a job holds, up to 1,000 events of it. */
export function readJob(data: unknown): ShownJob {
  const { events, ...job } = JOB.catch({ source: 'unknown', events: [] }).parse(data);
  return { ...job, events: events.slice(0, PAGE_EVENTS_MAX).map(event => EVENT.parse(event)) };
}

/** The page of the console that shows an event of the lake. */
export const lakePage = (id: string): string => `/events/${encodeURIComponent(id)}`;

/** What the board shows of a job's data: which events, where each is in the lake, and who sent them why. */
export function formatData(data: unknown): Record<string, unknown> {
  const { events, source, ...why } = readJob(data);
  const rest = events.length - BOARD_EVENTS_MAX;
  return {
    from: source,
    ...why,
    // A line each, so that all of it is there to read without opening anything.
    events: events.slice(0, BOARD_EVENTS_MAX).map(({ id, type }) => `${type} ${lakePage(id)}`),
    ...(rest > 0 && { more: `${rest} more on the page of its events` }),
  };
}

/** A job's name: how many events of which types. A relay names a job by their number. */
export function formatName({ data }: { data?: unknown }): string {
  const { events, replay } = readJob(data);
  const counts = new Map<string, number>();
  for (const { type } of events) counts.set(type, (counts.get(type) ?? 0) + 1);
  const types = [...counts].map(([type, count]) => (count === 1 ? type : `${count} × ${type}`)).join(', ');
  return `${types || 'no events'}${replay ? ' (replay)' : ''}`;
}
