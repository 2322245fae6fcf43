/** Every page as those need it who cannot see it, or not well; and no heavier than it has to be. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type System, startSystem, stopAll, temporaryFolder } from '../system.ts';
import { chromiumPath, launchBrowser, openWindow, signInAs, violationsOf } from './browser.ts';

const folder = temporaryFolder();
let system: System;
let browser: Browser;

type Visited = { name: string; as?: string; path: string; ready: (page: Page) => Promise<unknown> };

const text = (words: string) => (page: Page) => page.getByText(words).first().waitFor();

/** In the order in which the pages come to be. */
const PAGES: Visited[] = [
  { name: 'sign-in', path: '/', ready: text('Who would you like to be?') },
  { name: 'no accounts', as: 'alice', path: '/accounts', ready: text('You have no accounts yet') },
  {
    name: 'dialog',
    as: 'alice',
    path: '/accounts',
    ready: async page => {
      await page.getByRole('button', { name: 'Open an account' }).first().click();
      await page.getByRole('dialog').waitFor();
      await page.keyboard.press('Enter');
      await page.getByText('Give it a name').waitFor();
    },
  },
  {
    name: 'account',
    as: 'alice',
    path: '/accounts',
    ready: async page => {
      await page.getByRole('button', { name: 'Open an account' }).first().click();
      await page.getByLabel('Name').fill('Everyday');
      await page.keyboard.press('Enter');
      await page.getByText('No transactions yet').waitFor();
      for (const amount of ['12', '99999']) {
        await page.getByLabel('Amount in USD').fill(amount);
        await page.getByRole('button', { name: amount === '12' ? 'Deposit' : 'Withdraw' }).click();
        await page.getByRole('radio', { name: 'Withdraw' }).check();
        await page.locator('.balance-amount').getByText('$12.00').waitFor();
      }
      await page.getByRole('alert').waitFor();
      await page.locator('.chart canvas').waitFor();
    },
  },
  { name: 'accounts', as: 'alice', path: '/accounts', ready: text('Everyday') },
  { name: 'accounts of all', as: 'olga', path: '/accounts', ready: text('Everyday') },
  { name: 'no such account', as: 'alice', path: '/accounts/none', ready: text('There is no such account') },
  { name: 'no such page', as: 'alice', path: '/signin/none', ready: page => page.locator('main h1').waitFor() },
];

const WIDE = { width: 1280, height: 860 };
const PHONE = { width: 390, height: 844 };
/** Colours are all that differs between light and dark, so the rest of the rules is asked once for each width. */
const LOOKS = [
  { viewport: WIDE, colorScheme: 'light' as const },
  { viewport: WIDE, colorScheme: 'dark' as const, rules: ['color-contrast'] },
  { viewport: PHONE, colorScheme: 'dark' as const },
];

describe.skipIf(!chromiumPath)('axe-core finds nothing wrong with any page', () => {
  beforeAll(async () => {
    [system, browser] = await Promise.all([startSystem(folder.path, 0, { AUTH_SECRET: '' }), launchBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await stopAll();
    folder.remove();
  });

  test.each(PAGES)('$name: in light and dark, wide and on a phone', async ({ as, path, ready }) => {
    const { page, context, complaints } = await openWindow(browser, system.url, { reducedMotion: 'reduce' });
    if (as) await signInAs(page, as, path);
    else await page.goto(path);
    await ready(page);
    for (const { viewport, colorScheme, rules } of LOOKS) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      expect(await violationsOf(page, rules), `${colorScheme}, ${viewport.width} wide`).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')).toBeLessThanOrEqual(0);
    }
    expect(complaints).toEqual([]);
    await context.close();
  });

  test('on a phone the link of the page that is shown is in sight', async () => {
    const { page, context } = await openWindow(browser, system.url, { viewport: PHONE });
    await signInAs(page, 'olga', '/integrity');
    const link = await page.locator('nav [aria-current="page"]').boundingBox();
    expect((link?.x ?? 0) + (link?.width ?? Number.NaN)).toBeLessThanOrEqual(PHONE.width);
    await context.close();
  });

  test('the colours can be chosen, and stay so', async () => {
    const { page, context } = await openWindow(browser, system.url, { colorScheme: 'light' });
    await page.goto('/');
    const ground = () => page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
    const light = await ground();
    await page.getByRole('button', { name: /^Colours: as the system/ }).click();
    await page.getByRole('button', { name: /^Colours: light/ }).click();
    const dark = await ground();
    expect(dark).not.toBe(light);
    await page.reload();
    await page.getByRole('button', { name: /^Colours: dark/ }).waitFor();
    expect(await ground()).toBe(dark);
    await context.close();
  });
});

const FIRST_LOAD_BYTES_MAX = 100_000;

test('the first load of the console is under 100 KB, compressed', () => {
  const dist = fileURLToPath(new URL('../../gateway/console/dist/', import.meta.url));
  const html = readFileSync(`${dist}index.html`, 'utf8');
  const files = [...html.matchAll(/(?:src|href)="\/([^"]+)"/g)].map(([, file]) => file ?? '');
  expect(files.length).toBeGreaterThan(1);
  const sizes = ['index.html', ...files].map(file => {
    const stored = existsSync(`${dist}${file}.br`) ? `${file}.br` : file;
    return statSync(dist + stored).size;
  });
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(FIRST_LOAD_BYTES_MAX);
});
