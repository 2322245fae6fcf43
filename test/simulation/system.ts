/** The real services in simulated processes: started, killed, and started again. */
import { pino } from 'pino';
import { type Binding, createBindings } from '../../events/binding.ts';
import type { Clock } from '../../events/clock.ts';
import type { ServiceDefinition } from '../../events/definition.ts';
import { createFeed } from '../../events/feed.ts';
import { onlyNearby } from '../../events/nearby.ts';
import { assemble, type Resources, type RunningService } from '../../events/service.ts';
import type { Transport } from '../../events/transport.ts';
import { service as account } from '../../subgraphs/account/index.ts';
import { service as balance } from '../../subgraphs/balance/index.ts';
import type { Resolvers } from '../../subgraphs/host.ts';
import { service as lake } from '../../subgraphs/lake/index.ts';
import { service as reporting } from '../../subgraphs/reporting/index.ts';
import { service as transfer } from '../../subgraphs/transfer/index.ts';
import { pubSubTo, sometimesNearby, transportTo } from './connections.ts';
import { connectTo, type Store } from './mongo.ts';
import type { SimRedis } from './redis.ts';
import { type Scenario, SERVICES } from './scenario.ts';
import { newProcess, type SimProcess, type World } from './world.ts';

const PREFIX = 'sim';
/** The simulated systems begin at the same moment. */
const EPOCH_MS = Date.parse('2026-01-31T12:00:00.000Z');
const BOOT_MAX_MS = 1_500;

const silent = pino({ level: 'silent' });

export const definitions: ReadonlyMap<string, ServiceDefinition<Resolvers>> = new Map(
  [account, balance, lake, reporting, transfer].map(definition => [definition.name, definition]),
);

/** A place for a process, which is filled again after each death. */
export type Slot = {
  index: number;
  names: readonly string[];
  process: SimProcess;
  services: Map<string, RunningService<Resolvers>>;
  /** It has been prepared and started. */
  ready: boolean;
};

export type System = ReturnType<typeof createSystem>;

export function createSystem(
  world: World,
  store: Store,
  redis: SimRedis,
  {
    processes: placing,
    bounds,
    partitions,
    threaded,
  }: Pick<Scenario, 'processes' | 'bounds' | 'partitions' | 'threaded'>,
) {
  let births = 0;
  const slots: Slot[] = placing.map((names, index) => ({
    index,
    names,
    process: newborn(index),
    services: new Map(),
    ready: false,
  }));
  /** Whether the dead are replaced. */
  let immortal = true;

  function newborn(index: number): SimProcess {
    births += 1;
    return newProcess(`p${index}.${births}`, 1 + (world.random.real() - 0.5) * 0.02);
  }

  function boot(slot: Slot): void {
    const process = newborn(slot.index);
    slot.process = process;
    slot.ready = false;
    world.note(`${process.name} starts`);
    process.onDeath.add(() => {
      slot.ready = false;
      if (immortal) world.schedule(world.random.real() * BOOT_MAX_MS, undefined, () => boot(slot));
    });
    const nearby = sometimesNearby(transportTo(redis, world, process), world);
    const resources = { ...resourcesOf(process, nearby), ...(isThreaded(slot) && { beside: besideOf(slot) }) };
    slot.services = assembled(slot, resources);
    void begin(slot, resources.clock);
  }

  /** As `npm start` has a second thread: where a process runs the whole system, and not in every seed. */
  const isThreaded = ({ names }: Slot) => names.length >= SERVICES.length && threaded;

  function resourcesOf(process: SimProcess, transport: Transport): Resources {
    const mongo = connectTo(store, world, process, PREFIX);
    return {
      mongo,
      prefix: PREFIX,
      transport,
      feed: createFeed({ ...pubSubTo(redis, world, process), prefix: PREFIX, log: silent }),
      bindings: createBindings(mongo.db(`${PREFIX}-registry`).collection<Binding>('bindings')),
      clock: clockOf(world, process),
      ids: { next: () => `${process.name}-${world.random.int(0, 2 ** 31)}` },
      holder: process.name,
      log: silent,
      bounds,
    };
  }

  const assembled = ({ names }: Slot, resources: Resources) =>
    new Map(
      names.map(name => {
        const definition = definitions.get(name);
        if (!definition) throw new Error(`there is no service ${name}`);
        return [name, assemble({ ...definition, partitions }, resources)];
      }),
    );

  /** A second thread: it dies with its process, or alone, and is started again by the next task. */
  function besideOf(slot: Slot): NonNullable<Resources['beside']> {
    const { process } = slot;
    let services: Slot['services'] | undefined;
    const ends = new Set<(error: Error) => void>();

    function start(): Slot['services'] {
      const thread = newProcess(`${process.name}b`, process.rate);
      world.note(`${thread.name} starts`);
      process.onDeath.add(() => world.kill(thread, 'its process'));
      thread.onDeath.add(() => {
        services = undefined;
        for (const end of ends) world.schedule(0, process, () => end(new Error('the second thread ended')));
        ends.clear();
      });
      const started = assembled(slot, resourcesOf(thread, onlyNearby(transportTo(redis, world, thread))));
      for (const service of started.values()) service.startBeside();
      return started;
    }

    return {
      from: 0,
      run: (name, task, input, signal) =>
        new Promise((resolve, reject) => {
          services ??= start();
          ends.add(reject);
          const work = services.get(name)?.runTask(task, input, signal);
          void work?.then(resolve, reject).finally(() => ends.delete(reject));
        }),
    };
  }

  async function begin(slot: Slot, clock: Clock): Promise<void> {
    const { process, services } = slot;
    for (const service of services.values()) {
      for (;;) {
        const error = await service.prepare().catch((cause: unknown) => cause);
        if (!error) break;
        await clock.sleep(200);
      }
    }
    // A process of the system starts its services only when all of them are known.
    if (slot.process !== process) return;
    for (const service of services.values()) service.start();
    slot.ready = true;
  }

  return {
    slots,
    start(): void {
      for (const slot of slots) boot(slot);
    },
    /** One more process, while the others run. */
    add(names: readonly string[]): void {
      const index = slots.length;
      const slot: Slot = { index, names, process: newborn(index), services: new Map(), ready: false };
      slots.push(slot);
      boot(slot);
    },
    /** A started process that runs a service, if there is one. */
    running(service: string): Slot | undefined {
      const able = slots.filter(({ ready, names }) => ready && names.includes(service));
      return able.length > 0 ? world.random.pick(able) : undefined;
    },
    /** Kills everything; nothing starts until `start`. */
    killAll(): void {
      immortal = false;
      for (const { process } of slots) world.kill(process, 'everything is stopped');
      immortal = true;
    },
  };
}

function clockOf(world: World, process: SimProcess): Clock {
  return {
    now: () => Math.trunc(EPOCH_MS + world.nowMs() + process.skewMs),
    monotonic: () => world.nowMs() * process.rate,
    sleep: (ms, signal) =>
      new Promise(resolve => {
        if (signal?.aborted) return resolve();
        const wake = () => {
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        signal?.addEventListener('abort', wake);
        world.schedule(ms / process.rate, process, wake);
      }),
  };
}

/**
 * The libraries in between (retries, caches) ask the system for the time; here they ask the world. Randomness that
 * nobody handed in would not be repeatable, and is refused.
 */
export function takeOverTime(world: World): () => void {
  const real = { setTimeout, clearTimeout, now: Date.now, performanceNow: performance.now, random: Math.random };
  const timers = new Map<unknown, () => void>();
  Object.assign(globalThis, {
    setTimeout: (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => {
      const timer = { ref: () => timer, unref: () => timer, hasRef: () => true, refresh: () => timer };
      timers.set(
        timer,
        world.timer(ms, () => {
          timers.delete(timer);
          run(...args);
        }),
      );
      return timer;
    },
    clearTimeout: (timer: unknown) => {
      timers.get(timer)?.();
      timers.delete(timer);
    },
  });
  Date.now = () => Math.trunc(EPOCH_MS + world.nowMs());
  performance.now = () => world.nowMs();
  Math.random = () => world.random.real();
  return () => {
    Object.assign(globalThis, { setTimeout: real.setTimeout, clearTimeout: real.clearTimeout });
    Date.now = real.now;
    performance.now = real.performanceNow;
    Math.random = real.random;
  };
}
