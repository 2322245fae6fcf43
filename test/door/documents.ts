import { describe, expect, it } from 'vitest';
import { OPEN_ACCOUNT } from '../system.ts';
import type { Client, Door } from './door.ts';

const times = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => make(index)).join(' ');

const page = (first: string) =>
  `accounts(first: ${first}) { nodes { ledger(first: ${first}) { nodes { version amount } } } }`;
const INVALID = 'GRAPHQL_VALIDATION_FAILED';

/** Documents that are refused, with what variables, how and why. */
const REFUSED: [string, string, Record<string, unknown>, string, RegExp][] = [
  ['a syntax error', '{ account(', {}, 'GRAPHQL_PARSE_FAILED', /Syntax Error/],
  ['too many tokens', `{ ${'a '.repeat(4_001)} }`, {}, 'GRAPHQL_PARSE_FAILED', /4000 tokens/],
  ['too deep', `{ ${'... { '.repeat(21)}__typename${' }'.repeat(21)} }`, {}, INVALID, /more than 20 deep/],
  ['values too deep', `{ account(id: ${'['.repeat(11)}${']'.repeat(11)}) { id } }`, {}, INVALID, /more than 10 deep/],
  ['too many aliases', `{ account(id: "a") { ${times(51, index => `a${index}: id`)} } }`, {}, INVALID, /50 aliases/],
  [
    'the same field over and over',
    `{ account(id: "a") { ${'id '.repeat(500)} } }`,
    {},
    INVALID,
    /more than 400 fields/,
  ],
  [
    'too many at the root',
    `{ ${times(21, index => `a${index}: accounts { nodes { id } }`)} }`,
    {},
    INVALID,
    /20 fields at its root/,
  ],
  ['too many directives', `{ ${'__typename @skip(if: true) '.repeat(21)} }`, {}, INVALID, /20 directives/],
  [
    'fragments that grow',
    `${times(6, index => `fragment F${index} on Account { ${times(4, alias => `a${index}${alias}: transactions { nodes { id } }`)} ...F${index + 1} }`)} fragment F6 on Account { id } { ${times(18, index => `a${index}: account(id: "a") { ...F0 }`)} }`,
    {},
    INVALID,
    /more than 500 fields/,
  ],
  [
    'fragments in a circle',
    '{ ...F } fragment F on Query { ...G } fragment G on Query { ...F }',
    {},
    INVALID,
    /itself/,
  ],
  ['too costly', `{ ${page('100')} }`, {}, INVALID, /would cost 22020; at most 20000/],
  [
    'too costly by its variables',
    `query ($n: Int!) { ${page('$n')} }`,
    { n: 2_000_000_000 },
    'BAD_USER_INPUT',
    /would cost 22020/,
  ],
  ['a field that is not there', '{ nonsense }', {}, INVALID, /Cannot query field/],
  ['the schema', '{ __schema { types { name } } }', {}, INVALID, /introspection/i],
  ['a type', '{ __type(name: "Account") { fields { name } } }', {}, INVALID, /introspection/i],
  ['an entity', '{ _entities(representations: []) { __typename } }', {}, INVALID, /Cannot query field "_entities"/],
  ['a service', '{ _service { sdl } }', {}, INVALID, /Cannot query field "_service"/],
  [
    'two operations and no name',
    'query A { __typename } query B { __typename }',
    {},
    'OPERATION_RESOLUTION_FAILURE',
    /name/,
  ],
];

const PAGED: [string, string][] = [
  ['accounts', 'query ($n: Int) { accounts(first: $n) { nodes { id } } }'],
  ['events', 'query ($n: Int) { events(first: $n) { nodes { id } } }'],
  ['replays', 'query ($n: Int) { replays(first: $n) { nodes { id } } }'],
  ['faults', 'query ($n: Int) { faults(first: $n) { nodes { id } } }'],
  ['transactions', 'query ($id: ID!, $n: Int) { account(id: $id) { transactions(first: $n) { nodes { id } } } }'],
  ['ledger', 'query ($id: ID!, $n: Int) { account(id: $id) { ledger(first: $n) { nodes { version } } } }'],
];

export const documents = (doorNow: () => Door) =>
  describe('a document', () => {
    it.each(REFUSED)('is refused, over HTTP and a socket alike: %s', async (_, query, variables, code, message) => {
      const client = await doorNow().client();
      const overHttp = await client.ask(query, variables);
      expect([overHttp.status, overHttp.codes[0], overHttp.data]).toEqual([400, code, undefined]);
      expect(overHttp.messages[0]).toMatch(message);
      expect(overHttp.text).not.toContain('Did you mean');
      const { codes, messages, data } = await client.subscribe({ query, variables });
      expect({ codes, messages, data }).toEqual({
        codes: overHttp.codes,
        messages: overHttp.messages,
        data: undefined,
      });
    });

    it.each([
      '{ acount(id: "a") { id } }',
      '{ account(id: "a") { nam } }',
      '{ account(ids: "a") { id } }',
      '{ account(id: "a") { statistics(interval: DAYS) { deposits } } }',
      '{ account(id: "a") { ... on Acount { id } } }',
      'mutation { deposit(input: { acountId: "a", amount: 1 }) { account { id } } }',
      'query ($v: Acount) { __typename }',
    ])('that is nearly right gets no hints in production: %s', async query => {
      const client = await doorNow().client();
      for (const answer of [await client.ask(query), await client.subscribe({ query })])
        expect([answer.codes[0], /Did you mean/.test(answer.text)]).toEqual([INVALID, false]);
    });

    it('with variables that are nearly right gets no hints in production either', async () => {
      const client = await doorNow().client();
      const query = 'mutation ($input: TransactionInput!) { deposit(input: $input) { account { id } } }';
      const asked = { query, variables: { input: { acountId: 'a', accountId: 'a', amount: 1 } } };
      for (const answer of [await client.post(asked), await client.subscribe(asked)])
        expect([answer.codes, /Did you mean/.test(answer.text)]).toEqual([['BAD_USER_INPUT'], false]);
    });

    it.each(PAGED)('gets no page smaller than 1, and none but a whole number, by a variable: %s', async (_, query) => {
      const operator = await doorNow().client({ roles: ['operator'] });
      const opened = await operator.ask(OPEN_ACCOUNT, { name: 'paged' });
      const { id } = (opened.data as { openAccount: { account: { id: string } } }).openAccount.account;
      for (const n of [0, -1, -(2 ** 31), 2 ** 31, 1.5, '10', true, [], {}, { $ne: null }]) {
        const answer = await operator.ask(query, { id, n });
        expect([n, answer.status, answer.codes]).toEqual([n, 400, ['BAD_USER_INPUT']]);
      }
      for (const n of [1, 100, 101, 2 ** 31 - 1, null])
        expect((await operator.ask(query, { id, n })).codes).toEqual([]);
    });

    it('may be as large as it makes sense', async () => {
      const client: Client = await doorNow().client();
      const query = `{ accounts(first: 100) { nodes { id ownerId name currency openedAt balance { amount version asOf }
        transactions(first: 20) { nodes { id type amount memo time status } pageInfo { hasNextPage endCursor } } } } }`;
      expect((await client.ask(query)).codes).toEqual([]);
      expect((await client.subscribe({ query })).codes).toEqual([]);
    });
  });
