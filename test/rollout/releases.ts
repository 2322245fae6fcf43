/**
 * The project as it stands and the releases before it, with the example of a second door, as copies in which the contract of
 * `deposited` is another.
 */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { composeSupergraph, subgraphTexts } from '../../scripts/compose.ts';
import { copyProject } from '../system.ts';

const CONTRACT = 'schema/events/deposited.ts';
const EXAMPLE = 'mobile';
const example = fileURLToPath(new URL(`../../examples/${EXAMPLE}`, import.meta.url));

/** The release that writes version 2: the project as it stands. */
export function makeNext(folder: string): void {
  copyProject(folder);
  cpSync(example, join(folder, 'subgraphs', EXAMPLE), { recursive: true });
  const sdl = readFileSync(join(example, 'schema.graphql'), 'utf8');
  writeFileSync(
    join(folder, 'schema/supergraph.graphql'),
    composeSupergraph([...subgraphTexts(), { name: EXAMPLE, sdl }]),
  );
}

/** The one before, which reads version 2 and writes version 1. */
export function makeThis(folder: string): void {
  makeNext(folder);
  change(folder, /^( {2}upcast: .*\n)(\}\);\n)/m, '$1  writtenAs: ({ channel: _, ...data }) => data,\n$2');
}

/** The one before that, which knows of version 1 alone. */
export function makeLast(folder: string): void {
  makeNext(folder);
  change(folder, /^const before = ([\s\S]*?^\}\);\n)[\s\S]*/m, 'export const deposited = $1');
}

/** @throws when the place is not there: the contract is written another way by now. */
function change(folder: string, place: RegExp, by: string): void {
  const file = join(folder, CONTRACT);
  const source = readFileSync(file, 'utf8');
  if (!place.test(source)) throw new Error(`${CONTRACT} has no place like ${place}`);
  writeFileSync(file, source.replace(place, by));
}
