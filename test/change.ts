/** Changes that guides show, made in a copy of the project. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

/** Makes a change of the form that guides have: what is there, once, becomes what is said. */
export function change(copy: string, diff: string): void {
  const lines = diff.split('\n');
  const file = join(copy, lines.find(line => line.startsWith('+++ b/'))?.slice('+++ b/'.length) ?? '');
  const body = lines.slice(lines.indexOf('@@') + 1);
  const side = (sign: string) =>
    body
      .filter(line => line.startsWith(sign))
      .map(line => `${line.slice(1)}\n`)
      .join('');
  const source = readFileSync(file, 'utf8');
  expect(source.split(side('-')), file).toHaveLength(2);
  writeFileSync(
    file,
    source.replace(side('-'), () => side('+')),
  );
}
