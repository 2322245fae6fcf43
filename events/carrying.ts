/**
 * How a trace crosses the queue. A job carries events of many stories, so that it is part of none: it has a trace of its own,
 * with a link to the step of each event that it carries; and each event's next step, at the consumer, follows from its last
 * one and links to the job. BullMQ's own telemetry (bullmq-otel) would make the job the parent of all that its events lead to,
 * which is right where a job is one message and wrong here; and it takes OpenTelemetry's global context, which costs every
 * promise of the process something.
 */
import type { Event } from './event.ts';
import { readPlace, type Span, type Step, type Trail } from './tracing.ts';
import type { Job, Letter } from './transport.ts';

/** Links beyond that are left out: OpenTelemetry's own limit. */
const LINKS_MAX = 128;

/**
 * Begins the jobs of a flush.
 *
 * @returns the letters as they are to be sent, and what ends the jobs' spans.
 */
export function pack(trail: Trail, letters: readonly Letter[]): { letters: readonly Letter[]; end: Span['end'] } {
  if (!trail.tracer.active) return { letters, end: () => undefined };
  const jobs: Span[] = [];
  const packed = letters.map(letter => {
    const places = letter.events.map(event => placeOf(trail, event as Event));
    if (!places.some(Boolean)) return letter;
    const { service, partition, events } = letter;
    const job = trail.tracer.begin(`send job ${service}`, {
      kind: 'producer',
      links: places.filter(Boolean).slice(0, LINKS_MAX),
      attributes: { 'job.queue': `${service}-${partition}`, 'job.events': events.length },
    });
    jobs.push(job);
    if (!job.place) return letter;
    const spans = places.map(place => readPlace(place)?.spanId ?? '');
    return { ...letter, trace: { place: job.place, spans } };
  });
  return {
    letters: packed,
    end(error) {
      for (const job of jobs) job.end(error);
    },
  };
}

const placeOf = (trail: Trail, { id, traceparent }: Event): string | undefined =>
  readPlace(traceparent) ? (trail.newest(id) ?? traceparent) : undefined;

/** An event that was taken from a job, and its place there. */
export type Unpacked = { event: Event; index: number };

/** Begins the handling of a job, and of each of its events that is traced. */
export function unpack(trail: Trail, service: string, { events: all, trace }: Job, taken: readonly Unpacked[]): Step {
  const events = taken.map(({ event }) => event);
  if (!trail.tracer.active || !events.some(({ traceparent }) => readPlace(traceparent))) return noStep;
  const parents = taken.map(({ event, index }) => lastStep(event, trace?.spans[index]));
  const job = trail.tracer.begin(`job ${service}`, {
    kind: 'consumer',
    parent: trace?.place,
    links: parents.filter(Boolean).slice(0, LINKS_MAX),
    attributes: { 'job.events': all.length },
  });
  const step = trail.begin('consume', events, { kind: 'consumer', parents, links: [job.place] });
  return {
    places: step.places,
    end(error) {
      step.end(error);
      job.end(error);
    },
  };
}

const noStep: Step = { places: [], end: () => undefined };

/** What a job says counts within the event's own trace alone. */
function lastStep({ traceparent }: Event, spanId: string | undefined): string | undefined {
  const story = readPlace(traceparent);
  if (!story) return undefined;
  const place = `00-${story.traceId}-${spanId}-01`;
  return readPlace(place) ? place : traceparent;
}
