import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signToken } from '../../gateway/identity.ts';
import {
  AUTH_SECRET,
  clientOf,
  DEPOSIT,
  eventually,
  openAccount,
  type System,
  startSystem,
  stopAll,
  temporaryFolder,
} from '../system.ts';
import { chromiumPath, launchBrowser, openWindow, violationsOf } from './browser.ts';

const folder = temporaryFolder();
let system: System;
let browser: Browser;

/** As it is in a tab in which somebody is signed in to the console. */
async function hold(page: Page, owner: string, roles: string[] = []): Promise<void> {
  const token = await signToken(AUTH_SECRET, { sub: owner, roles, expiresIn: '1h' });
  await page.evaluate(`sessionStorage.setItem('tributary.token', '${token}')`);
  await page.reload();
}

/** Changes a queue as the board's own buttons do, from its page. */
const change = (page: Page, path: string) =>
  page.evaluate<number>(`fetch('/queues/api/queues/${path}', { method: 'PUT' }).then(({ status }) => status)`);

/** How many jobs a queue holds, as the board has it for its page. */
const jobsIn = (page: Page, queue: string) =>
  page.evaluate<number>(
    `fetch('/queues/api/queues').then(answer => answer.json()).then(({ queues }) =>
      Object.values(queues.find(({ name }) => name === '${queue}').counts).reduce((sum, count) => sum + count))`,
  );

describe.skipIf(!chromiumPath)('the queues in a browser', () => {
  beforeAll(async () => {
    [system, browser] = await Promise.all([startSystem(folder.path, 0, { QUEUES_WRITABLE: '1' }), launchBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await stopAll();
    folder.remove();
  });

  test('an operator gets in from the console, sees the queues and a job, and finds its event in the lake', async () => {
    const { page, context, complaints, external } = await openWindow(browser, system.url, {
      tolerated: /status of 401/,
    });
    await page.goto('/queues');
    await page.getByRole('heading', { name: 'The queues are for operators' }).waitFor();
    expect(await page.getByRole('button').count()).toBe(0);
    expect(await violationsOf(page)).toEqual([]);
    await page.goto('/overview');
    await hold(page, 'olga', ['operator']);
    await page.getByRole('link', { name: 'Queues', exact: true }).first().click();
    for (const service of ['account', 'balance', 'lake', 'reporting'])
      await page.getByRole('link', { name: service, exact: true }).first().waitFor();
    // The pass is out of reach for scripts.
    expect(await page.evaluate('document.cookie')).toBe('');

    expect(await change(page, '%7Baccount%7D-0/pause')).toBe(200);
    const alice = await clientOf(system.url, 'alice');
    const accountId = await openAccount(alice);
    const deposit = () =>
      alice.get(DEPOSIT, { input: { accountId, amount: 125, memo: '<img src=x onerror=alert(1)>' } });
    const held = () => jobsIn(page, '{account}-0');
    const BALANCE = `{ account(id: "${accountId}") { balance { version } } }`;
    const handled = async () =>
      (await alice.get<{ account: { balance: { version: number } } }>(BALANCE)).account.balance.version;
    // What comes before the owner of the queue has looked is still handed past it.
    for (let made = 1; (await held()) === 0; made++) {
      await deposit();
      await eventually(async () => (await held()) > 0 || (await handled()) === made, Boolean);
    }
    await page.goto('/queues/queue/%7Baccount%7D-0');
    const job = page.getByRole('link', { name: 'In the lake' });
    await job.waitFor();
    await page.getByText('balance-updated', { exact: true }).first().waitFor();
    const lake = await job.getAttribute('href');
    expect(lake).toMatch(/^\/events\/[\da-f-]{36}$/);
    await job.click();
    await page.waitForURL(`${system.url}${lake}`);
    // In this tab, where the console knows who is signed in.
    await page.getByRole('button', { name: 'Sign out olga' }).waitFor();
    expect(context.pages()).toHaveLength(1);

    await page.goto(`/queues/events/%7Baccount%7D-0/1`);
    await page.getByRole('heading', { name: '1 event for account' }).waitFor();
    expect(await page.getByRole('table').getByRole('link').getAttribute('href')).toBe(lake);
    expect(await violationsOf(page)).toEqual([]);
    await page.setViewportSize({ width: 390, height: 844 });
    const link = await page.getByRole('table').getByRole('link').boundingBox();
    expect((link?.x ?? 0) + (link?.width ?? Number.NaN), 'the way to the lake ends within the screen').toBeLessThan(
      390,
    );
    expect(await violationsOf(page)).toEqual([]);
    await page.setViewportSize({ width: 1280, height: 860 });

    expect(await change(page, '%7Baccount%7D-0/resume')).toBe(200);
    expect([complaints, external]).toEqual([[], []]);
  });

  test('whoever signs out of the console has left the queues as well', async () => {
    const { page } = await openWindow(browser, system.url, { tolerated: /status of 401/ });
    await page.goto('/overview');
    await hold(page, 'olga', ['operator']);
    await page.getByRole('link', { name: 'Queues', exact: true }).first().click();
    await page.getByRole('link', { name: 'account', exact: true }).first().waitFor();
    await page.goto('/overview');
    const left = page.waitForResponse(answer => answer.request().method() === 'DELETE');
    await page.getByRole('button', { name: 'Sign out olga' }).click();
    expect((await left).status()).toBe(204);
    await page.goto('/queues');
    await page.getByRole('heading', { name: 'The queues are for operators' }).waitFor();
  });

  test("an owner's token opens nothing, and the page says why", async () => {
    const { page, external } = await openWindow(browser, system.url);
    await page.goto('/queues');
    await hold(page, 'alice');
    await page.getByRole('alert').getByText('Only operators see the queues.').waitFor();
    await page.getByRole('heading', { name: 'The queues are for operators' }).waitFor();
    expect(await page.getByRole('button').count()).toBe(0);
    expect(await violationsOf(page)).toEqual([]);
    expect(await page.context().cookies()).toEqual([]);
    expect(external).toEqual([]);
  });

  test('whoever cannot be let in right now is told so, and goes on with a button', async () => {
    const { page } = await openWindow(browser, system.url);
    await page.goto('/queues');
    await page.route('**/queues/session', route => route.abort());
    await hold(page, 'olga', ['operator']);
    await page.getByRole('alert').getByText('The gateway does not answer.').waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await page.unroute('**/queues/session');
    await page.getByRole('button', { name: 'Go on as olga' }).click();
    await page.getByRole('link', { name: 'account', exact: true }).first().waitFor();
  });

  test('a browser that keeps no cookie is told so, and not asked again and again', async () => {
    const { page } = await openWindow(browser, system.url);
    await page.goto('/queues');
    let passes = 0;
    await page.route('**/queues/session', route => {
      passes += 1;
      return route.fulfill({ status: 204 });
    });
    await hold(page, 'olga', ['operator']);
    await page.getByRole('alert').getByText('This browser keeps no cookie').waitFor();
    expect(passes).toBe(1);
  });
});
