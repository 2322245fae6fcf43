/**
 * The load generator: a process of its own that knows the system from outside alone, over HTTP and sockets. It says that it is
 * ready, begins, and prints one line with what it has seen.
 */
import { readFileSync } from 'node:fs';
import { ready } from '../gateways/settings.ts';
import { told } from '../process.ts';
import { type Deposits, deposit } from './accounts.ts';
import { times } from './histogram.ts';
import { lakeOf } from './lake.ts';
import { RESULT, type Seen } from './seen.ts';
import { type Watch, watch } from './watch.ts';

export type Load = Deposits & {
  url: string;
  token: string;
  /** Sees how far the lake is. Absent where there is none: then nothing has to settle. */
  operator?: string;
  /** A file with the accounts' ids. */
  accounts: string;
  /** How many of them are watched. */
  watched: number;
  seconds: number;
};

const BEGINS_AFTER_MS = 300;
const SETTLES_WITHIN_MS = 120_000;
const POLL_MS = 20;
/** Of one deposit, in the lake: itself, and the balance. */
const EVENTS = 2;

const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

async function generate(load: Load): Promise<Seen> {
  const accounts = JSON.parse(readFileSync(load.accounts, 'utf8')) as string[];
  const position = load.operator === undefined ? undefined : await lakeOf(load.url, load.operator);
  const watching = load.watched > 0 ? await watch(load, accounts.slice(0, load.watched)) : undefined;
  const acknowledged = times();
  const before = await position?.();
  ready('generator');
  // Whoever measures looks at the processes now.
  await sleep(BEGINS_AFTER_MS);
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  const seconds = await deposit(
    load,
    accounts,
    load,
    ({ tookMs }) => acknowledged.add(tookMs),
    (account, dueMs) => watching?.due(account, dueMs),
  );
  const { count: deposits } = acknowledged.summary();
  const settled = async () => (position ? ((await position()) - (before ?? 0)) / EVENTS : deposits);
  const lag = deposits - (await settled());
  await until(async () => (await settled()) >= deposits && (watching?.waiting() ?? 0) === 0);
  const settledSeconds = (performance.now() - startedMs) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  await watching?.close();
  return {
    ...{ deposits, seconds, settledSeconds, lag, unpushed: watching?.waiting() ?? 0 },
    acknowledged: acknowledged.summary(),
    ...pushedOf(watching),
    generatorCpuMs: (user + system) / 1_000,
  };
}

const pushedOf = (watching: Watch | undefined) => (watching ? { pushed: watching.pushed.summary() } : {});

async function until(met: () => Promise<boolean>): Promise<void> {
  for (const deadlineMs = performance.now() + SETTLES_WITHIN_MS; !(await met()); await sleep(POLL_MS)) {
    // What is missing is in the result.
    if (performance.now() > deadlineMs) return;
  }
}

const seen = await generate(told<Load>());
process.stdout.write(`${RESULT}${JSON.stringify(seen)}\n`, () => process.exit(0));
