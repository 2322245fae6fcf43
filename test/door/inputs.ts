import { beforeAll, describe, expect, it } from 'vitest';
import { DEPOSIT, OPEN_ACCOUNT, WITHDRAW } from '../system.ts';
import type { Answer, Client, Door } from './door.ts';
import { type RootField, rootFields, type Variables, withValue } from './schema.ts';

/** What a store would take for an operator, or an object for more than it is. */
const OPERATORS: unknown[] = [
  { $ne: null },
  { $gt: '' },
  { $where: 'sleep(1000)' },
  { $regex: '.*' },
  [{ $ne: null }],
  JSON.parse('{"__proto__": {"operator": true}}'),
  { constructor: { prototype: {} } },
];

const STRANGE: [string, string][] = [
  ['10,000 characters', 'x'.repeat(10_000)],
  ['NUL', 'a\u0000b'],
  ['the first half of a surrogate pair', 'a\ud83d'],
  ['the second half of one', '\ude00b'],
  ['characters of four bytes', '😀𝔘'],
  ["the store's own signs", '$where.a.b'],
  ['nothing', ''],
];

const AMOUNTS: [string, string][] = [
  ['zero', '0'],
  ['less than zero, by a hair', '-0'],
  ['negative', '-1'],
  ['a fraction', '1.5'],
  ['a small fraction', '1e-7'],
  ['2^53', '9007199254740992'],
  ['-2^53', '-9007199254740992'],
  ['endless', '1e400'],
  ['a string', '"100"'],
  ['an empty string', '""'],
  ['true', 'true'],
  ['null', 'null'],
  ['a list', '[100]'],
  ['an object', '{"$gt": 0}'],
];

type Reply = Pick<Answer, 'codes' | 'data' | 'text'> & { status?: number };

export const inputs = (doorNow: () => Door) =>
  describe('input', () => {
    let account: string;
    let owner: Client;

    beforeAll(async () => {
      owner = await doorNow().client({ sub: 'ines', roles: ['operator'] });
      account = await open(owner);
    });

    /** Over a socket where it must be. */
    const send = (client: Client, { kind, document }: RootField, variables: Variables): Promise<Reply> =>
      kind === 'subscription'
        ? client.subscribe({ query: document, variables })
        : client.post({ query: document, variables });

    it.each(
      rootFields.filter(({ places }) => places.length > 0),
    )('that is an operator of the store is refused at every place: $name', async field => {
      const client = await doorNow().client({ roles: ['operator'] });
      for (const { path, type } of field.places) {
        for (const operator of OPERATORS.slice(0, field.kind === 'subscription' ? 2 : undefined)) {
          const answer = await send(client, field, withValue(field.variables, path, operator));
          const codes = [...new Set(answer.codes)];
          expect([path, type, codes, answer.data ?? null]).toEqual([path, type, ['BAD_USER_INPUT'], null]);
          if (answer.status !== undefined) expect(answer.status).toBe(400);
        }
      }
    });

    // The live tail says nothing to a filter that selects nothing.
    const isText = ({ type }: { type: string }) => type === 'ID' || type === 'String';
    const fields = rootFields.filter(({ name, places }) => places.some(isText) && name !== 'subscription eventStored');

    it.each(fields)('that is strange text surprises nothing: $name', async field => {
      const client = await doorNow().client({ roles: ['operator'] });
      const moves = /deposit|withdraw/.test(field.name);
      const id = moves ? await open(client) : '';
      const variables = moves ? withValue(field.variables, ['input', 'accountId'], id) : field.variables;
      for (const { path } of field.places.filter(isText)) {
        for (const [what, text] of STRANGE) {
          const { codes } = await send(client, field, withValue(variables, path, text));
          const allowed = ['BAD_USER_INPUT', 'NOT_FOUND', 'INSUFFICIENT_FUNDS', 'IDEMPOTENCY_KEY_REUSED'];
          expect([path, what, codes.filter(code => !allowed.includes(code))]).toEqual([path, what, []]);
        }
      }
    });

    it.each([...STRANGE.slice(0, 4)])('of texts that are kept is refused when it is %s', async (_, text) => {
      const kept: [string, Variables][] = [
        [OPEN_ACCOUNT, { name: text }],
        [OPEN_ACCOUNT, { name: 'x', key: text }],
        [DEPOSIT, { input: { accountId: account, amount: 1, memo: text } }],
        [DEPOSIT, { input: { accountId: account, amount: 1, idempotencyKey: text } }],
        [WITHDRAW, { input: { accountId: account, amount: 1, memo: text } }],
      ];
      for (const [query, variables] of kept) {
        const answer = await owner.ask(query, variables);
        expect([answer.status, answer.data, answer.codes]).toEqual([400, null, ['BAD_USER_INPUT']]);
        expect(answer.text.length).toBeLessThan(1_000);
      }
    });

    it('of four bytes a character is kept as it is', async () => {
      const client = await doorNow().client();
      const name = '😀 𝔘𝔫𝔦 👩‍👩‍👧';
      const query = OPEN_ACCOUNT.replace('account { id', 'account { name id');
      expect((await client.ask(query, { name, key: name })).data).toMatchObject({ openAccount: { account: { name } } });
      expect((await client.ask('{ accounts { nodes { name } } }')).data).toEqual({ accounts: { nodes: [{ name }] } });
    });

    it.each(AMOUNTS)('of an amount is refused when it is %s, and nothing happens', async (_, amount) => {
      const client = await doorNow().client();
      const id = await open(client);
      for (const [name, document] of [
        ['deposit', DEPOSIT],
        ['withdraw', WITHDRAW],
      ] as const) {
        const variables = `{"input": {"accountId": "${id}", "amount": ${amount}}}`;
        const answer = await client.post(`{"query": ${JSON.stringify(document)}, "variables": ${variables}}`);
        expect([answer.status, answer.codes, answer.data ?? null]).toEqual([400, ['BAD_USER_INPUT'], null]);
        const written = `mutation { ${name}(input: { accountId: "${id}", amount: ${amount.replace('"$gt"', 'gt')} }) { account { id } } }`;
        const asLiteral = await client.ask(written);
        expect([asLiteral.status, asLiteral.data ?? null]).toEqual([400, null]);
        expect(['BAD_USER_INPUT', 'GRAPHQL_VALIDATION_FAILED']).toContain(asLiteral.codes[0]);
      }
      const look = await client.ask('query ($id: ID!) { account(id: $id) { transactions { nodes { id } } } }', { id });
      expect(look.data).toEqual({ account: { transactions: { nodes: [] } } });
    });
  });

async function open(client: Client): Promise<string> {
  const { data } = await client.ask(OPEN_ACCOUNT, { name: 'Everyday' });
  return (data as { openAccount: { account: { id: string } } }).openAccount.account.id;
}
