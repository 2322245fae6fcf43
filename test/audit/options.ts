/** What the audit was asked for: pure. */
import { parseArgs } from 'node:util';
import { ConfigError } from '../../scripts/config.ts';

export type Options = { url: string; token?: string; waitSeconds: number; json: boolean };

export const USAGE = `usage: npm run audit -- [options]
  --url URL       where the system is (default: http://127.0.0.1:PORT, as npm start)
  --token TOKEN   an operator's (default: one made with AUTH_SECRET, or the secret that npm start keeps in DATA_DIR)
  --wait SECONDS  how long the system may take to come to rest, 0 to 86,400 (default: 30)
  --json          prints one JSON object, and the progress to stderr

Holds everything that a running system shows to what is always true of it. It only reads. Nobody may use the system
meanwhile. Exit code: 0 when all is true, 1 when something is not, 2 when it could not be tried.`;

const WAIT = { otherwise: 30, max: 86_400 };

/** @throws ConfigError that says what is wrong. @returns 'help' when that was asked for. */
export function readOptions(args: readonly string[], { PORT = 4000 }: { PORT?: number | undefined }) {
  const { help, token, json = false, wait, url = `http://127.0.0.1:${PORT}` } = parse(args);
  if (help) return 'help' as const;
  if (!/^https?:\/\/\S+$/.test(url) || !URL.canParse(url)) throw new ConfigError(`--url: ${url} is not an http URL.`);
  return { url, waitSeconds: secondsOf(wait), json, ...(token && { token }) } satisfies Options;
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = { url: text, token: text, wait: text, json: flag, help: flag } as const;
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new ConfigError(`${(error as Error).message}\n${USAGE}`);
  }
}

function secondsOf(wait: string | undefined): number {
  const { otherwise, max } = WAIT;
  const number = wait === undefined ? otherwise : Number(wait);
  if (wait !== '' && Number.isInteger(number) && number >= 0 && number <= max) return number;
  throw new ConfigError(`--wait: ${wait} is not a whole number of seconds from 0 to ${max}.`);
}
