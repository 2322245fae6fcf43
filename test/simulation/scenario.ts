/** What a seed decides: who runs where, what the clients do, and what goes wrong. Each seed has weather of its own. */
import type { Random } from './random.ts';
import type { Delivery } from './redis.ts';
import type { Weather } from './world.ts';

export const SERVICES = ['account', 'balance', 'lake', 'reporting'] as const;

/** Something that happens once, at a time. */
export type Disturbance = { atMs: number } & (
  | { what: 'kill'; process: number }
  | { what: 'pause'; process: number; forMs: number }
  | { what: 'skew'; process: number; byMs: number }
  | { what: 'flush' }
  | { what: 'lose tail' }
  | { what: 'redis away'; forMs: number }
  | { what: 'mongodb away'; forMs: number }
  | { what: 'deafen'; process: number; forMs: number }
  | { what: 'replay'; service: string }
);

/** What is done to the system at rest, after which it must be what it was. */
export type Ending = 'replay all' | 'empty' | 'damage' | 'none';

export type Scenario = {
  /** The services of each process. */
  processes: readonly (readonly string[])[];
  accounts: number;
  clients: number;
  operationsEach: number;
  thinkMaxMs: number;
  weather: Weather;
  delivery: Delivery;
  disturbances: readonly Disturbance[];
  ending: Ending;
  /** Of `empty` and `damage`. */
  victim: 'account' | 'balance' | 'reporting';
};

const LOAD_MS = 6_000;

export function scenarioOf(random: Random): Scenario {
  // Each kind of trouble is switched on or off by itself, so that seeds differ as much as they can.
  const sometimes = (value: number) => (random.chance(0.4) ? value * random.real() : 0);
  const processes = random.pick([
    [SERVICES],
    [SERVICES, SERVICES],
    [
      ['account', 'lake'],
      ['balance', 'reporting'],
    ],
    [SERVICES, ['balance', 'account']],
  ] as const);
  return {
    processes,
    accounts: random.int(1, 3),
    clients: random.int(1, 3),
    operationsEach: random.int(3, 12),
    thinkMaxMs: random.pick([5, 50, 400]),
    weather: {
      latencyMaxMs: random.pick([1, 5, 20]),
      slow: sometimes(0.05),
      slowMaxMs: random.pick([100, 1_000, 6_000]),
      errorBefore: sometimes(0.03),
      errorAfter: sometimes(0.03),
      crashBefore: sometimes(0.002),
      crashAfter: sometimes(0.002),
      torn: sometimes(0.5),
    },
    delivery: { shuffled: random.chance(0.5) ? random.real() : 0, again: sometimes(0.5) },
    disturbances: Array.from({ length: random.int(0, 4) }, () => disturbance(random, processes.length)),
    ending: random.pick(['replay all', 'empty', 'damage', 'none', 'none'] as const),
    victim: random.pick(['account', 'balance', 'reporting'] as const),
  };
}

function disturbance(random: Random, processes: number): Disturbance {
  const atMs = random.real() * LOAD_MS;
  const process = random.int(0, processes - 1);
  const forMs = random.pick([500, 3_000, 8_000]) * random.real();
  const make = random.pick<() => Disturbance>([
    () => ({ atMs, what: 'kill', process }),
    () => ({ atMs, what: 'kill', process }),
    () => ({ atMs, what: 'pause', process, forMs: forMs * 1.5 }),
    () => ({ atMs, what: 'skew', process, byMs: (random.real() - 0.5) * 7_200_000 }),
    () => ({ atMs, what: 'flush' }),
    () => ({ atMs, what: 'flush' }),
    () => ({ atMs, what: 'lose tail' }),
    () => ({ atMs, what: 'redis away', forMs }),
    () => ({ atMs, what: 'mongodb away', forMs }),
    () => ({ atMs, what: 'deafen', process, forMs }),
    () => ({ atMs, what: 'replay', service: random.pick(['account', 'balance', 'reporting']) }),
  ]);
  return make();
}
