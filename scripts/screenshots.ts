/** `npm run screenshots`: the pictures of the README and of docs/, of a system with some life in it; `-- FOLDER` for every one of them. */

import { writeFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { chromiumPath, launchBrowser, openWindow, signInAs, type Visit } from '../test/browser/browser.ts';
import { clientOf, startSystem, stopAll, temporaryFolder } from '../test/system.ts';
import { DAY_MS, DAYS, live } from './screenshots/life.ts';
import { SHOTS, type Shot } from './screenshots/shots.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

const SIZES = { wide: { width: 1280, height: 860 }, phone: { width: 390, height: 844 } };
type Look = { size: keyof typeof SIZES; theme: 'light' | 'dark' };
const EVERY: Look[] = (['wide', 'phone'] as const).flatMap(size => [
  { size, theme: 'light' as const },
  { size, theme: 'dark' as const },
]);

/** The pictures that the documents show. */
const SHOWN: { file: string; shot: string; look: Look }[] = [
  { file: 'console.png', shot: 'account', look: { size: 'wide', theme: 'light' } },
  { file: 'console-dark.png', shot: 'account', look: { size: 'wide', theme: 'dark' } },
  { file: 'console-phone.png', shot: 'overdraw', look: { size: 'phone', theme: 'light' } },
];

async function take(browser: Browser, url: string, ids: Record<string, string>, shot: Shot, look: Look, file: string) {
  const options: Visit = { viewport: SIZES[look.size], colorScheme: look.theme, reducedMotion: 'reduce' };
  const { page, context } = await openWindow(browser, url, options);
  const path = shot.path(ids);
  if (shot.as) await signInAs(page, shot.as, path);
  else await page.goto(path);
  await shot.ready(page);
  // Nothing is pointed at.
  await page.mouse.move(0, 0);
  await page.screenshot({ path: file });
  await context.close();
  console.log(file);
}

async function main([folder]: string[]): Promise<void> {
  if (folder?.startsWith('-'))
    throw new Error('usage: npm run screenshots, or npm run screenshots -- FOLDER for every picture');
  if (!chromiumPath) throw new Error('There is no chromium on the PATH: install one, or name it in CHROMIUM.');
  const data = temporaryFolder();
  const clock = join(data.path, 'clock');
  const behind = (ms: number) => writeFileSync(clock, String(ms));
  behind((DAYS + 1) * DAY_MS);
  const preload = fileURLToPath(new URL('./screenshots/clock.mjs', import.meta.url));
  const env = { AUTH_SECRET: '', CLOCK_FILE: clock, NODE_OPTIONS: `--import ${preload}` };
  const [system, browser] = await Promise.all([startSystem(join(data.path, 'system'), 0, env), launchBrowser()]);
  try {
    const secret = (await readFile(join(data.path, 'system', 'auth-secret'), 'utf8')).trim();
    const clients = {
      alice: await clientOf(system.url, 'alice', [], secret),
      bob: await clientOf(system.url, 'bob', [], secret),
    };
    const ids = await live(clients, behind);
    const wanted = folder
      ? SHOTS.flatMap(({ name }) =>
          EVERY.map(look => ({ file: `${name}-${look.size}-${look.theme}.png`, shot: name, look })),
        )
      : SHOWN;
    const to = folder ?? join(root, 'docs');
    await mkdir(to, { recursive: true });
    for (const { file, shot: name, look } of wanted) {
      const shot = SHOTS.find(known => known.name === name);
      if (shot) await take(browser, system.url, ids, shot, look, join(to, file));
    }
  } finally {
    await browser.close();
    await stopAll();
    data.remove();
  }
}

main(process.argv.slice(2)).catch(error => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
