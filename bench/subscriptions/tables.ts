import { median } from '../measure.ts';
import type { DeliverySample } from './deliveries.ts';
import type { IdleSample } from './idle.ts';
import type { PeakSample } from './peak.ts';

/** Of each target by its name, what was measured in every round. */
export type Samples<Sample> = ReadonlyMap<string, readonly Sample[]>;

type Column<Sample> = [head: string, cell: (middle: Sample, all: readonly Sample[]) => string];

/** A Markdown table of the medians. */
function table<Sample extends Record<string, number>>(
  samples: Samples<Sample>,
  columns: readonly Column<Sample>[],
): string {
  const rows = [...samples].map(([name, all]) => {
    const middle = middleOf(all);
    return [name, ...columns.map(([, cell]) => cell(middle, all))];
  });
  const lines = [['', ...columns.map(([head]) => head)], ['---', ...columns.map(() => '--:')], ...rows];
  return lines.map(cells => `| ${cells.join(' | ')} |`).join('\n');
}

function middleOf<Sample extends Record<string, number>>(all: readonly Sample[]): Sample {
  const fields = Object.keys(all[0] ?? {});
  return Object.fromEntries(fields.map(field => [field, median(all.map(each => each[field] ?? Number.NaN))])) as Sample;
}

const whole = (value: number): string => (Number.isNaN(value) ? '–' : Math.round(value).toLocaleString('en-GB'));
const fine = (digits: number) => (value: number) => (Number.isNaN(value) ? '–' : value.toFixed(digits));
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const kilobytes = (bytes: number): string => fine(1)(bytes / 1000);

export const deliveriesTable = (samples: Samples<DeliverySample>): string =>
  table(samples, [
    ['CPU µs/delivery', ({ gatewayUs }) => fine(1)(gatewayUs)],
    ['subgraphs’ CPU µs/delivery', ({ subgraphsUs }) => fine(1)(subgraphsUs)],
    ['p50 ms', ({ p50Ms }) => fine(1)(p50Ms)],
    ['p99 ms', ({ p99Ms }) => fine(1)(p99Ms)],
    [
      'lost of',
      (_, all) => `${whole(sum(all.map(({ lost }) => lost)))} of ${whole(sum(all.map(({ expected }) => expected)))}`,
    ],
  ]);

export const peakTable = (samples: Samples<PeakSample>): string =>
  table(samples, [
    ['deliveries/s', ({ deliveriesPerSecond }) => whole(deliveriesPerSecond)],
    ['at events/s', ({ eventsPerSecond }) => whole(eventsPerSecond)],
    ['CPU µs/delivery', ({ gatewayUs }) => fine(1)(gatewayUs)],
  ]);

export const idleTable = (samples: Samples<IdleSample>): string =>
  table(samples, [
    ['resident kB/subscription', ({ residentBytes }) => kilobytes(residentBytes)],
    ['heap kB/subscription', ({ heapBytes }) => kilobytes(heapBytes)],
    ['query meanwhile, p50 ms', ({ queryP50Ms }) => fine(2)(queryP50Ms)],
    ['p99 ms', ({ queryP99Ms }) => fine(2)(queryP99Ms)],
    ['one change of each to all, ms', ({ allMs }) => whole(allMs)],
    ['delivered', ({ delivered }) => whole(delivered)],
  ]);
