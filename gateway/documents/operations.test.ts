import { GraphQLError } from 'graphql';
import { describe, expect, test } from 'vitest';
import { supergraphSdl } from '../fixture.ts';
import { operationPlanner } from '../subscriptions/plan.ts';
import { BOUNDS } from './bounds.ts';
import { documentRules, operationReader } from './operations.ts';
import { hashOf } from './persisted.ts';

const { schema } = operationPlanner(supergraphSdl);
const read = operationReader(schema, documentRules({ introspection: false }));

/** The code and message for which a document is refused; undefined when it is not. */
function refusal(query: string, variables?: Record<string, unknown>, reader = read) {
  const operation = reader({ query, variables });
  if ('definition' in operation) return undefined;
  return `${operation[0]?.extensions.code}: ${operation[0]?.message}`;
}

const times = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => make(index)).join(' ');
const nested = (depth: number, open: string, inner: string, close: string) =>
  `${open.repeat(depth)}${inner}${close.repeat(depth)}`;

test.each<[string, (count: number) => string, number, RegExp]>([
  [
    'fields',
    count => `{ account(id: "a") { ${'id '.repeat(count - 1)} } }`,
    BOUNDS.selections,
    /selects more than 400/,
  ],
  [
    'fields with other values',
    count => `{ account(id: "a") { ${'__typename '.repeat(count - 1)} } }`,
    BOUNDS.selections,
    /selects/,
  ],
  [
    'fragments',
    count => `{ account(id: "a") { id ${'...F '.repeat(count - 3)} } } fragment F on Account { id }`,
    BOUNDS.selections,
    /selects/,
  ],
  [
    'inline fragments',
    count =>
      `{ __typename ${'... { __typename } '.repeat((count - 2) / 2)} ${'... @skip(if: true) { __typename }'.repeat(count % 2)} __typename }`,
    BOUNDS.selections,
    /selects/,
  ],
  [
    'aliases',
    count => `{ account(id: "a") { ${times(count, index => `a${index}: id`)} } }`,
    BOUNDS.aliases,
    /more than 50 aliases/,
  ],
  [
    'fields at the root',
    count => `{ ${times(count, index => `a${index}: __typename`)} }`,
    BOUNDS.rootFields,
    /more than 20 fields at its root/,
  ],
  [
    'fields at the root through fragments',
    count =>
      `{ ...F ...G } fragment F on Query { __typename } fragment G on Query { ${times(count - 1, index => `a${index}: __typename`)} }`,
    BOUNDS.rootFields,
    /root/,
  ],
  [
    'mutations',
    count =>
      `mutation { ${times(count, index => `a${index}: deposit(input: {accountId: "a", amount: 1}) { transaction { id } }`)} }`,
    BOUNDS.rootFields,
    /root/,
  ],
  [
    'fields of fragments, wherever they are spread',
    count => {
      const [spreads, rest] = [Math.floor((count - 1) / 46), (count - 1) % 46];
      const account = times(spreads, index => `a${index}: account(id: "a") { ...F }`);
      return `{ ${account} b: account(id: "a") { ${'id '.repeat(rest)} } } fragment F on Account { ${'id '.repeat(45)} }`;
    },
    BOUNDS.fields,
    /more than 500 fields, its fragments opened/,
  ],
  [
    'directives',
    count => `{ ${'__typename @skip(if: true) '.repeat(count)} }`,
    BOUNDS.directives,
    /more than 20 directives/,
  ],
  [
    'selections deep',
    count => nested(count, '{ ... ', '{ __typename }', ' }').replace('{ ... ', '{ ... '),
    BOUNDS.selectionsDeep - 1,
    /nests selections more than 20/,
  ],
  [
    'values deep',
    count => `{ account(id: ${nested(count, '[', '"a"', ']')}) { id } }`,
    BOUNDS.valuesDeep,
    /nests values more than 10/,
  ],
])('so many %s, and not one more', (_, document, max, message) => {
  const within = refusal(document(max)) ?? '';
  expect(within).not.toMatch(message);
  expect(refusal(document(max + 1))).toMatch(message);
  expect(refusal(document(max + 1))).toMatch(/^GRAPHQL_VALIDATION_FAILED: /);
});

test.each(['1e400', '-1e400', '9'.repeat(400)])('a number that is no number to a program is refused: %s', number => {
  const document = `mutation { deposit(input: { accountId: "a", amount: ${number} }) { account { id } } }`;
  expect(refusal(document)).toBe('GRAPHQL_VALIDATION_FAILED: The document has a number that is too large.');
});

test('a document of more tokens than 4,000 is not parsed to its end', () => {
  expect(refusal(`{ ${'a '.repeat(5_000)} }`)).toMatch(/^GRAPHQL_PARSE_FAILED: .*4000 tokens/);
});

test.each([
  ['fields that must be compared with each other', `{ ${'a '.repeat(3_900)} }`],
  ['values within each other', `{ account(id: ${'['.repeat(1_900)}${']'.repeat(1_900)}) { id } }`],
  [
    'fragments within each other',
    times(14, index => `fragment F${index} on Account { ...F${index + 1} ...F${index + 1} ...F${index + 1} }`) +
      ' fragment F14 on Account { id } { account(id: "a") { ...F0 } }',
  ],
  [
    'aliased fragments',
    `{ ${times(10, index => `a${index}: accounts(first: 100) { ...A }`)} } fragment A on AccountConnection { ${times(10, index => `b${index}: nodes { ...B }`)} } fragment B on Account { ${times(20, index => `c${index}: ledger(first: 100) { nodes { version } }`)} }`,
  ],
  ['directives without end', `{ __typename ${'@a '.repeat(1_900)} }`],
  ['variables without end', `query (${times(600, index => `$v${index}: Int`)}) { __typename }`],
  ['arguments without end', `{ account(${times(900, index => `a${index}: 1`)}) { id } }`],
])('%s cost no time', (_, document) => {
  const { user: before } = process.cpuUsage();
  refusal(document);
  // Of the processor, in microseconds: others may use it meanwhile.
  expect(process.cpuUsage().user - before).toBeLessThan(1_000_000);
});

describe('cost', () => {
  const pages = (first: number | string) =>
    `{ accounts(first: ${first}) { nodes { ledger(first: ${first}) { nodes { version amount } } } } }`;

  test('is refused before anything runs, with what it is, what it may be and what to do', () => {
    expect(refusal(pages(90))).toBeUndefined();
    expect(refusal(pages(100))).toBe(
      'GRAPHQL_VALIDATION_FAILED: The operation would cost 22020; at most 20000 is allowed. Ask for smaller pages (first) or fewer fields.',
    );
  });

  test('counts with the variables of each request, though the document is read once', () => {
    const document = `query ($n: Int!) ${pages('$n')}`;
    expect(refusal(document, { n: 90 })).toBeUndefined();
    for (const n of [100, 2 ** 31 - 1, 1e300]) {
      expect(refusal(document, { n })).toMatch(/^BAD_USER_INPUT: The operation would cost 22020/);
    }
    // What is no page size is for the services to refuse.
    for (const n of [0, -1, null, '100', { $ne: null }]) expect(refusal(document, { n })).toBeUndefined();
  });

  test('is of the operation that runs, not of those beside it', () => {
    const document = `query Small { __typename } query Large ${pages(100)}`;
    expect('definition' in read({ query: document, operationName: 'Small' })).toBe(true);
    expect('definition' in read({ query: document, operationName: 'Large' })).toBe(false);
  });

  test('of a subscription counts the same way', () => {
    const fields = times(
      18,
      index =>
        `a${index}: ledger(first: 100) { nodes { version amount balance time eventId eventType v: version e: eventType } }`,
    );
    expect(refusal(`subscription { balanceChanged(accountId: "a") { ${fields} } }`)).toBeDefined();
    expect(
      refusal(`subscription { balanceChanged(accountId: "a") { ${fields.slice(0, fields.indexOf('a9'))} } }`),
    ).toBeUndefined();
  });
});

describe('persisted documents', () => {
  const known = '{ accounts(first: 1) { nodes { id } } }';
  const rules = documentRules({ introspection: false, persisted: { [hashOf(known)]: known } });

  test('are all that is executed', () => {
    const reader = operationReader(schema, rules);
    expect(reader({ documentId: hashOf(known) })).toMatchObject({ text: known });
    expect(refusal(known, undefined, reader)).toBeUndefined();
    expect(refusal('{ __typename }', undefined, reader)).toMatch(/^QUERY_NOT_IN_SAFELIST: Only persisted documents/);
  });

  test('that are not valid are noticed at the start', () => {
    const persisted = { old: '{ accounts { nodes { gone } } }' };
    expect(() => operationReader(schema, documentRules({ introspection: false, persisted }))).toThrow(
      'persisted document old: Cannot query field "gone" on type "Account".',
    );
  });
});

test('a valid document is read once', () => {
  const [first, again] = [read({ query: '{ __typename }' }), read({ query: '{ __typename }' })];
  expect('document' in first && 'document' in again && first.document === again.document).toBe(true);
  expect(first).not.toBeInstanceOf(GraphQLError);
});
