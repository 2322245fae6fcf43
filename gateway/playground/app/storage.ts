import type { Storage } from '@graphiql/toolkit';
import type { Kind } from './examples.ts';

/** What GraphiQL remembers of one workspace: for this tab only, as long as it is open. */
export function storageOf(kind: Kind): Storage {
  const prefix = `playground.${kind}.`;
  const keys = () => Object.keys(sessionStorage).filter(key => key.startsWith(prefix));
  return {
    get length() {
      return keys().length;
    },
    getItem: key => sessionStorage.getItem(prefix + key),
    setItem: (key, value) => sessionStorage.setItem(prefix + key, value),
    removeItem: key => sessionStorage.removeItem(prefix + key),
    clear() {
      for (const key of keys()) sessionStorage.removeItem(key);
    },
  };
}

/** Which account somebody has opened last in this tab. */
export const openedBy = (owner: string): string | undefined => sessionStorage.getItem(openedKey(owner)) ?? undefined;

export const keepOpened = (owner: string, accountId: string): void =>
  sessionStorage.setItem(openedKey(owner), accountId);

const openedKey = (owner: string): string => `playground.opened.${owner}`;
