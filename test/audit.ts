/** `npm run audit`: holds everything that the running system shows to what is always true of it. */
import { ConfigError, readConfig } from '../scripts/config.ts';
import { OutOfReach } from '../scripts/demo/client.ts';
import { paint, type Screen } from '../scripts/demo/progress.ts';
import { passed } from './audit/checks.ts';
import { readOptions, USAGE } from './audit/options.ts';
import { report, reportJson } from './audit/report.ts';
import { audit, NotAtRest } from './audit/run.ts';

function screenOn(stream: NodeJS.WriteStream): Screen {
  const isTerminal = Boolean(stream.isTTY) && process.env.TERM !== 'dumb' && !process.env.NO_COLOR;
  return { write: text => void stream.write(text), isTerminal };
}

/** @returns the exit code: 0 when all is true, 1 when something is not or went wrong, 2 when it could not be tried. */
async function main(): Promise<number> {
  const config = readConfig(process.env);
  const options = readOptions(process.argv.slice(2), config);
  if (options === 'help') return await print(USAGE, 0);
  const screen = screenOn(options.json ? process.stderr : process.stdout);
  const found = await audit({ ...options, config, screen });
  return await print(options.json ? reportJson(found) : report(found, screen.isTerminal), passed(found.checks) ? 0 : 1);
}

/** Resolves when it is written: a pipe may take it later than the end of the process would. */
const print = (text: string, code: number): Promise<number> =>
  new Promise(resolve => process.stdout.write(`${text}\n`, () => resolve(code)));

main().then(
  code => process.exit(code),
  error => {
    const { write, isTerminal } = screenOn(process.stderr);
    const untried = [OutOfReach, ConfigError, NotAtRest].some(kind => error instanceof kind);
    const text = untried || error?.name === 'Refused' ? error.message : `Stopped: ${error?.stack ?? error}`;
    write(`${isTerminal ? '\r\u001b[K' : ''}${paint(isTerminal).bad(text)}\n`);
    process.exit(untried ? 2 : 1);
  },
);
