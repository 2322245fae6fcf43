/** `npm run demo`: owners live a month on the running system, then all that it shows is compared with what they did. */
import { ConfigError, readConfig } from './config.ts';
import { OutOfReach } from './demo/client.ts';
import { readOptions, USAGE } from './demo/options.ts';
import { play } from './demo/play.ts';
import { paint, type Screen } from './demo/progress.ts';

const screen: Screen = {
  write: text => void process.stdout.write(text),
  isTerminal: Boolean(process.stdout.isTTY) && process.env.TERM !== 'dumb' && !process.env.NO_COLOR,
};
const { bad } = paint(screen.isTerminal);

/** @returns the exit code: 0 when all is right, 1 when something differs or went wrong, 2 when it could not be tried. */
async function main(): Promise<number> {
  const config = readConfig(process.env);
  const options = readOptions(process.argv.slice(2), config);
  if (options !== 'help') return (await play({ ...options, config, screen })) ? 0 : 1;
  screen.write(`${USAGE}\n`);
  return 0;
}

main().then(
  code => process.exit(code),
  error => {
    const expected = error instanceof OutOfReach || error instanceof ConfigError;
    const text = expected || error?.name === 'OutOfTime' ? error.message : `Stopped: ${error?.stack ?? error}`;
    process.stderr.write(`${screen.isTerminal ? '\r\u001b[K' : ''}${bad(text)}\n`);
    process.exit(expected ? 2 : 1);
  },
);
