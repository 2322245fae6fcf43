/**
 * A fault: an event that a service could not handle, set aside as an event of its own with the original and everything
 * needed to send it again. It goes to the lake like any other event; the service goes on.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from './clock.ts';
import { timestamp } from './clock.ts';
import { contract, createEvent } from './contract.ts';
import { deriveId, type Event } from './event.ts';

const faultData = z.object({
  service: z.string().describe('The one that could not handle it.'),
  error: z.string().describe('The message; never a stack.'),
  deliveries: z.int().positive().describe('How often it was handed over.'),
  eventId: z.string().describe('The id of the original; for what is no event, a hash of it.'),
  resubmission: z.int().nonnegative().describe('How often an operator had sent it again before.'),
  original: z.unknown().describe('As it was delivered: it may not even be an event.'),
});

/** The contract of faults: an event that could not be handled, with all that is needed to send it again. */
export const fault = contract({
  type: 'fault',
  version: 1,
  description: 'A service could not handle an event and set it aside.',
  data: faultData,
  example: {
    service: 'reporting',
    error: 'deposited 1: Too small: expected number to be >0',
    deliveries: 1,
    eventId: '1',
    resubmission: 0,
    original: { id: '1', type: 'deposited', source: '/account', data: { amountMinor: 0 } },
  },
});

/** What is known of a failure. */
export type FaultInput = {
  service: string;
  original: unknown;
  error: unknown;
  deliveries: number;
  /** Each try that fails is a fault of its own. */
  resubmission: number;
};

const ERROR_MAX_LENGTH = 2_000;

/** The same original failing again in the same try is the same fault. */
export function faultEvent({ service, original, error, deliveries, resubmission }: FaultInput, clock: Clock): Event {
  const eventId = idOf(original);
  const subject = attributeOf(original, 'subject');
  const correlationid = attributeOf(original, 'correlationid') ?? eventId;
  const message = error instanceof Error ? error.message : String(error);
  return createEvent(fault, {
    id: deriveId('fault', service, eventId, resubmission),
    source: `/${service}`,
    subject,
    time: timestamp(clock.now()),
    causationid: eventId,
    correlationid,
    data: { service, error: message.slice(0, ERROR_MAX_LENGTH), deliveries, eventId, resubmission, original },
  });
}

/** The event's id; for what is no event, a hash of it. */
export function idOf(original: unknown): string {
  return (
    attributeOf(original, 'id') ??
    createHash('sha256')
      .update(JSON.stringify(original) ?? '')
      .digest('hex')
  );
}

function attributeOf(original: unknown, name: string): string | undefined {
  const value = (original as Record<string, unknown> | null | undefined)?.[name];
  return typeof value === 'string' && value.length > 0 && value.length <= 400 ? value : undefined;
}
