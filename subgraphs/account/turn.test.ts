import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createTurns } from './turn.ts';

test('work on one account waits for what was asked for before, and not for other accounts', async () => {
  const inTurn = createTurns();
  const log: string[] = [];
  const work = (account: string, name: string, ms: number) =>
    inTurn(account, async () => {
      log.push(`${name} begins`);
      await delay(ms);
      log.push(`${name} ends`);
      return name;
    });
  const names = await Promise.all([work('a', 'first', 60), work('a', 'second', 1), work('b', 'other', 1)]);
  expect(names).toEqual(['first', 'second', 'other']);
  expect(log).toEqual(['first begins', 'other begins', 'other ends', 'first ends', 'second begins', 'second ends']);
});

test('what fails fails for whoever asked, and the next has its turn', async () => {
  const inTurn = createTurns();
  const failing = inTurn('a', () => Promise.reject(new Error('refused')));
  const next = inTurn('a', async () => 'done');
  await expect(failing).rejects.toThrow('refused');
  expect(await next).toBe('done');
});
