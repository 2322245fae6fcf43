/** What several processes have done, as text. */
import { drainRate } from '../capacity.ts';
import type { Drained } from './drain.ts';
import type { Left } from './leave.ts';

const HEAD = `| processes | deposits/s worked off | the model says | CPU ms a deposit: balance, MongoDB, all | MongoDB commands a deposit, balance | lost races by 1,000 | each took, % |
|---:|---:|---:|---:|---:|---:|---|`;

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

/** What was measured, beside what the model makes of what each count of processes has cost. */
export function drainTable(drained: readonly Drained[], service: string, cores: number): string {
  const rows = drained.map(({ count, part, perSecond, cpuMs, shares, commands, lost }) => {
    const model = drainRate({ cpuMs }, service, { count, part, cores });
    const costs = [cpuMs[service] ?? 0, cpuMs.mongodb ?? 0, sum(Object.values(cpuMs))].map(ms => ms.toFixed(2));
    const took = shares.map(share => (share * 100).toFixed(0));
    const numbers = [
      count,
      perSecond.toFixed(0),
      model.toFixed(0),
      costs.join(', '),
      commands.toFixed(3),
      lost.toFixed(1),
    ];
    return `| ${[...numbers, took.join(', ')].join(' | ')} |`;
  });
  return [HEAD, ...rows].join('\n');
}

export function leavingText({ deposits, p50Ms, p99Ms, maxMs, afterSeconds }: Left, perSecond: number): string {
  const pushed = [p50Ms, p99Ms, maxMs].map(ms => ms.toFixed(0)).join(' / ');
  return `${deposits} deposits at ${perSecond}/s while of 4 processes one was killed and one was stopped in order:
pushed p50 / p99 / at most: ${pushed} ms; all settled ${afterSeconds.toFixed(1)} s after the last.`;
}
