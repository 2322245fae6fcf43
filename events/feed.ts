/**
 * The feed: tells whoever watches a topic, in any process, that it has something newer. Redis pub/sub.
 *
 * Guarantees nothing but speed: a message may be lost, so it is only a hint, and watchers keep the newest one alone.
 * After a lost connection every watcher is told to look for itself.
 */
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';

/** A topic's newest message; or that messages may have been lost, and the watcher should look for itself. */
export type Hint<Message> = { message: Message } | { lost: true };

/** News for whoever watches; see the head of this file. */
export type Feed = {
  /** @throws when Redis cannot be reached. */
  publish(messages: readonly News[]): Promise<void>;
  /**
   * Watches a topic until `return()` is called. At most one hint waits: a newer one takes its place, so a slow watcher
   * costs nothing and misses nothing but the past.
   *
   * @param versionOf tells messages apart that several processes publish, and that may come in any order. Without it the one
   *   that comes last is the newest.
   */
  watch<Message>(topic: string, versionOf?: (message: Message) => number): AsyncIterableIterator<Hint<Message>>;
  /**
   * Hands over each message of a topic as it comes, as long as the subscription stands; keeps none. For questions and
   * answers, of which one does not stand for another. The casts of `Message` are the publisher's word.
   *
   * @returns how to stop listening.
   */
  listen<Message>(topic: string, handle: (message: Message) => void): () => void;
  close(): void;
};

/** Nobody watches and nobody is told: for whoever looks at data, or makes them, without a system around. */
export const silentFeed: Feed = {
  publish: async () => undefined,
  listen: () => () => undefined,
  watch: () => {
    throw new Error('nobody watches here');
  },
  close: () => undefined,
};

type Watcher = (hint: Hint<unknown>) => void;
type News = { topic: string; message: unknown };

/** Of so many messages at once most are for nobody: it is cheaper to ask first. A replay has thousands of them. */
const ASK_FROM = 32;

/** The channel of a topic in Redis, for whoever publishes without a feed; messages are JSON. */
export const channelOf = (prefix: string, topic: string): string => `${prefix}:feed:${topic}`;

/** @param subscriber a connection of its own: Redis allows nothing else on it once it is subscribed. */
export function createFeed(options: { redis: Redis; subscriber: Redis; prefix: string; log: Logger }): Feed {
  const { redis, subscriber, prefix, log } = options;
  const watchers = new Map<string, Set<Watcher>>();
  const nameOf = (topic: string) => channelOf(prefix, topic);

  subscriber.on('message', (channel: string, text: string) => {
    const hint: Hint<unknown> = { message: JSON.parse(text) };
    for (const watcher of watchers.get(channel) ?? []) watcher(hint);
  });
  // ioredis subscribes again to everything by itself; the answer to asking once more says that all of it stands. What was
  // published meanwhile is gone.
  subscriber.on('ready', () => {
    if (watchers.size > 0) subscribe([...watchers.keys()]);
  });

  /** Tells the watchers of some channels to look for themselves, as soon as the subscriptions stand. */
  function subscribe(channels: readonly string[]): void {
    subscriber
      .subscribe(...channels)
      .then(() => {
        for (const channel of channels) for (const watcher of watchers.get(channel) ?? []) watcher({ lost: true });
      })
      .catch(error => log.debug({ err: error, channels }, 'feed waits for Redis'));
  }

  /** Whoever subscribes after that looks for itself once its subscription stands. */
  async function thoseWatched(messages: readonly News[]): Promise<News[]> {
    const channels = [...new Set(messages.map(({ topic }) => nameOf(topic)))];
    // Each channel, and how many are subscribed to it.
    const answer = await redis.pubsub('NUMSUB', ...channels);
    const watched = new Set(answer.filter((_, at) => Number(answer[at + 1]) > 0));
    return messages.filter(({ topic }) => watched.has(nameOf(topic)));
  }

  function enter(channel: string, watcher: Watcher): () => void {
    const known = watchers.get(channel);
    const set = known ?? new Set<Watcher>();
    if (!known) {
      watchers.set(channel, set);
      // What was published before the subscription stood was missed, by whoever has come since as well.
      subscribe([channel]);
    }
    set.add(watcher);
    return () => {
      set.delete(watcher);
      if (set.size > 0 || watchers.get(channel) !== set) return;
      watchers.delete(channel);
      subscriber.unsubscribe(channel).catch(error => log.debug({ err: error, channel }, 'feed waits for Redis'));
    };
  }

  return {
    async publish(messages) {
      const watched = messages.length < ASK_FROM ? messages : await thoseWatched(messages);
      await Promise.all(watched.map(({ topic, message }) => redis.publish(nameOf(topic), JSON.stringify(message))));
    },
    watch<Message>(topic: string, versionOf?: (message: Message) => number) {
      return newestOnly<Hint<Message>>(
        deliver => enter(nameOf(topic), deliver as Watcher),
        (held, next) => newerOf(held, next, versionOf),
      );
    },
    listen<Message>(topic: string, handle: (message: Message) => void) {
      return enter(nameOf(topic), hint => {
        if ('message' in hint) handle(hint.message as Message);
      });
    },
    close() {
      subscriber.disconnect();
    },
  };
}

/** A watcher that looks for itself sees everything, and no message says more than that. */
function newerOf<Message>(
  held: Hint<Message>,
  next: Hint<Message>,
  versionOf: ((message: Message) => number) | undefined,
): Hint<Message> {
  if ('lost' in held || 'lost' in next) return { lost: true };
  return versionOf && versionOf(next.message) < versionOf(held.message) ? held : next;
}

/**
 * An iterator over what is delivered to it, holding only the newest. By hand, because `return()` on a waiting
 * `async function*` never runs its `finally`.
 *
 * @param newer which of two to hold; the later one by default.
 */
export function newestOnly<Value>(
  start: (deliver: (value: Value) => void) => () => void,
  newer: (held: Value, next: Value) => Value = (_, next) => next,
): AsyncIterableIterator<Value> {
  let held: { value: Value } | undefined;
  let waiting: ((result: IteratorResult<Value>) => void) | undefined;
  let done = false;
  const leave = start(value => {
    if (done) return;
    if (!waiting) held = { value: held ? newer(held.value, value) : value };
    else {
      waiting({ done: false, value });
      waiting = undefined;
    }
  });
  return {
    next() {
      if (done) return Promise.resolve({ done: true, value: undefined });
      if (held) {
        const { value } = held;
        held = undefined;
        return Promise.resolve({ done: false, value });
      }
      return new Promise(resolve => {
        waiting = resolve;
      });
    },
    return() {
      if (!done) leave();
      done = true;
      waiting?.({ done: true, value: undefined });
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/**
 * What a watcher's hints come to: `look` says what is new, or undefined when nothing is. It is called once before the
 * first hint, so that a watch begins with the state as it is.
 *
 * @param source ended when the result is.
 */
export function follow<Message, Value>(
  source: AsyncIterableIterator<Message>,
  look: (message: Message | undefined) => Promise<Value | undefined>,
): AsyncIterableIterator<Value> {
  let first = true;
  return {
    async next() {
      if (first) {
        first = false;
        const value = await look(undefined);
        if (value !== undefined) return { done: false, value };
      }
      for (;;) {
        const hint = await source.next();
        if (hint.done) return { done: true, value: undefined };
        const value = await look(hint.value);
        if (value !== undefined) return { done: false, value };
      }
    },
    async return() {
      await source.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
