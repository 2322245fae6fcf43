import { parseArgs } from 'node:util';
import { PEERS, type PeerName } from './peers.ts';

const USAGE = `npm run bench:gateway -- [--peers NAME,NAME] [--rounds N] [--seconds N] [--warmup N] [--connections N]

  --peers        which gateways, of ${PEERS.join(', ')} (all)
  --rounds       how often each is measured, in turn; the table has the medians (5)
  --seconds      how long each time (5)
  --warmup       seconds before the first round (5)
  --connections  requests on their way at one time (32)

The peers have to be there: npm ci --prefix bench/peers. The machine should have nothing else to do.`;

export type Options = { peers: PeerName[]; rounds: number; seconds: number; warmup: number; connections: number };

/** What was asked for; a mistake in it ends the process with the usage. */
export function optionsOrExit(): Options {
  try {
    const number = (otherwise: string) => ({ type: 'string', default: otherwise }) as const;
    const { values } = parseArgs({
      options: {
        ...{ peers: { type: 'string', default: PEERS.join(',') }, help: { type: 'boolean', default: false } },
        ...{ rounds: number('5'), seconds: number('5'), warmup: number('5'), connections: number('32') },
      },
    });
    if (values.help) throw new Error('');
    return {
      peers: values.peers.split(',').map(peerOf),
      rounds: positive(values.rounds),
      seconds: positive(values.seconds),
      warmup: positive(values.warmup),
      connections: positive(values.connections),
    };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}\n`);
    process.exit(1);
  }
}

function peerOf(name: string): PeerName {
  const found = PEERS.find(peer => peer === name);
  if (found) return found;
  throw new Error(`there is no peer "${name}"`);
}

function positive(text: string): number {
  const number = Number(text);
  if (number > 0) return number;
  throw new Error(`a number greater than zero is wanted, not "${text}"`);
}
