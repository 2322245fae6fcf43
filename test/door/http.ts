import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Door } from './door.ts';

const query = '{ accounts { nodes { id } } }';
const good = JSON.stringify({ query });
const type = (value: string) => ({ 'content-type': value });
const gzip = { 'content-type': 'application/json', 'content-encoding': 'gzip' };

const REFUSED: [string, number, string | Uint8Array, Record<string, string>?][] = [
  ['too large', 413, JSON.stringify({ query, variables: { x: 'x'.repeat(100_001) } })],
  [
    'too large once it is unpacked',
    413,
    gzipSync(JSON.stringify({ query, variables: { x: 'x'.repeat(10_000_000) } })),
    gzip,
  ],
  ['packed in a way that it does not say', 400, good, gzip],
  ['empty', 400, ''],
  ['no JSON', 400, '{"query": '],
  ['JSON, but no object', 400, '"query"'],
  ['null', 400, 'null'],
  ['a batch', 400, JSON.stringify([{ query }, { query }])],
  ['a batch of one', 400, JSON.stringify([{ query }])],
  ['a batch within', 400, JSON.stringify({ query: [query, query] })],
  ['without a document', 400, '{"variables": {}}'],
  ['with a document that is an object', 400, '{"query": {"$ne": null}}'],
  ['with variables that are a list', 400, JSON.stringify({ query, variables: [] })],
  ['with variables that are text', 400, JSON.stringify({ query, variables: '{}' })],
  ['with an operationName that is an object', 400, JSON.stringify({ query, operationName: { $ne: null } })],
  ['a hash and no document', 400, JSON.stringify({ extensions: { persistedQuery: { version: 1, sha256Hash: 'a' } } })],
  ['text', 400, good, type('text/plain')],
  ['a form', 400, `query=${encodeURIComponent(query)}`, type('application/x-www-form-urlencoded')],
  [
    'a form with files',
    400,
    `--b\r\nContent-Disposition: form-data; name="operations"\r\n\r\n${good}\r\n--b--`,
    type('multipart/form-data; boundary=b'),
  ],
  ['a bare document', 400, query, type('application/graphql')],
  ['XML', 400, '<query/>', type('application/xml')],
  ['of no type', 400, good, type('')],
];

export const http = (doorNow: () => Door) =>
  describe('an HTTP request', () => {
    it.each(REFUSED)('is refused whose body is %s: %i', async (_, status, body, headers) => {
      const answer = await (await doorNow().client()).post(body, headers);
      expect([answer.status, answer.data]).toEqual([status, undefined]);
      expect(['BAD_REQUEST', 'PERSISTED_QUERY_NOT_SUPPORTED']).toContain(answer.codes[0]);
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    });

    it('that a page of another site can send by itself does nothing, and no site may read what is answered', async () => {
      const door = doorNow();
      const { token } = await door.client();
      const authorization = `Bearer ${token}`;
      const origin = 'https://evil.example';
      const mutation = 'mutation { openAccount(input: { name: "forged" }) { account { id } } }';
      const url = `${door.url}/graphql`;
      const simple: [string, RequestInit][] = [
        [`${url}?query=${encodeURIComponent(query)}`, { method: 'GET' }],
        [`${url}?query=${encodeURIComponent(mutation)}`, { method: 'GET' }],
        [`${url}?query=${encodeURIComponent(mutation)}`, { method: 'POST' }],
        [`${url}?query=${encodeURIComponent(mutation)}`, { method: 'HEAD' }],
        [url, { method: 'POST', body: JSON.stringify({ query: mutation }), headers: type('text/plain') }],
        [url, { method: 'POST', body: new URLSearchParams({ query: mutation }) }],
      ];
      for (const [address, init] of simple) {
        const headers = { origin, authorization, ...(init.headers as Record<string, string> | undefined) };
        const response = await fetch(address, { ...init, headers });
        expect([400, 405]).toContain(response.status);
        expect(response.headers.get('access-control-allow-origin')).toBeNull();
        expect(await response.text()).not.toContain('"data"');
      }
      const asked = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' };
      const preflight = await fetch(url, { method: 'OPTIONS', headers: { origin, ...asked } });
      expect(preflight.ok).toBe(false);
      expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
      const accounts = await door.post(door.url, { query }, { authorization });
      expect(accounts.data).toEqual({ accounts: { nodes: [] } });
    });
  });
