import type { z } from 'zod';
import { clientError } from './errors.ts';

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
