import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { utilizationOf } from './utilization.ts';

function work(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test('a thread that works is busy, one that waits is not', async () => {
  const utilization = utilizationOf();
  await delay(300);
  const resting = utilization();
  for (let round = 0; round < 30; round++) {
    work(10);
    await delay(0);
  }
  const working = utilization();
  expect(resting).toBeLessThan(working);
  expect(working).toBeGreaterThan(0.5);
  expect(working).toBeLessThanOrEqual(1);
});

test('what was noticed last holds until there is enough to say something new', async () => {
  const utilization = utilizationOf();
  await delay(260);
  const noticed = utilization();
  work(50);
  await delay(0);
  expect(utilization()).toBe(noticed);
});

test('what a thread did before is nothing to how busy it is now', async () => {
  const utilization = utilizationOf();
  for (let round = 0; round < 60; round++) {
    work(10);
    await delay(0);
  }
  const working = utilization();
  await delay(300);
  expect(utilization()).toBeLessThan(working / 3);
});
