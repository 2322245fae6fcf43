import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify, SignJWT } from 'jose';
import { LRUCache } from 'lru-cache';
import { clientError } from '../schema/errors.ts';
import type { Identity } from '../schema/identity.ts';

/** A caller, and until when the token says so. */
export type Caller = { identity: Identity; expiresAtMs: number };

/**
 * Checks a client's token.
 *
 * @throws GraphQLError UNAUTHENTICATED when it is missing or bad; UNAVAILABLE when the keys cannot be fetched.
 */
export type TokenVerifier = (token: string | undefined) => Promise<Caller>;

/** Where the keys are: a shared secret (HS256), or the address of a JSON Web Key Set (RFC 7517). */
export type TokenKeys = { secret: string } | { jwksUrl: string };

const ISSUER = 'tributary';
const AUDIENCE = 'tributary';
const OPERATOR = 'operator';
const SUBJECT_CHARS_MAX = 200;
const CACHED_TOKENS_MAX = 10_000;
/** A token is checked again after this, so that a key that was withdrawn stops working. */
const CACHED_TOKEN_MS = 60_000;
const KEYS_TIMEOUT_MS = 5_000;

/** Never both kinds at once: a public key would else be a valid HS256 secret (RFC 8725, 3.1). */
const SECRET_ALGORITHMS = ['HS256'];
const KEY_SET_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'];

/** Checks JWTs (RFC 7519): signature, issuer and audience `tributary`, `exp`, and `sub`, the owner. */
export function tokenVerifier(keys: TokenKeys): TokenVerifier {
  const { key, algorithms } = verification(keys);
  const callers = new LRUCache<string, Caller>({ max: CACHED_TOKENS_MAX, ttl: CACHED_TOKEN_MS });

  return async token => {
    if (!token) throw clientError('UNAUTHENTICATED', 'A bearer token is required.');
    const known = callers.get(token);
    if (known && known.expiresAtMs > Date.now()) return known;
    const { payload } = await jwtVerify(token, key, {
      algorithms,
      issuer: ISSUER,
      audience: AUDIENCE,
      requiredClaims: ['sub', 'exp'],
    }).catch(refuse);
    const { sub, exp, roles } = payload;
    if (typeof sub !== 'string' || !sub || sub.length > SUBJECT_CHARS_MAX || exp === undefined) return refuse();
    const operator = Array.isArray(roles) && roles.includes(OPERATOR);
    const caller = { identity: { ownerId: sub, operator }, expiresAtMs: exp * 1000 };
    callers.set(token, caller);
    return caller;
  };
}

function verification(keys: TokenKeys): { key: JWTVerifyGetKey; algorithms: string[] } {
  if ('secret' in keys) {
    const secret = new TextEncoder().encode(keys.secret);
    return { key: async () => secret, algorithms: SECRET_ALGORITHMS };
  }
  const key = createRemoteJWKSet(new URL(keys.jwksUrl), { timeoutDuration: KEYS_TIMEOUT_MS });
  return { key, algorithms: KEY_SET_ALGORITHMS };
}

function refuse(error?: unknown): never {
  const outOfReach = error !== undefined && (!(error instanceof errors.JOSEError) || isKeySetFault(error));
  if (outOfReach) throw clientError('UNAVAILABLE', 'Tokens cannot be checked right now. Try again.');
  throw clientError('UNAUTHENTICATED', 'The token is not valid, or no longer.');
}

// jose throws the bare JOSEError when the key set answers with another status than 200 or with no JSON.
const isKeySetFault = ({ code }: errors.JOSEError): boolean =>
  code === errors.JWKSTimeout.code || code === errors.JWKSInvalid.code || code === errors.JOSEError.code;

/** The token of an `Authorization: Bearer …` header, or of the `authorization` of a socket's connectionParams. */
export function bearer(authorization: unknown): string | undefined {
  return typeof authorization === 'string' ? /^Bearer +(\S+)$/i.exec(authorization)?.[1] : undefined;
}

/** What a development token says: whose it is, with what roles, and for how long (as jose reads it, `8h`). */
export type TokenClaims = { sub: string; roles?: readonly string[]; expiresIn: string };

/** Signs a token for trying things out, with the secret that the verifier has. */
export function signToken(secret: string, { sub, roles = [], expiresIn }: TokenClaims): Promise<string> {
  return new SignJWT({ roles })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(sub)
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setIssuedAt()
    .setExpirationTime(expiresIn)
    .sign(new TextEncoder().encode(secret));
}
