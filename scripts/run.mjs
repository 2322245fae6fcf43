/**
 * Runs one of the project's programs: `node scripts/run.mjs [--preload FILE]… PROGRAM.ts [ARGUMENT]…`.
 *
 * The project's sources are compiled anew each time, which takes a tenth of a second, so that what runs is always what stands there. The
 * packages would take many times that: they are made into one file, with V8's code beside it, in `node_modules/.cache`. It is used
 * only where it is of what is installed now and has all that is asked for, and is made anew else; where it cannot be written, the
 * packages are loaded as they are. What is edited by hand inside `node_modules` is not noticed: remove `node_modules/.cache` then.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { constants, Script } from 'node:vm';
import { build, stop } from 'esbuild';

/** They look for files of their own beside them: native code, workers, pages. */
const APART = /^(lmdb|pino|pino-pretty|@bull-board\/.*)$/;

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

/** @typedef {{ code: string, packages: string[] }} Compiled `packages`: what the code asks `require` for, besides Node's own */

/**
 * Runs a program in this process.
 * @param {string} program a TypeScript file of the project
 * @param {string[]} preloads what is run before it, in the same world
 */
async function run(program, preloads) {
  const root = rootOf(program);
  const { code, packages } = await compile(root, [...preloads, program]);
  // Where nothing can be written, as in an image, or another process has just made another: slower, and the same otherwise.
  const bundle = await packagesOf(root, packages).catch(() => undefined);
  const own = createRequire(join(root, 'package.json'));
  const module = new Module(join(root, 'program.cjs'));
  module.filename = module.id;
  module.require = id => bundle?.[id]?.() ?? own(id);
  process.setSourceMapsEnabled(true);
  module._compile(code, module.id);
}

/** Makes the file of packages for some programs, and runs none. */
async function prepare(programs) {
  const root = rootOf(programs[0] ?? '');
  const { packages } = await compile(root, programs);
  await packagesOf(root, packages);
}

/** The folder of the project that a file belongs to: a copy of the project has its own. What belongs to none belongs to this one. */
function rootOf(file) {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) return fileURLToPath(new URL('..', import.meta.url));
  }
}

/**
 * @param {string} root the project's folder
 * @param {string[]} files what is to run, in this order
 * @returns {Promise<Compiled>} one CommonJS module
 */
async function compile(root, files) {
  const own = createRequire(join(root, 'package.json'));
  const packages = new Set();
  const { outputFiles } = await build({
    ...COMMON,
    stdin: { contents: files.map(file => `import ${JSON.stringify(file)};`).join('\n'), resolveDir: root },
    outfile: join(root, 'program.cjs'),
    sourcemap: 'inline',
    sourcesContent: false,
    banner: { js: `const urlOf = file => require('node:url').pathToFileURL(${JSON.stringify(root)} + file).href;` },
    plugins: [
      {
        name: 'project',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^[^./]/ }, ({ path, resolveDir }) => {
            if (path.startsWith('node:') || !isCommon(own, path, resolveDir)) return undefined;
            packages.add(path);
            return { path, external: true };
          });
          onLoad({ filter: /\.ts$/ }, ({ path }) => ({
            loader: 'ts',
            contents: readFileSync(path, 'utf8').replaceAll(
              'import.meta.url',
              () => `urlOf(${JSON.stringify(`/${relative(root, path)}`)})`,
            ),
          }));
        },
      },
    ],
  });
  await stop();
  return { code: outputFiles[0].text, packages: [...packages].sort() };
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

/** @typedef {Record<string, () => unknown>} Bundle gives out a package, which is run the first time */

/**
 * The packages from one file, which is made first when there is none that fits.
 * @param {string} root the project's folder
 * @param {string[]} packages all that is asked for: none may come from elsewhere, since a package must not be there twice
 * @returns {Promise<Bundle>}
 * @throws when there is no such file and none can be made
 */
async function packagesOf(root, packages) {
  const folder = join(root, 'node_modules', '.cache', 'tributary');
  const installed = hashOf([
    readFileSync(join(root, 'node_modules', '.package-lock.json')),
    readFileSync(fileURLToPath(import.meta.url)),
    `${process.version} ${process.arch}`,
  ]);
  const found = recordIn(folder);
  const known = found?.installed === installed ? found.packages : [];
  const wanted = packages.filter(id => !APART.test(id));
  if (wanted.every(id => known.includes(id))) return load(root, join(folder, found.file)).bundle;
  return make(root, folder, installed, [...new Set([...known, ...wanted])].sort());
}

/** @returns {{ installed: string, packages: string[], file: string } | undefined} of the file that is there */
function recordIn(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, 'packages.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

/** Makes the file, and V8's code for whatever runs when the packages are loaded. Another process may do the same meanwhile. */
async function make(root, folder, installed, packages) {
  const contents = packages.map(id => `${JSON.stringify(id)}: () => require(${JSON.stringify(id)}),`).join('\n');
  const { outputFiles } = await build({
    ...COMMON,
    stdin: { contents: `module.exports = {${contents}};`, resolveDir: root },
    plugins: [
      {
        name: 'apart',
        setup: ({ onResolve }) => onResolve({ filter: APART }, ({ path }) => ({ path, external: true })),
      },
    ],
  });
  await stop();
  const file = `${hashOf([installed, ...packages])}.cjs`;
  mkdirSync(folder, { recursive: true });
  write(join(folder, file), outputFiles[0].contents);
  const { script, bundle } = load(root, join(folder, file));
  for (const give of Object.values(bundle)) give();
  write(join(folder, `${file}.code`), script.createCachedData());
  write(join(folder, 'packages.json'), JSON.stringify({ installed, packages, file }));
  for (const name of readdirSync(folder)) {
    if (name !== 'packages.json' && !name.startsWith(file)) rmSync(join(folder, name), { force: true });
  }
  return bundle;
}

/** @returns {{ script: Script, bundle: Bundle }} */
function load(root, file) {
  const code = `${file}.code`;
  const script = new Script(Module.wrap(readFileSync(file, 'latin1')), {
    filename: file,
    cachedData: existsSync(code) ? readFileSync(code) : undefined,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(join(root, 'package.json')), module, file, dirname(file));
  return { script, bundle: module.exports };
}

/** Puts a file in its place whole. */
function write(file, content) {
  const part = `${file}.${process.pid}`;
  writeFileSync(part, content);
  renameSync(part, file);
}

function hashOf(parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex').slice(0, 32);
}

// The first package that imports another while it runs brings Node's word that this is experimental, with which whoever starts the
// system can do nothing.
const { emitWarning } = process;
process.emitWarning = (warning, ...rest) => {
  if (!String(warning).includes('USE_MAIN_CONTEXT_DEFAULT_LOADER')) emitWarning.call(process, warning, ...rest);
};

const args = process.argv.slice(2);
if (args[0] === '--prepare') await prepare(args.slice(1).map(file => resolve(file)));
else {
  const preloads = [];
  while (args[0] === '--preload') preloads.push(resolve(args.splice(0, 2)[1] ?? ''));
  const program = resolve(args.shift() ?? '');
  process.argv.splice(1, Number.POSITIVE_INFINITY, program, ...args);
  await run(program, preloads);
}
