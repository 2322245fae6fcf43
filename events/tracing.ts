/**
 * Tracing: what the stages say of an event's way, for whoever collects it. A port: the toolkit knows no collector.
 *
 * A place in a trace is a text, W3C's `traceparent` (https://www.w3.org/TR/trace-context/). An event carries the place where
 * its story began, as a CloudEvents extension attribute, and what follows from it carries the same; so that what is stored
 * and counted is the same whether anybody looks or not. Where the story has got to is told beside the events: in the job that
 * carries them, and in the memory of a process (see Trail). Nothing is ever decided by a place.
 */
import { createCache } from './cache.ts';
import type { Event } from './event.ts';

/** As OpenTelemetry has them. */
export type SpanKind = 'server' | 'client' | 'producer' | 'consumer' | 'internal';

/** What a span begins with. */
export type SpanOptions = {
  /** Default `internal`. */
  kind?: SpanKind;
  /** The place that it follows from; without one it begins a trace of its own. */
  parent?: string | undefined;
  /** Places in other traces, or of others' doing, that it has to do with. */
  links?: readonly (string | undefined)[];
  attributes?: Readonly<Record<string, string | number | undefined>>;
  /** When it began, in milliseconds since 1970; now by default. */
  startedMs?: number;
};

/** One step of a trace, until it ends. */
export type Span = {
  /** The place that what follows has for a parent; undefined where nobody looks. */
  place: string | undefined;
  /** @param error what it has failed of. */
  end(error?: unknown): void;
};

/** What begins spans. */
export type Tracer = {
  /** Whether anybody looks: what only a span needs is not made otherwise. */
  active: boolean;
  begin(name: string, options?: SpanOptions): Span;
  /** Where a person may look at a trace; undefined where nobody has said. */
  addressOf(traceId: string): string | undefined;
};

const NO_SPAN: Span = { place: undefined, end: () => undefined };

/** Nobody looks. */
export const untraced: Tracer = { active: false, begin: () => NO_SPAN, addressOf: () => undefined };

const PLACE = /^00-([0-9a-f]{32})-([0-9a-f]{16})-0[0-9a-f]$/;

/** A place as ids, when it is one and its trace is kept; undefined for everything else. */
export function readPlace(place: unknown): { traceId: string; spanId: string } | undefined {
  if (typeof place !== 'string') return undefined;
  const [, traceId, spanId] = PLACE.exec(place) ?? [];
  const kept = Number.parseInt(place.slice(-1), 16) % 2 === 1;
  return traceId && spanId && kept ? { traceId, spanId } : undefined;
}

/** What a step has in common with the others of its hop. */
export type StepOptions = Pick<SpanOptions, 'kind' | 'links' | 'attributes' | 'startedMs'> & {
  /** By event; where the process knows it to be by default, or else where its story began. */
  parents?: readonly (string | undefined)[];
};

/** The same step of many events, each a span in the trace of its own event. */
export type Step = {
  /** By event; undefined for one that is not traced. */
  places: readonly (string | undefined)[];
  end(error?: unknown): void;
};

/** Where the events that one service has in hand have got to. */
export type Trail = {
  tracer: Tracer;
  begin(hop: string, events: readonly Event[], options?: StepOptions): Step;
  /** The newest place of an event in this process. */
  newest(eventId: string): string | undefined;
};

const NO_STEP: Step = { places: [], end: () => undefined };

/** Nobody looks. */
export const noTrail: Trail = { tracer: untraced, begin: () => NO_STEP, newest: () => undefined };

/** Events whose newest place is kept in memory. One that is forgotten hangs where its story began. */
const KEPT_MAX = 20_000;

/**
 * A service's trail. It is in memory alone, which is enough: what a trace loses with a process is the order of some steps.
 * An event without a place, or of a trace that is not kept, costs a look at a text.
 */
export function createTrail(tracer: Tracer): Trail {
  if (!tracer.active) return noTrail;
  const newest = createCache<string>(KEPT_MAX);

  function beginOne(hop: string, event: Event, parent: string | undefined, options: StepOptions): Span | undefined {
    const { id, type, subject, traceparent } = event;
    if (!readPlace(traceparent)) return undefined;
    const { parents: _, attributes, ...rest } = options;
    const span = tracer.begin(`${hop} ${type}`, {
      ...rest,
      parent: parent ?? newest.get(id) ?? traceparent,
      attributes: { 'event.id': id, 'event.subject': subject, ...attributes },
    });
    if (span.place) newest.set(id, span.place);
    return span;
  }

  return {
    tracer,
    newest: eventId => newest.get(eventId),
    begin(hop, events, options = {}) {
      const spans = events.map((event, index) => beginOne(hop, event, options.parents?.[index], options));
      return {
        places: spans.map(span => span?.place),
        end(error) {
          for (const span of spans) span?.end(error);
        },
      };
    },
  };
}
