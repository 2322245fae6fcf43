import { expect, test } from 'vitest';
import { statusOfFailure } from './status.ts';

const answer = (data: Record<string, unknown> | null | undefined, ...codes: string[]) =>
  statusOfFailure({
    ...(data !== undefined && { data }),
    ...(codes.length > 0 && { errors: codes.map(code => ({ message: code, extensions: { code } })) }),
  });

test.each<[string, Parameters<typeof answer>, number | undefined]>([
  ['data', [{ a: 1 }], undefined],
  ['nothing to be found', [{ a: null }], undefined],
  ['bad input', [null, 'BAD_USER_INPUT'], 400],
  ['bad input in every field', [{ a: null, b: null }, 'BAD_USER_INPUT', 'BAD_USER_INPUT'], 400],
  ['bad input beside an answer', [{ a: null, b: 1 }, 'BAD_USER_INPUT'], undefined],
  ['a store out of reach', [{ a: null }, 'UNAVAILABLE'], 503],
  ['a store out of reach, and bad input', [undefined, 'BAD_USER_INPUT', 'UNAVAILABLE'], 503],
  ['a store out of reach beside an answer', [{ a: null, b: 1 }, 'UNAVAILABLE'], undefined],
  ['a refusal', [null, 'INSUFFICIENT_FUNDS'], undefined],
  ['a refusal, and bad input', [null, 'FORBIDDEN', 'BAD_USER_INPUT'], undefined],
])('%s: its HTTP status', (_, [data, ...codes], status) => {
  expect(answer(data, ...codes)).toBe(status);
});
