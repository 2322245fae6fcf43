/** Writes and removes files so that either all of it is done, or the project is as it was. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Paths from the project's folder, and what is to stand there. */
export type Files = ReadonlyMap<string, string>;

/**
 * @param root the project's folder.
 * @throws what the file system says; what was written until then is taken back.
 */
export function writeAll(root: string, files: Files): void {
  const before = new Map([...files.keys()].map(path => [path, contentOf(join(root, path))]));
  const folders: string[] = [];
  // Everything is on the disk before the first file gets its name, so that a disk that is full is noticed in time.
  const stage = mkdtempSync(join(root, '.new-service-'));
  try {
    const staged = [...files].map(([path, content], index) => {
      const file = join(stage, `${index}`);
      writeFileSync(file, content);
      return [file, join(root, path)] as const;
    });
    for (const [file, path] of staged) {
      folders.push(...missingFolders(dirname(path)));
      mkdirSync(dirname(path), { recursive: true });
      renameSync(file, path);
    }
  } catch (error) {
    takeBack(root, before, folders);
    throw error;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/**
 * @param root the project's folder.
 * @param removed paths of files and folders that are there, and are to be no more.
 * @param files what is to stand in others then.
 * @throws what the file system says; everything is where it was then.
 */
export function removeAll(root: string, removed: readonly string[], files: Files): void {
  const aside = mkdtempSync(join(root, '.remove-service-'));
  const moved: [string, string][] = [];
  try {
    for (const [index, path] of removed.entries()) {
      const [from, to] = [join(root, path), join(aside, `${index}`)];
      renameSync(from, to);
      moved.push([from, to]);
    }
    writeAll(root, files);
  } catch (error) {
    for (const [from, to] of moved.reverse()) renameSync(to, from);
    rmSync(aside, { recursive: true });
    throw error;
  }
  rmSync(aside, { recursive: true });
}

function takeBack(root: string, before: ReadonlyMap<string, string | undefined>, folders: readonly string[]): void {
  for (const [path, content] of before) {
    if (contentOf(join(root, path)) === content) continue;
    if (content === undefined) rmSync(join(root, path));
    else writeFileSync(join(root, path), content);
  }
  for (const folder of [...folders].reverse()) rmSync(folder, { recursive: true, force: true });
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** The folders that are to be made on the way to one, the outermost first. */
function missingFolders(folder: string): string[] {
  return existsSync(folder) ? [] : [...missingFolders(dirname(folder)), folder];
}
