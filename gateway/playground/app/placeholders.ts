import { NEWEST_REPLAY, OWN_ACCOUNT } from './examples.ts';

/** Asks one query. @returns its data. @throws Error that says what is wrong. */
export type Ask = (query: string) => Promise<unknown>;

/** What stands for an id in the examples' variables: where the id comes from, and what to do when there is none. */
const PLACEHOLDERS: Readonly<Record<string, { query: string; ids(data: unknown): unknown; none: string }>> = {
  [OWN_ACCOUNT]: {
    query: '{ accounts(first: 1) { nodes { id } } }',
    ids: data => at(data, 'accounts', 'nodes', '0', 'id'),
    none: 'You have no account yet: run OpenAccount first.',
  },
  [NEWEST_REPLAY]: {
    query: '{ replays(first: 1) { nodes { id } } }',
    ids: data => at(data, 'replays', 'nodes', '0', 'id'),
    none: 'There was no replay yet: run DryRun first.',
  },
};

/**
 * Puts ids where an example's variables have only words for them.
 *
 * @returns the variables themselves when there is nothing to put in.
 * @throws Error that says what to do when there is no such id.
 */
export async function filled(variables: unknown, ask: Ask): Promise<unknown> {
  const placeholder = typeof variables === 'string' ? PLACEHOLDERS[variables] : undefined;
  if (placeholder) {
    const id = placeholder.ids(await ask(placeholder.query));
    if (typeof id !== 'string') throw new Error(placeholder.none);
    return id;
  }
  if (Array.isArray(variables)) return Promise.all(variables.map(value => filled(value, ask)));
  if (typeof variables !== 'object' || variables === null) return variables;
  const entries = Object.entries(variables).map(async ([name, value]) => [name, await filled(value, ask)] as const);
  return Object.fromEntries(await Promise.all(entries));
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
