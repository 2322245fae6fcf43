import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bearer, signToken, tokenVerifier } from './identity.ts';

const SECRET = 'a secret for tests that is long enough';
const verify = tokenVerifier({ secret: SECRET });
const key = new TextEncoder().encode(SECRET);

/** A good token, but for what the case changes. */
const token = (change: (jwt: SignJWT) => SignJWT = jwt => jwt, alg = 'HS256', secret = key) =>
  change(
    new SignJWT({ roles: [] })
      .setProtectedHeader({ alg })
      .setSubject('alice')
      .setIssuer('tributary')
      .setAudience('tributary')
      .setExpirationTime('1h'),
  ).sign(secret);

test('a good token says who, with what role, and until when', async () => {
  const caller = await verify(await signToken(SECRET, { sub: 'olga', roles: ['operator'], expiresIn: '10s' }));
  expect(caller.identity).toEqual({ ownerId: 'olga', operator: true });
  expect(caller.expiresAtMs - Date.now()).toBeGreaterThan(8_000);
  expect((await verify(await token())).identity).toEqual({ ownerId: 'alice', operator: false });
});

const unsecured = () =>
  new UnsecuredJWT()
    .setSubject('alice')
    .setIssuer('tributary')
    .setAudience('tributary')
    .setExpirationTime('1h')
    .encode();

test.each<[string, () => Promise<string> | string | undefined]>([
  ['missing', () => undefined],
  ['not a JWT', () => 'abc'],
  ['expired', () => token(jwt => jwt.setExpirationTime('-1s'))],
  ['of another audience', () => token(jwt => jwt.setAudience('someone-else'))],
  ['of another issuer', () => token(jwt => jwt.setIssuer('someone-else'))],
  ['without a subject', () => token(jwt => jwt.setSubject(''))],
  ['of an endless subject', () => token(jwt => jwt.setSubject('a'.repeat(201)))],
  [
    'without an expiry',
    () =>
      new SignJWT({ sub: 'alice', iss: 'tributary', aud: 'tributary' }).setProtectedHeader({ alg: 'HS256' }).sign(key),
  ],
  [
    'of another secret',
    () => token(undefined, 'HS256', new TextEncoder().encode('another secret, long enough as well')),
  ],
  ['of another algorithm', () => token(undefined, 'HS512')],
  ['of algorithm none', unsecured],
])('a token %s is refused', async (_, make) => {
  await expect(verify(await make())).rejects.toMatchObject({ extensions: { code: 'UNAUTHENTICATED' } });
});

test('a token that was good stops being so when it expires', async () => {
  const short = await signToken(SECRET, { sub: 'alice', expiresIn: '1s' });
  await verify(short);
  await new Promise(resolve => setTimeout(resolve, 1_100));
  await expect(verify(short)).rejects.toMatchObject({ extensions: { code: 'UNAUTHENTICATED' } });
});

test('an Authorization header holds a token only as Bearer', () => {
  expect(bearer('Bearer abc')).toBe('abc');
  expect(bearer('bearer  abc')).toBe('abc');
  for (const wrong of [undefined, 1, {}, '', 'abc', 'Basic abc', 'Bearer a b']) expect(bearer(wrong)).toBeUndefined();
});

describe('with a key set', async () => {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  let status = 200;
  const keys = createServer(async (_, response) => {
    const jwk = { ...(await exportJWK(publicKey)), kid: '1', alg: 'RS256' };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [jwk] }));
  });
  const urlOf = () => `http://127.0.0.1:${(keys.address() as AddressInfo).port}/jwks`;
  beforeAll(async () => new Promise<void>(resolve => keys.listen(0, '127.0.0.1', resolve)));
  afterAll(() => keys.close());

  const signed = () =>
    new SignJWT({ roles: ['operator'] })
      .setProtectedHeader({ alg: 'RS256', kid: '1' })
      .setSubject('olga')
      .setIssuer('tributary')
      .setAudience('tributary')
      .setExpirationTime('1h')
      .sign(privateKey);

  test('a token of one of its keys is good', async () => {
    const verified = await tokenVerifier({ jwksUrl: urlOf() })(await signed());
    expect(verified.identity).toEqual({ ownerId: 'olga', operator: true });
  });

  test('a token signed with a secret is refused', async () => {
    await expect(tokenVerifier({ jwksUrl: urlOf() })(await token())).rejects.toMatchObject({
      extensions: { code: 'UNAUTHENTICATED' },
    });
  });

  test.each(['out of reach', 'failing'])('a key set that is %s is no fault of the caller', async how => {
    status = how === 'failing' ? 500 : 200;
    const jwksUrl = how === 'failing' ? urlOf() : 'http://127.0.0.1:1/jwks';
    await expect(tokenVerifier({ jwksUrl })(await signed())).rejects.toMatchObject({
      extensions: { code: 'UNAVAILABLE' },
    });
  });
});
