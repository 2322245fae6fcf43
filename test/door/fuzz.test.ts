/** Operations that the schema allows, and some that it does not, against the whole system; `npm run fuzz` tries more. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type System, startSystem, stopAll, temporaryFolder } from '../system.ts';
import { wrongAfterwards } from './fuzz/afterwards.ts';
import { fuzz, told } from './fuzz/run.ts';

/** Within 10 s. */
const COUNT = 250;
const WITHIN_MS = 60_000;

const folder = temporaryFolder();
let system: System;

beforeAll(async () => {
  system = await startSystem(folder.path);
});
afterAll(async () => {
  await stopAll();
  folder.remove();
});

test(`${COUNT} requests get the answers that they should`, async () => {
  const { findings, done, answered } = await fuzz({
    url: system.url,
    seed: 1,
    from: 0,
    count: COUNT,
    withinMs: WITHIN_MS,
  });
  expect(findings.map(told).join('\n\n')).toBe('');
  // Requests that are all refused are answered as they should be as well.
  expect(answered / done).toBeGreaterThan(0.25);
}, 300_000);

test('afterwards the system is at rest, and has nothing to complain about', async () => {
  expect(await wrongAfterwards(system)).toEqual([]);
});
