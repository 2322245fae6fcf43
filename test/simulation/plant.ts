/** Makes copies of the project with one bug in each. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bug } from './bugs.ts';

const PARTS = [
  'events',
  'schema',
  'subgraphs',
  'test/simulation',
  'test/invariants.ts',
  'package.json',
  'tsconfig.json',
];

/** How often the place of a bug stands in its source now: once, or it cannot be planted. */
export async function placesOf(root: string, { file, find }: Pick<Bug, 'file' | 'find'>): Promise<number> {
  return (await readFile(join(root, file), 'utf8')).split(find).length - 1;
}

/**
 * @returns where the copy stands, to be removed afterwards.
 * @throws when the bug cannot be planted: its place in the source has changed.
 */
export async function plant(root: string, { name, file, find, replace }: Bug) {
  const source = await readFile(join(root, file), 'utf8');
  const places = await placesOf(root, { file, find });
  if (places !== 1) throw new Error(`bug "${name}": its place stands ${places} times in ${file}, not once`);
  const copy = await mkdtemp(join(tmpdir(), 'tributary-bug-'));
  for (const part of PARTS) await cp(join(root, part), join(copy, part), { recursive: true });
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  await writeFile(
    join(copy, file),
    source.replace(find, () => replace),
  );
  return { root: copy, remove: () => rm(copy, { recursive: true, force: true }) };
}
