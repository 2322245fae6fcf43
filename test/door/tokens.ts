import { SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { IDENTITY_HEADER, identityCodec } from '../../schema/identity.ts';
import { AUTH_SECRET } from '../system.ts';
import type { Door } from './door.ts';

const CLAIMS = { sub: 'mallory', iss: 'tributary', aud: 'tributary', roles: ['operator'] };
const unsigned = () => new UnsecuredJWT(CLAIMS).setExpirationTime('1h').encode();

/** What follows `Authorization: `, if anything does. */
const CREDENTIALS: [string, (door: Door) => Promise<string | undefined> | string | undefined][] = [
  ['no token', () => undefined],
  ['an empty one', () => 'Bearer '],
  ['a bad one', () => 'Bearer abc.def.ghi'],
  ['one of another scheme', async door => `Basic ${await door.tokenWith(jwt => jwt)}`],
  ['an expired one', async door => `Bearer ${await door.tokenWith(jwt => jwt.setExpirationTime('-1s'))}`],
  [
    'one that never expires',
    async door => `Bearer ${await door.tokenWith(() => new SignJWT(CLAIMS).setProtectedHeader({ alg: 'HS256' }))}`,
  ],
  ['one that is not valid yet', async door => `Bearer ${await door.tokenWith(jwt => jwt.setNotBefore('1h'))}`],
  ['one for another audience', async door => `Bearer ${await door.tokenWith(jwt => jwt.setAudience('another'))}`],
  ['one of another issuer', async door => `Bearer ${await door.tokenWith(jwt => jwt.setIssuer('another'))}`],
  ['one without a subject', async door => `Bearer ${await door.tokenWith(jwt => jwt.setSubject(''))}`],
  ['one of another algorithm', async door => `Bearer ${await door.tokenWith(jwt => jwt, 'HS512')}`],
  ['one of another secret', async door => `Bearer ${await door.tokenWith(jwt => jwt, 'HS256', 'x'.repeat(64))}`],
  ['one of algorithm none', door => `Bearer ${door.remember(unsigned())}`],
  ["the gateway's own, which is for services", async door => `Bearer ${door.remember(await gatewaysOwn())}`],
];

const gatewaysOwn = () => identityCodec(AUTH_SECRET).sign({ ownerId: 'mallory', operator: true });

export const tokens = (doorNow: () => Door) =>
  describe('a token', () => {
    it.each(CREDENTIALS)('that is missing or not good opens nothing: %s', async (_, credential) => {
      const door = doorNow();
      const authorization = await credential(door);
      const headers: Record<string, string> = authorization ? { authorization } : {};
      const answers = [
        await door.post(door.url, { query: '{ services { name } }' }, headers),
        await door.get(`${door.url}/lake/events.ndjson`, headers),
      ];
      for (const answer of answers) {
        expect([answer.status, answer.codes, answer.data]).toEqual([401, ['UNAUTHENTICATED'], undefined]);
        expect(answer.headers.get('www-authenticate')).toBe('Bearer');
        expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
      }
      const socket = await door.open(door.url, { params: authorization && { authorization } });
      expect(await socket.closed).toBe(4403);
      expect(socket.messages).toEqual([]);
    });

    it('opens nothing as what it is not: a header of the services, a query parameter, a cookie', async () => {
      const door = doorNow();
      const token = await door.tokenWith(jwt => jwt);
      const identity = door.remember(await gatewaysOwn());
      const query = '{ __typename }';
      const elsewhere: Record<string, string>[] = [
        { [IDENTITY_HEADER]: identity },
        { cookie: `authorization=Bearer ${token}` },
      ];
      for (const headers of elsewhere) expect((await door.post(door.url, { query }, headers)).status).toBe(401);
      const response = await fetch(`${door.url}/graphql?access_token=${token}&authorization=Bearer+${token}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query }),
      });
      expect(response.status).toBe(401);
    });

    it("does not get a caller's own claim of an identity to the services", async () => {
      const door = doorNow();
      const owner = await door.client();
      const identity = door.remember(await gatewaysOwn());
      const answer = await owner.post({ query: '{ services { name } }' }, { [IDENTITY_HEADER]: identity });
      expect(answer.codes).toEqual(['FORBIDDEN']);
    });
  });
