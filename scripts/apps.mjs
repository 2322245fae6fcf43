/**
 * The web applications that the gateway serves, and whether each has been built from its sources as they are. Only Node's own modules
 * are used here: the set-up asks before any package is needed.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * @typedef {object} WebApp
 * @property {string} name
 * @property {string} folder from the project's root: `app/` and `vite.config.ts` in it are built into `dist/`
 * @property {string[]} [also] other folders and files from the project's root that are built into it
 */

/** @type {WebApp[]} */
export const webApps = [
  { name: 'console', folder: 'gateway/console', also: ['gateway/console/places.ts'] },
  { name: 'playground', folder: 'gateway/playground', also: ['gateway/console/app/token.ts'] },
];

/** What a build leaves beside its files: the hash of what it was made from, and what there is to serve. */
export const BUILD_RECORD = 'build.json';

const buildItself = ['scripts/build.ts', 'scripts/apps.mjs', 'package-lock.json'];

/**
 * A hash over everything that a build is made from: names and contents, whatever the times of the files. Tests do not count.
 * @param {string} root the project's folder
 * @param {WebApp} app
 * @returns {Promise<string | undefined>} undefined where the sources are not there, as in an image
 */
export async function hashOfSources(root, { folder, also = [] }) {
  const own = await filesIn(root, `${folder}/app`);
  if (own.length === 0) return undefined;
  const others = await Promise.all(
    [`${folder}/vite.config.ts`, ...also, ...buildItself].map(path => filesIn(root, path)),
  );
  const hash = createHash('sha256');
  for (const file of [...own, ...others.flat()].sort()) {
    const content = await readFile(join(root, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/**
 * @param {string} root the project's folder
 * @returns {Promise<WebApp[]>} those whose sources are there and whose build is not, or is of other sources
 */
export async function outdatedApps(root) {
  const looked = await Promise.all(
    webApps.map(async app => {
      const [asked, made] = await Promise.all([hashOfSources(root, app), hashOfBuild(root, app)]);
      return asked === undefined || asked === made ? [] : [app];
    }),
  );
  return looked.flat();
}

/** @returns {Promise<string | undefined>} */
async function hashOfBuild(root, { folder }) {
  try {
    return JSON.parse(await readFile(join(root, folder, 'dist', BUILD_RECORD), 'utf8')).hash;
  } catch {
    return undefined;
  }
}

/** The files at or below a path, as paths from the root with forward slashes; none when there is nothing. */
async function filesIn(root, path) {
  const entries = await readdir(join(root, path), { withFileTypes: true }).catch(error =>
    error.code === 'ENOTDIR' ? undefined : [],
  );
  if (!entries) return [path];
  const files = await Promise.all(
    entries.map(entry => {
      const inside = `${path}/${entry.name}`;
      if (entry.isDirectory()) return filesIn(root, inside);
      return /\.test\.tsx?$/.test(entry.name) || !entry.isFile() ? [] : [inside];
    }),
  );
  return files.flat();
}
