/** What the doctor was asked for: pure. */
import { parseArgs } from 'node:util';
import { ConfigError } from '../../scripts/config.ts';

export type Options = { url: string; token?: string; sample: number; json: boolean };

export const USAGE = `usage: npm run doctor -- [options]
  --url URL      where the system is (default: http://127.0.0.1:PORT, as npm start)
  --token TOKEN  an operator's (default: one made with AUTH_SECRET, or the secret that npm start keeps in DATA_DIR)
  --sample N     accounts that are held to the invariants, 0 to 10,000 (default: 20)
  --json         prints one JSON object

Looks at what a person would look at: versions, servers and their settings, indexes, bindings, lag, faults, and a sample of
the invariants. It reads, and changes nothing; the system may be in use. It takes the servers from MONGODB_URL and REDIS_URL, or
finds those that npm start runs on DATA_DIR. Exit code: 0 when nothing has to be done, 1 when something has, 2 when something
could not be looked at.`;

const SAMPLE = { otherwise: 20, max: 10_000 };

/** @throws ConfigError that says what is wrong. @returns 'help' when that was asked for. */
export function readOptions(args: readonly string[], { PORT = 4000 }: { PORT?: number | undefined }) {
  const { help, token, json = false, sample, url = `http://127.0.0.1:${PORT}` } = parse(args);
  if (help) return 'help' as const;
  if (!/^https?:\/\/\S+$/.test(url) || !URL.canParse(url)) throw new ConfigError(`--url: ${url} is not an http URL.`);
  return { url, sample: sizeOf(sample), json, ...(token && { token }) } satisfies Options;
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = { url: text, token: text, sample: text, json: flag, help: flag } as const;
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new ConfigError(`${(error as Error).message}\n${USAGE}`);
  }
}

function sizeOf(sample: string | undefined): number {
  const number = sample === undefined ? SAMPLE.otherwise : Number(sample);
  if (sample !== '' && Number.isInteger(number) && number >= 0 && number <= SAMPLE.max) return number;
  throw new ConfigError(`--sample: ${sample} is not a whole number from 0 to ${SAMPLE.max}.`);
}
