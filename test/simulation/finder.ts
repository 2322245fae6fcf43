/** Looks for the first seed that finds a planted bug: for the test, and for `npm run simulate -- --bugs`. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bug } from './bugs.ts';
import { plant } from './plant.ts';
import { TRANSFERS_AFTER } from './scenario.ts';
import { type Failure, runSeeds } from './seeds.ts';

/** A bug has to be found by one of the seeds from 1 to here, unless it says otherwise. */
export const WITHIN = 750;

type Range = { from: number; count: number };

/**
 * Plants a bug in a copy of the project and runs seeds until one fails.
 *
 * @param ranges looked at one after the other.
 * @returns the first failure, or undefined when no seed finds the bug.
 * @throws when the bug cannot be planted, or the simulation itself goes to pieces: that finds nothing.
 */
export async function findBug(root: string, bug: Bug, ranges: readonly Range[]): Promise<Failure | undefined> {
  const copy = await plant(root, bug);
  try {
    for (const range of ranges) {
      const { failures } = await runSeeds({ root: copy.root, ...range, jobs: 1, stopAtFailure: true });
      const [failure] = failures;
      const [violation = ''] = failure?.violations ?? [];
      if (violation.startsWith('the simulation broke')) throw new Error(`bug "${bug.name}": ${violation}`);
      if (failure) return failure;
    }
    return undefined;
  } finally {
    await copy.remove();
  }
}

/** Every seed that may have to be tried. */
export const allSeedsFor = ({ ofTransfers, within = WITHIN }: Pick<Bug, 'ofTransfers' | 'within'>): Range => ({
  from: ofTransfers ? TRANSFERS_AFTER + 1 : 1,
  count: within,
});

/** What came of looking for one bug; `error` says why it could not be looked for. */
export type Finding = { bug: Bug; seed: number | undefined; error?: unknown };

/** Looks for the first seed of every bug, on several processes at once. */
export async function findAll(options: {
  root: string;
  bugs: readonly Bug[];
  jobs: number;
  onFinding?: (finding: Finding) => void;
}): Promise<Finding[]> {
  const { root, bugs, jobs, onFinding } = options;
  // What took long is begun first, so that it does not end last.
  const left = [...bugs].sort((a, b) => b.foundBy - a.foundBy);
  const findings: Finding[] = [];
  async function work(): Promise<void> {
    for (let bug = left.shift(); bug; bug = left.shift()) {
      const finding = await findBug(root, bug, [allSeedsFor(bug)]).then(
        failure => ({ bug, seed: failure?.seed }),
        (error: unknown) => ({ bug, seed: undefined, error }),
      );
      findings.push(finding);
      onFinding?.(finding);
    }
  }
  await Promise.all(Array.from({ length: jobs }, work));
  return findings;
}

/** Writes what was found into bugs.ts as `foundBy`. @throws when a bug does not stand there as expected. */
export async function recordFindings(root: string, findings: readonly Finding[]): Promise<void> {
  const file = join(root, 'test/simulation/bugs.ts');
  let source = await readFile(file, 'utf8');
  for (const { bug, seed } of findings) {
    if (seed === undefined) continue;
    const place = source.indexOf(`name: '${bug.name}'`);
    const number = source.indexOf('foundBy: ', place);
    if (place < 0 || number < 0) throw new Error(`bug "${bug.name}" does not stand in ${file} as name and foundBy`);
    source = `${source.slice(0, number)}${source.slice(number).replace(/^foundBy: [\d_]+/, `foundBy: ${seed}`)}`;
  }
  await writeFile(file, source);
}
