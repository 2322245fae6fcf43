/** What an operator does with the lake in the console: looks at events, and replays them; in a real browser, on the real system. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Client, clientOf, DEPOSIT, eventually, openAccount } from '../system.ts';
import { chromiumPath, signInAs, violationsOf } from './browser.ts';
import { useWindows } from './windows.ts';

const HTML = '<img src=x onerror="window.broken = true">';
const DEPOSITS = 40;

let alice: Client;
let olga: Client;
let accounts: string[] = [];

/** Each of them makes two events: itself, and the balance that follows. */
async function deposit(times: number, accountId = accounts[0]): Promise<void> {
  for (let time = 0; time < times; time++)
    await alice.get(DEPOSIT, { input: { accountId, amount: 100 + time, memo: HTML } });
}

const COUNT = 'query ($filter: EventFilter) { events(filter: $filter, first: 1) { totalCount } }';
const count = async (filter: object | null = null): Promise<number> =>
  (await olga.get<{ events: { totalCount: number } }>(COUNT, { filter })).events.totalCount;

const rows = (page: Page) => page.locator('.events tbody tr');
const positions = async (page: Page): Promise<number[]> =>
  (await rows(page).locator('td:first-child').allInnerTexts()).map(text => Number(text.replaceAll(',', '')));

/** So many numbers in one go, from the highest down: none left out, and none twice. */
const descending = (from: number, length: number) => Array.from({ length }, (_, index) => from - index);

async function tryOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Dry run' }).click();
  await page.getByRole('heading', { name: 'What it would do' }).waitFor();
}

/** Presses a button by keyboard alone. */
async function press(page: Page, name: string | RegExp): Promise<void> {
  await page.getByRole('button', { name }).focus();
  await page.keyboard.press('Enter');
}

describe.skipIf(!chromiumPath)('in a browser', () => {
  const windows = useWindows();
  async function windowOf(path: string): Promise<Page> {
    const page = await windows.open('olga', path, { reducedMotion: 'reduce' });
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    return page;
  }
  beforeAll(async () => {
    const secret = readFileSync(join(windows.folder, 'auth-secret'), 'utf8').trim();
    const { url } = windows.system();
    alice = await clientOf(url, 'alice', [], secret);
    olga = await clientOf(url, 'olga', ['operator'], secret);
    accounts = [await openAccount(alice, 'Everyday'), await openAccount(alice, 'Savings')];
    await deposit(DEPOSITS);
    await deposit(1, accounts[1]);
    await eventually(count, events => events === 2 + 2 * (DEPOSITS + 1));
  });
  test('events are filtered, by an address that says so', async () => {
    const page = await windowOf('/events');
    await page.getByRole('checkbox', { name: 'deposited' }).check();
    await page.getByText(`${DEPOSITS + 1} events`).waitFor();
    await page.getByLabel('Account or subject').fill(accounts[1] ?? '');
    await page.keyboard.press('Enter');
    await page.getByText('1 event', { exact: true }).waitFor();
    expect(await rows(page).count()).toBe(1);
    expect(new URL(page.url()).search).toBe(`?types=deposited&subject=${accounts[1]}`);

    await page.reload();
    await page.getByText('1 event', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Without Type deposited' }).click();
    await page.getByText('3 events').waitFor();
    await page.goBack();
    await page.getByText('1 event', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Clear all' }).click();
    await page.getByText(`${await count()} events`).waitFor();
    expect(new URL(page.url()).search).toBe('');

    await page.getByLabel('Another type').fill('unheard-of');
    await page.keyboard.press('Enter');
    await page.getByText('No event is like this.').waitFor();
  });

  test('pages of events do not move while others arrive', async () => {
    const page = await windowOf('/events?live=paused');
    await rows(page).first().waitFor();
    const first = await positions(page);
    await deposit(3);
    await page.getByRole('button', { name: 'Show 6 new' }).waitFor();
    await page.getByRole('link', { name: 'Older' }).click();
    await page.getByRole('link', { name: 'Newest', exact: true }).waitFor();
    await eventually(
      () => positions(page),
      second => second[0] === (first.at(-1) ?? 0) - 1,
    );
    await page.getByRole('link', { name: 'Oldest first' }).click();
    await eventually(
      () => positions(page),
      ([oldest]) => oldest === 1,
    );
  });

  test('the newest come by themselves; paused they are counted, and nothing is missing afterwards', async () => {
    const page = await windowOf('/events');
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await rows(page).first().waitFor();
    const begun = await positions(page);
    await deposit(4);
    await eventually(
      () => positions(page),
      ([newest = 0]) => newest >= (begun[0] ?? 0) + 8,
    );
    await press(page, 'Pause');
    await page.getByRole('button', { name: 'Resume' }).waitFor();
    const still = await positions(page);
    await deposit(5);
    await page.getByRole('button', { name: 'Show 10 new' }).waitFor();
    expect(await positions(page)).toEqual(still);
    expect(new URL(page.url()).search).toBe('?live=paused');
    await press(page, 'Show 10 new');
    const newest = (still[0] ?? 0) + 10;
    await eventually(
      () => positions(page),
      ([first]) => first === newest,
    );
    expect(await positions(page)).toEqual(descending(newest, begun.length + 18));
    await page.getByText(`${newest} events`).waitFor();
  });

  test('a list that is followed goes on where it was after its connection was lost', async () => {
    const { page } = await windows.blank();
    const sockets: { close(): Promise<void> }[] = [];
    await page.routeWebSocket(/graphql/, socket => {
      socket.connectToServer();
      sockets.push(socket);
    });
    await signInAs(page, 'olga', '/events');
    await page.getByText('Live', { exact: true }).first().waitFor();
    await rows(page).first().waitFor();
    const before = ((await positions(page))[0] ?? 0) + 2;
    await deposit(1);
    await eventually(
      () => positions(page),
      ([newest]) => newest === before,
    );
    const shown = (await positions(page)).length;
    await Promise.all(sockets.map(socket => socket.close()));
    await deposit(3);
    await eventually(
      () => positions(page),
      ([newest]) => newest === before + 6,
    );
    expect(await positions(page)).toEqual(descending(before + 6, shown + 6));
  });

  test('an event shows what followed from it and what it followed from, as it happens', async () => {
    const page = await windowOf('/events?types=deposited&live=paused');
    await rows(page)
      .first()
      .getByRole('link', { name: /^deposited/ })
      .click();
    await page.getByRole('heading', { name: 'deposited', level: 1 }).waitFor();
    const tree = page.getByRole('list', { name: 'Causes and effects' });
    const here = tree.locator('.here');
    expect(await here.innerText()).toMatch(/deposited\s+this event/);
    await tree.getByRole('link', { name: 'balance-updated' }).click();

    await page.getByRole('heading', { name: 'balance-updated', level: 1 }).waitFor();
    await tree.getByRole('link', { name: 'deposited' }).waitFor();
    expect(await here.innerText()).toMatch(/balance-updated\s+this event/);
    await press(page, /^Effects of deposited/);
    await here.waitFor({ state: 'detached' });
    await page.keyboard.press('Enter');
    await here.waitFor();
    await page.getByRole('link', { name: 'All of its correlation' }).click();
    await page.getByText('2 events').waitFor();
  });

  test('an event is taken along as JSON and as a query; what it holds is shown as text', async () => {
    const page = await windowOf('/events?types=deposited');
    await rows(page)
      .first()
      .getByRole('link', { name: /^deposited/ })
      .click();
    await page.locator('.json', { hasText: 'onerror' }).waitFor();
    expect(await page.evaluate('[window.broken === undefined, document.images.length]')).toEqual([true, 0]);
    const id = new URL(page.url()).pathname.split('/').at(-1);
    const copied = () => page.evaluate<string>('navigator.clipboard.readText()');
    await page.getByRole('button', { name: 'Copy as JSON' }).click();
    await page.getByText('Copied as JSON').waitFor();
    expect(JSON.parse(await copied())).toMatchObject({
      specversion: '1.0',
      id,
      type: 'deposited',
      data: { memo: HTML },
    });
    await page.getByRole('button', { name: 'Copy as GraphQL' }).click();
    await page.getByText('Copied as a GraphQL query').waitFor();
    const { event } = await olga.get<{ event: object }>(await copied());
    expect(event).toMatchObject({ id, caused: { totalCount: 1, nodes: [{ type: 'balance-updated' }] } });

    await page.goto('/events/none');
    await page.getByText('The lake has no event with this id.').waitFor();
  });

  test('a replay is tried out first, and then runs to its end', async () => {
    const page = await windowOf('/replays');
    await page.getByRole('link', { name: 'New replay' }).click();
    await page.getByRole('button', { name: 'Dry run' }).click();
    await page.getByText('Choose a service.').waitFor();
    await page.getByRole('radio', { name: /^reporting/ }).check();
    await page.getByLabel('Reason').fill('a test');
    await tryOut(page);
    const total = await count({ types: ['account-opened', 'deposited', 'withdrawn', 'overdrawn'] });
    expect(await page.locator('.forecast').innerText()).toMatch(new RegExp(`^${total} events, 2 accounts`));
    await page.getByRole('button', { name: `Send ${total} events to reporting` }).click();
    await page.getByRole('heading', { name: 'What it did' }).waitFor();
    expect(await page.getByRole('progressbar').getAttribute('value')).toBe('1');
    await page.getByText(`${total} of ${total} events`).waitFor();

    await page.getByRole('link', { name: 'Replays', exact: true }).first().click();
    const history = page.getByRole('table').locator('tbody tr');
    await history.first().waitFor();
    expect(await history.nth(0).innerText()).toMatch(/Repair of reporting\s.*olga\s+a test\s+\d+\s+0\s+Completed/s);
    expect(await history.nth(1).innerText()).toMatch(/Dry run/);
  });

  test('a replay that is slow shows how far it is, there, in the list and in the overview, and can be cancelled', async () => {
    const page = await windowOf(`/replays/new?service=reporting&rate=1&subject=${accounts[0]}&reason=slow`);
    await tryOut(page);
    expect(await page.locator('.forecast').innerText()).toMatch(/^\d+ events, 1 account, about \d+ s$/);
    await page.getByRole('button', { name: /^Send \d+ events/ }).click();
    await page.getByText(/[1-9]\d* of \d+ events/).waitFor();
    await page.getByText(/s left$/).waitFor();
    await page.getByRole('link', { name: 'Replays', exact: true }).first().click();
    await page.getByRole('region', { name: 'Now' }).getByRole('progressbar').waitFor();
    await page.getByRole('link', { name: 'Overview', exact: true }).first().click();
    const going = page.getByRole('region', { name: 'Replays' });
    await going.getByText(/[1-9]\d* of \d+ events/).waitFor();
    await going.getByRole('link', { name: 'Repair of reporting' }).click();
    await page.waitForURL(/\/replays\/.+/);
    await press(page, 'Cancel it');
    await page.getByRole('dialog').waitFor();
    await press(page, 'Cancel the replay');
    await page.getByText('It was cancelled.').waitFor();
    await page.getByRole('link', { name: 'Overview', exact: true }).first().click();
    await page.getByRole('heading', { name: 'The way of the events' }).waitFor();
    await going.waitFor({ state: 'detached' });
    await page.goBack();
    await page.getByText('It was cancelled.').waitFor();
    expect(await page.getByRole('button', { name: 'Cancel it' }).count()).toBe(0);
    await page.getByRole('link', { name: 'Prepare it again' }).click();
    expect(await page.getByLabel('Account or subject').inputValue()).toBe(accounts[0]);
    expect(await page.getByLabel('Events a second').inputValue()).toBe('1');
  });

  test('a rebuild says what differs, and takes the name of the service, typed', async () => {
    const page = await windowOf('/replays/new?service=balance&mode=rebuild');
    await tryOut(page);
    await page.getByText('Nothing differs.').waitFor();
    const doIt = page.getByRole('button', { name: 'Rebuild balance' });
    await doIt.click();
    await page.getByText('Type balance, as it is written.').waitFor();
    await page.getByLabel(/^Type “balance”/).fill('account');
    await page.keyboard.press('Enter');
    await page.getByText('Type balance, as it is written.').waitFor();
    const tried = page.url();
    await page.getByLabel(/^Type “balance”/).fill('balance');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'What it did' }).waitFor();
    await page.getByText('Nothing differed.').waitFor();
    expect(page.url()).not.toBe(tried);
  });

  test('axe-core finds nothing wrong, in light and dark, wide and on a phone; nothing is wider than its screen', async () => {
    const page = await windowOf('/events');
    // It finds nothing to mend, and so leaves nothing to return to.
    await olga.get('mutation { replay(input: { service: "account", mode: RECONCILE }) { id } }');
    const { replay } = await olga.get<{ replay: { id: string } }>(
      'mutation { replay(input: { service: "account", mode: ROLLBACK, dryRun: true, reason: "a rollback of nothing" }) { id } }',
    );
    const slow = 'mutation { replay(input: { service: "reporting", ratePerSecond: 1, reason: "to be seen" }) { id } }';
    await olga.get(slow);
    const eventPath = async () => {
      await rows(page).first().getByRole('link').first().click();
      await page.locator('.branches').waitFor();
    };
    const visits: [path: string, ready: () => Promise<unknown>][] = [
      ['/events?types=deposited withdrawn&from=2026-01-01T00:00:00.000Z', () => rows(page).first().waitFor()],
      ['/events?source=/nowhere', () => page.getByText('No event is like this.').waitFor()],
      ['/events?live=paused', eventPath],
      ['/events/none', () => page.getByText('no event with this id').waitFor()],
      ['/overview', () => page.getByRole('region', { name: 'Replays' }).getByRole('progressbar').waitFor()],
      ['/replays', () => page.getByRole('table').waitFor()],
      ['/replays/new?service=balance', () => page.getByRole('checkbox', { name: 'deposited' }).waitFor()],
      ['/replays/new?service=account&mode=rebuild', () => tryOut(page)],
      [`/replays/${replay.id}`, () => page.getByText('Rebuild the service instead.').waitFor()],
    ];
    for (const [path, ready] of visits) {
      await page.setViewportSize({ width: 1280, height: 860 });
      await page.goto(path);
      await ready();
      for (const [width, colorScheme] of [
        [1280, 'light'],
        [390, 'dark'],
      ] as const) {
        await page.setViewportSize({ width, height: 860 });
        await page.emulateMedia({ colorScheme });
        expect(await violationsOf(page), `${path}: ${colorScheme}, ${width} wide`).toEqual([]);
        expect(
          await page.evaluate('document.documentElement.scrollWidth - window.innerWidth'),
          path,
        ).toBeLessThanOrEqual(0);
      }
    }
  });
});
