/**
 * The project's own sources as one CommonJS module, for `scripts/run.mjs`.
 *
 * What has been compiled once is kept in `node_modules/.cache`, under the contents that it was made from: it is taken again only where
 * every one of these files has the same contents, and no other source file has come or gone. So nothing stale can run, and a copy of the
 * project takes what was compiled for another. Where nothing can be kept, it is compiled each time.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @typedef {{ code: string, packages: string[] }} Compiled `packages`: what the code asks `require` for, besides Node's own */

/** What a program can be made of. */
const SOURCE = /\.(ts|mts|js|mjs|cjs|json)$/;
/** Folders without sources of the project. */
const APART = /^(\..*|node_modules|dist|coverage)$/;

/** The newest files: two for each program, of which one is about a megabyte. */
const KEPT_MAX = 128;

/** @type {import('esbuild').BuildOptions} */
const COMMON = {
  bundle: true,
  write: false,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  // As Node does: never the builds that are meant for bundlers.
  conditions: [],
  logLevel: 'error',
};

/** What esbuild makes of it, in files for this Node; its process has ended then. It is loaded only where something has to be made. */
export async function esbuild(options) {
  const { build, stop } = await import('esbuild');
  const result = await build({ ...COMMON, ...options });
  await stop();
  return result;
}

/**
 * @param {string} root the project's folder
 * @param {string[]} files what is to run, in this order
 * @param {string | undefined} installed stands for the packages, and for whatever else all programs depend on; without it nothing is kept
 * @returns {Promise<Compiled>} one CommonJS module, to be run as a file of that folder
 */
export async function compiled(root, files, installed) {
  if (installed === undefined) return compile(root, files);
  const folder = join(root, 'node_modules', '.cache', 'programs');
  const asked = [installed, ...files.map(file => relative(root, file)), ...sourcesIn(root)];
  const listed = join(folder, `${hashOf(asked)}.json`);
  const kept = inputs => join(folder, `${hashOf([installed, ...inputs.flat()])}.json`);
  try {
    const names = JSON.parse(readFileSync(listed, 'utf8'));
    return JSON.parse(readFileSync(kept(names.map(name => [name, readFileSync(join(root, name))])), 'utf8'));
  } catch {
    // There is none, or it is of other contents.
  }
  const { inputs, ...made } = await compile(root, files);
  try {
    // What lies elsewhere may change unseen.
    if (inputs.some(([name]) => name.startsWith('..'))) return made;
    mkdirSync(folder, { recursive: true });
    write(kept(inputs), JSON.stringify(made));
    write(listed, JSON.stringify(inputs.map(([name]) => name)));
    removeOld(folder);
  } catch {
    // Where nothing can be written, as in an image: it is compiled again next time.
  }
  return made;
}

/** The names of all source files of the project, as paths from its root: which of them a program imports may depend on which there are. */
function sourcesIn(root) {
  const found = [];
  const look = folder => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isFile() && SOURCE.test(entry.name)) found.push(path);
      else if (entry.isDirectory() && !APART.test(entry.name)) look(path);
    }
  };
  look('');
  return found.sort();
}

/** @returns {Promise<Compiled & { inputs: [name: string, content: Buffer][] }>} `inputs`: what of the project it was made of, packages aside */
async function compile(root, files) {
  const own = createRequire(join(root, 'package.json'));
  const packages = new Set();
  const inputs = new Map();
  const input = path => {
    const content = readFileSync(path);
    inputs.set(relative(root, path), content);
    return content.toString();
  };
  input(join(root, 'package.json'));
  const settings = join(root, 'tsconfig.json');
  const { outputFiles } = await esbuild({
    stdin: { contents: files.map(file => `import ${JSON.stringify(file)};`).join('\n'), resolveDir: root },
    outfile: join(root, 'program.cjs'),
    sourcemap: 'inline',
    sourcesContent: false,
    tsconfigRaw: existsSync(settings) ? input(settings) : '{}',
    // Nothing in it says where the project stands: a copy may take it.
    banner: { js: `const urlOf = file => require('node:url').pathToFileURL(__dirname + file).href;` },
    plugins: [
      {
        name: 'project',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^[^./]/ }, ({ path, resolveDir }) => {
            if (path.startsWith('node:') || !isCommon(own, path, resolveDir)) return undefined;
            packages.add(path);
            return { path, external: true };
          });
          onLoad({ filter: SOURCE }, ({ path }) => {
            if (path.includes(`${sep}node_modules${sep}`)) return undefined;
            const contents = input(path);
            if (path.endsWith('.json')) return { loader: 'json', contents };
            const place = `urlOf(${JSON.stringify(`/${relative(root, path)}`)})`;
            return {
              loader: /ts$/.test(path) ? 'ts' : 'js',
              contents: contents.replaceAll('import.meta.url', () => place),
            };
          });
        },
      },
    ],
  });
  return { code: outputFiles[0].text, packages: [...packages].sort(), inputs: [...inputs] };
}

/**
 * Whether a package is CommonJS, and the one that the whole project has. One that can only be imported is compiled along with the
 * project, and so is another version that such a one has to itself.
 */
function isCommon(own, id, importer) {
  try {
    const file = own.resolve(id);
    if (createRequire(join(importer, 'file')).resolve(id) !== file) return false;
    if (!file.endsWith('.js')) return file.endsWith('.cjs');
    return JSON.parse(readFileSync(join(rootOf(file), 'package.json'), 'utf8')).type !== 'module';
  } catch {
    return false;
  }
}

/** The folder of the project that a file belongs to: a copy of the project has its own. What belongs to none belongs to this one. */
export function rootOf(file) {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) return fileURLToPath(new URL('..', import.meta.url));
  }
}

/** Others may put something there at the same time, or take it away. */
function removeOld(folder) {
  const all = readdirSync(folder).map(name => ({ name, atMs: statSync(join(folder, name)).mtimeMs }));
  for (const { name } of all.sort((a, b) => b.atMs - a.atMs).slice(KEPT_MAX))
    rmSync(join(folder, name), { force: true });
}

/** Puts a file in its place whole. */
export function write(file, content) {
  const part = `${file}.${process.pid}`;
  writeFileSync(part, content);
  renameSync(part, file);
}

export function hashOf(parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex').slice(0, 32);
}
