/** What the web applications of the gateway know of tokens. */

export type Session = {
  token: string;
  /** Whose accounts these are. */
  owner: string;
  operator: boolean;
  expiresAtMs: number;
};

/** Where a tab keeps its token: in its sessionStorage, under this name. */
export const TOKEN_KEY = 'tributary.token';

/**
 * What a token says of its bearer, for showing only: the gateway checks it.
 *
 * @throws Error that says, for the person who pasted it, why it will not do.
 */
export function readToken(text: string, nowMs = Date.now()): Session {
  const token = text.trim().replace(/^Bearer\s+/i, '');
  const claims = claimsOf(token);
  if (!claims) throw new Error('This is no token: it should have three parts with dots between them.');
  const { sub, exp, roles } = claims;
  if (typeof sub !== 'string' || typeof exp !== 'number')
    throw new Error('This token does not say whose it is, or until when.');
  if (exp * 1000 <= nowMs) throw new Error('This token has expired. Make a new one.');
  return { token, owner: sub, operator: Array.isArray(roles) && roles.includes('operator'), expiresAtMs: exp * 1000 };
}

function claimsOf(token: string): Record<string, unknown> | undefined {
  const payload = /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(token)?.[1];
  if (!payload) return undefined;
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), part => part.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === 'object' && claims !== null ? { ...claims } : undefined;
  } catch {
    return undefined;
  }
}
