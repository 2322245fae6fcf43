/**
 * `npm run bench:scale -- [--backlog N] [--seconds N] [--rate N]`: 1, 2 and 4 processes of the balance service. How fast they work off
 * a backlog, beside what the model says (capacity.ts); and what is noticed when processes leave under load, killed and in order.
 */
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { audit } from './scale/audit.ts';
import { counting } from './scale/counted.ts';
import { type Drained, drain } from './scale/drain.ts';
import { leave } from './scale/leave.ts';
import { drainTable, leavingText } from './scale/report.ts';
import { prepareBench } from './way/run.ts';
import { startSystem } from './way/system.ts';

const { values } = parseArgs({
  options: {
    backlog: { type: 'string', default: '20000' },
    seconds: { type: 'string', default: '20' },
    rate: { type: 'string', default: '100' },
    json: { type: 'boolean', default: false },
  },
});

function within(name: 'backlog' | 'seconds' | 'rate', max: number): number {
  const number = Number(values[name]);
  if (Number.isInteger(number) && number >= 1 && number <= max) return number;
  throw new Error(`--${name}: a whole number from 1 to ${max} is wanted, not "${values[name]}"`);
}

const SERVICE = 'balance';
const COUNTS = [1, 2, 4];
/** Of a core: then the processes are what is full first, whatever else the machine has to do. */
const PART = 0.1;
const say = (line: string) => process.stdout.write(`${line}\n`);

const backlog = within('backlog', 1_000_000);
const [seconds, perSecond] = [within('seconds', 600), within('rate', 10_000)];
const before = loadavg()[0] ?? 0;
const system = await startSystem({ processes: 'each', ...counting });
try {
  const bench = await prepareBench(system);
  const drained: Drained[] = [];
  const slowed: Drained[] = [];
  for (const count of COUNTS) {
    drained.push(await drain(bench, { service: SERVICE, count, backlog, part: 1 }));
    slowed.push(await drain(bench, { service: SERVICE, count, backlog: Math.ceil(backlog / 2), part: PART }));
  }
  const left = await leave(bench, { service: SERVICE, seconds, perSecond });
  const broken = audit(system);
  bench.close();
  if (values.json) say(JSON.stringify({ drained, slowed, left, broken }, null, 1));
  else {
    say(
      `${cpus().length} × ${cpus()[0]?.model}; load average ${before.toFixed(1)} before, ${(loadavg()[0] ?? 0).toFixed(1)} after\n`,
    );
    say(`As fast as the machine lets them:\n\n${drainTable(drained, SERVICE, cpus().length)}\n`);
    say(`Each with ${PART} of a core:\n\n${drainTable(slowed, SERVICE, cpus().length)}\n`);
    say(leavingText(left, perSecond));
    say(broken.length === 0 ? 'None lost, none doubled: all invariants hold.' : `BROKEN: ${broken.join('; ')}`);
  }
  process.exitCode = broken.length === 0 ? 0 : 1;
} finally {
  await system.stop();
}
