import { expect, test } from 'vitest';
import { createCache } from './cache.ts';

test('forgets what was used longest ago once it is full', () => {
  const cache = createCache<string>(2);
  cache.set('a', '1');
  cache.set('b', '2');
  cache.get('a');
  cache.set('c', '3');
  expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual(['1', undefined, '3']);
});

test('takes no room for what it does not hold', () => {
  const before = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  const caches = Array.from({ length: 50 }, () => createCache<string>(1_000_000));
  const after = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  expect(caches).toHaveLength(50);
  expect(after - before).toBeLessThan(20_000_000);
});
