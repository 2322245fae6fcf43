import { parseArgs } from 'node:util';
import { TARGETS, type TargetName } from './targets.ts';

export const SCENARIOS = ['shared', 'distinct', 'peak', 'idle'] as const;
export type Scenario = (typeof SCENARIOS)[number];

const USAGE = `node --import tsx bench/subscriptions.ts [--peers NAME,NAME] [--scenarios NAME,NAME] [--rounds N] [--seconds N] ...

  --peers        of ${TARGETS.join(', ')} (all); direct is the subgraph itself, without a gateway
  --scenarios    of ${SCENARIOS.join(', ')} (all)
  --rounds       how often each is measured, in turn; the tables have the medians (3)
  --seconds      how long each time (5)
  --warmup       seconds of events before each (2)
  --subscribers  of all scenarios but idle (1000)
  --per-socket   subscriptions on one socket, of one account (1)
  --shared-rate  changes in a second of the one account that all watch (5)
  --owners-rate  changes in a second over all accounts, where each has its own (1000)
  --idle         idle subscriptions (9000)

The peers have to be there: npm ci --prefix bench/peers. The machine should have nothing else to do.`;

export type Options = {
  peers: TargetName[];
  scenarios: Scenario[];
  rounds: number;
  seconds: number;
  warmup: number;
  subscribers: number;
  perSocket: number;
  sharedRate: number;
  ownersRate: number;
  idle: number;
};

/** What was asked for; a mistake in it ends the process with the usage. */
export function optionsOrExit(): Options {
  try {
    const text = (otherwise: string) => ({ type: 'string', default: otherwise }) as const;
    const { values } = parseArgs({
      options: {
        ...{ peers: text(TARGETS.join(',')), scenarios: text(SCENARIOS.join(',')) },
        ...{ rounds: text('3'), seconds: text('5'), warmup: text('2') },
        ...{ subscribers: text('1000'), 'per-socket': text('1'), idle: text('9000') },
        ...{ 'shared-rate': text('5'), 'owners-rate': text('1000'), help: { type: 'boolean', default: false } },
      },
    });
    if (values.help) throw new Error('');
    return {
      peers: values.peers.split(',').map(name => oneOf(TARGETS, name)),
      scenarios: values.scenarios.split(',').map(name => oneOf(SCENARIOS, name)),
      rounds: positive(values.rounds),
      seconds: positive(values.seconds),
      warmup: positive(values.warmup),
      subscribers: positive(values.subscribers),
      perSocket: positive(values['per-socket']),
      sharedRate: positive(values['shared-rate']),
      ownersRate: positive(values['owners-rate']),
      idle: positive(values.idle),
    };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}\n`);
    process.exit(1);
  }
}

function oneOf<Name extends string>(names: readonly Name[], name: string): Name {
  const found = names.find(each => each === name);
  if (found) return found;
  throw new Error(`"${name}" is none of ${names.join(', ')}`);
}

function positive(text: string): number {
  const number = Number(text);
  if (number > 0) return number;
  throw new Error(`a number greater than zero is wanted, not "${text}"`);
}
