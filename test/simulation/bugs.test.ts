import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { BUGS } from './bugs.ts';
import { plant } from './plant.ts';
import { type Failure, runSeeds } from './seeds.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const WITHIN = 500;

/** Seeds around the one that found it last come first; whatever is changed, no more than `WITHIN` are tried. */
const LOOK_FIRST = 3;

async function findIn(copy: string, foundBy: number): Promise<Failure | undefined> {
  const ranges = [
    { from: foundBy, count: LOOK_FIRST },
    { from: 1, count: WITHIN },
  ];
  for (const range of ranges) {
    const { failures } = await runSeeds({ root: copy, ...range, jobs: 1, stopAtFailure: true });
    if (failures[0]) return failures[0];
  }
  return undefined;
}

describe(`each planted bug is found within ${WITHIN} seeds`, () => {
  test.each(BUGS.map(bug => [bug.name, bug] as const))(
    '%s',
    async (_, bug) => {
      const copy = await plant(root, bug);
      try {
        const failure = await findIn(copy.root, bug.foundBy);
        expect(failure?.violations[0]).toBeDefined();
        // The simulation itself going to pieces finds nothing.
        expect(failure?.violations[0]).not.toMatch(/^the simulation broke/);
      } finally {
        await copy.remove();
      }
    },
    180_000,
  );
});

test('a failing seed fails again in the same way', async () => {
  const [bug] = BUGS;
  if (!bug) throw new Error('there are no bugs');
  const copy = await plant(root, bug);
  try {
    const once = await runSeeds({ root: copy.root, from: 1, count: 5, jobs: 1 });
    const again = await runSeeds({ root: copy.root, from: 1, count: 5, jobs: 2 });
    expect(once.failures.length).toBeGreaterThan(0);
    expect(again.traces.sort()).toEqual(once.traces.sort());
  } finally {
    await copy.remove();
  }
}, 60_000);

test('whatever ran before it in its process, a seed has the same trace', async () => {
  const together = await runSeeds({ root, from: 1, count: 30, jobs: 1 });
  const apart = await runSeeds({ root, from: 1, count: 30, jobs: 5 });
  expect(together.traces.sort()).toEqual(apart.traces.sort());
  expect(together.traces).toHaveLength(30);
}, 60_000);
