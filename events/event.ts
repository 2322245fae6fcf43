/**
 * The envelope: CloudEvents 1.0 in its JSON format, with the extension attributes `correlationid`, `causationid` and
 * `traceparent`. It says what every event has whatever its type; what `data` holds is its contract's business.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
 */
import { parse, v5 } from 'uuid';
import { z } from 'zod';
import { ContractViolation } from './errors.ts';

const attribute = z.string().min(1).max(400);

// Loose: extension attributes that this system does not know are kept.
const envelope = z.looseObject({
  specversion: z.literal('1.0'),
  id: attribute,
  /** The service that emitted it: `/account`. */
  source: z.string().regex(/^\/[a-z][a-z0-9-]{0,62}$/),
  type: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/),
  /** What it is about: an account's id. Events of one subject share a partition. */
  subject: attribute.optional(),
  /** UTC with milliseconds, so that text order is time order. */
  time: z.iso.datetime({ precision: 3 }),
  dataschema: z.string().max(400).optional(),
  datacontenttype: z.literal('application/json').optional(),
  data: z.unknown().optional(),
  /** The id of the first event of the story that this one belongs to. */
  correlationid: attribute.optional(),
  /** The id of the event that this one follows from. */
  causationid: attribute.optional(),
  traceparent: z.string().max(100).optional(),
});

/** An event, whatever its type. `data` has been read through a contract where `Data` says what it is. */
export type Event<Data = unknown> = {
  specversion: '1.0';
  id: string;
  source: string;
  type: string;
  subject?: string | undefined;
  time: string;
  dataschema?: string | undefined;
  datacontenttype?: 'application/json' | undefined;
  data: Data;
  correlationid?: string | undefined;
  causationid?: string | undefined;
  traceparent?: string | undefined;
};

/**
 * @param value anything that came over a wire.
 * @returns the event when it is a well-formed envelope; its `data` is not looked at.
 * @throws ContractViolation that names what is wrong, attribute by attribute.
 */
export function parseEnvelope(value: unknown): Event {
  const { error } = envelope.safeParse(value);
  if (error) throw new ContractViolation(`no event: ${error.issues.map(said).join('; ')}`);
  // Not what zod made of it, which has another order of attributes: stored again, it is the same document.
  return value as Event;
}

const said = ({ path, message }: z.core.$ZodIssue): string => [path.join('.'), message].filter(Boolean).join(': ');

// A random constant: the namespace of every id that this system derives (RFC 9562, section 5.5).
const NAMESPACE = parse('6f1f3a52-70a5-4b8c-9c0e-5a1d2f6b7c41');

/**
 * An id that is decided by what it stands for: the same parts give the same id for ever, in every process. Emitting an
 * event with such an id again is harmless.
 *
 * @param parts in order; they are joined so that ['a', 'b'] and ['ab'] differ.
 */
export function deriveId(...parts: readonly (string | number)[]): string {
  // Given as bytes it costs a little more than half.
  return v5(Buffer.from(JSON.stringify(parts)), NAMESPACE);
}

/** The attributes that make `next` a consequence of `cause`. */
export function causedBy(cause: Event): Pick<Event, 'causationid' | 'correlationid' | 'traceparent'> {
  return {
    causationid: cause.id,
    correlationid: cause.correlationid ?? cause.id,
    ...(cause.traceparent && { traceparent: cause.traceparent }),
  };
}
