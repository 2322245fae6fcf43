import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type System, startSystem, stopAll, temporaryFolder } from '../system.ts';
import { chromiumPath, launchBrowser, openWindow, signInAs, violationsOf } from './browser.ts';

const folder = temporaryFolder();
let system: System;
let browser: Browser;

describe.skipIf(!chromiumPath)('the console in a browser', () => {
  beforeAll(async () => {
    [system, browser] = await Promise.all([startSystem(folder.path, 0, { AUTH_SECRET: '' }), launchBrowser()]);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await stopAll();
    folder.remove();
  });

  test('an owner signs in by name and lands at their accounts; the token is nowhere but in the session', async () => {
    const { page, complaints, external } = await openWindow(browser, system.url);
    await signInAs(page, 'alice');
    await page.getByRole('heading', { name: 'Accounts', level: 1 }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/accounts');
    expect(new URL(page.url()).search).toBe('');
    expect(await page.evaluate('Object.keys(localStorage)')).toEqual([]);
    expect(await page.evaluate('Object.keys(sessionStorage)')).toEqual(['tributary.token']);
    await page.getByText('Live', { exact: true }).waitFor();
    expect(await violationsOf(page)).toEqual([]);
    expect([complaints, external]).toEqual([[], []]);
  });
});
