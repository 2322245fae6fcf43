import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { DEPOSIT, type System, startSystem, stopAll, temporaryFolder } from '../system.ts';
import { chromiumPath, launchBrowser, openWindow, type Visit, type Watched } from './browser.ts';

const folders = [temporaryFolder(), temporaryFolder()] as const;
let system: System;
let browser: Browser;

/** High enough for a log of some results to be seen as a whole: the editor draws nothing else. */
const HIGH = { width: 1280, height: 2_400 };

/** A window until the end of the test: what it follows costs something as long as it is open. */
async function openHere(url: string, visit: Visit): Promise<Watched> {
  const window = await openWindow(browser, url, visit);
  onTestFinished(() => window.context.close());
  return window;
}

/** Waits until there are editors to hold an operation and its answer. */
async function editors(page: Page): Promise<void> {
  for (const name of ['Operation Editor', 'Result Window'])
    await page.getByRole('region', { name }).locator('.view-line').first().waitFor({ state: 'attached' });
}

/** Sends what the open tab holds. */
async function run(page: Page): Promise<void> {
  await editors(page);
  await page.getByRole('button', { name: /^Execute query/ }).click();
}

/** By how many pixels the longest line of the operation goes beyond its editor; Infinity before there is one. */
const OVERHANG = `(() => {
  const editor = document.querySelector('[aria-label="Operation Editor"] .monaco-editor');
  const lines = [...(editor?.querySelectorAll('.view-line > span') ?? [])];
  if (lines.length === 0) return Infinity;
  return Math.max(...lines.map(line => line.getBoundingClientRect().right)) - editor.getBoundingClientRect().right;
})()`;

/** By how many pixels the answer is scrolled. */
const SCROLLED = `(() => {
  const pane = document.querySelector('[aria-label="Result Window"] .overflow-guard');
  return pane.getBoundingClientRect().top - pane.querySelector('.margin').getBoundingClientRect().top;
})()`;

/** Where along the tabs something else would be clicked: an editor. */
const COVERED = `(() => {
  const { left, right, top, height } = document.querySelector('.graphiql-session-header').getBoundingClientRect();
  const places = Array.from({ length: Math.floor((right - left) / 4) }, (_, index) => left + index * 4);
  return places.filter(x => document.elementFromPoint(x, top + height / 2)?.closest('.monaco-editor'));
})()`;

/** What the pane of answers shows, with plain spaces. */
const answer = async (page: Page) =>
  (await page.getByRole('region', { name: 'Result Window' }).locator('.view-lines').innerText()).replaceAll(
    '\u00a0',
    ' ',
  );

async function until(page: Page, text: RegExp): Promise<string> {
  await expect.poll(() => answer(page)).toMatch(text);
  return answer(page);
}

async function openTab(page: Page, name: string): Promise<void> {
  await editors(page);
  // The open one also has a way to close it.
  const tab = page.getByRole('tab', { name: new RegExp(`^${name}( Close|$)`) });
  await tab.click();
  await expect.poll(() => tab.getAttribute('aria-selected')).toBe('true');
}

type Ask = <Data>(query: string, variables?: object) => Promise<Data>;

/** Asks as whoever is signed in to the page, but not through it. */
async function outside(page: Page): Promise<Ask> {
  const token = await page.evaluate<string>("sessionStorage.getItem('tributary.token')");
  return async <Data>(query: string, variables = {}) => {
    const response = await fetch(`${system.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables }),
    });
    return ((await response.json()) as { data: Data }).data;
  };
}

async function openOutside(page: Page, name: string): Promise<void> {
  const ask = await outside(page);
  await ask('mutation ($input: OpenAccountInput!) { openAccount(input: $input) { account { id } } }', {
    input: { name },
  });
}

/** Deposits, and waits until it is in the balance. */
async function deposit(page: Page, amount: number): Promise<void> {
  const ask = await outside(page);
  type Accounts = { accounts: { nodes: { id: string }[] } };
  const { accounts } = await ask<Accounts>('{ accounts(first: 1) { nodes { id } } }');
  const id = accounts.nodes[0]?.id;
  type Deposited = { deposit: { transaction: { id: string } } };
  const { deposit: made } = await ask<Deposited>(DEPOSIT, { input: { accountId: id, amount } });
  const settled = 'query ($id: ID!, $after: ID) { account(id: $id) { balance(after: $after) { amount } } }';
  await ask(settled, { id, after: made.transaction.id });
}

describe.skipIf(!chromiumPath)('the playground in a browser', () => {
  beforeAll(async () => {
    [system, browser] = await Promise.all([startSystem(folders[0].path, 0, { AUTH_SECRET: '' }), launchBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await stopAll();
    for (const folder of folders) folder.remove();
  });

  test('a client developer opens an account, deposits, and sees every change of the balance stay in the log', async () => {
    const { page, complaints, external } = await openHere(system.url, { viewport: HIGH });
    await page.goto('/graphiql');
    await expect.poll(() => page.getByRole('combobox', { name: 'As' }).inputValue()).toBe('alice');
    await run(page);
    await until(page, /"openAccount": \{/);
    await openTab(page, 'Deposit');
    await run(page);
    await until(page, /"status": "PENDING"/);

    await openTab(page, 'WatchBalance');
    await run(page);
    await until(page, /"log": \[[\s\S]*"amount": 12500/);
    for (const [amount, balance] of [
      [1, 12_501],
      [20, 12_521],
      [300, 12_821],
    ] as const) {
      await deposit(page, amount);
      await until(page, new RegExp(`"amount": ${balance}`));
    }
    const log = await answer(page);
    const times = [...log.matchAll(/"at": "([^"]+)"/g)].map(([, time]) => time);
    expect(times.length).toBeGreaterThanOrEqual(4);
    expect(times).toEqual(times.toSorted());
    const balances = [...log.matchAll(/"balance": \{\s*"amount": (\d+)/g)].map(([, balance]) => Number(balance));
    expect(balances.slice(-4)).toEqual([12_500, 12_501, 12_521, 12_821]);

    await page.getByRole('button', { name: /^Stop query/ }).click();
    await deposit(page, 4_000);
    await openTab(page, 'Statement');
    await run(page);
    await until(page, /"balance": 16821/);
    await openTab(page, 'WatchBalance');
    await expect.poll(() => answer(page)).toBe(log);
    // However far an answer is scrolled, the tabs are still there to be clicked.
    await page.setViewportSize({ width: 1280, height: 600 });
    await page.getByRole('region', { name: 'Result Window' }).hover();
    await page.mouse.wheel(0, 300);
    await expect.poll(() => page.evaluate<number>(SCROLLED)).toBeGreaterThan(0);
    expect(await page.evaluate<number[]>(COVERED)).toEqual([]);
    expect(await page.evaluate('JSON.stringify([Object.keys(localStorage), location.href])')).not.toContain('eyJ');
    expect(await page.evaluate('Object.keys(localStorage)')).toEqual([]);
    expect([complaints, external]).toEqual([[], []]);
  });

  test('who has no account is told what to run first, in a message and nothing else', async () => {
    const { page, complaints, external } = await openHere(system.url, { viewport: HIGH });
    await page.goto('/graphiql');
    await page.getByRole('combobox', { name: 'As' }).selectOption('bob');
    await openTab(page, 'Deposit');
    await run(page);
    const hint = await until(page, /"message": [\s\S]*\n\}/);
    // Its lines go on in the next one where the window ends.
    expect(JSON.parse(hint.replaceAll(/\s+/g, ' '))).toEqual({
      errors: [{ message: 'You have no account yet: run OpenAccount first.' }],
    });
    expect([complaints, external]).toEqual([[], []]);
  });

  test('the examples act on the account that was opened last, and say which it is', async () => {
    const { page, complaints, external } = await openHere(system.url, { viewport: HIGH });
    await page.goto('/graphiql');
    await page.getByRole('combobox', { name: 'As' }).selectOption('bob');
    // The token of whoever was signed in before is there until then.
    const token = () => page.evaluate<string | null>("sessionStorage.getItem('tributary.token')");
    await expect
      .poll(async () => Buffer.from((await token())?.split('.')[1] ?? '', 'base64url').toString())
      .toContain('"bob"');
    await openOutside(page, 'Older');
    await openTab(page, 'Deposit');
    await run(page);
    await until(page, /"name": "Older"/);
    await openTab(page, 'OpenAccount');
    await run(page);
    await until(page, /"name": "Everyday"/);
    await openTab(page, 'Statement');
    await run(page);
    await until(page, /"name": "Everyday"/);
    await page.reload();
    await openTab(page, 'WatchBalance');
    await run(page);
    await until(page, /"log": \[[\s\S]*"name": "Everyday"/);
    expect([complaints, external]).toEqual([[], []]);
  });

  test('an operator has other examples, and is signed in for them', async () => {
    const { page, complaints, external } = await openHere(system.url, {
      viewport: HIGH,
      colorScheme: 'dark',
    });
    await page.goto('/graphiql');
    await page.getByRole('button', { name: 'Operator', exact: true }).click();
    await expect.poll(() => page.getByRole('combobox', { name: 'As' }).inputValue()).toBe('olga');
    await expect.poll(() => page.url()).toContain('/graphiql#operator');
    await run(page);
    await until(page, /"lagSeconds": 0/);
    await openTab(page, 'DryRun');
    await run(page);
    await until(page, /"replay": \{/);
    await openTab(page, 'Progress');
    await run(page);
    await until(page, /"log": \[[\s\S]*"status": "COMPLETED"/);
    expect([complaints, external]).toEqual([[], []]);
  });

  test('a subscription to which nothing comes says so instead of seeming to load, and can be stopped', async () => {
    const { page, complaints, external } = await openHere(system.url, { viewport: HIGH });
    await page.goto('/graphiql#developer');
    await expect.poll(() => page.getByRole('combobox', { name: 'As' }).inputValue()).toBe('olga');
    await openTab(page, 'Tail');
    await run(page);
    await until(page, /"waiting": "Nothing has come yet/);
    expect(await page.locator('.graphiql-spinner').count()).toBe(0);
    await page.getByRole('button', { name: /^Stop query/ }).waitFor();
    expect([complaints, external]).toEqual([[], []]);
  });

  test('nothing of an example is cut, however narrow the window', async () => {
    const { page } = await openHere(system.url, { viewport: { width: 1280, height: 860 } });
    await page.goto('/graphiql');
    await page.getByRole('region', { name: 'Operation Editor' }).locator('.view-line').first().waitFor();
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 860 });
      for (const name of ['OpenAccount', 'Statement', 'WatchBalance']) {
        await openTab(page, name);
        await expect
          .poll(() => page.evaluate<number>(OVERHANG), { message: `${name}, ${width} wide` })
          .toBeLessThanOrEqual(0);
      }
    }
  });

  test('on a phone the answer is below the operation, and as wide', async () => {
    const { page } = await openHere(system.url, { viewport: { width: 390, height: 844 } });
    await page.goto('/graphiql');
    await page.locator('.graphiql-response').waitFor();
    // Both at one moment: what is still being drawn above them moves both.
    type Box = { y: number; height: number; width: number };
    const [editors, response] = await page.evaluate<Box[]>(
      `['editors', 'response'].map(part => document.querySelector('.graphiql-' + part).getBoundingClientRect().toJSON())`,
    );
    expect(response?.y).toBeGreaterThanOrEqual((editors?.y ?? 0) + (editors?.height ?? 0));
    expect(response?.width).toBe(editors?.width);
    expect(response?.height).toBeGreaterThan(200);
  });

  test('where the gateway keeps its schema to itself the playground says so, and works', async () => {
    const production = await startSystem(folders[1].path, 0, { AUTH_SECRET: '', NODE_ENV: 'production' });
    const { page, complaints, external } = await openHere(production.url, { tolerated: /status of 400/ });
    await page.goto('/graphiql');
    await page.getByText('This gateway keeps its schema to itself').waitFor();
    await run(page);
    await until(page, /"openAccount": \{/);
    expect([complaints, external]).toEqual([[], []]);
  });
});
