/** `npm run simulate`: the real services over a simulated clock, store and queue; everything that may go wrong, by seed. */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BUGS } from './simulation/bugs.ts';
import { type Finding, findAll, recordFindings, WITHIN } from './simulation/finder.ts';
import { type Failure, runSeeds } from './simulation/seeds.ts';

const USAGE = `npm run simulate -- [--seed N] [--count M] [--jobs K] [--trace]
npm run simulate -- --bugs [--jobs K]

  --seed   the first seed (1)
  --count  how many seeds, one after the other (100)
  --jobs   processes at a time (one a core)
  --trace  prints everything that happens; for one seed
  --bugs   finds the first seed for each planted bug, and writes it into test/simulation/bugs.ts

Ends with 0 when every seed is clean, 1 when one is not, 2 when it could not be tried; with --bugs 1 when one is not found.`;

const root = fileURLToPath(new URL('..', import.meta.url));
const COUNT_MAX = 10_000_000;
/** Failing seeds that are told in full. */
const EXPLAINED_MAX = 5;

function readOptions() {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      count: { type: 'string' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      trace: { type: 'boolean', default: false },
      bugs: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { trace, bugs, help } = values;
  if (bugs && (trace || values.count))
    throw new Error('--bugs looks at seeds of its own: leave --count and --trace out');
  const seed = whole('seed', values.seed, 0, 2 ** 31);
  const count = whole('count', values.count ?? (trace ? '1' : '100'), 1, COUNT_MAX);
  if (trace && count > 1) throw new Error('--trace is for one seed: leave --count out');
  return { seed, count, jobs: whole('jobs', values.jobs, 1, 64), trace, bugs, help };
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Error(`--${name} must be a whole number from ${min} to ${max}, not "${text}"`);
}

/** The trace of one seed. Writing it takes longer than making it, so it comes at the end. */
async function traceOne(seed: number): Promise<boolean> {
  const { simulate } = await import('./simulation/run.ts');
  const lines: string[] = [];
  const outcome = await simulate(seed, line => lines.push(line));
  const { violations, traceHash, scenario } = outcome;
  await write(`${JSON.stringify(scenario, showPattern, 2)}\n${lines.join('\n')}\n`);
  await write(`seed ${seed}, trace ${traceHash}: ${violations.length === 0 ? 'clean' : violations.join('\n  ')}\n`);
  return violations.length === 0;
}

/** For JSON, which shows nothing of a pattern. */
const showPattern = (_: string, value: unknown) => (value instanceof RegExp ? String(value) : value);

async function runMany({ seed, count, jobs }: { seed: number; count: number; jobs: number }): Promise<boolean> {
  const startedMs = performance.now();
  const seconds = () => (performance.now() - startedMs) / 1000;
  const { done, steps, simulatedMs, failures } = await runSeeds({
    root,
    from: seed,
    count,
    jobs,
    onProgress: sum =>
      progress(`${sum.done} of ${count} seeds, ${sum.failures.length} failed, ${seconds().toFixed(0)} s`),
  });
  progress('');
  for (const failure of failures.sort((a, b) => a.seed - b.seed).slice(0, EXPLAINED_MAX)) await explain(failure);
  if (failures.length > EXPLAINED_MAX) {
    await write(`these seeds failed as well: ${failures.slice(EXPLAINED_MAX).map(failure => failure.seed)}\n`);
  }
  const perMinute = Math.round((done * 60) / seconds());
  await write(
    `${done} seeds, ${failures.length} failed; ${seconds().toFixed(1)} s, ${perMinute} seeds a minute; ` +
      `${Math.round(steps / done)} steps and ${(simulatedMs / done / 1000).toFixed(1)} simulated seconds a seed\n`,
  );
  return failures.length === 0;
}

/** A failing seed runs once more: the same trace says that it can be looked into. */
async function explain({ seed, violations, traceHash }: Failure): Promise<void> {
  const again = await runSeeds({ root, from: seed, count: 1, jobs: 1 });
  const same = again.failures[0]?.traceHash === traceHash;
  await write(
    `seed ${seed} failed, trace ${traceHash}${same ? '' : ' (NOT the same when run again!)'}:\n` +
      `${violations.map(violation => `  ${violation}`).join('\n')}\n` +
      `  everything that happens: npm run simulate -- --seed ${seed} --trace\n`,
  );
}

/** After a change of the simulation, of what it draws, or of the services: the seeds of old find nothing any more. */
async function findBugs({ jobs }: { jobs: number }): Promise<boolean> {
  const startedMs = performance.now();
  const findings = await findAll({ root, bugs: BUGS, jobs, onFinding: finding => void write(`${tell(finding)}\n`) });
  await recordFindings(root, findings);
  const missed = findings.filter(({ seed }) => seed === undefined).length;
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
  await write(
    `${findings.length - missed} of ${findings.length} planted bugs found, ${seconds} s; their seeds are written\n`,
  );
  return missed === 0;
}

function tell({ bug, seed, error }: Finding): string {
  if (error !== undefined) return `COULD NOT BE TRIED: ${error instanceof Error ? error.message : error}`;
  if (seed === undefined) return `NOT FOUND within ${WITHIN} seeds: ${bug.name}`;
  return `${String(seed).padStart(4)}${seed === bug.foundBy ? '' : ` (was ${bug.foundBy})`}  ${bug.name}`;
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}

const write = (text: string) => new Promise<void>(resolve => process.stdout.write(text, () => resolve()));

async function main(): Promise<number> {
  const options = readOptions();
  if (options.help) {
    await write(`${USAGE}\n`);
    return 0;
  }
  if (options.bugs) return (await findBugs(options)) ? 0 : 1;
  return (await (options.trace ? traceOne(options.seed) : runMany(options))) ? 0 : 1;
}

// Whoever reads may have read enough; a disk may be full.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 2));

main().then(
  code => process.exit(code),
  error => {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${USAGE}\n`);
    process.exit(2);
  },
);
