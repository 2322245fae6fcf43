/** `npm run fuzz`: operations that the schema allows, and some that it does not, against the whole system. */
import { parseArgs } from 'node:util';
import { wrongAfterwards } from './door/fuzz/afterwards.ts';
import { fuzz, told } from './door/fuzz/run.ts';
import { startSystem, stopAll, temporaryFolder } from './system.ts';

const USAGE = `npm run fuzz -- [--seed N] [--from K] [--count M]

  --seed   of all requests (1)
  --from   the first request of the seed (0)
  --count  how many (10000)

Starts a system of its own. Ends with 0 when every answer is as it should be, 1 when one is not, 2 when it could not be tried.`;

const SEED_MAX = 2 ** 31 - 1;
const COUNT_MAX = 1_000_000;
const REQUEST_MS_MAX = 100;
const PROGRESS_MS = 200;

function readOptions() {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      from: { type: 'string', default: '0' },
      count: { type: 'string', default: '10000' },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    seed: whole('seed', values.seed, 0, SEED_MAX),
    from: whole('from', values.from, 0, COUNT_MAX),
    count: whole('count', values.count, 1, COUNT_MAX),
    help: values.help,
  };
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new Error(`--${name} must be a whole number from ${min} to ${max}, not "${text}"`);
}

/** One line on a terminal, written over. */
function progress(line: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${line}`);
}

async function run(options: { seed: number; from: number; count: number }): Promise<boolean> {
  const folder = temporaryFolder();
  try {
    const system = await startSystem(folder.path);
    const startedMs = performance.now();
    const seconds = () => ((performance.now() - startedMs) / 1000).toFixed(0);
    let shownMs = 0;
    const sum = await fuzz({
      ...options,
      url: system.url,
      withinMs: 10_000 + options.count * REQUEST_MS_MAX,
      onProgress({ done, findings }) {
        if (performance.now() - shownMs < PROGRESS_MS) return;
        shownMs = performance.now();
        progress(`${done} of ${options.count} requests, ${findings.length} findings, ${seconds()} s`);
      },
    });
    progress('');
    const wrong = [...sum.findings.map(told), ...(await wrongAfterwards(system))];
    const { done, answered, failed, refused, silent } = sum;
    process.stdout.write(
      `${wrong.map(text => `${text}\n\n`).join('')}${done} requests in ${seconds()} s: ${answered} answered, ` +
        `${failed} refused by a service, ${refused} by the gateway, ${silent} silent; ${wrong.length} findings\n`,
    );
    return wrong.length === 0;
  } finally {
    await stopAll();
    folder.remove();
  }
}

async function main(): Promise<number> {
  const { help, ...options } = readOptions();
  if (!help) return (await run(options)) ? 0 : 1;
  process.stdout.write(`${USAGE}\n`);
  return 0;
}

main().then(
  code => process.exit(code),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  },
);
