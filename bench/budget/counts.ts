/** What a process has counted so far: see counters.ts, which runs in it. */
import { connect } from 'node:net';

/** How often, by what. */
export type Tally = Readonly<Record<string, number>>;

export type Counts = {
  /** Commands, by `database command collection {fields asked for} sets {fields}`. */
  mongodb: Record<string, number>;
  /** Rows that a unique index has refused, by `database collection`: somebody else was first, or it was a repetition. */
  lost: Record<string, number>;
  /** Commands, by `command key`; a script is a command by its name. */
  redis: Record<string, number>;
  /** Round trips, by the commands that shared them. */
  trips: Record<string, number>;
  /** By who did it. */
  parses: Record<string, number>;
  validations: Record<string, number>;
};

/** @param how `trace` to have callers told apart from now on, which costs the process time. */
export function ask(path: string, how: 'trace' | 'count'): Promise<Counts> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(path, () => socket.write(how));
    socket.on('data', chunk => {
      text += chunk;
    });
    socket.on('error', reject);
    socket.on('end', () => resolve(JSON.parse(text) as Counts));
  });
}

/** What was counted between two looks. */
export function since(before: Counts, after: Counts): Counts {
  const difference = (key: keyof Counts) =>
    Object.fromEntries(
      Object.entries(after[key])
        .map(([name, count]) => [name, count - (before[key][name] ?? 0)] as const)
        .filter(([, count]) => count > 0),
    );
  return {
    mongodb: difference('mongodb'),
    lost: difference('lost'),
    redis: difference('redis'),
    trips: difference('trips'),
    parses: difference('parses'),
    validations: difference('validations'),
  };
}

export const total = (tally: Tally): number => Object.values(tally).reduce((sum, count) => sum + count, 0);
