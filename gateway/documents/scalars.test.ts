import { buildSchema, GraphQLError } from 'graphql';
import { describe, expect, test } from 'vitest';
import { documentRules, operationReader } from './operations.ts';
import { withScalars } from './scalars.ts';

const sdl = `
  scalar MinorUnits
  scalar DateTime
  scalar Other
  input Amount { amount: MinorUnits! }
  type Query { pay(input: Amount, amount: MinorUnits, at: DateTime, other: Other): Int }
`;
const read = operationReader(withScalars(buildSchema(sdl)), documentRules({ introspection: true }));
const errorsOf = (text: string) => {
  const answer = read({ query: text });
  return Array.isArray(answer) ? (answer as GraphQLError[]) : [];
};

describe('a literal', () => {
  test.each([
    ['{ pay(amount: 12.50) }', 'got 12.50', 15],
    ['{ pay(amount: 12.0) }', 'got 12.0', 15],
    ['{ pay(input: { amount: "1250" }) }', 'got "1250"', 24],
    ['{ pay(at: "yesterday") }', 'got "yesterday"', 11],
  ])('that is none of its scalar is refused as it was written, and where: %s', (text, message, column) => {
    const [error, ...more] = errorsOf(text);
    expect(more).toEqual([]);
    expect(error).toBeInstanceOf(GraphQLError);
    expect(error?.message).toContain(message);
    expect(error?.toJSON()).toMatchObject({ locations: [{ line: 1, column }], extensions: { code: 'BAD_USER_INPUT' } });
  });

  test('that is one is taken, as are variables and scalars that nobody knows here', () => {
    for (const text of [
      '{ pay(amount: 12, at: "2026-01-31T12:00:00Z", other: 12.5) }',
      'query ($a: MinorUnits!, $at: DateTime) { pay(input: { amount: $a }, at: $at) }',
      '{ pay(input: { amount: -1 }, amount: null) }',
    ])
      expect(errorsOf(text)).toEqual([]);
  });
});
