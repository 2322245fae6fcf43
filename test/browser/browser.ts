/** A real browser on the real system, as a person would sit at it; and what every page is held to. */
import { accessSync, constants } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** Nothing of the machine's own, and nothing asked of the network by the browser itself. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** So that what never comes ends a test, and says what did not come. */
const WITHIN_MS = 60_000;

/** Where a Chromium is: CHROMIUM, or one on the PATH; undefined where there is none, and tests that need it are skipped. */
export const chromiumPath: string | undefined =
  process.env.CHROMIUM ??
  (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap(folder => ['chromium', 'google-chrome'].map(name => join(folder, name)))
    .find(isExecutable);

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Starts the browser. */
export function launchBrowser(): Promise<Browser> {
  if (!chromiumPath) throw new Error('there is no chromium on the PATH, and CHROMIUM names none');
  return chromium.launch({ executablePath: chromiumPath, args: FLAGS });
}

/** A page, with what no page may do. */
export type Watched = {
  page: Page;
  context: BrowserContext;
  /** Requests to anywhere but the system. */
  external: string[];
  /** Errors that the page threw or wrote to its console, and violations of its content security policy. */
  complaints: string[];
};

export type Visit = Pick<
  BrowserContextOptions,
  'viewport' | 'colorScheme' | 'reducedMotion' | 'hasTouch' | 'deviceScaleFactor'
> & {
  /** What may be complained of: a lost connection is, by the browser itself. */
  tolerated?: RegExp;
};

/** Opens a window of its own, with storage of its own. */
export async function openWindow(
  browser: Browser,
  url: string,
  { tolerated, ...options }: Visit = {},
): Promise<Watched> {
  const context = await browser.newContext({
    baseURL: url,
    locale: 'en-US',
    timezoneId: 'UTC',
    viewport: { width: 1280, height: 860 },
    ...options,
  });
  context.setDefaultTimeout(WITHIN_MS);
  const page = await context.newPage();
  const external: string[] = [];
  const complaints: string[] = [];
  const complain = (text: string) => {
    if (!tolerated?.test(text)) complaints.push(text);
  };
  page.on('request', request => {
    const { protocol, host } = new URL(request.url());
    if (protocol !== 'data:' && protocol !== 'blob:' && host !== new URL(url).host) external.push(request.url());
  });
  page.on('websocket', socket => {
    if (new URL(socket.url()).host !== new URL(url).host) external.push(socket.url());
  });
  page.on('pageerror', error => complain(String(error)));
  page.on('console', message => {
    if (message.type() === 'error') complain(message.text());
  });
  return { page, context, external, complaints };
}

/** Signs in as somebody of an embedded system (started with `AUTH_SECRET: ''`). */
export async function signInAs(page: Page, name: string, path = '/'): Promise<void> {
  await page.goto(path);
  await page.getByRole('button', { name: new RegExp(`^${name}`) }).click();
  await page.getByRole('button', { name: `Sign out ${name}` }).waitFor();
}

const axe = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

type AxeResult = { violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[] };

/**
 * What axe-core finds wrong with a page as it is: a line for each element.
 *
 * @param rules all when absent.
 */
export async function violationsOf(page: Page, rules?: readonly string[]): Promise<string[]> {
  if (!(await page.evaluate<boolean>('"axe" in window'))) await page.evaluate(await axe);
  const options = { resultTypes: ['violations'], ...(rules && { runOnly: rules }) };
  const { violations } = await page.evaluate<AxeResult>(`axe.run(document, ${JSON.stringify(options)})`);
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html.slice(0, 200)}: ${failureSummary}`),
  );
}
