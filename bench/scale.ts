/**
 * `npm run bench:scale -- [--backlog N] [--seconds N] [--rate N]`: 1, 2 and 4 processes of the balance service. How fast they work off
 * a backlog, beside what the model says (capacity.ts); and what is noticed when processes leave under load, killed and in order.
 */
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { contendedRate, contentionOf, drainRate } from './capacity.ts';
import { audit } from './scale/audit.ts';
import { counting } from './scale/counted.ts';
import { type Drained, drain } from './scale/drain.ts';
import { leave } from './scale/leave.ts';
import { prepareBench } from './way/run.ts';
import { startSystem } from './way/system.ts';

const { values } = parseArgs({
  options: {
    backlog: { type: 'string', default: '4000' },
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
const say = (line: string) => process.stdout.write(`${line}\n`);

/** What the model says of a count, from what one process has cost; and, where they are in each other's way, from what two have done. */
function predicted([alone, two]: readonly Drained[], count: number): string {
  if (!alone) return '';
  const freely = drainRate({ cpuMs: alone.cpuMs }, SERVICE, count, cpus().length);
  if (!two) return freely.toFixed(0);
  const contended = contendedRate(alone.perSecond, count, contentionOf(alone.perSecond, two.perSecond));
  return `${freely.toFixed(0)} by CPU, ${contended.toFixed(0)} as two have shown`;
}

const backlog = within('backlog', 1_000_000);
const [seconds, perSecond] = [within('seconds', 600), within('rate', 10_000)];
const before = loadavg()[0] ?? 0;
const system = await startSystem({ processes: 'each', ...counting });
try {
  const bench = await prepareBench(system);
  const drained: Drained[] = [];
  for (const count of COUNTS) drained.push(await drain(bench, { service: SERVICE, count, backlog }));
  const left = await leave(bench, { service: SERVICE, seconds, perSecond });
  const broken = audit(system);
  bench.close();
  if (values.json) say(JSON.stringify({ drained, left, broken }, null, 1));
  else {
    say(
      `${cpus().length} × ${cpus()[0]?.model}; load average ${before.toFixed(1)} before, ${(loadavg()[0] ?? 0).toFixed(1)} after\n`,
    );
    say(
      '| processes | deposits/s worked off | the model says | CPU ms a deposit, balance | MongoDB commands a deposit, balance | lost races by 1,000 | each took, % |\n|---:|---:|---:|---:|---:|---:|---|',
    );
    for (const { count, perSecond: rate, cpuMs, shares, commands, lost } of drained) {
      const model = predicted(drained, count);
      const took = shares.map(share => (share * 100).toFixed(0)).join(', ');
      say(
        `| ${count} | ${rate.toFixed(0)} | ${model} | ${(cpuMs[SERVICE] ?? 0).toFixed(2)} | ${commands.toFixed(3)} | ${lost.toFixed(1)} | ${took} |`,
      );
    }
    say(
      `\n${left.deposits} deposits at ${perSecond}/s while of 4 processes one was killed and one was stopped in order:`,
    );
    say(
      `pushed p50 / p99 / at most: ${left.p50Ms.toFixed(0)} / ${left.p99Ms.toFixed(0)} / ${left.maxMs.toFixed(0)} ms; all settled ${left.afterSeconds.toFixed(1)} s after the last.`,
    );
    say(broken.length === 0 ? 'None lost, none doubled: all invariants hold.' : `BROKEN: ${broken.join('; ')}`);
  }
  process.exitCode = broken.length === 0 ? 0 : 1;
} finally {
  await system.stop();
}
