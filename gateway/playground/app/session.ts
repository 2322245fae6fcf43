/** Who asks: whoever is signed in to the console in this tab, or is picked here. */
import { readToken, type Session, TOKEN_KEY } from '../../console/app/token.ts';

export type { Session };

/** Somebody who can be picked, where the system made its own secret. */
export type Person = { name: string; roles: readonly string[] };

/** Whoever is signed in to this tab; nobody when the token is no longer good. */
export function currentSession(): Session | undefined {
  const token = sessionStorage.getItem(TOKEN_KEY);
  if (!token) return undefined;
  try {
    return readToken(token);
  } catch {
    return undefined;
  }
}

/** @throws Error that says why the token will not do. */
export function startSession(token: string): Session {
  const session = readToken(token);
  sessionStorage.setItem(TOKEN_KEY, session.token);
  return session;
}

/** Who can be picked; nobody where tokens come from elsewhere. */
export async function people(): Promise<readonly Person[]> {
  try {
    const answer: { people: readonly Person[] } = await (await fetch('/session')).json();
    return answer.people;
  } catch {
    return [];
  }
}

/** Signs somebody in by name. @throws Error that says why not. */
export async function startSessionOf(name: string): Promise<Session> {
  const response = await fetch('/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  });
  const answer: { token?: string; errors?: { message: string }[] } = await response.json();
  if (answer.token) return startSession(answer.token);
  throw new Error(answer.errors?.[0]?.message ?? `The gateway answered with HTTP ${response.status}.`);
}
