/**
 * `npm run bench:console -- [--minutes N] [--events N]`: what the overview costs a browser while events flow. It starts the system on
 * a temporary folder, deposits through the API, opens the overview in a window of its own, and looks at the browser's processes and
 * the page's memory. Exit code 1 when it takes more than 30 % of a core, or when its memory grows.
 */
import { parseArgs } from 'node:util';
import type { CDPSession } from 'playwright-core';
import { signToken } from '../gateway/identity.ts';
import { launchBrowser, openWindow } from '../test/browser/browser.ts';
import { AUTH_SECRET, clientOf, openAccount, startSystem, stopAll, temporaryFolder } from '../test/system.ts';
import { depositing } from './console/deposits.ts';
import { median } from './measure.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    /** A second; each deposit makes two. */
    events: { type: 'string', default: '1000' },
  },
});
const minutes = Number(values.minutes);
const eventsPerSecond = Number(values.events);
const WARM_UP_MS = 20_000;
const LOOK_MS = 5_000;
const CORE_PERCENT_MAX = 30;
/** Of the page's heap, after garbage was collected, from the middle of the time to its end. */
const GROWTH_BYTES_MAX = 1_000_000;
const ACCOUNTS = 50;

type Look = { atMs: number; mainSeconds: number; heapBytes: number; rendererSeconds: number; graphicsSeconds: number };

const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

/** What the page and the browser's processes have used so far. */
async function look(page: CDPSession, whole: CDPSession): Promise<Look> {
  await page.send('HeapProfiler.collectGarbage');
  const { metrics } = await page.send('Performance.getMetrics');
  const metric = (name: string) => metrics.find(known => known.name === name)?.value ?? Number.NaN;
  const { processInfo } = await whole.send('SystemInfo.getProcessInfo');
  const cpuOf = (type: string) =>
    processInfo.filter(process => process.type === type).reduce((sum, { cpuTime }) => sum + cpuTime, 0);
  return {
    atMs: performance.now(),
    mainSeconds: metric('TaskDuration'),
    heapBytes: metric('JSHeapUsedSize'),
    rendererSeconds: cpuOf('renderer'),
    graphicsSeconds: cpuOf('GPU'),
  };
}

function report(looks: readonly Look[], deposits: number): boolean {
  const [first, last] = [looks[0], looks.at(-1)];
  if (!first || !last) throw new Error('nothing was measured: give it more --minutes');
  const seconds = (last.atMs - first.atMs) / 1000;
  const percent = (of: (look: Look) => number) => ((of(last) - of(first)) / seconds) * 100;
  const main = percent(({ mainSeconds }) => mainSeconds);
  const browser = percent(({ rendererSeconds, graphicsSeconds }) => rendererSeconds + graphicsSeconds);
  const heaps = looks.map(({ heapBytes }) => heapBytes);
  const [early, late] = [heaps.slice(0, heaps.length / 2), heaps.slice(heaps.length / 2)].map(median);
  const growth = (heaps.at(-1) ?? 0) - (early ?? 0);
  const mb = (bytes = Number.NaN) => `${(bytes / 1e6).toFixed(2)} MB`;
  const lines = [
    `${Math.round(seconds)} s, ${Math.round((deposits * 2) / seconds)} events/s through the API`,
    `the page's main thread      ${main.toFixed(1)} % of a core`,
    `renderer and graphics       ${browser.toFixed(1)} % of a core (at most ${CORE_PERCENT_MAX} %)`,
    `heap, first half, median    ${mb(early)}`,
    `heap, second half, median   ${mb(late)}, at the end ${mb(heaps.at(-1))}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return Math.max(main, browser) <= CORE_PERCENT_MAX && growth <= GROWTH_BYTES_MAX;
}

async function measure(): Promise<boolean> {
  const folder = temporaryFolder();
  const browser = await launchBrowser();
  try {
    const system = await startSystem(folder.path);
    const client = await clientOf(system.url, 'alice');
    const accounts = await Promise.all(Array.from({ length: ACCOUNTS }, (_, index) => openAccount(client, `${index}`)));
    const token = await signToken(AUTH_SECRET, { sub: 'olga', roles: ['operator'], expiresIn: '2h' });
    const load = depositing(client, accounts, eventsPerSecond / 2);
    const { page, context } = await openWindow(browser, system.url);
    await page.goto('/overview');
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('link', { name: /^deposited / }).waitFor();
    const [session, whole] = await Promise.all([context.newCDPSession(page), browser.newBrowserCDPSession()]);
    await session.send('Performance.enable');
    await sleep(WARM_UP_MS);
    const before = load.made();
    const looks: Look[] = [];
    const endMs = performance.now() + minutes * 60_000;
    for (;;) {
      looks.push(await look(session, whole));
      if (performance.now() >= endMs) break;
      await sleep(LOOK_MS);
    }
    const deposits = load.made() - before;
    await load.stop();
    return report(looks, deposits);
  } finally {
    await browser.close();
    await stopAll();
    folder.remove();
  }
}

process.exitCode = (await measure()) ? 0 : 1;
