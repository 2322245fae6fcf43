import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { THOROUGH } from '../thorough.ts';
import { BUGS } from './bugs.ts';
import { allSeedsFor, findBug, WITHIN } from './finder.ts';
import { placesOf, plant } from './plant.ts';
import { runSeeds } from './seeds.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The seed that found it last comes first, and a few after it; whatever is changed, all are tried before it counts as lost. */
const LOOK_FIRST = 3;

/** All of them, or one in so many. */
const ONE_IN = THOROUGH ? 1 : 4;
const looked = BUGS.filter((_, index) => index % ONE_IN === 0);

test('each bug can be planted: its place stands in the source once', async () => {
  const places = await Promise.all(BUGS.map(async bug => [bug.name, await placesOf(root, bug)]));
  expect(places).toEqual(BUGS.map(({ name }) => [name, 1]));
});

describe(`each planted bug is found within ${WITHIN} seeds`, () => {
  test.concurrent.each(looked.map(bug => [bug.name, bug] as const))(
    '%s',
    async (_, bug) => {
      const ranges = [{ from: bug.foundBy, count: LOOK_FIRST }, allSeedsFor(bug)];
      const failure = await findBug(root, bug, ranges);
      expect(failure?.violations[0]).toBeDefined();
    },
    600_000,
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
});
