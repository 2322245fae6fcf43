import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { channelOf, createFeed, follow, newestOnly, silentFeed } from './feed.ts';
import { connected, createSystem, isReady, mortalRedis, type System, silent, until, useServers } from './fixture.ts';

const urls = useServers();
const done = { done: true, value: undefined };
const value = (of: unknown) => ({ done: false, value: of });
const message = (of: unknown) => value({ message: of });
const lost = value({ lost: true });

async function ready(system: System): Promise<System> {
  await Promise.all([connected(system.transport), isReady(system.subscriber)]);
  return system;
}

async function started() {
  const system = await ready(createSystem(urls));
  const channels = async () => (await system.transport.redis.pubsub('CHANNELS', `${system.prefix}:*`)) as string[];
  const publish = (topic: string, ...messages: unknown[]) =>
    system.feed.publish(messages.map(of => ({ topic, message: of })));
  /** A watcher that has been told that its subscription stands. */
  const watching = async (topic: string) => {
    const watcher = system.feed.watch(topic);
    expect(await watcher.next()).toEqual(lost);
    return watcher;
  };
  return { ...system, channels, publish, watching };
}

describe('a watcher', () => {
  test('hears what is published on its topic, in every process, and nothing else', async () => {
    const here = await started();
    const there = await ready(createSystem(urls, { prefix: here.prefix }));
    const watcher = await here.watching('x');
    const other = there.feed.watch('x');
    expect(await other.next()).toEqual(lost);
    await here.publish('y', 'not this');
    await here.publish('x', { n: 1 });
    expect(await watcher.next()).toEqual(message({ n: 1 }));
    expect(await other.next()).toEqual(message({ n: 1 }));
  });

  test('hears also who publishes without a feed', async () => {
    const { prefix, transport, watching } = await started();
    const watcher = await watching('x');
    await transport.redis.publish(channelOf(prefix, 'x'), JSON.stringify({ n: 1 }));
    expect(await watcher.next()).toEqual(message({ n: 1 }));
  });

  test('that is slow gets the newest message alone', async () => {
    const { publish, watching, feed } = await started();
    const slow = await watching('x');
    const quick = feed.watch('x');
    await publish('x', 1, 2, 3);
    await until(async () => JSON.stringify(await quick.next()) === JSON.stringify(message(3)));
    expect(await slow.next()).toEqual(message(3));
  });

  test('that is slow gets the newest version, although an older one was published after it', async () => {
    const { publish, watching, feed } = await started();
    type Message = { version: number };
    await watching('x');
    const slow = feed.watch<Message>('x', ({ version }) => version);
    const last = feed.watch<Message>('x');
    await publish('x', { version: 2 }, { version: 3 }, { version: 1 });
    await until(async () => JSON.stringify(await last.next()) === JSON.stringify(message({ version: 1 })));
    expect(await slow.next()).toEqual(message({ version: 3 }));
  });

  test('that was told to look for itself does so, whatever is published before it looks', async () => {
    const { publish, feed } = await started();
    const [slow, quick] = [feed.watch('x'), feed.watch('x')];
    expect(await quick.next()).toEqual(lost);
    await publish('x', 'news');
    expect(await quick.next()).toEqual(message('news'));
    expect(await slow.next()).toEqual(lost);
  });

  test('is told to look for itself when its subscription stands: what was said before was missed', async () => {
    const { feed, publish } = await started();
    await publish('x', 'before');
    const watcher = feed.watch('x');
    expect(await watcher.next()).toEqual(lost);
  });

  test('that comes while the first one is still subscribing is told so as well', async () => {
    const { feed } = await started();
    const [first, second] = [feed.watch('x'), feed.watch('x')];
    expect(await first.next()).toEqual(lost);
    expect(await second.next()).toEqual(lost);
  });

  test('is told to look for itself after a lost connection, and hears again', async () => {
    const redis = await mortalRedis();
    const system = await ready(createSystem({ ...urls, redisUrl: redis.url }));
    const watcher = system.feed.watch('x');
    expect(await watcher.next()).toEqual(lost);
    const next = watcher.next();
    await redis.kill();
    await redis.start();
    expect(await next).toEqual(lost);
    await until(() => system.transport.redis.status === 'ready');
    await until(async () => (await system.transport.redis.publish(`${system.prefix}:feed:x`, '"back"')) > 0);
    await until(async () => JSON.stringify(await watcher.next()) === JSON.stringify(message('back')));
  });

  test('is told so only when its subscription stands again, not when the connection does', async () => {
    let stand: () => void = () => undefined;
    const subscribe = () => new Promise<void>(resolve => (stand = resolve));
    const subscriber = Object.assign(new EventEmitter(), { subscribe });
    const feed = createFeed({
      redis: {} as Redis,
      subscriber: subscriber as unknown as Redis,
      prefix: 'p',
      log: silent,
    });
    const watcher = feed.watch('x');
    stand();
    expect(await watcher.next()).toEqual(lost);
    subscriber.emit('ready');
    const told = watcher.next();
    expect(await Promise.race([told, delay(20)])).toBeUndefined();
    stand();
    expect(await told).toEqual(lost);
  });

  test('that goes away ends its waiting next(), and nothing comes after', async () => {
    const { publish, watching } = await started();
    const watcher = await watching('x');
    const waiting = watcher.next();
    expect(await watcher.return?.()).toEqual(done);
    expect(await waiting).toEqual(done);
    await publish('x', 'late');
    expect(await watcher.next()).toEqual(done);
    expect(await watcher.return?.()).toEqual(done);
  });
});

test('a topic is subscribed to once for all its watchers, until the last one goes', async () => {
  const { channels, feed, prefix, watching } = await started();
  const first = await watching('x');
  const second = feed.watch('x');
  expect(await channels()).toEqual([`${prefix}:feed:x`]);
  await first.return?.();
  await first.return?.();
  await delay(30);
  expect(await channels()).toEqual([`${prefix}:feed:x`]);
  await second.return?.();
  await until(async () => (await channels()).length === 0);
  const again = await watching('x');
  expect(await channels()).toEqual([`${prefix}:feed:x`]);
  await again.return?.();
});

test('publishing fails at once while Redis is away', async () => {
  const redis = await mortalRedis();
  const system = createSystem({ ...urls, redisUrl: redis.url });
  await connected(system.transport);
  await redis.kill();
  await expect(system.feed.publish([{ topic: 'x', message: 1 }])).rejects.toThrow();
});

describe('an iterator over the newest', () => {
  function source() {
    let deliver: (of: unknown) => void = () => undefined;
    let left = 0;
    const values = newestOnly<unknown>(hand => {
      deliver = hand;
      return () => left++;
    });
    return { values, deliver: (of: unknown) => deliver(of), left: () => left };
  }

  test('holds one value, and hands a waiting reader the next', async () => {
    const { values, deliver } = source();
    deliver(1);
    deliver(2);
    expect(await values.next()).toEqual(value(2));
    const waiting = values.next();
    deliver(3);
    deliver(4);
    expect([await waiting, await values.next()]).toEqual([value(3), value(4)]);
  });

  test('leaves its source once, also at the end of a loop', async () => {
    const { values, deliver, left } = source();
    deliver(1);
    for await (const _ of values) break;
    await values.return?.();
    expect(left()).toBe(1);
  });
});

describe('following', () => {
  test('begins with the state as it is, and then shows what each hint comes to', async () => {
    const hints = newestOnly<number>(hand => {
      setTimeout(() => hand(1), 10);
      setTimeout(() => hand(2), 30);
      setTimeout(() => hand(3), 50);
      return () => undefined;
    });
    // 1 is nothing new.
    const values = follow(hints, async hint => (hint === 1 ? undefined : `state ${hint ?? 0}`));
    expect([await values.next(), await values.next(), await values.next()]).toEqual(
      ['state 0', 'state 2', 'state 3'].map(value),
    );
    const waiting = values.next();
    await values.return?.();
    expect(await waiting).toEqual(done);
  });
});

test('the silent feed takes everything, tells nobody, and says so to whoever would wait for news', async () => {
  const heard: unknown[] = [];
  silentFeed.listen('topic', message => heard.push(message));
  await silentFeed.publish([{ topic: 'topic', message: 1 }]);
  expect(heard).toEqual([]);
  expect(() => silentFeed.watch('topic')).toThrow('nobody watches here');
});
