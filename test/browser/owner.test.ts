/** What an account owner does in the console, and an operator with accounts; in a real browser, on the real system. */
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { chromiumPath } from './browser.ts';
import { useWindows } from './windows.ts';

async function openAccount(page: Page, name: string, currency = 'USD'): Promise<void> {
  await page.getByRole('button', { name: 'Open an account' }).first().click();
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Currency').selectOption(currency);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name, level: 1 }).waitFor();
}

async function move(page: Page, kind: 'Deposit' | 'Withdraw', amount: string, memo = ''): Promise<void> {
  await page.getByRole('radio', { name: kind }).check();
  await page.getByLabel(/^Amount in/).fill(amount);
  await page.getByLabel('Memo (optional)').fill(memo);
  await page.getByRole('button', { name: kind }).click();
}

const balance = (page: Page) => page.locator('.balance-amount');
const shows = (page: Page, amount: string) => balance(page).getByText(amount, { exact: true }).waitFor();

describe.skipIf(!chromiumPath)('in a browser', () => {
  const windows = useWindows();
  const windowOf = windows.open;

  test('somebody signs in by name and lands at their accounts; the token is nowhere but in the session', async () => {
    const page = await windowOf('alice');
    await page.getByRole('heading', { name: 'Accounts', level: 1 }).waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    const token = await page.evaluate<string>('sessionStorage.getItem("tributary.token")');
    expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(await page.evaluate('JSON.stringify(localStorage) + document.cookie')).toBe('{}');
    expect(page.url()).toBe(`${windows.system().url}/accounts`);
    await page.getByRole('button', { name: 'Sign out alice' }).click();
    await page.getByRole('heading', { name: 'Sign in to Tributary' }).waitFor();
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
  });

  test('a token that is pasted signs in as well, and one that is none is told so', async () => {
    const { page } = await windows.blank();
    const answer = await fetch(`${windows.system().url}/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: windows.system().url },
      body: '{"name": "bob"}',
    });
    const { token } = (await answer.json()) as { token: string };
    await page.goto('/signin');
    await page.getByLabel('Token').fill('nonsense');
    await page.keyboard.press('Enter');
    await page.getByText('This is no token').waitFor();
    await page.getByLabel('Token').fill(token);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Sign out bob' }).waitFor();
  });

  test('a deposit moves the balance in another window within a second, and settles', async () => {
    const page = await windowOf('alice', '/accounts');
    await openAccount(page, 'Everyday');
    const other = await windowOf('alice', new URL(page.url()).pathname);
    await shows(other, '$0.00');
    // By the pages' own clocks, which are one: what the test takes to press and to look does not count.
    await page.evaluate('addEventListener("submit", () => { window.sentMs = Date.now(); })');
    await other.evaluate(
      'new MutationObserver(() => { window.movedMs = Date.now(); }).observe(document.querySelector(".balance-amount"), { characterData: true, subtree: true })',
    );
    const tookMs: number[] = [];
    for (const total of ['$125.00', '$250.00', '$375.00']) {
      await move(page, 'Deposit', '125', 'salary');
      await shows(other, total);
      tookMs.push((await other.evaluate<number>('window.movedMs')) - (await page.evaluate<number>('window.sentMs')));
    }
    expect(Math.min(...tookMs)).toBeGreaterThan(0);
    expect(Math.min(...tookMs)).toBeLessThan(1_000);
    await shows(page, '$375.00');
    await page.locator('tr', { hasText: 'salary' }).first().getByText('Settled').waitFor();
    const line = page.getByRole('table', { name: 'Ledger' }).locator('tr', { hasText: '$375.00' });
    expect(await line.innerText()).toMatch(/3\s+deposited salary\s+[0-9a-f-]{36}\s.*\+\$125\.00\s+\$375\.00/s);
    expect(await page.locator('.chart canvas').count()).toBe(1);
  });

  test('who takes out more than there is reads why not, and nothing is booked', async () => {
    const page = await windowOf('alice', '/accounts');
    await openAccount(page, 'Small');
    await move(page, 'Deposit', '12.00');
    await shows(page, '$12.00');
    await move(page, 'Withdraw', '50');
    const message = page.getByRole('alert');
    await message.waitFor();
    expect(await message.innerText()).toContain('$50.00 is more than there is.');
    expect(await message.innerText()).toContain('The balance is $12.00');
    await move(page, 'Withdraw', '0.50');
    await shows(page, '$11.50');
    expect(await message.count()).toBe(0);
  });

  test('a transfer says where it went and where it came from, and one that came back that it did', async () => {
    const page = await windowOf('alice', '/accounts');
    await openAccount(page, 'Savings');
    const savings = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    await page.goto('/accounts');
    await openAccount(page, 'Giving');
    const giving = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    await move(page, 'Deposit', '10');
    await shows(page, '$10.00');
    const token = await page.evaluate<string>('sessionStorage.getItem("tributary.token")');
    const transfer = (toAccountId: string, amount: number) =>
      fetch(`${windows.system().url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({
          query: 'mutation ($input: TransferInput!) { transfer(input: $input) { transfer { id } } }',
          variables: { input: { fromAccountId: giving, toAccountId, amount } },
        }),
      });
    const rows = page.getByRole('table', { name: 'Transactions' }).locator('tbody tr');
    await transfer(savings, 300);
    await shows(page, '$7.00');
    await rows.filter({ hasText: 'Transfer to Savings' }).getByText('−$3.00').waitFor();
    await transfer('00000000-0000-4000-8000-000000000000', 200);
    await rows.filter({ hasText: 'Transfer back from' }).getByText('+$2.00').waitFor();
    await rows.filter({ hasText: 'Transfer to 0000' }).getByText('Came back').waitFor();
    await rows.getByRole('link', { name: 'Savings' }).click();
    await page.getByRole('heading', { name: 'Savings', level: 1 }).waitFor();
    await rows.filter({ hasText: 'Transfer from Giving' }).getByText('+$3.00').waitFor();
  });

  test('amounts are taken as they are typed, in currencies with other decimals too, or refused in words', async () => {
    const page = await windowOf('alice', '/accounts');
    await openAccount(page, 'Dinars', 'KWD');
    await move(page, 'Deposit', '1,234');
    await page.getByText('Write 1234 or 1.234').waitFor();
    await move(page, 'Deposit', '1.2345');
    await page.getByText('KWD has 3 decimals at most.').waitFor();
    await move(page, 'Deposit', '1.234');
    await shows(page, 'KWD 1.234');
  });

  test('names and memos are shown as the text that they are', async () => {
    const page = await windowOf('alice', '/accounts');
    const html = '<img src=x onerror="window.broken = true">';
    await openAccount(page, html);
    await move(page, 'Deposit', '1', html);
    await shows(page, '$1.00');
    await page.getByRole('table', { name: 'Transactions' }).getByText(html).waitFor();
    await page.getByRole('table', { name: 'Ledger' }).getByText(html).waitFor();
    expect(await page.evaluate('[window.broken === undefined, document.images.length]')).toEqual([true, 0]);
  });

  test('what is not a file of the console does not run in it, and nobody may frame it', async () => {
    const page = await windowOf('alice', '/accounts', { tolerated: /Content Security Policy|violates the following/ });
    await page.evaluate(`
      const script = document.createElement('script');
      script.textContent = 'window.broken = true';
      document.body.append(script);
      document.body.insertAdjacentHTML('beforeend', '<p id="styled" style="color: red" onclick="window.broken = true">x</p>');
      document.getElementById('styled').click();
    `);
    expect(await page.evaluate('window.broken')).toBeUndefined();
    expect(await page.evaluate('getComputedStyle(document.getElementById("styled")).color')).not.toBe('rgb(255, 0, 0)');
    await expect(
      page.evaluate(`fetch('${windows.system().url.replace('127.0.0.1', 'localhost')}/health/live')`),
    ).rejects.toThrow();
    const { headers } = await fetch(`${windows.system().url}/accounts`);
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('x-frame-options')).toBe('DENY');
  });

  test('what may have arrived without an answer is sent again and booked once', async () => {
    const page = await windowOf('alice', '/accounts', { tolerated: /ERR_FAILED/ });
    await openAccount(page, 'Careful');
    await page.route('**/graphql', async route => {
      if (!route.request().postData()?.includes('mutation Deposit')) return route.continue();
      await route.fetch();
      await route.abort();
    });
    await move(page, 'Deposit', '30', 'once');
    await page.getByText('It is not known whether the deposit arrived.').waitFor();
    await page.unroute('**/graphql');
    await page.getByRole('button', { name: 'Deposit' }).click();
    await page.getByText('Deposited $30.00.').waitFor();
    await shows(page, '$30.00');
    await expect.poll(() => page.getByRole('table', { name: 'Transactions' }).locator('tbody tr').count()).toBe(1);
  });

  test('who is no longer let in signs in again, is told why, and goes on at the same address', async () => {
    const page = await windowOf('alice', '/accounts', { tolerated: /401/ });
    await openAccount(page, 'Patient');
    const at = page.url();
    await page.route('**/graphql', route => route.fulfill({ status: 401, json: { errors: [{ message: 'no' }] } }));
    await move(page, 'Deposit', '1');
    await page.getByText('The gateway does not accept your token any more.').waitFor();
    await page.unroute('**/graphql');
    await page.getByRole('button', { name: /^alice/ }).click();
    await page.getByRole('heading', { name: 'Patient' }).waitFor();
    expect(page.url()).toBe(at);
  });

  test('the keyboard is enough: past the navigation, into a dialog, and out of it to where one was', async () => {
    const page = await windowOf('bob', '/accounts');
    await page.getByText('You have no accounts yet').waitFor();
    await page.reload();
    await page.getByText('You have no accounts yet').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the page');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    expect(await page.evaluate('document.activeElement.name')).toBe('name');
    await page.keyboard.press('Enter');
    await page.getByText('Give it a name').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Open an account');
  });

  test('an operator finds any account, by its owner and by its id, and cannot move its money', async () => {
    const alice = await windowOf('alice', '/accounts');
    await openAccount(alice, 'Looked at');
    const id = new URL(alice.url()).pathname.split('/').at(-1) ?? '';
    const page = await windowOf('olga', '/accounts?owner=alice');
    await page.getByRole('rowheader', { name: 'Looked at' }).waitFor();
    await page.getByLabel('Account id').fill(id);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Looked at' }).waitFor();
    expect(await page.getByRole('button', { name: 'Deposit' }).count()).toBe(0);
    await page.goBack();
    await page.getByRole('heading', { name: 'Accounts' }).waitFor();
    await page.goto('/accounts/none');
    await page.getByText('There is no such account').waitFor();
  });
});
