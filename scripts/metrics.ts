/** `npm run metrics`: writes docs/METRICS.md from the catalogue. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { METRICS, type Metric, PROCESS_METRICS } from '../schema/metrics.ts';

export const metricsFile = fileURLToPath(new URL('../docs/METRICS.md', import.meta.url));

const GROUPS: readonly [Metric['shown'], string][] = [
  ['gateway', 'Of the gateway. (`outbox_` also from each service, of its own outbox.)'],
  ['service', 'Of every service.'],
  ['lake', 'Of the lake.'],
];

const rowOf = ([name, { type, labels, help }]: [string, Metric]): string =>
  `| \`${name}\` | ${type} | ${labels.map(label => `\`${label}\``).join(', ')} | ${help} |`;

/** The catalogue, for people. */
export function metricsPage(): string {
  const tables = GROUPS.flatMap(([shown, title]) => [
    title,
    '',
    '| metric | type | labels | what it says |',
    '|---|---|---|---|',
    ...Object.entries<Metric>(METRICS)
      .filter(([, metric]) => metric.shown === shown)
      .map(rowOf),
    '',
  ]);
  return [
    '# Metrics',
    '',
    'Every process has them at `GET /metrics`, in Prometheus’s text format; `npm start` has all of them in one place. This page is made of',
    'the catalogue in `schema/metrics.ts` by `npm run metrics`; a test holds both to what running processes expose, and the dashboard',
    'and the alerts to that. A histogram is asked for by its name with `_bucket`, `_sum` or `_count`.',
    '',
    ...tables,
    'Of every process, Node’s and the process’s own, by prom-client; the more telling ones:',
    '',
    '| metric | what it says |',
    '|---|---|',
    ...Object.entries(PROCESS_METRICS).map(([name, help]) => `| \`${name}\` | ${help} |`),
    '',
    'Several processes of one service each say what waits for it, and say the same: use `max by (service)` for gauges, and `sum` for',
    'rates. A gauge that cannot be known, because Redis or MongoDB does not answer within 1.5 s, is left out.',
    '',
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(metricsFile, metricsPage());
  process.stdout.write(`wrote ${metricsFile}\n`);
}
