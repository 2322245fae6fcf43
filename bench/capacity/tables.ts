/** The tables of docs/SCALE.md, from what was measured. */
import { type Costs, limitsOf, needsOf } from '../capacity.ts';

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [line(head), line(head.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
const whole = (value: number): string => Math.round(value).toLocaleString('en-GB');

/** What each part costs, and where one process of it is full. */
export function costTable(costs: Costs): string {
  const limits = limitsOf(costs, { processes: {} });
  const rows = Object.entries(costs.cpuMs).map(([part, ms]) => {
    const full = limits.find(limit => limit.part === part && limit.why !== 'one at a time');
    return [part, ms.toFixed(2), whole(full?.perSecond ?? Number.NaN)];
  });
  const single = Object.entries(costs.singleMs).map(([part, ms]) => [
    `${part}, one at a time`,
    ms.toFixed(2),
    whole(limits.find(limit => limit.part === part && limit.why === 'one at a time')?.perSecond ?? Number.NaN),
  ]);
  return table(['part', 'CPU ms a deposit', 'one is full at, deposits/s'], [...rows, ...single]);
}

/** Processes of each part, at each rate. */
export function needsTable(costs: Costs, rates: readonly number[]): string {
  const needs = rates.map(rate => needsOf(costs, rate));
  const rows = Object.keys(costs.cpuMs).map(part => [
    part,
    ...needs.map(({ parts }) => whole(parts.find(found => found.part === part)?.processes ?? Number.NaN)),
  ]);
  return table(
    ['', ...rates.map(rate => `${whole(rate)}/s`)],
    [
      ...rows,
      ['cores at work', ...needs.map(({ cores }) => whole(cores))],
      ['divided', ...needs.map(({ divided }) => divided.map(({ part, into }) => `${part} into ${into}`).join(', '))],
      ['documents a day, TB', ...needs.map(({ storedBytesADay }) => (storedBytesADay / 1e12).toFixed(1))],
    ],
  );
}
