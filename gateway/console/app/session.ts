/** Who is signed in. The token is kept for this tab only, in sessionStorage, and goes nowhere but into requests. */
import { signal } from '@preact/signals';

export type Session = {
  token: string;
  /** Whose accounts these are. */
  owner: string;
  operator: boolean;
  expiresAtMs: number;
};

const KEY = 'tributary.token';
/** Longer times overflow a browser's timers. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export const session = signal<Session | undefined>(undefined);
/** Why somebody who was signed in no longer is, for the sign-in page to say. */
export const farewell = signal<string | undefined>(undefined);

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

let expiry: ReturnType<typeof setTimeout> | undefined;

/** @throws Error when the token will not do, as `readToken`. */
export function signIn(token: string): void {
  const next = readToken(token);
  sessionStorage.setItem(KEY, next.token);
  farewell.value = undefined;
  session.value = next;
  clearTimeout(expiry);
  expiry = setTimeout(() => signOut(EXPIRED), Math.min(next.expiresAtMs - Date.now(), TIMER_MS_MAX));
}

/** @param why what to tell somebody who did not ask for it. */
export function signOut(why?: string): void {
  clearTimeout(expiry);
  sessionStorage.removeItem(KEY);
  farewell.value = why;
  session.value = undefined;
}

export const EXPIRED = 'Your token has expired. Sign in again to go on where you were.';
export const REFUSED = 'The gateway does not accept your token any more. Sign in again to go on where you were.';

/** Goes on as whoever was signed in before this tab was loaded again. */
export function restoreSession(): void {
  const token = sessionStorage.getItem(KEY);
  if (!token) return;
  try {
    signIn(token);
  } catch {
    signOut(EXPIRED);
  }
}
