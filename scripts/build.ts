/** `npm run build`: the web applications, compressed once so that the gateway need not; `-- NAME` for one of them. */
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { build } from 'vite';
import { BUILD_RECORD, hashOfSources, type WebApp, webApps } from './apps.mjs';

/** What `dist/build.json` says; the gateway serves these files and no others. */
export type BuildRecord = {
  hash: string;
  /** By path from `dist/`; the encodings that are there beside the file itself. */
  files: Record<string, { encodings: ('br' | 'gzip')[] }>;
};

const root = fileURLToPath(new URL('..', import.meta.url));

/** Smaller ones fit into a packet as they are. */
const COMPRESSED_BYTES_MIN = 512;
const COMPRESSIBLE = new Set(['.html', '.js', '.css', '.svg', '.json', '.txt', '.wasm', '.ttf']);
/** Beyond this the best brotli takes many seconds and gains little. */
const BROTLI_BEST_BYTES_MAX = 1_000_000;

/** Builds one application beside its present build, which it then replaces. */
async function buildApp(app: WebApp): Promise<void> {
  const folder = join(root, app.folder);
  const [outDir, dist] = [join(folder, 'dist.new'), join(folder, 'dist')];
  const hash = await hashOfSources(root, app);
  if (!hash) throw new Error(`${app.folder}/app is not there`);
  await build({
    configFile: join(folder, 'vite.config.ts'),
    root: join(folder, 'app'),
    logLevel: 'warn',
    build: { outDir, emptyOutDir: true },
  });
  const files: BuildRecord['files'] = {};
  for (const file of await filesIn(outDir)) files[relative(outDir, file)] = { encodings: await compress(file) };
  await writeFile(join(outDir, BUILD_RECORD), JSON.stringify({ hash, files } satisfies BuildRecord, null, 1));
  await rm(dist, { recursive: true, force: true });
  await rename(outDir, dist);
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name));
}

/** @returns the encodings that were worth it. */
async function compress(file: string): Promise<('br' | 'gzip')[]> {
  const { size } = await stat(file);
  if (size < COMPRESSED_BYTES_MIN || !COMPRESSIBLE.has(extname(file))) return [];
  const content = await readFile(file);
  const quality = size > BROTLI_BEST_BYTES_MAX ? 9 : constants.BROTLI_MAX_QUALITY;
  const [br, gz] = await Promise.all([
    promisify(brotliCompress)(content, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } }),
    promisify(gzip)(content, { level: 9 }),
  ]);
  await Promise.all([writeFile(`${file}.br`, br), writeFile(`${file}.gz`, gz)]);
  return ['br', 'gzip'];
}

const asked = process.argv.slice(2);
const unknown = asked.filter(name => !webApps.some(app => app.name === name));
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(', ')}: ${webApps.map(({ name }) => name).join(', ')}.`);
  process.exitCode = 1;
} else {
  for (const app of webApps.filter(({ name }) => asked.length === 0 || asked.includes(name))) {
    const beganMs = performance.now();
    await buildApp(app);
    console.log(`${app.folder}/dist: built in ${((performance.now() - beganMs) / 1000).toFixed(1)} s`);
  }
}
