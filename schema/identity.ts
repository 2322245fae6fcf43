import { hkdfSync } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import { LRUCache } from 'lru-cache';

/** Who is calling: an owner, who sees only their own accounts, or an operator. */
export type Identity = { ownerId: string; operator: boolean };

/** Makes and checks the signed identity that the gateway passes to every subgraph. */
export type IdentityCodec = {
  /** A token for one request, valid for at least half of its life. */
  sign(identity: Identity): Promise<string>;
  /** @throws when the token is missing, forged, expired, or not made for a caller at a subgraph. */
  verify(token: string | undefined): Promise<Identity>;
  /** A token with which the gateway opens a connection that carries the requests of many callers, and acts for none. */
  signConnection(): Promise<string>;
  /** @throws when the token is good neither for a connection nor for a caller. */
  verifyConnection(token: string | undefined): Promise<void>;
};

/** The HTTP header, and the graphql-ws connection or subscription parameter, that carries the signed identity. */
export const IDENTITY_HEADER = 'x-tributary-identity';

const ISSUER = 'tributary-gateway';
const AUDIENCE = 'tributary-subgraph';
const CONNECTION_AUDIENCE = 'tributary-subgraph-connection';
const ALGORITHM = 'HS256';
const LIFE_SECONDS = 60;
const CACHED_IDENTITIES_MAX = 10_000;
const RULES = { issuer: ISSUER, algorithms: [ALGORITHM], requiredClaims: ['exp'] };

/**
 * The gateway's word about the caller is a JWT of its own: short-lived, and signed with a key that no client's token can
 * be signed with (HKDF over AUTH_SECRET, RFC 5869). Both directions are cached, since one identity makes many requests.
 *
 * @param secret AUTH_SECRET, the same in all processes; at least 32 bytes.
 */
export function identityCodec(secret: string): IdentityCodec {
  const key = new Uint8Array(hkdfSync('sha256', secret, 'tributary', 'subgraph identity', 32));
  const signed = new LRUCache<string, string>({ max: CACHED_IDENTITIES_MAX, ttl: (LIFE_SECONDS / 2) * 1000 });
  const verified = new LRUCache<string, { identity: Identity; expiresAtMs: number }>({ max: CACHED_IDENTITIES_MAX });

  const issue = (claims: SignJWT): Promise<string> =>
    claims.setProtectedHeader({ alg: ALGORITHM }).setIssuer(ISSUER).setExpirationTime(`${LIFE_SECONDS}s`).sign(key);

  return {
    async sign(identity) {
      const cacheKey = `${identity.operator ? 'operator' : 'owner'} ${identity.ownerId}`;
      const known = signed.get(cacheKey);
      if (known) return known;
      const claims = new SignJWT({ operator: identity.operator }).setSubject(identity.ownerId);
      const token = await issue(claims.setAudience(AUDIENCE));
      signed.set(cacheKey, token);
      return token;
    },

    async verify(token) {
      if (!token) throw new Error('no identity');
      const known = verified.get(token);
      if (known && known.expiresAtMs > Date.now()) return known.identity;
      const { payload } = await jwtVerify(token, key, { ...RULES, audience: AUDIENCE });
      if (!payload.sub || !payload.exp) throw new Error('an identity without a subject or an expiry');
      const identity = { ownerId: payload.sub, operator: payload.operator === true };
      verified.set(token, { identity, expiresAtMs: payload.exp * 1000 });
      return identity;
    },

    signConnection: () => issue(new SignJWT().setAudience(CONNECTION_AUDIENCE)),

    async verifyConnection(token = '') {
      await jwtVerify(token, key, { ...RULES, audience: [CONNECTION_AUDIENCE, AUDIENCE] });
    },
  };
}
