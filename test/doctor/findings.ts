/** What the doctor has found, for people and for programs. Pure. */
import { paint } from '../../scripts/demo/progress.ts';

/** `note`: nothing has to be done, and one should know. `unknown`: it could not be looked at. */
export type State = 'ok' | 'note' | 'todo' | 'unknown';

export type Finding = {
  /** What was looked at; in a few words. */
  what: string;
  state: State;
  /** What is so. */
  is: string;
  /** What to do; absent when nothing is. */
  advice?: string;
};

export type Chapter = { title: string; findings: readonly Finding[] };

export const ok = (what: string, is: string): Finding => ({ what, state: 'ok', is });
export const note = (what: string, is: string, advice?: string): Finding => ({
  ...{ what, state: 'note', is },
  ...(advice && { advice }),
});
export const todo = (what: string, is: string, advice: string): Finding => ({ what, state: 'todo', is, advice });
export const unknown = (what: string, is: string, advice?: string): Finding => ({
  ...{ what, state: 'unknown', is },
  ...(advice && { advice }),
});

/** Ok when it holds; else what is to be done. */
export const check = (holds: boolean, what: string, is: string, advice: string): Finding =>
  holds ? ok(what, is) : todo(what, is, advice);

/** 0: nothing has to be done. 1: something has. 2: next to nothing could be looked at. */
export function exitCodeOf(chapters: readonly Chapter[]): 0 | 1 | 2 {
  const all = chapters.flatMap(({ findings }) => findings);
  if (all.some(({ state }) => state === 'todo')) return 1;
  return all.some(({ state }) => state === 'unknown') ? 2 : 0;
}

const MARKS: Readonly<Record<State, string>> = { ok: 'ok', note: 'note', todo: 'TODO', unknown: '?' };
const MARK_WIDTH = 4;

/**
 * A line for each finding, and beneath it what to do.
 *
 * @param isTerminal whether colours are wanted.
 * @param columns lines are wrapped at.
 */
export function report(chapters: readonly Chapter[], isTerminal: boolean, columns = 100): string {
  const { good, bad, dim } = paint(isTerminal);
  const colours = { ok: good, note: dim, todo: bad, unknown: bad } satisfies Record<State, (text: string) => string>;
  const width = Math.max(0, ...chapters.flatMap(({ findings }) => findings.map(({ what }) => what.length)));
  const indent = MARK_WIDTH + width + 4;
  const lines = chapters.flatMap(({ title, findings }) => [
    '',
    title,
    ...findings.flatMap(({ what, state, is, advice }) => {
      const [first = '', ...rest] = wrapped(is, columns - indent - 2);
      const mark = colours[state](MARKS[state].padEnd(MARK_WIDTH));
      const more = [...rest, ...(advice ? wrapped(`→ ${advice}`, columns - indent - 2) : [])];
      return [`${mark}  ${what.padEnd(width)}  ${first}`, ...more.map(line => `${' '.repeat(indent)}${line}`)];
    }),
  ]);
  return [...lines, '', verdictOf(chapters, isTerminal), ''].map(line => (line ? `  ${line}` : '')).join('\n');
}

function verdictOf(chapters: readonly Chapter[], isTerminal: boolean): string {
  const { good, bad } = paint(isTerminal);
  const all = chapters.flatMap(({ findings }) => findings);
  const count = (state: State) => all.filter(finding => finding.state === state).length;
  const [todos, unknowns] = [count('todo'), count('unknown')];
  if (todos + unknowns === 0) return good(`All is well: ${all.length} things looked at.`);
  const parts = [
    ...(todos > 0 ? [`${todos} ${todos === 1 ? 'thing' : 'things'} to do`] : []),
    ...(unknowns > 0 ? [`${unknowns} could not be looked at`] : []),
  ];
  return bad(`${parts.join(', ')}, of ${all.length} looked at.`);
}

function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line && line.length + word.length + 1 > Math.max(columns, 30)) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return [...lines, line];
}

/** The same, for programs. */
export function reportJson(chapters: readonly Chapter[]): string {
  const findings = chapters.flatMap(({ title, findings }) => findings.map(finding => ({ area: title, ...finding })));
  return JSON.stringify({ ok: exitCodeOf(chapters) === 0, exitCode: exitCodeOf(chapters), findings }, null, 2);
}
