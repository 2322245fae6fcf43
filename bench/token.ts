/** The callers of all measurements. */
import { signToken } from '../gateway/identity.ts';

/** AUTH_SECRET of every gateway here. */
export const SECRET = 'a secret for measurements, long enough';

/** A client's token, as every request carries it. */
export const tokenOf = (sub = 'alice', roles: readonly string[] = []): Promise<string> =>
  signToken(SECRET, { sub, roles, expiresIn: '12h' });
