/**
 * `npm run bench`: the way of a deposit, measured from outside, beside plain CRUD on the same database and beside the raw parts.
 * See USAGE.
 */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { audit } from './scale/audit.ts';
import { type Results, report } from './way/report.ts';
import { measure, measureCrud, measureRaw, prepareBench, WARM_UP_CLIENTS } from './way/run.ts';
import { CLOSED_CLIENTS, SCENARIOS } from './way/scenarios.ts';
import { type System, startSystem } from './way/system.ts';

const NAMES = [...SCENARIOS.map(({ name }) => name), 'crud', 'raw', 'audit'];
const USAGE = `npm run bench -- [options]
  --seconds N        of each scenario, 1 to 3,600 (10)
  --warmup N         seconds of load before the first, and before each of CRUD's, 0 to 600 (5)
  --only NAME,NAME   of ${NAMES.join(', ')} (all)
  --processes WHICH  one, as npm start, or each, as docker-compose.yml (one)
  --profile FOLDER   leaves a CPU profile of every process there; npm run bench:profile reads them
  --json FILE        also writes the figures

The machine should have nothing else to do.`;

type Options = {
  seconds: number;
  warmup: number;
  only: string[];
  processes: 'one' | 'each';
  profile?: string;
  json?: string;
};

function optionsOrExit(): Options {
  try {
    const text = { type: 'string' } as const;
    const options = { seconds: text, warmup: text, only: text, processes: text, profile: text, json: text } as const;
    const { values } = parseArgs({ options });
    const only = values.only?.split(',') ?? NAMES;
    const unknown = only.filter(name => !NAMES.includes(name));
    if (unknown.length > 0) throw new Error(`--only: there is no ${unknown.join(', ')}`);
    const processes = values.processes ?? 'one';
    if (processes !== 'one' && processes !== 'each') throw new Error(`--processes: one or each, not "${processes}"`);
    return {
      ...{
        seconds: within('seconds', values.seconds ?? '10', 1, 3_600),
        warmup: within('warmup', values.warmup ?? '5', 0, 600),
      },
      ...{ only, processes },
      ...(values.profile && { profile: values.profile }),
      ...(values.json && { json: values.json }),
    };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}\n`);
    process.exit(1);
  }
}

function within(name: string, text: string, min: number, max: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= min && number <= max) return number;
  throw new Error(`--${name}: a whole number from ${min} to ${max} is wanted, not "${text}"`);
}

const say = (text: string) => process.stderr.write(`${text}\n`);

async function main({ seconds, warmup, only, processes, profile }: Options): Promise<Results> {
  const before = loadavg()[0] ?? 0;
  const system = await startSystem({ processes, profile });
  try {
    const bench = await prepareBench(system);
    const scenarios = SCENARIOS.filter(({ name }) => only.includes(name));
    const [first] = scenarios;
    if (first && warmup > 0) await measure(bench, { ...first, how: { clients: WARM_UP_CLIENTS } }, warmup);
    if (profile) profileFromNow(system);
    const results: Results = {
      machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}`,
      ...{ load: { before, after: 0 }, seconds, product: [], crud: [], raw: undefined, broken: undefined },
    };
    for (const scenario of scenarios) {
      const measured = await measure(bench, scenario, seconds);
      say(`${scenario.name}: ${Math.round(measured.seen.deposits / measured.seen.seconds)}/s acknowledged`);
      results.product.push(measured);
      const clients = CLOSED_CLIENTS.find(count => scenario.name === `closed-${count}`);
      // Side by side: what the machine does meanwhile is the same for both.
      if (clients && only.includes('crud')) results.crud.push(await measureCrud(bench, clients, seconds, warmup));
    }
    if (only.includes('raw')) results.raw = await measureRaw(bench, Math.min(seconds, 5));
    if (only.includes('audit')) results.broken = audit(system);
    results.load.after = loadavg()[0] ?? 0;
    bench.close();
    return results;
  } finally {
    await system.stop();
  }
}

/** The start and the warm-up are left out. */
function profileFromNow(system: System): void {
  for (const { name, pid } of system.members()) if (name !== 'redis') process.kill(pid, 'SIGWINCH');
}

const options = optionsOrExit();
const results = await main(options);
if (options.json) writeFileSync(options.json, `${JSON.stringify(results, null, 1)}\n`);
process.stdout.write(`${report(results)}\n`);
process.exitCode = results.broken?.length ? 1 : 0;
