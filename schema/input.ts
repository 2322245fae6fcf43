import { z } from 'zod';
import { type Contract, readEvent } from '../events/contract.ts';
import type { Event } from '../events/event.ts';
import { clientError } from './errors.ts';

/** @param max characters. */
export const text = (max: number) =>
  z
    .string()
    .max(max, `must have ${max} characters or fewer`)
    // No control characters, and no halves of surrogate pairs: neither survives every store and screen.
    .refine(value => !/[\p{Cc}\p{Cs}]/u.test(value), 'must not contain control characters or lone surrogates');

/** What a client calls its request, so that the same one is done once. */
export const idempotencyKey = text(200).min(1, 'must not be empty').nullish();

/**
 * Validates what a client sent, once, at the edge.
 *
 * @throws BAD_USER_INPUT that says which field is wrong and why.
 */
export function parseInput<Input>(schema: z.ZodType<Input>, input: unknown): Input {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw clientError('BAD_USER_INPUT', problems.join('; '));
}

/** @throws BAD_USER_INPUT when a range of times ends before it begins: it would be empty, whatever was meant. */
export function assertOrdered<Range extends { from?: string | null; to?: string | null }>(
  range: Range | null | undefined,
): void {
  if (range?.from && range.to && range.from > range.to) throw clientError('BAD_USER_INPUT', '"from" is after "to".');
}

/**
 * @param contract of what was asked for: what another release has stored may be of another version.
 * @throws IDEMPOTENCY_KEY_REUSED when the event under an id is not the one asked for: the same key, another body.
 */
export function assertSameRequest(contract: Contract, before: Event, asked: Event): void {
  const stored = before.type === contract.type ? readEvent(contract, before) : before;
  const bodyOf = ({ type, subject, data }: Event) =>
    JSON.stringify([type, subject, Object.entries(data as object).sort()]);
  if (bodyOf(stored) === bodyOf(asked)) return;
  throw clientError(
    'IDEMPOTENCY_KEY_REUSED',
    'This idempotencyKey was used before, for a different request. Use a new one.',
  );
}
