/** Who is signed in. The token is kept for this tab only, in sessionStorage, and goes nowhere but into requests. */
import { signal } from '@preact/signals';
import { readToken, type Session, TOKEN_KEY } from './token.ts';

export { readToken, type Session };

/** Longer times overflow a browser's timers. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export const session = signal<Session | undefined>(undefined);
/** Why somebody who was signed in no longer is, for the sign-in page to say. */
export const farewell = signal<string | undefined>(undefined);

let expiry: ReturnType<typeof setTimeout> | undefined;

/** @throws Error when the token will not do, as `readToken`. */
export function signIn(token: string): void {
  const next = readToken(token);
  sessionStorage.setItem(TOKEN_KEY, next.token);
  farewell.value = undefined;
  session.value = next;
  clearTimeout(expiry);
  expiry = setTimeout(() => signOut(EXPIRED), Math.min(next.expiresAtMs - Date.now(), TIMER_MS_MAX));
}

/** @param why what to tell somebody who did not ask for it. */
export function signOut(why?: string): void {
  clearTimeout(expiry);
  sessionStorage.removeItem(TOKEN_KEY);
  if (session.value?.operator) leaveQueues();
  farewell.value = why;
  session.value = undefined;
}

/** The queues' pass is a cookie, which only they can take away. If they cannot be reached now it ends by itself, within half an hour. */
function leaveQueues(): void {
  fetch('/queues/session', { method: 'DELETE', keepalive: true }).catch(() => undefined);
}

export const EXPIRED = 'Your token has expired. Sign in again to go on where you were.';
export const REFUSED = 'The gateway does not accept your token any more. Sign in again to go on where you were.';

/** Goes on as whoever was signed in before this tab was loaded again. */
export function restoreSession(): void {
  const token = sessionStorage.getItem(TOKEN_KEY);
  if (!token) return;
  try {
    signIn(token);
  } catch {
    signOut(EXPIRED);
  }
}
