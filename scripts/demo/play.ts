/** The demo from beginning to end: the owners' month, the wait, the comparison, the table. */
import { setTimeout as delay } from 'node:timers/promises';
import { signToken } from '../../gateway/identity.ts';
import { type Config, ConfigError, secretOf } from '../config.ts';
import { type Before, checkAccounts, checkOverall, checkStreams, readBefore } from './checks.ts';
import { assertLive, type Client, type Counts, createClient, OutOfReach } from './client.ts';
import type { Options } from './options.ts';
import { liveMonth, type Owner, openAccounts } from './owners.ts';
import { type Plan, planOwners } from './plan.ts';
import { count, paint, type Screen, seconds, startPhase } from './progress.ts';
import { type Overall, overall } from './read.ts';
import { type Check, passed, quantile, table } from './report.ts';
import { settle } from './settle.ts';
import { createTally, type Tally } from './tally.ts';
import { type Watch, watchBalance } from './watch.ts';

/** For everything. */
const PLAY_MS = 300_000;
/** For how long the system may be away in the middle; at the start it has to be there. */
const PATIENCE_MS = 60_000;
const SETTLE_MS = 90_000;
const STREAMS_MS = 10_000;
const QUIET_MS = 10_000;
const WATCHED_OWNERS = 8;

type Play = Options & { config: Config; screen: Screen };

/** @returns whether everything is as it has to be. @throws OutOfReach, ConfigError: it could not be tried. */
export async function play({ config, screen, ...options }: Play): Promise<boolean> {
  const { url, concurrency } = options;
  if (config.AUTH_JWKS_URL) throw new ConfigError('AUTH_JWKS_URL is set: the demo cannot make tokens for that system.');
  await assertLive(url);
  const secret = await secretOf(config);
  const run = Date.now().toString(36);
  const tokenFor = (sub: string, roles: string[] = []) => signToken(secret, { sub, roles, expiresIn: '1h' });
  const operator = await tokenFor(`demo-${run}-operator`, ['operator']);

  const ended = new AbortController();
  const timer = setTimeout(() => ended.abort(outOfTime()), PLAY_MS);
  const client = createClient({ url, concurrency, patienceMs: PATIENCE_MS, signal: ended.signal });
  const watches: Watch[] = [];
  try {
    await assertWelcome(client, operator, url);
    const plan = planOwners(options);
    screen.write(introduction(plan, options, run));
    return await act({ client, whole: overall(client, operator), operator, plan, run, tokenFor, url, watches, screen });
  } finally {
    clearTimeout(timer);
    for (const watch of watches) watch.stop();
    await client.close();
  }
}

type Scene = {
  client: Client;
  whole: Overall;
  operator: string;
  plan: Plan;
  run: string;
  tokenFor: (owner: string) => Promise<string>;
  url: string;
  /** Filled here, stopped by the caller. */
  watches: Watch[];
  screen: Screen;
};

async function act(scene: Scene): Promise<boolean> {
  const { client, whole, operator, plan, run, tokenFor, url, watches, screen } = scene;
  await quiet(whole);
  const before = await readBefore(whole);
  let step: (more?: number) => void = () => undefined;
  const tally = createTally(() => step());
  const phase = (...[name, unit, total]: [string, string, number?]) => {
    const started = startPhase(screen, name, unit, total);
    step = started.done;
    return started;
  };

  const opening = phase('Opening accounts', 'accounts', 2 * plan.owners.length);
  const owners = await Promise.all(
    plan.owners.map(async (owner, index) => {
      const id = `demo-${run}-${String(index + 1).padStart(String(plan.owners.length).length, '0')}`;
      return openAccounts(client, tally, { id, token: await tokenFor(id), plan: owner });
    }),
  );
  opening.end();

  for (const owner of watched(owners)) watches.push(watchBalance(url, { ...owner, book: owner.accounts.everyday }));
  const month = phase('A month of payments', 'payments', plan.moves);
  await Promise.all(
    owners.map((owner, index) =>
      liveMonth(client, tally, owner, owners[(index + 1) % owners.length]?.accounts.everyday.id),
    ),
  );
  const monthMs = month.end();

  const { made, settled, settleMs } = await settleDown(scene, owners, before);
  await Promise.race([lastVersions(watches), delay(STREAMS_MS, undefined, { ref: false })]);

  const reading = { client, overall: whole, operator, owners };
  const readingBack = phase('Reading accounts', 'accounts', 2 * owners.length);
  const accounts = await checkAccounts({ ...reading, step: () => step() });
  readingBack.end();
  const readingLake = phase('Reading the lake', 'events');
  const rest = await checkOverall({ ...reading, step: more => step(more) }, before, accounts.seen);
  readingLake.end();

  const checks = [
    ...duringTheMonth(tally, client.counts),
    checkStreams(watches, accounts.seen),
    { name: 'settled in time', unit: 'transactions', compared: made, differences: settled },
    ...accounts.checks,
    ...rest.checks,
  ];
  screen.write(`\n${table(checks, screen.isTerminal)}\n`);
  screen.write(summary({ counts: client.counts, tally, made, monthMs, settleMs, foreign: rest.foreign }));
  screen.write(verdict(checks, screen));
  return passed(checks);
}

async function settleDown({ client, whole, screen }: Scene, owners: readonly Owner[], before: Before) {
  const made = owners
    .flatMap(({ accounts }) => Object.values(accounts))
    .reduce((n, book) => n + book.transactions.size, 0);
  const settling = startPhase(screen, 'Settling', 'settled', made);
  const transactions = before.statistics.reduce((sum, { deposits, withdrawals }) => sum + deposits + withdrawals, 0);
  let shown = 0;
  const settled = await settle({
    ...{ client, overall: whole, owners, position: before.position, transactions, timeoutMs: SETTLE_MS },
    onProgress: done => {
      settling.done(done - shown);
      shown = done;
    },
  });
  return { made, settled, settleMs: settling.end() };
}

function duringTheMonth({ answers, probes, readBacks }: Tally, counts: Counts): Check[] {
  return [
    { name: 'answers', unit: 'answers', ...answers },
    { name: 'refusals', unit: 'refusals', ...probes },
    { name: 'own writes read back', unit: 'balances', ...readBacks },
    { name: 'no unexpected errors', unit: 'requests', compared: counts.sent, differences: counts.unexpected },
  ];
}

/** Owners at even distances. */
function watched(owners: readonly Owner[]): Owner[] {
  const distance = Math.max(1, Math.floor(owners.length / WATCHED_OWNERS));
  return owners.filter((_, index) => index % distance === 0).slice(0, WATCHED_OWNERS);
}

async function lastVersions(watches: readonly Watch[]): Promise<void> {
  const isLast = ({ book, seen }: Watch) => seen.at(-1)?.version === book.transactions.size;
  while (!watches.every(isLast)) await delay(20, undefined, { ref: false });
}

/** What others were doing shall be in the state before, if it comes to an end soon. */
async function quiet(whole: Overall): Promise<void> {
  const deadlineMs = performance.now() + QUIET_MS;
  while ((await whole.lag()) > 0 && performance.now() < deadlineMs) await delay(100);
}

async function assertWelcome(client: Client, token: string, url: string): Promise<void> {
  const answer = await client.ask({ token, query: 'query Welcome { services { name } }' });
  if ('data' in answer) return;
  if (answer.code === 'UNAUTHENTICATED') {
    throw new OutOfReach(
      `The system at ${url} refuses the demo's token. Give the demo the DATA_DIR or AUTH_SECRET that npm start has.`,
    );
  }
  throw new OutOfReach(`${url} does not answer as Tributary does: ${answer.message}`);
}

function outOfTime(): Error {
  const error = new Error(`Not finished within ${PLAY_MS / 60_000} minutes.`);
  error.name = 'OutOfTime';
  return error;
}

function introduction({ owners, moves }: Plan, { url, seed, concurrency }: Options, run: string): string {
  const what = `${count(owners.length)} owners, ${count(moves)} payments, ${concurrency} requests at a time`;
  return `\n  ${what}\n  at ${url}, run ${run}, seed ${seed}\n\n`;
}

type Summary = { counts: Counts; tally: Tally; made: number; monthMs: number; settleMs: number; foreign: number };

function summary({ counts, tally, made, monthMs, settleMs, foreign }: Summary): string {
  const ms = (share: number) => `${quantile(counts.latenciesMs, share).toFixed(1)} ms`;
  return [
    `${count(made)} transactions acknowledged in ${seconds(monthMs)} (${count((made / monthMs) * 1000)}/s),`,
    `  half of the answers within ${ms(0.5)}, 99% within ${ms(0.99)};`,
    `  settled ${seconds(settleMs)} after the last; ${count(tally.declined)} withdrawals declined for lack of funds;`,
    `  ${count(counts.retried)} requests tried again because the system was out of reach.`,
    ...(foreign > 0 ? [`  Others caused ${count(foreign)} events meanwhile; they are accounted for.`] : []),
    '',
  ]
    .map(line => `  ${line}`.trimEnd())
    .join('\n');
}

function verdict(checks: readonly Check[], { isTerminal }: Screen): string {
  const { good, bad } = paint(isTerminal);
  const wrong = checks.filter(check => !passed([check])).length;
  const text =
    wrong === 0 ? good(`PASS: all ${checks.length} checks`) : bad(`FAIL: ${wrong} of ${checks.length} checks`);
  return `\n  ${text}\n\n`;
}
