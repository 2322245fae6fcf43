import { describe, expect, it } from 'vitest';
import { hashOf } from '../../gateway/documents/persisted.ts';
import type { Client, Door } from './door.ts';

const MINE = 'query Mine($first: Int) { accounts(first: $first) { nodes { id } } }';
const LEDGERS = 'query Ledgers { services { name } }';
const WATCH = 'subscription Watch($id: ID!) { balanceChanged(accountId: $id) { id } }';

/** What the gateway that knows persisted documents only is started with. */
export const PERSISTED = { [hashOf(MINE)]: MINE, [hashOf(WATCH)]: WATCH, ledgers: LEDGERS };

const byHash = (text: string) => ({ extensions: { persistedQuery: { version: 1, sha256Hash: hashOf(text) } } });

const ACCEPTED: [string, Record<string, unknown>][] = [
  ['by documentId', { documentId: hashOf(MINE) }],
  ['by a hash, as Apollo Client sends it', byHash(MINE)],
  ['by its text', { query: MINE }],
  ['by its text and its hash', { query: MINE, ...byHash(MINE) }],
];

const REFUSED: [string, string, Record<string, unknown>][] = [
  ['another text', 'QUERY_NOT_IN_SAFELIST', { query: '{ __typename }' }],
  ['its text, changed by a space', 'QUERY_NOT_IN_SAFELIST', { query: `${MINE} ` }],
  ['another text under its hash', 'QUERY_NOT_IN_SAFELIST', { query: '{ services { name } }', ...byHash(MINE) }],
  ['an unknown hash', 'PERSISTED_QUERY_NOT_IN_LIST', byHash('{ __typename }')],
  [
    'an unknown hash with its text',
    'PERSISTED_QUERY_NOT_IN_LIST',
    { query: '{ __typename }', ...byHash('{ __typename }') },
  ],
  ['an unknown id', 'PERSISTED_QUERY_NOT_IN_LIST', { documentId: '__proto__' }],
];

export const persisted = (doorNow: () => Door) =>
  describe('a gateway with persisted documents', () => {
    const client = (): Promise<Client> => doorNow().client({ url: doorNow().persistedOnly.url });
    // graphql-ws wants a text in every message.
    const overSocket = (request: Record<string, unknown>) => ({ query: '', ...request });

    it.each(ACCEPTED)('executes one of them %s, with variables, over HTTP and a socket', async (_, request) => {
      const asked = { ...request, variables: { first: 1 } };
      const data = { accounts: { nodes: [] } };
      expect(await (await client()).post(asked)).toMatchObject({ status: 200, data });
      expect(await (await client()).subscribe(overSocket(asked))).toMatchObject({ data });
    });

    it('executes a subscription of them', async () => {
      const asked = { query: '', ...byHash(WATCH), variables: { id: 'none' } };
      expect((await (await client()).subscribe(asked)).codes).toEqual(['NOT_FOUND']);
      const refused = await (await client()).subscribe({
        query: WATCH.replace('Watch', 'Other'),
        variables: { id: 'none' },
      });
      expect(refused.codes).toEqual(['QUERY_NOT_IN_SAFELIST']);
    });

    it.each(REFUSED)('refuses %s: %s', async (_, code, request) => {
      const answer = await (await client()).post(request);
      expect([answer.status, answer.codes, answer.data]).toEqual([400, [code], undefined]);
      expect((await (await client()).subscribe(overSocket(request))).codes).toEqual([code]);
    });

    it('refuses page sizes of them like any other', async () => {
      const answer = await (await client()).post({ ...byHash(MINE), variables: { first: { $ne: null } } });
      expect([answer.status, answer.codes]).toEqual([400, ['BAD_USER_INPUT']]);
    });

    it('says that a service is away, and nothing of where it was', async () => {
      const operator = await doorNow().client({ url: doorNow().persistedOnly.url, roles: ['operator'] });
      const answer = await operator.post({ documentId: 'ledgers' });
      expect([answer.status, answer.codes]).toEqual([503, ['UNAVAILABLE']]);
    });
  });
