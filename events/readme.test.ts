/** The README of the toolkit: its samples run as they stand, and it names all there is. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { useServers } from './fixture.ts';
import { groupBy } from './group.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const urls = useServers();
const execute = promisify(execFile);
const readme = await readFile(join(here, 'README.md'), 'utf8');
const names = (await readdir(here)).filter(name => name.endsWith('.ts'));
const isTest = (name: string) => /(\.test|\bfixture)\.ts$/.test(name);

type Exported = { file: string; name: string; isValue: boolean; isDocumented: boolean };

async function exportsOf(file: string): Promise<Exported[]> {
  const lines = (await readFile(join(here, file), 'utf8')).split('\n');
  const found = lines.flatMap((line, index) => {
    const [, kind = '', name = ''] = /^export (?:async )?(type|function|const|class) (\w+)/.exec(line) ?? [];
    if (name === '') return [];
    // What the linter is told may stand in between.
    const above = lines.slice(0, index).filter(each => !each.startsWith('// biome-ignore'));
    return [{ file, name, isValue: kind !== 'type', isDocumented: above.at(-1)?.trim().endsWith('*/') ?? false }];
  });
  // Of a function with several signatures, the one that nobody calls says nothing.
  return [...groupBy(found, ({ name }) => name).values()].flatMap(
    all => all.find(({ isDocumented }) => isDocumented) ?? all.slice(0, 1),
  );
}

const exported = (await Promise.all(names.filter(name => !isTest(name)).map(exportsOf))).flat();

test('its samples run as they stand', async () => {
  const code = [...readme.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, block = '']) => block).join('\n');
  const folder = await mkdtemp(join(tmpdir(), 'tributary-readme-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await symlink(join(here, '../node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'sample.mts'), code.replaceAll("from './", `from '${here}`));
  const env = { PATH: process.env.PATH, MONGODB_URL: urls.mongodbUrl, REDIS_URL: urls.redisUrl };
  const run = execute(process.execPath, ['--import', 'tsx', join(folder, 'sample.mts')], {
    ...{ cwd: join(here, '..'), env, timeout: 50_000 },
  });
  expect(await run).toEqual({ stdout: 'shipped: Moby-Dick\n', stderr: '' });
});

test('it names every export, and none that is not there', () => {
  const tables = readme.slice(readme.indexOf('## What there is'));
  const named = [...tables.matchAll(/`([A-Za-z_]+)`/g)].map(([, name = '']) => name);
  const all = exported.map(({ name }) => name);
  expect(all.length).toBeGreaterThan(100);
  expect(all.filter(name => !named.includes(name))).toEqual([]);
  expect(named.filter(name => !all.includes(name))).toEqual([]);
});

test('every export says what it is', () => {
  const silent = exported.filter(({ isDocumented }) => !isDocumented);
  expect(silent.map(({ file, name }) => `${file}: ${name}`)).toEqual([]);
});

test('whatever a service is written with is shown by a test here, or by a sample', async () => {
  const [samples = '', first = ''] = readme.split(/^## What there is$|^The machinery/m);
  const tests = await Promise.all(names.filter(isTest).map(name => readFile(join(here, name), 'utf8')));
  const shown = [...tests, samples].join('\n');
  const offered = exported.filter(({ name, isValue }) => isValue && first.includes(`\`${name}\``));
  expect(offered.length).toBeGreaterThan(30);
  expect(offered.filter(({ name }) => !new RegExp(`\\b${name}\\b`).test(shown)).map(({ name }) => name)).toEqual([]);
});
