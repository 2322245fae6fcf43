/** Reads PromQL as Prometheus's own grammar does, and what processes expose; holds the one to the other. */
import { parser } from '@prometheus-io/lezer-promql';

/** What an expression asks for. */
export type Asked = {
  selectors: { metric: string; labels: string[]; values: { label: string; value: string }[] }[];
  /** Labels that results are grouped by, with the metrics beneath. */
  groupings: { labels: string[]; metrics: string[] }[];
};

/** Labels that Prometheus adds itself, and what it says of its targets. */
const TARGET_LABELS = ['instance', 'job'];
const OWN_METRICS = ['up'];

/** @throws when it is no PromQL. */
export function readPromql(expression: string): Asked {
  const tree = parser.parse(expression);
  const asked: Asked = { selectors: [], groupings: [] };
  const open: { from: number; to: number; labels: string[]; metrics: string[] }[] = [];
  const textOf = ({ from, to }: { from: number; to: number }) => expression.slice(from, to);
  tree.iterate({
    enter(node) {
      if (node.type.isError) throw new Error(`no PromQL at ${node.from}: ${expression}`);
      if (node.name === 'AggregateExpr') open.push({ from: node.from, to: node.to, labels: [], metrics: [] });
      if (node.name === 'VectorSelector') {
        const name = node.node.getChild('Identifier');
        const metric = name ? textOf(name) : '';
        asked.selectors.push({ metric, labels: [], values: [] });
        for (const each of open) if (node.to <= each.to) each.metrics.push(metric);
      }
      if (node.name === 'LabelName') {
        const isGrouping = node.node.parent?.name === 'GroupingLabels';
        if (isGrouping) open.findLast(each => node.to <= each.to)?.labels.push(textOf(node));
        else asked.selectors.at(-1)?.labels.push(textOf(node));
      }
      if (node.name === 'UnquotedLabelMatcher') asked.selectors.at(-1)?.values.push(...valuesIn(textOf(node)));
    },
    leave(node) {
      if (node.name !== 'AggregateExpr') return;
      const done = open.pop();
      if (done) asked.groupings.push({ labels: done.labels, metrics: done.metrics });
    },
  });
  return asked;
}

/** What a matcher lets pass, where it names values one by one: `state=~"waiting|active"`. Of any other pattern, nothing. */
function valuesIn(matcher: string): { label: string; value: string }[] {
  const [, label = '', operator, pattern = ''] = /^\s*(\w+)\s*(=~?)\s*"(.*)"\s*$/.exec(matcher) ?? [];
  if (!operator) return [];
  const values = operator === '=' ? [pattern] : pattern.split('|');
  return values.every(value => /^[\w-]+$/.test(value)) ? values.map(value => ({ label, value })) : [];
}

/** By name as it is asked for, the labels with which it is exposed, and their values. */
export type Exposed = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;

/** What pages in Prometheus's text format expose. */
export function readExposed(pages: readonly string[]): Exposed {
  const exposed = new Map<string, Map<string, Set<string>>>();
  for (const line of pages.flatMap(page => page.split('\n'))) {
    const [, name, labels = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
    if (!name) continue;
    const known = exposed.get(name) ?? new Map<string, Set<string>>();
    for (const [, label = '', value = ''] of labels.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g))
      known.set(label, (known.get(label) ?? new Set()).add(value));
    exposed.set(name, known);
  }
  return exposed;
}

/**
 * What an expression asks for and nobody exposes.
 *
 * @param later values of labels that have not come up yet, as a kind of error has not.
 */
export function unknownIn(expression: string, exposed: Exposed, later: readonly string[] = []): string[] {
  const { selectors, groupings } = readPromql(expression);
  const has = (metric: string, label: string) =>
    TARGET_LABELS.includes(label) || exposed.get(metric)?.has(label) === true;
  const isKnown = (metric: string) => exposed.has(metric) || OWN_METRICS.includes(metric);
  return [
    ...selectors.filter(({ metric }) => !isKnown(metric)).map(({ metric }) => metric),
    ...selectors.flatMap(({ metric, labels }) =>
      labels.filter(label => isKnown(metric) && !has(metric, label)).map(label => `${metric}{${label}}`),
    ),
    ...selectors.flatMap(({ metric, values }) =>
      values
        .filter(({ label, value }) => has(metric, label) && !TARGET_LABELS.includes(label) && !later.includes(value))
        .filter(({ label, value }) => !exposed.get(metric)?.get(label)?.has(value))
        .map(({ label, value }) => `${metric}{${label}="${value}"}`),
    ),
    ...groupings.flatMap(({ labels, metrics }) =>
      labels.flatMap(label =>
        metrics.filter(metric => isKnown(metric) && !has(metric, label)).map(metric => `${metric} by ${label}`),
      ),
    ),
  ];
}
