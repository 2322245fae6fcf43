/** What was measured, as tables in Markdown. */
import { sumOf } from './costs.ts';
import type { Rates } from './raw.ts';
import type { Measured } from './run.ts';

export type Results = {
  machine: string;
  load: { before: number; after: number };
  seconds: number;
  product: Measured[];
  crud: Measured[];
  raw: Rates | undefined;
  /** What contradicts the invariants; undefined when they were not looked at. */
  broken: string[] | undefined;
};

const whole = (value: number): string => Math.round(value).toLocaleString('en-GB');
const ms = (value: number | undefined): string => (value === undefined ? '' : value.toFixed(value < 10 ? 1 : 0));
const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [line(head), line(head.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');

export const ackRate = ({ seen }: Measured): number => seen.deposits / seen.seconds;
export const settledRate = ({ seen }: Measured): number => seen.deposits / seen.settledSeconds;
export const cpuPerDeposit = ({ seen, usage }: Measured): number => sumOf(usage.cpuMs) / seen.deposits;

export function report({ machine, load, seconds, product, crud, raw, broken }: Results): string {
  const parts = [
    `${machine}; ${seconds} s each, load generator on the same cores; load average ${load.before.toFixed(1)} before, ${load.after.toFixed(1)} after.`,
    table(
      [
        '',
        'acknowledged/s',
        'settled/s',
        'ack p50 / p99 ms',
        'pushed p50 / p99 ms',
        'CPU ms a deposit',
        'memory MB',
        'lag at the end',
        'settled after s',
      ],
      [...product, ...crud].map(row),
    ),
    table(['CPU ms a deposit', ...namesOf(product)], product.map(cpuRow(namesOf(product)))),
  ];
  const ratios = crud.flatMap(plain => {
    const same = product.find(({ name }) => name === plain.name.replace('crud', 'closed'));
    return same ? [`${(ackRate(same) / ackRate(plain)).toFixed(2)} with ${plain.name.slice(5)} clients`] : [];
  });
  if (ratios.length > 0) parts.push(`Acknowledged, of what plain CRUD acknowledges: ${ratios.join(', ')}.`);
  if (raw)
    parts.push(
      table(
        ['raw parts', 'a second'],
        Object.entries(raw).map(([name, rate]) => [name, whole(rate)]),
      ),
    );
  if (broken) parts.push(broken.length === 0 ? 'Invariants: all hold.' : `Invariants BROKEN: ${broken.join('; ')}`);
  return parts.join('\n\n');
}

function row(measured: Measured): string[] {
  const { name, seen, usage } = measured;
  const { acknowledged, pushed } = seen;
  const settles = !name.startsWith('crud');
  return [
    name,
    whole(ackRate(measured)),
    settles ? whole(settledRate(measured)) : '',
    `${ms(acknowledged.p50Ms)} / ${ms(acknowledged.p99Ms)}`,
    pushed ? `${ms(pushed.p50Ms)} / ${ms(pushed.p99Ms)}${seen.unpushed > 0 ? `, ${seen.unpushed} never` : ''}` : '',
    cpuPerDeposit(measured).toFixed(2),
    whole(sumOf(usage.memoryMb)),
    settles ? whole(seen.lag) : '',
    settles ? (seen.settledSeconds - seen.seconds).toFixed(1) : '',
  ];
}

const namesOf = (product: readonly Measured[]): string[] => [
  ...new Set(product.flatMap(({ usage }) => Object.keys(usage.cpuMs))),
  'load generator',
];

const cpuRow =
  (names: readonly string[]) =>
  ({ name, seen, usage }: Measured): string[] => {
    const cpuMs: Record<string, number> = { ...usage.cpuMs, 'load generator': seen.generatorCpuMs };
    return [name, ...names.map(of => ((cpuMs[of] ?? 0) / seen.deposits).toFixed(2))];
  };
