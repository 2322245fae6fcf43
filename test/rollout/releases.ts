/** The project as it stands, and the releases before and after it, as copies in which the contract of `deposited` is another. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyProject } from '../system.ts';

const CONTRACT = 'schema/events/deposited.ts';

/** What the next release does: it writes what this one only reads. */
export function makeNext(folder: string): void {
  copyProject(folder);
  change(folder, /^ {2}\/\/ To be removed with the next release.*\n {2}writtenAs: .*\n/m, '');
}

/** What the last release was: it knows of version 1 alone. */
export function makeLast(folder: string): void {
  copyProject(folder);
  change(folder, /^const before = ([\s\S]*?^\}\);\n)[\s\S]*/m, 'export const deposited = $1');
}

/** @throws when the place is not there: the contract is written another way by now. */
function change(folder: string, place: RegExp, by: string): void {
  const file = join(folder, CONTRACT);
  const source = readFileSync(file, 'utf8');
  if (!place.test(source)) throw new Error(`${CONTRACT} has no place like ${place}`);
  writeFileSync(file, source.replace(place, by));
}
