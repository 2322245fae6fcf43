/** What the demo was asked for: pure. */
import { parseArgs } from 'node:util';
import { type Config, ConfigError } from '../config.ts';

export type Options = { url: string; seed: number; owners: number; concurrency: number };

export const USAGE = `usage: npm run demo -- [options]
  --url URL            where the system is (default: http://HOST:PORT, as npm start)
  --seed NUMBER        which month the owners have (default: 1)
  --owners NUMBER      how many owners, 1 to 2,000 (default: 200)
  --concurrency NUMBER requests at one time, 1 to 256 (default: 32)`;

const LIMITS = {
  seed: { otherwise: 1, min: 0, max: 2 ** 32 - 1 },
  owners: { otherwise: 200, min: 1, max: 2_000 },
  concurrency: { otherwise: 32, min: 1, max: 256 },
};

/** @throws ConfigError that says what is wrong. @returns 'help' when that was asked for. */
export function readOptions(args: readonly string[], { HOST, PORT = 4000 }: Pick<Config, 'HOST' | 'PORT'>) {
  const values = parse(args);
  if (values.help) return 'help' as const;
  const url = values.url ?? `http://${clientHost(HOST)}:${PORT}`;
  if (!/^https?:\/\/\S+$/.test(url) || !URL.canParse(url)) throw new ConfigError(`--url: ${url} is not an http URL.`);
  const number = (name: keyof typeof LIMITS) => within(name, values[name]);
  return { url, seed: number('seed'), owners: number('owners'), concurrency: number('concurrency') } satisfies Options;
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const options = { url: text, seed: text, owners: text, concurrency: text, help: { type: 'boolean' } } as const;
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false }).values;
  } catch (error) {
    throw new ConfigError(`${(error as Error).message}\n${USAGE}`);
  }
}

function within(name: keyof typeof LIMITS, value: string | undefined): number {
  const { otherwise, min, max } = LIMITS[name];
  const number = value === undefined ? otherwise : Number(value);
  if (value !== '' && Number.isInteger(number) && number >= min && number <= max) return number;
  throw new ConfigError(`--${name}: ${value} is not a whole number from ${min} to ${max}.`);
}

/** Where a server that listens on all addresses can be reached. */
function clientHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
