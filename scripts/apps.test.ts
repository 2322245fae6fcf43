import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { BUILD_RECORD, hashOfSources, outdatedApps, webApps } from './apps.mjs';

const app = { name: 'console', folder: 'gateway/console', also: ['gateway/console/places.ts'] };

/** A project with one application, in a temporary folder. */
async function project() {
  const root = await mkdtemp(join(tmpdir(), 'tributary-apps-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const write = async (file: string, content: string) => {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), content);
  };
  await write('gateway/console/app/main.tsx', 'main');
  await write('gateway/console/app/parts/button.tsx', 'button');
  await write('gateway/console/vite.config.ts', 'config');
  await write('package-lock.json', 'lock');
  return { root, write, hash: () => hashOfSources(root, app) };
}

test('the console is one of the applications', () => {
  expect(webApps).toContainEqual(app);
});

test('a build is up to date while its record has the hash of the sources', async () => {
  const { root, write, hash } = await project();
  expect(await outdatedApps(root)).toEqual([app]);
  await write(`gateway/console/dist/${BUILD_RECORD}`, JSON.stringify({ hash: await hash() }));
  expect(await outdatedApps(root)).toEqual([]);
  await write('gateway/console/app/main.tsx', 'other');
  expect(await outdatedApps(root)).toEqual([app]);
});

test.each([
  ['a source that is changed', 'gateway/console/app/main.tsx', 'other'],
  ['a source in a folder', 'gateway/console/app/parts/button.tsx', 'other'],
  ['a source that is added', 'gateway/console/app/new.ts', ''],
  ['the configuration', 'gateway/console/vite.config.ts', 'other'],
  ['the packages', 'package-lock.json', 'other'],
  ['what is built into it from elsewhere', 'gateway/console/places.ts', 'places'],
])('%s makes another hash', async (_, file, content) => {
  const { write, hash } = await project();
  const before = await hash();
  await write(file, content);
  expect(await hash()).not.toBe(before);
});

test('tests, builds and the times of files make no other hash', async () => {
  const { root, write, hash } = await project();
  const before = await hash();
  await write('gateway/console/app/main.test.ts', 'test');
  await write('gateway/console/dist/index.html', 'page');
  await write('gateway/console/serve.ts', 'server');
  await utimes(join(root, 'gateway/console/app/main.tsx'), 1, 1);
  expect(await hash()).toBe(before);
});

test('where the sources are not there nothing can be built, as in an image', async () => {
  const { root, hash } = await project();
  await rm(join(root, 'gateway/console/app'), { recursive: true });
  expect(await hash()).toBeUndefined();
  expect(await outdatedApps(root)).toEqual([]);
});
