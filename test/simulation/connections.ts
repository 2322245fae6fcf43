/** What a simulated process sees of the simulated Redis: the transport that its services send by, and the feed's connections. */
import { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import { withNearby } from '../../events/nearby.ts';
import type { Letter, Transport } from '../../events/transport.ts';
import { copy } from './documents.ts';
import { LOCK_MS, queueOf, type SimRedis } from './redis.ts';
import { type SimProcess, type World, whole } from './world.ts';

const LATE_MAX_MS = 1_000;

/** What a process sees of the queues. */
export function transportTo(redis: SimRedis, world: World, process: SimProcess): Transport {
  let tokens = 0;
  function io<T>(what: string, act: () => T): Promise<T> {
    // What was sent on a connection that is gone does not arrive, though Redis be there again.
    const connection = redis.outages();
    const effect = whole(() => {
      if (connection !== redis.outages()) throw new Error('Connection is closed.');
      return act();
    });
    return world.io(process, 'redis', what, effect);
  }
  const ackKey = (service: string, replay: string) => `${service} ${replay}`;

  return {
    async send(letters, { jobId, priority = 0 } = {}) {
      const connection = redis.outages();
      // One command a queue, side by side: some may arrive and others not.
      const queues = new Map<string, Letter[]>();
      for (const letter of letters) {
        const queue = queueOf(letter.service, letter.partition);
        queues.set(queue, [...(queues.get(queue) ?? []), letter]);
      }
      await Promise.all(
        [...queues].map(([queue, some]) =>
          io(`${queue} add ${some.map(({ events }) => events.map(idOf))}`, () => {
            for (const letter of some) redis.add(letter, jobId, priority);
          }),
        ),
      );
      return connection;
    },

    work({ service, partition, concurrency, handle }) {
      const queue = queueOf(service, partition);
      let closing = false;
      let active = 0;
      const running = new Set<Promise<void>>();

      async function one(): Promise<void> {
        const token = ++tokens * 1_000 + world.random.int(0, 999);
        const job = await io(`${queue} take`, () => copy(redis.take(queue, token))).catch(() => undefined);
        if (!job) return;
        let over = false;
        const renewal = () => {
          world.schedule(LOCK_MS / 2, process, () => {
            if (over) return;
            void io(`${queue} renew`, () => redis.renew(queue, job.id, token)).catch(() => undefined);
            renewal();
          });
        };
        renewal();
        const ended = await handle({ id: job.id, data: job.data, deaths: job.stalled }).then(
          () => 'finish' as const,
          () => 'giveBack' as const,
        );
        over = true;
        await io(`${queue} ${ended} ${job.id}`, () => redis[ended](queue, job.id, token)).catch(() => undefined);
      }

      function pump(): void {
        if (closing || active >= concurrency || world.down.has('redis') || !redis.hasWaiting(queue)) return;
        active += 1;
        const work = one().finally(() => {
          active -= 1;
          running.delete(work);
          pump();
        });
        running.add(work);
      }
      const leave = redis.attend(queue, process, pump);
      return {
        async close() {
          closing = true;
          leave();
          await Promise.all(running);
        },
      };
    },

    outstanding: (service, partitions, max) =>
      io(`${service} outstanding`, () => {
        const jobs = partitions.map(partition =>
          Object.keys(redis.jobsOf(queueOf(service, partition))).map(id => ({ partition, id })),
        );
        return jobs.some(({ length }) => length > max) ? undefined : jobs.flat();
      }),

    marks: service => io(`${service} marks`, () => ({ ...redis.state().marks[service] })),

    mark: (service, source, expected, flush, connection = redis.outages()) =>
      io(`${service} mark ${source} ${expected} ${flush}`, () => {
        const { marks } = redis.state();
        marks[service] ??= {};
        if (connection !== redis.outages() || marks[service][source] !== expected) return false;
        marks[service][source] = flush;
        return true;
      }),

    resetMark: (service, source, flush) =>
      io(`${service} resetMark ${source} ${flush}`, () => {
        const { marks } = redis.state();
        marks[service] ??= {};
        marks[service][source] = flush;
      }),

    look: service =>
      io(`${service} look`, () => ({
        marks: { ...redis.state().marks[service] },
        members: redis.members(service),
      })),

    announce: (service, member) =>
      io(`${service} announce`, () => ({
        marks: { ...redis.state().marks[service] },
        members: redis.members(service, member),
        holding: redis.holding(service),
        paused: [],
      })),

    leave: (service, member) =>
      io(`${service} leave`, () => {
        delete redis.state().members[service]?.[member];
      }),

    remove: service =>
      io(`${service} remove`, () => {
        const { jobs, marks, members } = redis.state();
        for (const partition of redis.holding(service)) delete jobs[queueOf(service, partition)];
        delete marks[service];
        delete members[service];
      }),

    backlog: service =>
      io(`${service} backlog`, () => {
        const jobs = redis
          .holding(service)
          .flatMap(partition => Object.values(redis.jobsOf(queueOf(service, partition))));
        return {
          ...{ events: jobs.reduce((sum, { data }) => sum + data.events.length, 0), oldestMs: undefined },
          ...{ paused: 0, failed: 0 },
        };
      }),

    acknowledge: (service, replay, jobId, changed) =>
      io(`${service} acknowledge ${jobId}`, () => {
        const { acknowledged } = redis.state();
        const key = ackKey(service, replay);
        acknowledged[key] = { [jobId]: changed, ...acknowledged[key] };
      }),

    acknowledged: (service, replay, jobIds) =>
      io(`${service} acknowledged`, () => {
        const known = redis.state().acknowledged[ackKey(service, replay)] ?? {};
        return jobIds.map(id => known[id]);
      }),

    close: async () => undefined,
  };
}

/** Most of what could be handed over goes through the queue all the same, and meets its weather. */
export function sometimesNearby(transport: Transport, world: World): Transport {
  const nearby = withNearby(transport);
  return { ...nearby, hand: (...what) => (world.random.chance(0.1) ? nearby.hand(...what) : undefined) };
}

const idOf = (event: unknown) => (event as { id?: unknown } | null)?.id;

/** The two connections that a feed is made of. */
export function pubSubTo(redis: SimRedis, world: World, process: SimProcess) {
  const emitter = new EventEmitter();
  const subscriber = { process, channels: new Set<string>(), emitter, online: true };
  redis.subscribers.add(subscriber);
  process.onDeath.add(() => redis.subscribers.delete(subscriber));

  const tell = (channel: string, text: string) => {
    for (const { process: to, channels, emitter: ear, ...at } of redis.subscribers) {
      if (!at.online || !channels.has(channel)) continue;
      world.schedule(world.random.real() * world.weather().latencyMaxMs, to, () => ear.emit('message', channel, text));
    }
  };
  const publisher = {
    /** How many are subscribed to each channel. */
    pubsub: (_: 'NUMSUB', ...channels: string[]) =>
      world.io(
        process,
        'redis',
        `pubsub ${channels.length}`,
        whole(() =>
          channels.flatMap(channel => {
            const subscribed = [...redis.subscribers].filter(({ online, channels: to }) => online && to.has(channel));
            return [channel, subscribed.length];
          }),
        ),
      ),
    async publish(channel: string, text: string) {
      if (world.random.chance(world.weather().late)) {
        const lateMs = world.random.real() * LATE_MAX_MS;
        await new Promise<void>(resolve => void world.schedule(lateMs, process, resolve));
      }
      const effect = whole(() => tell(channel, text));
      await world.io(process, 'redis', `publish ${channel}`, effect);
    },
  };
  const listener = Object.assign(emitter, {
    async subscribe(...channels: string[]) {
      const stand = () => {
        for (const channel of channels) subscriber.channels.add(channel);
      };
      try {
        await world.io(process, 'redis', `subscribe ${channels.length}`, whole(stand));
      } catch (error) {
        // A connection that failed is made again, and ioredis subscribes to everything that was asked for.
        stand();
        redis.disconnect(subscriber, 100 + world.random.real() * 1_000);
        throw error;
      }
    },
    async unsubscribe(channel: string) {
      subscriber.channels.delete(channel);
    },
    disconnect: () => redis.subscribers.delete(subscriber),
  });
  // The feed uses no more of ioredis than this.
  return { redis: publisher as unknown as Redis, subscriber: listener as unknown as Redis };
}
