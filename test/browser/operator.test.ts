/** The operator's pages, on a system some of whose parts are not as they should be. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { MongoClient } from 'mongodb';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Binding, createBindings } from '../../events/binding.ts';
import { useServers } from '../../events/fixture.ts';
import { createTransport, type QueueTransport } from '../../events/queue.ts';
import { signToken } from '../../gateway/identity.ts';
import { verifyFiles } from '../../scripts/verify.ts';
import type { LakeRow } from '../../subgraphs/lake/store.ts';
import {
  AUTH_SECRET,
  type Client,
  clientOf,
  DEPOSIT,
  eventually,
  openAccount,
  type System,
  startSystem,
  stopAll,
  temporaryFolder,
} from '../system.ts';
import { chromiumPath, launchBrowser, openWindow, type Visit, violationsOf } from './browser.ts';

const urls = useServers();
const folder = temporaryFolder();
const prefix = `operator-${randomUUID().slice(0, 8)}`;
let system: System;
let browser: Browser;
let mongo: MongoClient;
let transport: QueueTransport;
let alice: Client;

/** A window in which an operator is signed in with a token, as it is pasted. */
async function operatorAt(path: string, visit: Visit = {}) {
  const window = await openWindow(browser, system.url, visit);
  // What a window shows goes on moving, and costs a core, as long as it is open.
  onTestFinished(() => window.context.close());
  const token = await signToken(AUTH_SECRET, { sub: 'olga', roles: ['operator'], expiresIn: '1h' });
  await window.page.goto(path);
  await window.page.getByLabel('Token').fill(token);
  await window.page.getByRole('button', { name: 'Sign in' }).click();
  await window.page.getByRole('button', { name: 'Sign out olga' }).waitFor();
  return window;
}

/** Hands a service something that it cannot handle. */
async function poison(service: string, count: number, error: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const [id, subject] = [randomUUID(), randomUUID()];
    const data = { amountMinor: error, currency: 'USD', memo: '<img src=x onerror=alert(1)>' };
    const event = {
      ...{ specversion: '1.0', id, type: 'deposited', source: '/account', subject, data },
      ...{ time: new Date().toISOString(), datacontenttype: 'application/json' },
    };
    await transport.send([{ service, partition: 0, source: 'account', events: [event] }]);
  }
}

/** Deposits, a few a second, until it is told to stop. */
function depositing(account: string): () => Promise<void> {
  let stopped = false;
  const running = (async () => {
    while (!stopped) {
      await alice.get(DEPOSIT, { input: { accountId: account, amount: 100 } });
      await new Promise(resolve => setTimeout(resolve, 150));
    }
  })();
  return () => {
    stopped = true;
    return running;
  };
}

/** Colours are all that differs between light and dark, so the rest of the rules is asked once. */
async function expectAccessible(page: Page): Promise<void> {
  expect(await violationsOf(page)).toEqual([]);
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await violationsOf(page, ['color-contrast'])).toEqual([]);
  await page.emulateMedia({ colorScheme: 'light' });
}

describe.skipIf(!chromiumPath)('the operator’s pages in a browser', () => {
  beforeAll(async () => {
    const MONGODB_URL = new URL(`/${prefix}`, urls.mongodbUrl).href;
    mongo = new MongoClient(MONGODB_URL);
    transport = createTransport({ redisUrl: urls.redisUrl, prefix, onError: () => undefined });
    [system, browser] = await Promise.all([
      startSystem(folder.path, 0, { MONGODB_URL, REDIS_URL: urls.redisUrl }),
      launchBrowser(),
    ]);
    alice = await clientOf(system.url, 'alice');
  });
  afterAll(async () => {
    await browser?.close();
    await stopAll();
    await transport?.close();
    await mongo?.close();
    folder.remove();
  });

  test('the catalogue shows who emits and consumes each type, how much of it flows, and what it promises', async () => {
    const { page, complaints } = await operatorAt('/catalogue');
    await page
      .getByRole('row', {
        name: /^deposited .* account account ?,? balance ?,? lake ?,? reporting ?,? transfer 2 /,
      })
      .waitFor();
    const stop = depositing(await openAccount(alice));
    try {
      await page.getByRole('row', { name: /^deposited.* [\d.]*[1-9][\d.]* \d+$/ }).waitFor();
    } finally {
      await stop();
    }
    await expectAccessible(page);
    await page.getByRole('link', { name: 'deposited' }).click();
    await page.getByRole('heading', { name: 'deposited', level: 1 }).waitFor();
    await page.getByRole('row', { name: /^memo optional .*up to 500 characters$/ }).waitFor();
    await page.getByText('"amountMinor": 12500').last().waitFor();
    await page.getByText('As JSON Schema', { exact: true }).click();
    await page.getByText('"urn:tributary:event:deposited:2"').waitFor();
    await expectAccessible(page);
    await page.getByRole('link', { name: 'Its events in the lake' }).click();
    await page.waitForURL('**/events?types=deposited');
    await page.goto('/catalogue/none');
    await page.getByText('There is no such type of event').waitFor();
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto('/catalogue');
    await page.getByText('account → account, balance, lake, reporting').first().waitFor();
    await expectAccessible(page);
    expect(await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')).toBeLessThanOrEqual(0);
    expect(complaints).toEqual([]);
  });

  test('the overview shows what flows while deposits are made, and that all is well', async () => {
    const { page, complaints, external } = await operatorAt('/');
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/overview');
    await page.getByText('All is well: all 5 services run.').waitFor();
    const stop = depositing(await openAccount(alice));
    try {
      const types = page.getByRole('list', { name: 'Types of events' });
      await types.getByRole('link', { name: /^deposited (?!0\/s)[\d.]+\/s$/ }).waitFor();
      await types.getByRole('link', { name: /^balance-updated (?!0\/s)[\d.]+\/s$/ }).waitFor();
      await page.getByText('As a table').click();
      const row = page.getByRole('row', { name: /^deposited account account, balance, lake, reporting/ });
      await row.waitFor();
      expect(await row.getByRole('link').getAttribute('href')).toBe('/events?types=deposited&source=%2Faccount');
      await expectAccessible(page);
    } finally {
      await stop();
    }
    expect([complaints, external]).toEqual([[], []]);
  });

  test('a service that does not run is said to, with a lag that grows while deposits are made', async () => {
    const bindings = createBindings(mongo.db(`${prefix}-registry`).collection<Binding>('bindings'));
    const wishes = { consumes: ['deposited'], emits: [], partitions: 1, replayedFirst: [] };
    await bindings.bind({ _id: 'interest', ...wishes });
    const { page, complaints } = await operatorAt('/overview');
    await page.locator('main').getByText('interest does not run.').waitFor();
    const stop = depositing(await openAccount(alice, 'Savings'));
    try {
      const cell = page.getByRole('table', { name: 'Services' }).getByRole('row', { name: /interest/ });
      const lag = async () => Number(await cell.getByRole('cell').first().innerText());
      const before = await eventually(lag, events => events > 0);
      await eventually(lag, events => events > before);
      await page.getByText(/events? waits? for it, the oldest for/).waitFor();
      await expectAccessible(page);
    } finally {
      await stop();
      await bindings.unbind('interest');
      await transport.remove('interest');
    }
    await page.locator('main').getByText('interest does not run.').waitFor({ state: 'detached' });
    expect(complaints).toEqual([]);
  });

  test('faults are found by service, read, and sent again: one by keyboard, chosen ones, and all', async () => {
    const { page, complaints, external } = await operatorAt('/faults');
    await page.getByText('No open faults').waitFor();
    await poison('reporting', 4, -5);
    await poison('balance', 2, -7);
    // It looks again by itself.
    await page.getByRole('button', { name: 'Resubmit all 6 open' }).waitFor();
    await expectAccessible(page);

    await page.getByLabel('Service').selectOption('balance');
    expect(new URL(page.url()).search).toBe('?service=balance');
    await page.getByRole('button', { name: 'Resubmit all 2 open of balance' }).waitFor();
    // The list of all faults may stand there until that of one service has come.
    await page
      .getByRole('row', { name: /balance/ })
      .getByRole('link', { name: /Too small/ })
      .first()
      .click();
    await page.getByRole('heading', { name: 'Fault of balance' }).waitFor();
    await page.getByText('<img src=x onerror=alert(1)>').waitFor();
    await expectAccessible(page);

    await page.getByRole('button', { name: 'Resubmit', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('sent to its service once more').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.waitForFunction("document.activeElement?.textContent?.trim() === 'Resubmit'");
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByRole('button', { name: 'Resubmit', exact: true }).press('Enter');
    await page.getByRole('dialog').getByText('One event was sent again.').waitFor();
    await page.getByRole('button', { name: 'Close', exact: true }).last().press('Enter');
    await page.getByText('Resubmitted', { exact: true }).waitFor();

    await page.getByRole('link', { name: 'Faults', exact: true }).first().click();
    await page.getByLabel('Service').selectOption('reporting');
    const listed = (service: RegExp) => page.getByRole('row', { name: service }).count();
    await expect.poll(async () => [await listed(/reporting/), await listed(/balance/)]).toEqual([4, 0]);
    await page.getByLabel('Choose all on this page').check();
    await page.getByRole('button', { name: /Resubmit 4 chosen/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Resubmit', exact: true }).click();
    await page.getByRole('dialog').getByText('4 events were sent again.').waitFor();
    await page.keyboard.press('Escape');

    // What was wrong is wrong still: each becomes a new fault. Until it has, the page may show how many there were before.
    const olga = await clientOf(system.url, 'olga', ['operator']);
    const openFaults = '{ faults(state: OPEN, first: 100) { nodes { id } } }';
    await eventually(
      () => olga.get<{ faults: { nodes: unknown[] } }>(openFaults),
      ({ faults }) => faults.nodes.length === 6,
    );
    await page.getByLabel('Service').selectOption('');
    await page.getByRole('button', { name: 'Resubmit all 6 open' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Resubmit', exact: true }).click();
    await page.getByRole('dialog').getByText('6 events were sent again.').waitFor();
    expect([complaints, external]).toEqual([[], []]);
  });

  test('faults of which nothing is to become are dismissed, with why: one, and chosen ones', async () => {
    const { page, complaints } = await operatorAt('/faults?service=balance');
    // What was sent again before has become new faults.
    await page.getByRole('button', { name: 'Resubmit all 2 open of balance' }).waitFor();
    await page
      .getByRole('link', { name: /Too small/ })
      .first()
      .click();
    await page.getByRole('button', { name: 'Dismiss', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Dismiss', exact: true }).click();
    await dialog.getByText('Say why').waitFor();
    await expectAccessible(page);
    await dialog.getByLabel('Reason').fill('a deposit of <b>nothing</b>');
    await dialog.getByRole('button', { name: 'Dismiss', exact: true }).click();
    await page.getByText('a deposit of <b>nothing</b>').waitFor();
    await page.getByText('Dismissed', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Resubmit', exact: true }).waitFor();

    await page.goto('/faults?service=balance');
    await page.getByRole('button', { name: 'Resubmit all 1 open of balance' }).waitFor();
    await page.getByLabel('Choose all on this page').check();
    await page.getByRole('button', { name: 'Dismiss 1 chosen' }).click();
    await dialog.getByLabel('Reason').fill('a test');
    await page.keyboard.press('Enter');
    await page.getByText('No open faults of balance').waitFor();
    await page.getByRole('radio', { name: 'Dismissed' }).check();
    await page
      .getByRole('row', { name: /Dismissed/ })
      .first()
      .waitFor();
    await expect.poll(() => page.getByRole('row', { name: /Dismissed/ }).count()).toBe(2);
    await expectAccessible(page);
    expect(complaints).toEqual([]);
  });

  test('the lake is verified; its checkpoint is taken along, and proves itself', async () => {
    const { page, complaints, external } = await operatorAt('/integrity');
    await page.getByRole('button', { name: 'Verify the lake' }).press('Enter');
    await page.getByText('Every event is as it was.', { exact: true }).first().waitFor();
    await expectAccessible(page);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download' }).click(),
    ]);
    const file = await download.path();
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ system: `${prefix}-lake` });
    expect(await verifyFiles([file])).toMatchObject({ code: 0 });
    expect([complaints, external]).toEqual([[], []]);
  });

  test('a lake that was changed is said to be, with where it shows and what to do', async () => {
    const rows = mongo.db(`${prefix}-lake`).collection<LakeRow>('lake');
    await rows.updateOne({ version: 3 }, { $set: { 'event.data': { amountMinor: 1 } } });
    const { page, complaints } = await operatorAt('/integrity', { viewport: { width: 375, height: 760 } });
    await page.getByRole('button', { name: 'Verify the lake' }).click();
    await page.getByText('The lake is not as it was: it shows at position 3.').waitFor();
    await page.getByText('make a copy of it: it is the evidence').waitFor();
    await expectAccessible(page);
    expect(complaints).toEqual([]);
  });

  test('a service is compared with the lake, and again every so often until that is ended', async () => {
    const { page, complaints } = await operatorAt('/integrity');
    await page.getByRole('button', { name: 'Reconcile a service' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Service').selectOption('balance');
    await dialog.getByLabel('Again every … hours').fill('24.5');
    await dialog.getByText('A whole number from 1 to 8,760.').waitFor();
    await expectAccessible(page);
    await dialog.getByLabel('Again every … hours').fill('24');
    await dialog.getByRole('button', { name: 'Compare', exact: true }).click();
    await page.waitForURL(/\/replays\/.+/);
    await page.getByRole('link', { name: 'Integrity' }).click();
    await page.getByRole('row', { name: /balance.*day.*compares only/ }).waitFor();
    await page.getByRole('button', { name: 'End the schedule of balance' }).click();
    await page.getByRole('button', { name: 'End it' }).click();
    await page.getByText('No service is reconciled by itself').waitFor();
    expect(complaints).toEqual([]);
  });
});
