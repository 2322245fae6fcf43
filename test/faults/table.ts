/** The results as text, and as the table in docs/RELIABILITY.md. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Result, Row } from './row.ts';

const file = fileURLToPath(new URL('../../docs/RELIABILITY.md', import.meta.url));
const BEGIN = '<!-- faults: begin (npm run faults -- --write) -->';
const END = '<!-- faults: end -->';
const HEAD = [
  '| row | fault | acknowledged | lost | double | unknown, asked again | other violations | longest silence | recovery | set aside | besides |',
  '|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|',
];
const SHOWN_MAX = 12;

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
const whole = new Intl.NumberFormat('en-US');

export const isRight = ({ lost, double, violations }: Result): boolean => lost + double + violations.length === 0;

/** A result in a few lines. */
export function describe(result: Result): string {
  const { notRun, violations, acknowledged, lost, double, unknown, silenceMs, recoveryMs, setAside, notes } = result;
  if (notRun) return `    not run: ${notRun}`;
  return [
    `    acknowledged ${acknowledged}, lost ${lost}, double ${double}, unknown ${unknown}, set aside ${setAside}`,
    `    longest silence ${seconds(silenceMs)}, recovery ${recoveryMs === undefined ? 'none' : seconds(recoveryMs)}`,
    ...notes.map(note => `    ${note}`),
    ...(violations.length > 0 ? [`    ${violations.length} VIOLATIONS`] : []),
    ...violations.slice(0, SHOWN_MAX).map(violation => `      ${violation}`),
  ].join('\n');
}

function line({ name, what, notRun, notes, ...result }: Result): string {
  const { acknowledged, lost, double, unknown, violations, silenceMs, recoveryMs, setAside } = result;
  const cells = notRun
    ? [...Array.from({ length: 8 }, () => ''), `not run: ${notRun}`]
    : [
        whole.format(acknowledged),
        lost,
        double,
        unknown,
        violations.length,
        seconds(silenceMs),
        recoveryMs === undefined ? 'none' : seconds(recoveryMs),
        setAside,
        notes.join('; '),
      ];
  return `| ${[`\`${name}\``, what, ...cells].join(' | ')} |`;
}

/** Puts a result's line into the table, in its place, and leaves the others and the text around them as they are. */
export function writeTable(rows: readonly Row[], result: Result): void {
  const empty = `# Reliability\n\n${BEGIN}\n${END}\n`;
  const text = existsSync(file) ? readFileSync(file, 'utf8') : empty;
  const [before, between, after] = split(text.includes(BEGIN) ? text : `${text.trimEnd()}\n\n${BEGIN}\n${END}\n`);
  const lines = new Map(between.split('\n').flatMap(each => (nameOf(each) ? [[nameOf(each), each] as const] : [])));
  lines.set(result.name, line(result));
  const known = rows.flatMap(({ name }) => lines.get(name) ?? []);
  writeFileSync(file, `${before}${BEGIN}\n${[...HEAD, ...known].join('\n')}\n${END}${after}`);
}

const nameOf = (each: string) => /^\| `([^`]+)`/.exec(each)?.[1];

function split(text: string): [string, string, string] {
  const [before = '', rest = ''] = text.split(BEGIN);
  const [between = '', after = ''] = rest.split(END);
  return [before, between, after];
}
