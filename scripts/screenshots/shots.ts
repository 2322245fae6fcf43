/** Which pages are taken, and how each is made ready. */
import type { Page } from 'playwright-core';

export type Shot = {
  name: string;
  /** Who looks; nobody signed in when absent. */
  as?: 'alice' | 'olga';
  path: (ids: Record<string, string>) => string;
  /** Waits until the page is as it should be seen, having done what a person would. */
  ready: (page: Page) => Promise<unknown>;
};

export const SHOTS: Shot[] = [
  { name: 'signin', path: () => '/', ready: page => page.getByRole('button', { name: 'olga' }).waitFor() },
  {
    name: 'accounts',
    as: 'alice',
    path: () => '/accounts',
    ready: page => page.getByRole('link', { name: 'Tokyo' }).waitFor(),
  },
  {
    name: 'account',
    as: 'alice',
    path: ({ everyday = '' }) => `/accounts/${everyday}`,
    async ready(page) {
      await page.locator('.chart canvas').waitFor();
      await page.getByLabel('Amount in USD').fill('1,250.00');
      await page.getByText('That is $1,250.00.').waitFor();
    },
  },
  {
    name: 'overdraw',
    as: 'alice',
    path: ({ everyday = '' }) => `/accounts/${everyday}`,
    async ready(page) {
      await page.locator('.chart canvas').waitFor();
      await page.getByRole('radio', { name: 'Withdraw' }).check();
      await page.getByLabel('Amount in USD').fill('99,000');
      await page.getByRole('button', { name: 'Withdraw' }).click();
      await page.getByRole('alert').waitFor();
    },
  },
  {
    name: 'open',
    as: 'alice',
    path: () => '/accounts',
    async ready(page) {
      await page.getByRole('button', { name: 'Open an account' }).click();
      await page.getByRole('dialog').waitFor();
    },
  },
  {
    name: 'find',
    as: 'olga',
    path: () => '/accounts',
    ready: page => page.getByRole('link', { name: 'Studio' }).waitFor(),
  },
  {
    name: 'empty',
    as: 'alice',
    path: () => '/accounts',
    async ready(page) {
      await page.getByRole('button', { name: 'Open an account' }).click();
      await page.getByLabel('Name').fill('New and empty');
      await page.keyboard.press('Enter');
      await page.getByText('No transactions yet').waitFor();
    },
  },
  {
    name: 'failed',
    as: 'alice',
    path: () => '/accounts',
    async ready(page) {
      await page.route('**/graphql', route => route.abort());
      await page.reload();
      await page.getByText('This could not be loaded').waitFor();
    },
  },
  {
    name: 'ledger',
    as: 'alice',
    path: ({ everyday = '' }) => `/accounts/${everyday}`,
    async ready(page) {
      await page.locator('.chart canvas').waitFor();
      await page.getByText('Why is it this amount?').scrollIntoViewIfNeeded();
      await page.evaluate('window.scrollBy(0, 500)');
    },
  },
  {
    name: 'events',
    as: 'olga',
    path: () => '/events',
    ready: page => page.locator('.events tbody tr').nth(9).waitFor(),
  },
  {
    name: 'event',
    as: 'olga',
    path: () => '/events?types=balance-updated',
    async ready(page) {
      await page.locator('.events tbody th a').first().click();
      await page.locator('.branches ul .here').waitFor();
    },
  },
  {
    name: 'replay',
    as: 'olga',
    path: () => '/replays/new?service=balance&mode=rebuild&reason=after a change of its rules',
    async ready(page) {
      await page.getByRole('button', { name: 'Dry run' }).click();
      await page.getByRole('heading', { name: 'What it would do' }).waitFor();
    },
  },
  { name: 'replays', as: 'olga', path: () => '/replays', ready: page => page.getByRole('table').waitFor() },
];
