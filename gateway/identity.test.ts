import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
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
  vi.useFakeTimers({ now: Date.parse('2026-01-31T12:00:00Z'), toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const caller = await verify(await signToken(SECRET, { sub: 'olga', roles: ['operator'], expiresIn: '10s' }));
  expect(caller.identity).toEqual({ ownerId: 'olga', operator: true });
  expect(caller.expiresAtMs - Date.now()).toBe(10_000);
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
  // A token says in whole seconds when it expires.
  vi.useFakeTimers({ now: Date.parse('2026-01-31T12:00:00.900Z'), toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const short = await signToken(SECRET, { sub: 'alice', expiresIn: '2s' });
  vi.setSystemTime('2026-01-31T12:00:01.999Z');
  await verify(short);
  vi.setSystemTime('2026-01-31T12:00:02Z');
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

  const signed = (header: object = {}, by: Parameters<SignJWT['sign']>[0] = privateKey) =>
    new SignJWT({ roles: ['operator'] })
      .setProtectedHeader({ alg: 'RS256', kid: '1', ...header })
      .setSubject('olga')
      .setIssuer('tributary')
      .setAudience('tributary')
      .setExpirationTime('1h')
      .sign(by);

  test('a token of one of its keys is good', async () => {
    const verified = await tokenVerifier({ jwksUrl: urlOf() })(await signed());
    expect(verified.identity).toEqual({ ownerId: 'olga', operator: true });
  });

  const publicText = async () => new TextEncoder().encode(await exportSPKI(publicKey));
  const publicJson = async () => new TextEncoder().encode(JSON.stringify(await exportJWK(publicKey)));
  const stranger = generateKeyPair('RS256', { extractable: true });
  const strangersKey = async () => exportJWK((await stranger).publicKey);

  // RFC 8725, sections 2.1, 3.1 and 3.10: whoever sends the token must not choose how it is checked, or with what.
  test.each<[string, () => Promise<string> | string]>([
    ['signed with a secret', () => token()],
    ['signed with the public key as a secret', async () => token(undefined, 'HS256', await publicText())],
    ['signed with the public key as JSON as a secret', async () => token(undefined, 'HS256', await publicJson())],
    ['of algorithm none', unsecured],
    ["signed with a stranger's key", async () => signed({}, (await stranger).privateKey)],
    ['that brings its own key', async () => signed({ jwk: await strangersKey() }, (await stranger).privateKey)],
    [
      'that names another key set',
      async () => signed({ jku: 'http://127.0.0.1:1/jwks', kid: '2' }, (await stranger).privateKey),
    ],
    ['of a key that is not in the set', async () => signed({ kid: '2' })],
  ])('a token %s is refused', async (_, make) => {
    await expect(tokenVerifier({ jwksUrl: urlOf() })(await make())).rejects.toMatchObject({
      extensions: { code: 'UNAUTHENTICATED' },
    });
  });

  test('a token of one of its keys is refused where there is a secret', async () => {
    for (const secret of [SECRET, new TextDecoder().decode(await publicText())])
      await expect(tokenVerifier({ secret })(await signed())).rejects.toMatchObject({
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
