import { setImmediate as turnsEnd } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { atEndOfTurn } from './turn.ts';

test('what is put off is done in its order, after all that a turn leads to', async () => {
  const done: string[] = [];
  atEndOfTurn(() => done.push('first'));
  await Promise.resolve();
  atEndOfTurn(() => done.push('second'));
  process.nextTick(() => done.push('the turn itself'));
  await turnsEnd();
  expect(done).toEqual(['the turn itself', 'first', 'second']);
});

test('what is put off meanwhile is done in the next turn, and not lost', async () => {
  const done: string[] = [];
  atEndOfTurn(() => {
    done.push('first');
    atEndOfTurn(() => done.push('second'));
  });
  await turnsEnd();
  await turnsEnd();
  expect(done).toEqual(['first', 'second']);
});

test('so many do not wait for the end of a long turn', async () => {
  let done = 0;
  for (let count = 0; count < 100; count++) atEndOfTurn(() => done++);
  expect(done).toBeGreaterThan(90);
  await turnsEnd();
  expect(done).toBe(100);
});
