/**
 * Runs one of the project's programs: `node scripts/run.mjs [--preload FILE]… PROGRAM.ts [ARGUMENT]…`.
 *
 * What runs is always what stands there: the project's sources are compiled unless they have been before, exactly as they are
 * (`compile.mjs`). The packages would take many times as long: they are made into one file, with V8's code beside it, in `node_modules/.cache`. It is used
 * only where it is of what is installed now and has all that is asked for, and is made anew else; where it cannot be written, the
 * packages are loaded as they are. What is edited by hand inside `node_modules` is not noticed: remove `node_modules/.cache` then.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { constants, Script } from 'node:vm';
import { compiled, esbuild, hashOf, rootOf, write } from './compile.mjs';

/** They look for files of their own beside them: native code, workers, pages. */
const APART = /^(lmdb|pino|pino-pretty|@bull-board\/.*)$/;

/**
 * Runs a program in this process.
 * @param {string} program a TypeScript file of the project
 * @param {string[]} preloads what is run before it, in the same world
 */
async function run(program, preloads) {
  const root = rootOf(program);
  const installed = installedIn(root);
  const { code, packages } = await compiled(root, [...preloads, program], installed);
  // Where nothing can be written, as in an image, or another process has just made another: slower, and the same otherwise.
  const bundle = await packagesOf(root, installed, packages).catch(() => undefined);
  const own = createRequire(join(root, 'package.json'));
  const module = new Module(join(root, 'program.cjs'));
  module.filename = module.id;
  module.require = id => bundle?.[id]?.() ?? own(id);
  process.setSourceMapsEnabled(true);
  module._compile(code, module.id);
}

/** Compiles some programs, makes the file of packages for them, and runs none. */
async function prepare(programs) {
  const root = rootOf(programs[0] ?? '');
  const installed = installedIn(root);
  const { packages } = await compiled(root, programs, installed);
  await packagesOf(root, installed, packages);
}

/**
 * Stands for what is installed, for this Node, and for how programs are made here.
 * @returns {string | undefined} undefined where npm has left no list of it
 */
function installedIn(root) {
  const list = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(list)) return undefined;
  const made = ['run.mjs', 'compile.mjs'].map(name => readFileSync(new URL(name, import.meta.url)));
  return hashOf([readFileSync(list), ...made, `${process.version} ${process.arch}`]);
}

/** @typedef {Record<string, () => unknown>} Bundle gives out a package, which is run the first time */

/**
 * The packages from one file, which is made first when there is none that fits.
 * @param {string} root the project's folder
 * @param {string | undefined} installed
 * @param {string[]} packages all that is asked for: none may come from elsewhere, since a package must not be there twice
 * @returns {Promise<Bundle>}
 * @throws when there is no such file and none can be made
 */
async function packagesOf(root, installed, packages) {
  if (installed === undefined) throw new Error(`nothing says what is installed in ${root}`);
  const folder = join(root, 'node_modules', '.cache', 'tributary');
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
  const { outputFiles } = await esbuild({
    stdin: { contents: `module.exports = {${contents}};`, resolveDir: root },
    plugins: [
      {
        name: 'apart',
        setup: ({ onResolve }) => onResolve({ filter: APART }, ({ path }) => ({ path, external: true })),
      },
    ],
  });
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
