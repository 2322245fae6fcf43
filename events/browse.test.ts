import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { browseQueues, OutOfReach } from './browse.ts';
import { connected, createSystem, happening, mortalRedis, type System, until, useServers } from './fixture.ts';

const urls = useServers();

function browserOf({ prefix, bindings }: System, redisUrl = urls.redisUrl, all = bindings.all) {
  const browser = browseQueues({ redisUrl, prefix, bindings: { all }, onError: () => undefined });
  onTestFinished(() => browser.close());
  /** What it shows once the servers answer in time: on a busy machine that may take more than one look. */
  const shown = () =>
    until(() =>
      browser.look().catch(error => {
        if (!(error instanceof OutOfReach)) throw error;
        return undefined;
      }),
    );
  const names = async () => (await shown()).map(({ service, partition }) => `${service} ${partition}`);
  return { ...browser, shown, names };
}

/** What comes of it before a timer of 3 s ends: on a busy machine that is late as well. */
const soon = <Answer>(answer: Promise<Answer>) => Promise.race([answer, delay(3_000)]);

test('shows the queues of all services that are bound, one that is added later among them', async () => {
  const system = createSystem(urls);
  await connected(system.transport);
  const browser = browserOf(system);
  await system.bind('b', { partitions: 2 });
  await system.bind('a');
  expect(await browser.names()).toEqual(['a 0', 'b 0']);
  // Which are as many as it has processes, and whatever is not empty.
  for (const member of ['one', 'two', 'three']) await system.transport.announce('b', member);
  expect(await browser.names()).toEqual(['a 0', 'b 0', 'b 1']);
  await system.transport.send([{ service: 'a', partition: 3, source: 'b', events: [happening('1')] }]);
  expect(await browser.names()).toEqual(['a 0', 'a 3', 'b 0', 'b 1']);
  await system.bind('c');
  await system.bindings.unbind('a');
  expect(await browser.names()).toEqual(['b 0', 'b 1', 'c 0']);
});

test('shows what waits, and writes nothing', async () => {
  const system = createSystem(urls);
  await system.bind('a');
  await system.bind('idle');
  await connected(system.transport);
  await system.transport.send([{ service: 'a', partition: 0, source: 'b', events: [happening('1')] }]);
  const keys = async () => (await system.transport.redis.keys(`${system.prefix}:*`)).sort();
  const before = await keys();
  const queues = await browserOf(system).shown();
  const [jobs, none] = await Promise.all(queues.map(({ queue }) => queue.getJobs(['waiting'])));
  expect(jobs?.map(({ data }) => data)).toEqual([{ source: 'b', events: [happening('1')] }]);
  expect(none).toEqual([]);
  expect(await keys()).toEqual(before);
});

test('has those who take from the queues look at them at once', async () => {
  const system = createSystem(urls);
  await system.bind('a');
  const browser = browserOf(system);
  await browser.shown();
  let looks = 0;
  onTestFinished(system.feed.listen('members/a', () => void looks++));
  await until(async () => {
    await browser.stir();
    return looks > 0;
  });
});

test('says at once that Redis is away, and goes on when it is there again', async () => {
  const redis = await mortalRedis();
  const system = createSystem({ ...urls, redisUrl: redis.url });
  await system.bind('a');
  const browser = browserOf(system, redis.url);
  expect(await browser.names()).toEqual(['a 0']);
  await redis.kill();
  await expect(soon(browser.look())).rejects.toThrow(OutOfReach);
  await redis.start();
  expect(await browser.names()).toEqual(['a 0']);
});

test('does without MongoDB once it has said which services are bound', async () => {
  const system = createSystem(urls);
  await system.bind('a');
  let away = true;
  const browser = browserOf(system, urls.redisUrl, () =>
    away ? Promise.reject(new Error('connect ECONNREFUSED')) : system.bindings.all(),
  );
  await expect(browser.look()).rejects.toThrow(/^MongoDB, .* cannot be reached right now\.$/);
  away = false;
  expect(await browser.names()).toEqual(['a 0']);
  away = true;
  expect(await browser.names()).toEqual(['a 0']);
});

test('waits for a server that does not answer no longer than 2 s', async () => {
  const system = createSystem(urls);
  const browser = browserOf(system, urls.redisUrl, () => new Promise(() => undefined));
  await expect(soon(browser.look())).rejects.toThrow(OutOfReach);
});
