/** The documents of the project, and what tests look at in them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const read = (name: string): string => readFileSync(join(root, name), 'utf8');

const inFolder = (folder: string) =>
  readdirSync(join(root, folder))
    .filter(name => name.endsWith('.md'))
    .map(name => join(folder, name));

/** All of them, by their places in the project. */
export const DOCUMENTS: readonly string[] = [
  ...inFolder('.'),
  ...inFolder('docs'),
  ...inFolder('docs/decisions'),
  ...['events/README.md', 'deploy/kubernetes/README.md', 'embedded/mongodb/README.md'],
];

/** A fenced block of code. `language` is empty where none is said, `heading` the nearest above it. */
export type Block = { document: string; line: number; heading: string; language: string; code: string };

/** The blocks of a document, in order. */
export function blocksOf(document: string): Block[] {
  const text = read(document);
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(({ index, 1: language = '', 2: code = '' }) => {
    const above = text.slice(0, index);
    const heading = [...above.matchAll(/^#+ (.*)$/gm)].at(-1)?.[1] ?? '';
    return { document, line: above.split('\n').length, heading, language, code };
  });
}

/** The blocks of a language below a heading. */
export const blocksBelow = (document: string, heading: string, language: string): string[] =>
  blocksOf(document).flatMap(block => (block.heading === heading && block.language === language ? [block.code] : []));

/** What stands between a heading and the next one of its rank or a higher one. */
export function sectionOf(document: string, heading: string): string {
  const lines = read(document).split('\n');
  const start = lines.findIndex(line => line.replace(/^#+ /, '') === heading && line.startsWith('#'));
  if (start < 0) throw new Error(`${document} has no heading "${heading}"`);
  const rank = lines[start]?.indexOf(' ') ?? 0;
  const end = lines.findIndex((line, at) => at > start && /^#+ /.test(line) && line.indexOf(' ') <= rank);
  return lines.slice(start + 1, end < 0 ? undefined : end).join('\n');
}

/** The rows of all tables in a text, each as its cells; heads and rules left out. */
export function rowsOf(text: string): string[][] {
  const cells = (line: string) =>
    line
      .slice(1, -1)
      .split('|')
      .map(cell => cell.trim());
  return [...text.matchAll(/^\|.*\|\n\|[-:| ]+\|\n((?:\|.*\|\n?)+)/gm)].flatMap(([, body = '']) =>
    body.trim().split('\n').map(cells),
  );
}

/** What a text has in code marks. */
export const codeIn = (text: string): string[] => [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);

/** A document without its blocks of code. */
export const proseOf = (document: string): string => read(document).replaceAll(/^```[\s\S]*?^```$/gm, '');

/** The anchors that a document's headings can be linked by. */
export const anchorsOf = (document: string): string[] =>
  [...proseOf(document).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

/** Every file of the project, but for what is installed, stored or built. */
export const files: readonly string[] = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  path => !/(^|\/)(node_modules|\.git|\.data|dist)\//.test(path),
);
