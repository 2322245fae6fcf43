/** What the audit found, for people: a line for each invariant, and what contradicts it. Pure. */
import { count, counted, paint } from '../../scripts/demo/progress.ts';
import { type Check, passed } from './checks.ts';

export type Report = {
  url: string;
  lake: { events: number; head: string };
  checks: readonly Check[];
};

const GAP = '   ';

/** @param isTerminal whether colours are wanted. */
export function report({ lake, checks }: Report, isTerminal: boolean): string {
  const { good, bad, dim } = paint(isTerminal);
  const nameWidth = widest(checks.map(({ name }) => name));
  const checkedWidth = widest(checks.map(checkedOf));
  const lines = checks.flatMap(check => {
    const result = resultOf(check);
    const colour = check.count > 0 ? bad : check.seen ? good : dim;
    const line = [check.name.padEnd(nameWidth), checkedOf(check).padEnd(checkedWidth), colour(result)].join(GAP);
    return [line, ...explain(check).map(violation => bad(violation))];
  });
  const wrong = checks.filter(check => !passed([check])).length;
  const verdict = wrong === 0 ? good(passedOf(checks)) : bad(`FAIL: ${wrong} of ${checks.length} invariants`);
  const lakeLine = `The lake holds ${counted(lake.events, 'event')}; its head is ${lake.head}.`;
  return ['', ...lines, '', lakeLine, '', verdict, ''].map(line => (line ? `  ${line}` : '')).join('\n');
}

/** The same, for programs. */
export function reportJson({ url, lake, checks }: Report): string {
  return JSON.stringify({ passed: passed(checks), url, lake, checks }, null, 2);
}

/** What is counted, where there is one of it. */
const ONE: Readonly<Record<string, string>> = {
  accounts: 'account',
  entries: 'entry',
  transactions: 'transaction',
  events: 'event',
  transfers: 'transfer',
  types: 'type',
  'outboxes seen': 'outbox seen',
  'open faults': 'open fault',
  seconds: 'second',
};

const checkedOf = ({ checked }: Check): string =>
  Object.entries(checked)
    .map(([unit, size]) => counted(size, ONE[unit] ?? unit, unit))
    .join(', ');

function resultOf({ count: violations, seen }: Check): string {
  if (violations > 0) return counted(violations, 'violation');
  return seen ? 'ok' : 'not seen';
}

function passedOf(checks: readonly Check[]): string {
  const seen = checks.filter(check => check.seen).length;
  const all = checks.length;
  return seen === all ? `PASS: all ${all} invariants` : `PASS: ${seen} of ${all} invariants; ${all - seen} not seen`;
}

function explain({ violations, count: all }: Check): string[] {
  const rest = all - violations.length;
  return [...violations.map(violation => `    ${violation}`), ...(rest > 0 ? [`    and ${count(rest)} more`] : [])];
}

const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map(({ length }) => length));
