import { hkdfSync } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';

/** What a browser shows at `/queues` in place of a token, which it could send with no request of its own accord. */
export type Pass = {
  /**
   * @param untilMs when the token that it is given for expires: the pass does not outlive it.
   * @returns what `Set-Cookie` says.
   */
  issue(operatorId: string, untilMs: number, secure: boolean): Promise<string>;
  /** What `Set-Cookie` says to take it away. */
  withdraw(secure: boolean): string;
  /** @returns whether a `Cookie` header holds a pass that is good now. */
  verify(cookies: string | undefined): Promise<boolean>;
};

const COOKIE = 'tributary-queues';
const ISSUER = 'tributary-gateway';
const AUDIENCE = 'tributary-queues';
const ALGORITHM = 'HS256';
const LIFE_SECONDS = 30 * 60;
const COOKIES_CHARS_MAX = 8_192;

/**
 * A pass is a JWT in a cookie that no script can read and no other site can have sent: HttpOnly, SameSite=Strict, for `/queues`
 * alone. Its key is good for nothing else (HKDF over AUTH_SECRET, RFC 5869): neither a client's token nor what the gateway
 * tells its services is a pass, and a pass is neither.
 */
export function passOf(secret: string): Pass {
  const key = new Uint8Array(hkdfSync('sha256', secret, 'tributary', 'queues pass', 32));
  const cookie = (value: string, maxAgeSeconds: number, secure: boolean) =>
    `${COOKIE}=${value}; Path=/queues; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;

  return {
    async issue(operatorId, untilMs, secure) {
      const nowSeconds = Math.floor(Date.now() / 1000);
      const expires = Math.min(nowSeconds + LIFE_SECONDS, Math.floor(untilMs / 1000));
      const token = await new SignJWT()
        .setProtectedHeader({ alg: ALGORITHM })
        .setSubject(operatorId)
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setExpirationTime(expires)
        .sign(key);
      return cookie(token, Math.max(0, expires - nowSeconds), secure);
    },
    withdraw: secure => cookie('', 0, secure),
    async verify(cookies = '') {
      if (cookies.length > COOKIES_CHARS_MAX) return false;
      const token = new RegExp(`(?:^|;\\s*)${COOKIE}=([^;\\s]+)`).exec(cookies)?.[1];
      if (!token) return false;
      const rules = { issuer: ISSUER, audience: AUDIENCE, algorithms: [ALGORITHM], requiredClaims: ['sub', 'exp'] };
      return jwtVerify(token, key, rules).then(
        () => true,
        () => false,
      );
    },
  };
}
