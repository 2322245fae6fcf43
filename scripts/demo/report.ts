/** The table at the end: what was compared with what, and what differs. Pure. */
import type { Finding } from './compare.ts';
import { count, paint } from './progress.ts';

export type Check = Finding & {
  name: string;
  /** What was compared, in the plural. */
  unit: string;
};

const DIFFERENCES_SHOWN = 5;
const GAP = '   ';

export const passed = (checks: readonly Check[]): boolean =>
  checks.every(({ compared, differences }) => compared > 0 && differences.length === 0);

/** @param isTerminal whether colours are wanted. */
export function table(checks: readonly Check[], isTerminal: boolean): string {
  const { good, bad, dim, bold } = paint(isTerminal);
  const nameWidth = widest(checks.map(({ name }) => name));
  const countWidth = widest(checks.map(({ compared }) => count(compared)));
  const unitWidth = widest(checks.map(({ unit }) => unit));
  const head = ['check'.padEnd(nameWidth), 'compared'.padEnd(countWidth + 1 + unitWidth), 'result'].join(GAP);
  const rows = checks.flatMap(check => {
    const compared = `${count(check.compared).padStart(countWidth)} ${check.unit.padEnd(unitWidth)}`;
    const result = resultOf(check);
    const shown = result === 'PASS' ? good(result) : bad(result);
    return [`  ${[check.name.padEnd(nameWidth), compared, shown].join(GAP)}`, ...explain(check).map(line => bad(line))];
  });
  return [
    `  ${bold(head)}`,
    `  ${dim('─'.repeat(head.length - 'result'.length + widest(['result', ...checks.map(resultOf)])))}`,
    ...rows,
    '',
  ].join('\n');
}

function resultOf({ compared, differences }: Check): string {
  if (differences.length > 0) return `${count(differences.length)} ${differences.length === 1 ? 'differs' : 'differ'}`;
  // A check that found nothing to compare proves nothing.
  return compared > 0 ? 'PASS' : 'nothing to compare';
}

function explain({ differences }: Check): string[] {
  const more = differences.length - DIFFERENCES_SHOWN;
  return [
    ...differences.slice(0, DIFFERENCES_SHOWN).map(difference => `      ${difference}`),
    ...(more > 0 ? [`      and ${count(more)} more`] : []),
  ];
}

const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map(({ length }) => length));

/** The value below which a share of them lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
