/** `npm run doctor`: looks at what a person would look at, and says what is to be done. */
import { ConfigError, readConfig } from '../scripts/config.ts';
import { exitCodeOf, report, reportJson } from './doctor/findings.ts';
import { readOptions, USAGE } from './doctor/options.ts';
import { examine } from './doctor/run.ts';

const COLUMNS_MAX = 120;

/** @returns the exit code: 0 when nothing has to be done, 1 when something has, 2 when something could not be looked at. */
async function main(): Promise<number> {
  const config = readConfig(process.env);
  const options = readOptions(process.argv.slice(2), config);
  if (options === 'help') return await print(USAGE, 0);
  const { isTTY, columns } = process.stdout;
  const isTerminal = Boolean(isTTY) && process.env.TERM !== 'dumb' && !process.env.NO_COLOR;
  const chapters = await examine(options, config);
  const text = options.json
    ? reportJson(chapters)
    : report(chapters, isTerminal, Math.min(columns || COLUMNS_MAX, COLUMNS_MAX));
  return await print(text, exitCodeOf(chapters));
}

/** Resolves when it is written: a pipe may take it later than the end of the process would. */
const print = (text: string, code: number): Promise<number> =>
  new Promise(resolve => process.stdout.write(`${text}\n`, () => resolve(code)));

main().then(
  code => process.exit(code),
  error => {
    process.stderr.write(`${error instanceof ConfigError ? error.message : `Stopped: ${error?.stack ?? error}`}\n`);
    process.exit(2);
  },
);
