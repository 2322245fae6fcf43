import { expect, test } from 'vitest';
import { readExposed, readPromql, unknownIn } from './promql.ts';

const exposed = readExposed([
  [
    '# HELP requests_total Requests.',
    '# TYPE requests_total counter',
    'requests_total{status="200",path="a\\"}b"} 4',
    'took_seconds_bucket{le="0.5",kind="query"} 1',
    'size 7',
  ].join('\n'),
]);

test('metrics, the labels that are asked for, and those that are grouped by are found', () => {
  expect(readPromql('sum by (le, kind) (rate(took_seconds_bucket{kind="query"}[5m])) / max(size)')).toEqual({
    selectors: [
      { metric: 'took_seconds_bucket', labels: ['kind'], values: [{ label: 'kind', value: 'query' }] },
      { metric: 'size', labels: [], values: [] },
    ],
    groupings: [
      { labels: ['le', 'kind'], metrics: ['took_seconds_bucket'] },
      { labels: [], metrics: ['size'] },
    ],
  });
});

test('what is no PromQL is refused', () => {
  expect(() => readPromql('sum by (le (rate(size[5m]))')).toThrow(/no PromQL/);
  expect(() => readPromql('rate(size[5 minutes])')).toThrow(/no PromQL/);
});

test.each([
  ['sum by (status) (rate(requests_total{status="200"}[1m]))', []],
  ['requests_total{status=~"2..",path!="x"}', []],
  ['requests_total{status=~"200|404"}', ['requests_total{status="404"}']],
  ['requests_total{status=~"200|503"}', []],
  ['requests_total{path="x"}', ['requests_total{path="x"}']],
  ['max by (instance) (size)', []],
  ['up{job="x"} == 0', []],
  ['requests_tota', ['requests_tota']],
  ['requests_total{code="200"}', ['requests_total{code}']],
  ['sum by (kind) (size)', ['size by kind']],
  ['histogram_quantile(0.9, sum by (le, path) (rate(took_seconds_bucket[5m])))', ['took_seconds_bucket by path']],
  ['absent(nothing)', ['nothing']],
])('%s asks for what there is, or for what there is not', (expression, unknown) => {
  expect(unknownIn(expression, exposed, ['503'])).toEqual(unknown);
});
