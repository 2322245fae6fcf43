/** The connection is lost and comes back: nobody has to load the page again. */
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../embedded/port.ts';
import { startSystem, stopAll, temporaryFolder } from '../system.ts';
import { chromiumPath, launchBrowser, openWindow, signInAs } from './browser.ts';

test.skipIf(!chromiumPath)(
  'a page in a browser outlives its system: it says that the connection is lost, and is up to date again by itself',
  async () => {
    const folder = temporaryFolder();
    const browser = await launchBrowser();
    onTestFinished(async () => {
      await browser.close();
      await stopAll();
      folder.remove();
    });
    // One that nobody's attempts to connect take while the system is gone.
    const port = await freePort();
    const before = await startSystem(folder.path, port, { AUTH_SECRET: '' });
    const { page, complaints, external } = await openWindow(browser, before.url, {
      tolerated: /ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|WebSocket connection/,
    });
    const balance = page.locator('.balance-amount');
    const deposit = async (amount: string) => {
      await page.getByLabel('Amount in USD').fill(amount);
      await page.getByRole('button', { name: 'Deposit' }).click();
    };
    await signInAs(page, 'alice', '/accounts');
    await page.getByRole('button', { name: 'Open an account' }).first().click();
    await page.getByLabel('Name').fill('Steady');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Steady' }).waitFor();
    await deposit('10');
    await balance.getByText('$10.00').waitFor();

    before.kill('SIGKILL');
    await before.exited;
    await page.getByText('The connection is lost.').waitFor();
    await page.getByText('Reconnecting', { exact: true }).waitFor();
    await deposit('20');
    await page.getByText('It is not known whether the deposit arrived.').waitFor();

    await startSystem(folder.path, port, { AUTH_SECRET: '' });
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByText('The connection is lost.').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Deposit' }).click();
    await balance.getByText('$30.00').waitFor();
    expect([complaints, external]).toEqual([[], []]);
  },
);
