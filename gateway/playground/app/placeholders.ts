import { NEWEST_REPLAY, OWN_ACCOUNT } from './examples.ts';

/** Asks one query. @returns its data. @throws Error that says what is wrong. */
export type Ask = (query: string) => Promise<unknown>;

type Placeholder = { query(opened: string | undefined): string; ids(data: unknown): unknown; none: string };

/** What stands for an id in the examples' variables: where the id comes from, and what to do when there is none. */
const PLACEHOLDERS: Readonly<Record<string, Placeholder>> = {
  [OWN_ACCOUNT]: {
    query: opened =>
      `{ ${opened === undefined ? '' : `account(id: ${JSON.stringify(opened)}) { id } `}accounts(first: 1) { nodes { id } } }`,
    ids: data => at(data, 'account', 'id') ?? at(data, 'accounts', 'nodes', '0', 'id'),
    none: 'You have no account yet: run OpenAccount first.',
  },
  [NEWEST_REPLAY]: {
    query: () => '{ replays(first: 1) { nodes { id } } }',
    ids: data => at(data, 'replays', 'nodes', '0', 'id'),
    none: 'There was no replay yet: run DryRun first.',
  },
};

/**
 * Puts ids where an example's variables have only words for them.
 *
 * @param opened the account that was opened last, which is taken if it is still there.
 * @returns the variables themselves when there is nothing to put in.
 * @throws Error that says what to do when there is no such id.
 */
export async function filled(variables: unknown, ask: Ask, opened?: string): Promise<unknown> {
  const placeholder = typeof variables === 'string' ? PLACEHOLDERS[variables] : undefined;
  if (placeholder) {
    const id = placeholder.ids(await ask(placeholder.query(opened)));
    if (typeof id !== 'string') throw new Error(placeholder.none);
    return id;
  }
  if (Array.isArray(variables)) return Promise.all(variables.map(value => filled(value, ask, opened)));
  if (typeof variables !== 'object' || variables === null) return variables;
  const entries = Object.entries(variables).map(
    async ([name, value]) => [name, await filled(value, ask, opened)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

/** The account that an answer says was opened; undefined when it says nothing of that. */
export function openedIn(answer: unknown): string | undefined {
  const id = at(answer, 'data', 'openAccount', 'account', 'id');
  return typeof id === 'string' ? id : undefined;
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (found, key) =>
      typeof found === 'object' && found !== null
        ? Object.entries(found).find(([name]) => name === key)?.[1]
        : undefined,
    value,
  );
}
