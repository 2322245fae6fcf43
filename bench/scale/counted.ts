/** What processes of a service ask of MongoDB, and how often they lose a race there: counts, which do not depend on the machine. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask, type Counts, since, total } from '../budget/counts.ts';
import type { SystemOptions } from '../way/system.ts';

/** Of one process, between two looks. */
export type Asked = { mongodb: number; lost: number };

const socketOf = (name: string) => join(tmpdir(), `tributary-${process.pid}-${name}.sock`);

/** How a system is started so that its processes count. */
export const counting: Pick<SystemOptions, 'nodeArgs' | 'env'> = {
  nodeArgs: ['--import', fileURLToPath(new URL('../budget/counters.ts', import.meta.url))],
  env: name => ({ BENCH_COUNTERS: socketOf(name) }),
};

/** Begins to count. @returns what it was from then on, of all these processes together. */
export async function count(names: readonly string[]): Promise<() => Promise<Asked>> {
  const look = () => Promise.all(names.map(name => ask(socketOf(name), 'count')));
  const before = await look();
  return async () => {
    const all = (await look()).map((after, index) => since(before[index] ?? after, after));
    const sum = (of: (counts: Counts) => Record<string, number>) =>
      all.reduce((whole, counts) => whole + total(of(counts)), 0);
    return { mongodb: sum(({ mongodb }) => mongodb), lost: sum(({ lost }) => lost) };
  };
}
