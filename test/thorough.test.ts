import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { LONG } from './thorough.ts';

const fileOf = (path: string) => new URL(`../${path}`, import.meta.url);

test('what `npm test` leaves out is there', () => {
  const folderOrFile = (pattern: string) => pattern.replace(/\*\*.*$/, '');
  expect(LONG.filter(pattern => !existsSync(fileOf(folderOrFile(pattern))))).toEqual([]);
});

test('nothing is left out where a change is accepted', () => {
  expect(readFileSync(fileOf('.ci/run'), 'utf8')).toMatch(/^export TEST_ALL=1\nexec npm test/m);
});
