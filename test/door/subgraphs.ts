import { hkdfSync } from 'node:crypto';
import { createClient } from 'graphql-ws';
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { IDENTITY_HEADER, identityCodec } from '../../schema/identity.ts';
import { AUTH_SECRET } from '../system.ts';
import type { Door } from './door.ts';

/** An identity as the gateway's own, but for what a case changes. */
const claimed = (key: Uint8Array, expires = '1h') =>
  new SignJWT({ operator: true, roles: ['operator'] })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('mallory')
    .setIssuer('tributary-gateway')
    .setAudience('tributary-subgraph')
    .setExpirationTime(expires)
    .sign(key);

/** Made here once more, as nobody without the secret could: only so can an identity be old. */
const gatewaysKey = () => new Uint8Array(hkdfSync('sha256', AUTH_SECRET, 'tributary', 'subgraph identity', 32));

const IDENTITIES: [string, (door: Door) => Promise<string> | string | undefined][] = [
  ['nothing', () => undefined],
  ['an empty one', () => ''],
  ['nonsense', () => 'abc.def.ghi'],
  ["a client's token", door => door.tokenWith(jwt => jwt)],
  [
    "the gateway's words, signed with the clients' secret",
    async door => door.remember(await claimed(new TextEncoder().encode(AUTH_SECRET))),
  ],
  [
    "the gateway's words, signed with another secret",
    async door =>
      door.remember(await identityCodec('another secret, long enough').sign({ ownerId: 'mallory', operator: true })),
  ],
  ["the gateway's word that it is the gateway, which is nobody's", () => identityCodec(AUTH_SECRET).signConnection()],
  ['an expired one', async door => door.remember(await claimed(gatewaysKey(), '-1s'))],
  ['a forged one', async door => forged(await good(door))],
  ['one that is not signed any more', async door => (await good(door)).replace(/[^.]*$/, '')],
];

const good = async (door: Door) =>
  (await door.identity({ ownerId: 'mallory', operator: false }))[IDENTITY_HEADER] ?? '';

/** With the payload of an operator, and the signature of an owner. */
function forged(identity: string): string {
  const [head = '', payload = '', signature = ''] = identity.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  return [head, Buffer.from(JSON.stringify({ ...claims, operator: true })).toString('base64url'), signature].join('.');
}

const QUERIES = [
  '{ accounts { nodes { id } } }',
  '{ _service { sdl } }',
  '{ __schema { types { name } } }',
  '{ nonsense',
];

export const subgraphs = (doorNow: () => Door) =>
  describe("a service's own port", () => {
    it.each(IDENTITIES)('answers nobody over HTTP who brings %s', async (_, make) => {
      const door = doorNow();
      const identity = await make(door);
      for (const query of QUERIES) {
        const headers: Record<string, string> = identity === undefined ? {} : { [IDENTITY_HEADER]: identity };
        const answer = await door.post(door.subgraph.url, { query }, headers);
        expect([answer.status, answer.codes, answer.data]).toEqual([401, ['UNAUTHENTICATED'], undefined]);
      }
    });

    /** What a socket of these comes to: the code that it was closed with, or the code of its first answer. */
    async function overSocket(connection: string | undefined, subscription: string | undefined, query: string) {
      const client = createClient({
        url: `${doorNow().subgraph.url.replace('http', 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        connectionParams: { [IDENTITY_HEADER]: connection, authorization: `Bearer ${connection}` },
        retryAttempts: 0,
      });
      const extensions = { [IDENTITY_HEADER]: subscription };
      const first = await client
        .iterate({ query, extensions })
        .next()
        .catch(closed => closed);
      await client.dispose();
      return first.code ?? first.value?.errors?.[0]?.extensions?.code;
    }
    const WATCH = 'subscription { balanceChanged(accountId: "a") { id } }';

    it.each(IDENTITIES)('answers nobody over a socket who brings %s', async (_, make) => {
      const identity = await make(doorNow());
      for (const query of [WATCH, '{ accounts { nodes { id } } }', '{ _service { sdl } }']) {
        // The gateway's word about itself opens a socket, and then nothing on it.
        expect([4403, 'UNAUTHENTICATED']).toContain(await overSocket(identity, undefined, query));
        expect(await overSocket(undefined, identity, query)).toBe(4403);
        // On a socket that the gateway itself has opened.
        const connection = await identityCodec(AUTH_SECRET).signConnection();
        expect(await overSocket(connection, identity, query)).toBe('UNAUTHENTICATED');
      }
    });

    it("answers nobody with a client's token in its own place, and has no other page that tells anything", async () => {
      const door = doorNow();
      const authorization = `Bearer ${await door.tokenWith(jwt => jwt)}`;
      const answer = await door.post(door.subgraph.url, { query: '{ accounts { nodes { id } } }' }, { authorization });
      expect([answer.status, answer.codes]).toEqual([401, ['UNAUTHENTICATED']]);
      const pages = ['/', '/graphiql', '/queues', '/graphql?query={__typename}'];
      for (const path of pages) expect([path, (await fetch(door.subgraph.url + path)).status]).toEqual([path, 404]);
    });

    it('answers the gateway', async () => {
      const door = doorNow();
      const made = { [IDENTITY_HEADER]: door.remember(await claimed(gatewaysKey())) };
      for (const headers of [made, await door.identity({ ownerId: 'nobody yet', operator: false })]) {
        const answer = await door.post(
          door.subgraph.url,
          { query: '{ accounts { pageInfo { hasNextPage } } }' },
          headers,
        );
        expect(answer).toMatchObject({ status: 200, data: { accounts: { pageInfo: { hasNextPage: false } } } });
      }
    });
  });
