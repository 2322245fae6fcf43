/** What a seed decides: who runs where, what the clients do, and what goes wrong. Each seed has weather of its own. */
import type { Random } from './random.ts';
import type { Delivery } from './redis.ts';
import type { Weather } from './world.ts';

export const SERVICES = ['account', 'balance', 'lake', 'reporting'] as const;

/** Runs only where amounts are moved between accounts: in the seeds after this one. What other seeds find stays theirs. */
export const TRANSFER = 'transfer';
export const TRANSFERS_AFTER = 1_000_000;

/** Every service that a seed may run. */
export const ALL_SERVICES = [...SERVICES, TRANSFER] as const;

/** Something that happens once, at a time. */
export type Disturbance = { atMs: number } & (
  | { what: 'kill'; process: number }
  | { what: 'pause'; process: number; forMs: number }
  | { what: 'skew'; process: number; byMs: number }
  | { what: 'flush' }
  | { what: 'lose tail' }
  | { what: 'lose job' }
  | { what: 'redis away'; forMs: number }
  | { what: 'mongodb away'; forMs: number }
  | { what: 'deafen'; process: number; forMs: number }
  | { what: 'replay'; service: string }
);

/**
 * Something that happens exactly when an I/O of a kind is made for the nth time: where chance alone would take thousands
 * of seeds. `freeze`: the process stands still, with the request not sent yet, until other processes have made
 * `others` I/Os on the same place, or such as `until` says; with
 * `thenFlush`, what it sends then is lost at once.
 */
export type Ambush = { on: RegExp; nth: number } & (
  | { what: 'crash' | 'flush' | 'lose tail'; when: 'before' | 'after' }
  | { what: 'redis away' | 'mongodb away'; when: 'before' | 'after'; forMs: number }
  | { what: 'freeze'; others: number; until?: RegExp; forMs: number; thenFlush?: boolean }
);

/** What is done to the system at rest, after which it must be what it was. */
export type Ending = 'replay all' | 'empty' | 'damage' | 'none';

export type Scenario = {
  /** The services of each process. */
  processes: readonly (readonly string[])[];
  /** When reporting is added to the system; it is there from the start when null. */
  lateMs: number | null;
  /** Small enough to be met: events a flush, a job, a batch; and queues a service at most. */
  bounds: { flushMax: number; jobMax: number; batchMax: number };
  partitions: number;
  /** Whether a process that runs the whole system has a second thread, as `npm start` has. */
  threaded: boolean;
  transfers: boolean;
  accounts: number;
  clients: number;
  operationsEach: number;
  thinkMaxMs: number;
  weather: Weather;
  delivery: Delivery;
  disturbances: readonly Disturbance[];
  /** Each ambush of a chain waits until the one before it has struck. */
  chains: readonly (readonly Ambush[])[];
  ending: Ending;
  /** Of `empty` and `damage`. */
  victim: 'account' | 'balance' | 'reporting' | 'transfer';
  /** What goes wrong during the ending; times are from its beginning. */
  troubles: readonly Disturbance[];
  endingChains: readonly (readonly Ambush[])[];
};

/** The service that may be added later. */
export const LATE = 'reporting';

const LOAD_MS = 6_000;

const TWO_OF_ALL = [SERVICES, SERVICES] as const;
const PLACINGS = [
  [SERVICES],
  TWO_OF_ALL,
  [
    ['account', 'lake'],
    ['balance', 'reporting'],
  ],
  [SERVICES, ['balance', 'account']],
] as const;

export function scenarioOf(random: Random, seed: number): Scenario {
  // By the seed's number: what chance decides stays what it is.
  const scenario = { ...ordinary(random), threaded: seed % 2 === 0 };
  return seed > TRANSFERS_AFTER ? withTransfers(random, scenario) : scenario;
}

/** The same, and amounts are moved between accounts. */
function withTransfers(random: Random, scenario: Scenario): Scenario {
  return {
    ...scenario,
    transfers: true,
    accounts: random.int(2, 4),
    processes: scenario.processes.map(names => (names.includes('account') ? [...names, TRANSFER] : names)),
    victim: random.pick([scenario.victim, TRANSFER] as const),
  };
}

function ordinary(random: Random): Omit<Scenario, 'threaded'> {
  // Each kind of trouble is switched on or off by itself, so that seeds differ as much as they can.
  const sometimes = (value: number) => (random.chance(0.4) ? value * random.real() : 0);
  const chains = Array.from({ length: random.pick([0, 1, 1, 2]) }, () => chain(random));
  // Where an ambush waits for another process, there has to be one.
  const takesTwo = chains.flat().some(({ what }) => what === 'freeze');
  const processes = takesTwo ? TWO_OF_ALL : random.pick(PLACINGS);
  const lateMs = random.chance(0.2) ? random.real() * LOAD_MS : null;
  const ending = random.pick(['replay all', 'empty', 'damage', 'none', 'none'] as const);
  const victim = random.pick(['account', 'balance', 'reporting'] as const);
  // A ledger that has lost rows takes what is sent again for new until they are restored: two stores lost at once.
  const mayFlush = ending === 'replay all' || victim !== 'balance';
  return {
    processes: lateMs === null ? processes : processes.map(names => names.filter(name => name !== LATE)),
    lateMs,
    bounds: {
      flushMax: random.pick([3, 10, 1_000]),
      jobMax: random.pick([1, 3, 100]),
      batchMax: random.pick([2, 8, 500]),
    },
    partitions: random.pick([1, 1, 2, 3]),
    transfers: false,
    accounts: random.int(1, 3),
    clients: random.int(1, 3),
    operationsEach: random.int(3, 12),
    // What lies in wait needs time: watermarks move once a second, and a lease runs out after three.
    thinkMaxMs: random.pick(chains.length > 0 ? [50, 400, 1_500] : [5, 50, 400]),
    weather: {
      latencyMaxMs: random.pick([1, 5, 20]),
      slow: sometimes(0.05),
      slowMaxMs: random.pick([100, 1_000, 6_000]),
      errorBefore: sometimes(random.pick([0.03, 0.03, 0.3])),
      errorAfter: sometimes(0.03),
      crashBefore: sometimes(0.002),
      crashAfter: sometimes(0.002),
      torn: sometimes(0.5),
      late: sometimes(0.5),
    },
    delivery: { shuffled: random.chance(0.5) ? random.real() : 0, again: sometimes(0.5) },
    disturbances: Array.from({ length: random.int(0, 4) }, () => disturbance(random, processes.length)),
    chains,
    ending,
    victim,
    troubles: Array.from({ length: random.pick([0, 1, 2]) }, () => trouble(random, processes.length, mayFlush)),
    endingChains: random.chance(0.7) ? [replayChain(random, mayFlush)] : [],
  };
}

/** The steps at which it matters most what goes wrong. */
const AMBUSHED = [
  /^\w+\.events updateMany/,
  /^(account|balance)\.events updateMany \{"_id"/,
  /^(account|balance)\.events (find|updateMany) \{"(pending|relayed)"/,
  /^\w+-\d add/,
  /^\w+ mark /,
  /^\w+ (marks|look|announce)/,
  /^\w+ outstanding/,
  /^\w+-\d (take|finish)/,
  /^registry\.bindings/,
  /^\w+\.events insertMany/,
  /^lake\.lake insertMany/,
  /^reporting\.\w+ /,
  /^account\.\w+ bulkWrite/,
  /^account\.accounts /,
  /^publish /,
  /^\w+\.leases updateOne/,
];

const CLEAR = /^(account|balance)\.events updateMany \{"_id"/;

/** What was taken from a queue is about to be stored. */
const HANDLING = /^\w+\.\w+ (insertMany|bulkWrite)/;

/** Mostly anything; sometimes a known way to lose something, where the parts must come in this order. */
function chain(random: Random): Ambush[] {
  const nth = random.int(1, 6);
  const plots: (() => Ambush[])[] = [
    // A relay clears late what it had sent before Redis lost it, whoever had it in hand died, and another relay took over.
    () => {
      const relay = random.pick(['account', 'balance']);
      return [
        {
          on: new RegExp(`^${relay}\\.events updateMany \\{"_id"`),
          nth,
          what: 'freeze',
          // As its tenure begins: claimed, made pending again, claimed again.
          until: new RegExp(`^${relay}\\.events updateMany \\{"(pending|relayed)"`),
          others: 3,
          forMs: 12_000,
        },
        { on: /./, nth: random.int(1, 5), what: 'flush', when: 'before' },
        { on: HANDLING, nth: 1, what: 'crash', when: 'before' },
      ];
    },
    // What was sent late, when the watermark had looked, is lost at once.
    () => [
      {
        on: /^\w+-\d add/,
        nth: random.int(1, 8),
        what: 'freeze',
        others: random.int(2, 4),
        until: /^registry\.bindings updateOne/,
        forMs: 6_000,
        thenFlush: true,
      },
    ],
    // A new tenure has just sent something.
    () => [
      { on: random.pick([CLEAR, / mark /, /-\d add/]), nth: random.int(8, 40), what: 'crash', when: 'after' },
      { on: CLEAR, nth: random.int(1, 3), what: 'flush', when: 'after' },
    ],
    // Two processes have calculated, and the first to do so writes last.
    () => {
      const on = random.pick([
        /^reporting\.statistics bulkWrite/,
        /^account\.accounts bulkWrite/,
        /^\w+\.\w+ insertMany/,
      ]);
      return [{ on, nth, what: 'freeze', others: 1, until: on, forMs: 6_000 }];
    },
    // Redis loses something while the watermark looks, and whoever had it in hand is dead.
    () => {
      const service = random.pick(['balance', 'lake', 'reporting']);
      return [
        { on: new RegExp(`^${service}\\.\\w+ insertMany`), nth, what: 'crash', when: 'before' },
        { on: new RegExp(`^${service} outstanding`), nth: 1, what: 'flush', when: 'before' },
      ];
    },
    // The watermark takes its time, and what it has passed is lost at once.
    () => [
      {
        on: /^(lake|reporting) (announce|marks)/,
        nth: random.int(1, 20),
        what: 'freeze',
        others: 1,
        until: / mark /,
        forMs: 6_000,
      },
      { on: /^registry\.bindings updateOne/, nth: random.int(1, 3), what: 'flush', when: 'after' },
    ],
    () => [{ on: /^registry\.bindings updateOne/, nth: random.int(9, 16), what: 'flush', when: 'after' }],
  ];
  return random.chance(0.6) ? random.pick(plots)() : [ambush(random, AMBUSHED)];
}

/** Something goes wrong around a part of a replay; or it is lost, and whoever has it in hand dies. */
function replayChain(random: Random, mayFlush: boolean): Ambush[] {
  const on = random.pick([/^lake\.replays updateOne/, / acknowledge /, / acknowledged/, /-\d (add|take|finish)/]);
  const nth = random.pick([1, 1, 2, 4]);
  const when = random.pick(['before', 'after'] as const);
  const crash: Ambush = { on: /./, nth: random.int(1, 3), what: 'crash', when: 'before' };
  if (!mayFlush || random.chance(0.3)) return [{ on, nth, what: 'crash', when }];
  return [{ on, nth, what: 'flush', when }, ...(random.chance(0.5) ? [crash] : [])];
}

function ambush(random: Random, places: readonly RegExp[]): Ambush {
  const on = random.pick(places);
  const nth = random.int(1, random.pick([3, 30]));
  const when = random.pick(['before', 'after'] as const);
  const forMs = random.pick([2_000, 6_000]) * random.real();
  const make = random.pick<() => Ambush>([
    () => ({ on, nth, what: 'crash', when }),
    () => ({ on, nth, what: 'flush', when }),
    () => ({ on, nth, what: 'lose tail', when }),
    () => ({ on, nth, what: 'redis away', when, forMs }),
    () => ({ on, nth, what: 'mongodb away', when, forMs }),
    () => ({ on, nth, what: 'freeze', others: random.int(1, 12), forMs: 12_000 }),
    () => ({ on, nth, what: 'freeze', others: random.int(1, 12), forMs: 12_000 }),
  ]);
  return make();
}

function trouble(random: Random, processes: number, mayFlush: boolean): Disturbance {
  const atMs = random.real() * random.pick([300, 3_000]);
  const process = random.int(0, processes - 1);
  const make = random.pick<() => Disturbance>([
    () => ({ atMs, what: 'kill', process }),
    () => (mayFlush ? { atMs, what: 'flush' } : { atMs, what: 'kill', process }),
    () => (mayFlush ? { atMs, what: 'flush' } : { atMs, what: 'kill', process }),
    () => ({ atMs, what: 'redis away', forMs: 3_000 * random.real() }),
    () => ({ atMs, what: 'pause', process, forMs: 8_000 * random.real() }),
  ]);
  return make();
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
    () => ({ atMs, what: 'lose job' }),
    () => ({ atMs, what: 'redis away', forMs }),
    () => ({ atMs, what: 'mongodb away', forMs }),
    () => ({ atMs, what: 'deafen', process, forMs }),
    () => ({ atMs, what: 'replay', service: random.pick(['account', 'balance', 'reporting']) }),
  ]);
  return make();
}
