import { expect, onTestFinished, test } from 'vitest';
import { createSystem, happening, isReady, mortalRedis, until, useServers } from './fixture.ts';

const urls = useServers();

test('a mark is left only on the connection that its jobs were sent on: Redis may have come back without them', async () => {
  const redis = await mortalRedis();
  const { transport } = createSystem({ ...urls, redisUrl: redis.url });
  onTestFinished(redis.kill);
  await isReady(transport.redis);
  const connection = await transport.send([{ service: 'a', partition: 0, source: 'b', events: [happening('1')] }]);
  expect(await transport.mark('a', 'b', undefined, 1, connection)).toBe(true);
  await redis.kill();
  await redis.start();
  await until(() => transport.redis.status === 'ready');
  // As it is after a loss of the last moments only: the mark before is there again, the jobs after it are not.
  await transport.resetMark('a', 'b', 1);
  expect(await transport.mark('a', 'b', 1, 2, connection)).toBe(false);
  expect(await transport.marks('a')).toEqual({ b: 1 });
  expect(await transport.mark('a', 'b', 1, 2)).toBe(true);
});
