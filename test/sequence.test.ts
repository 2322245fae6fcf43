import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { LONGEST } from './sequence.ts';

test('what begins first is there, and each once', () => {
  expect(LONGEST.filter(file => !existsSync(new URL(`../${file}`, import.meta.url)))).toEqual([]);
  expect(new Set(LONGEST).size).toBe(LONGEST.length);
});
