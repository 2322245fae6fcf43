/**
 * `kill -9` at every step of the way. What the steps are is found by running the system and writing down each call
 * of a process to MongoDB or Redis, reads too (preload/crash.ts); then each is met once more, with death right before and right
 * after it. All points share one system; each has accounts of its own.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { serviceNames } from '../../../subgraphs/catalog.ts';
import type { LakeRow } from '../../../subgraphs/lake/store.ts';
import { operatorClient } from '../../evidence.ts';
import { AUTH_SECRET } from '../../system.ts';
import type { Arrangement, Extras } from '../cluster.ts';
import type { Account } from '../load.ts';
import { type Moment, notReached } from '../moments.ts';
import type { Context, Row } from '../row.ts';
import { faultsIn, POISON_AMOUNT, resubmit, sendMalformed } from './poison.ts';

const OWNERS = ['ann', 'ben', 'cem', 'dia'];
/** How long a process may take to come to a point by itself; then it is started anew, which brings it to others. */
const BY_ITSELF_MS = 10_000;
const REACHED_WITHIN_MS = 45_000;
const BETWEEN_STIMULI_MS = 300;
const ENUMERATION_TURNS = 1;
const POLL_MS = 25;
const LOOK_MS = 2_000;
/** Longer than jobs of a process that died wait for another. */
const QUIET_LOOKS = 6;
const MET_WITHIN_MS = 60_000;

/** What makes processes pass some of their points. */
type Stimulus = { name: string; give(context: Context): Promise<void> };

let journeys = 0;

/** Deposits, withdrawals, and two withdrawals at once of all there is, which both succeed now and then: an overdraft. */
async function journey({ bank }: Context): Promise<Account> {
  const number = ++journeys;
  const account = await bank.open(OWNERS[number % OWNERS.length] ?? 'ann', `journey ${number}`);
  const key = (step: string) => `journey ${number} ${step}`;
  await bank.transact(account, 'deposit', 100, key('deposit'));
  await bank.transact(account, 'withdraw', 30, key('withdraw'));
  await Promise.all(['a', 'b', 'c'].map(step => bank.transact(account, 'withdraw', 70, key(step))));
  return account;
}

/** Meets the mistake in balance that happens once: the batch fails, and its events are handled one by one. */
async function mistake(context: Context): Promise<void> {
  const { bank } = context;
  const account = await journey(context);
  await bank.transact(account, 'deposit', POISON_AMOUNT, `journey ${journeys} mistake`);
}

async function replay(context: Context): Promise<void> {
  const account = await journey(context);
  const operator = await operatorClient(context.cluster.url, AUTH_SECRET);
  for (const service of ['account', 'balance', 'reporting'])
    await operator.get(
      'mutation ($s: String!, $id: ID!) { replay(input: { service: $s, filter: { subject: $id } }) { id } }',
      {
        s: service,
        id: account.id,
      },
    );
}

async function again(context: Context): Promise<void> {
  const open = (await faultsIn(context.cluster)).find(({ resubmittedAt }) => resubmittedAt === null);
  if (open) await resubmit(context.cluster, [open.id]);
  else await malformed(context);
}

async function malformed(context: Context): Promise<void> {
  context.poison(await sendMalformed(context.cluster));
  await journey(context);
}

const STIMULI: readonly Stimulus[] = [
  { name: 'requests', give: async context => void (await journey(context)) },
  { name: 'a batch that fails', give: mistake },
  { name: 'something malformed', give: malformed },
  {
    name: 'the loss of Redis',
    async give(context) {
      await journey(context);
      await context.cluster.looker.flushall();
      await journey(context);
    },
  },
  { name: 'a replay', give: replay },
  { name: 'a resubmission', give: again },
];

const services = ({ cluster }: Context) => cluster.members.filter(({ service }) => service !== 'gateway');
const planFile = ({ cluster }: Context, service: string) => join(cluster.folders.data, `plan-${service}.json`);
const listFile = ({ cluster }: Context, service: string) => join(cluster.folders.data, `points-${service}`);

/** A service that can be killed at any of its points, and that makes a mistake with one amount as well. */
export const crashingWith = (service: string, poison: 'throw' | 'once' | 'never'): Extras => ({
  preload: ['crash', 'poison'],
  env: {
    CRASH_PLAN: `$DATA/plan-${service}.json`,
    CRASH_LIST: `$DATA/points-${service}`,
    POISON: poison,
    POISON_AMOUNT: String(POISON_AMOUNT),
  },
});

export const CRASHING: Arrangement = {
  extras: Object.fromEntries(
    serviceNames().map(service => [service, crashingWith(service, service === 'balance' ? 'once' : 'never')]),
  ),
};

const lay = (context: Context, service: string, at: string, times = 1) =>
  writeFileSync(planFile(context, service), JSON.stringify({ at, times }));

/** How many deaths are still to come. */
function left(context: Context, service: string): number {
  try {
    return (JSON.parse(readFileSync(planFile(context, service), 'utf8')) as { times: number }).times;
  } catch {
    return 0;
  }
}

function pointsOf(context: Context, service: string): string[] {
  const file = listFile(context, service);
  return existsSync(file) ? [...new Set(readFileSync(file, 'utf8').trim().split('\n'))] : [];
}

/** Gives one stimulus after the other until it is stopped. */
function stimulate(context: Context): { turns(): number; stop(): Promise<void> } {
  let stopped = false;
  let given = 0;
  const running = (async () => {
    for (; !stopped; given++) {
      const stimulus = STIMULI[given % STIMULI.length];
      // One that fails for what is down just then comes again.
      await stimulus?.give(context).catch(error => context.say(`${stimulus.name}: ${error.message}`));
      await delay(BETWEEN_STIMULI_MS);
    }
  })();
  return {
    turns: () => Math.floor(given / STIMULI.length),
    async stop() {
      stopped = true;
      await running;
    },
  };
}

/** Runs everything and writes down what each service passes; on the way each is started anew, with work in its hands. */
async function enumerate(context: Context, turns: () => number): Promise<Map<string, string[]>> {
  while (turns() < ENUMERATION_TURNS) await delay(POLL_MS);
  await Promise.all(services(context).map(member => member.kill()));
  await context.cluster.ready();
  while (turns() < 2 * ENUMERATION_TURNS) await delay(POLL_MS);
  return new Map(serviceNames().map(service => [service, pointsOf(context, service)]));
}

/** Waits for one death; while the process starts again, the next one may be laid. @returns whether it came. */
async function meet(context: Context, service: string, at: string): Promise<boolean> {
  const member = context.cluster.first(service);
  lay(context, service, at);
  const startedMs = performance.now();
  let restarted = false;
  while (left(context, service) > 0) {
    const waitedMs = performance.now() - startedMs;
    if (waitedMs > REACHED_WITHIN_MS) {
      lay(context, service, at, 0);
      return false;
    }
    if (!restarted && waitedMs > BY_ITSELF_MS) {
      restarted = true;
      await member.kill();
    }
    await delay(POLL_MS);
  }
  return true;
}

/**
 * An event that was being handled at three deaths in a row is set aside: nobody can tell that it was not to blame. An
 * operator sends it again.
 */
async function sendAgain({ cluster, note, poison }: Context): Promise<void> {
  const innocent = { 'event.type': 'fault', 'event.data.eventId': { $not: /^malformed-/ } };
  const known = new Set<string>();
  for (let quiet = 0; quiet < QUIET_LOOKS; quiet++) {
    await delay(LOOK_MS);
    const rows = await cluster.database('lake').collection<LakeRow>('lake').find(innocent).toArray();
    const more = rows.filter(({ _id }) => !known.has(_id));
    if (more.length === 0) continue;
    quiet = 0;
    for (const { _id, event } of more) {
      known.add(_id);
      poison(String((event.data as { eventId?: unknown }).eventId));
      await resubmit(cluster, [_id]);
    }
  }
  if (known.size > 0) note(`${known.size} set aside for three deaths in a row, and sent again`);
}

const countIn = (points: ReadonlyMap<string, readonly string[]>) =>
  [...points.values()].reduce((sum, all) => sum + all.length, 0);

/**
 * What the toolkit does is the same in every service: each kind of point is left to one of the services that pass it,
 * in turn.
 */
function oneOfEachKind(points: ReadonlyMap<string, readonly string[]>): Map<string, string[]> {
  const passing = new Map<string, { service: string; point: string }[]>();
  for (const [service, all] of points) {
    for (const point of all) {
      const own = point.replace(`mongodb ${service}.`, 'mongodb own.').replace(`{${service}}`, '{own}');
      const kind = own.replace(/\{(?!own\})[a-z-]+\}/, '{other}');
      passing.set(kind, [...(passing.get(kind) ?? []), { service, point }]);
    }
  }
  const chosen = new Map<string, string[]>([...points.keys()].map(service => [service, []]));
  for (const candidates of passing.values()) {
    const busyness = ({ service }: { service: string }) => chosen.get(service)?.length ?? 0;
    const [least] = candidates.sort((a, b) => busyness(a) - busyness(b));
    if (least) chosen.get(least.service)?.push(least.point);
  }
  return chosen;
}

type Points = ReadonlyMap<string, readonly string[]>;

async function everywhere(context: Context, choose: (points: Points) => Points, unit: string): Promise<void> {
  const { note, say, cluster } = context;
  const stimuli = stimulate(context);
  const passed = await enumerate(context, stimuli.turns);
  const points = choose(passed);
  const moments = 2 * countIn(points);
  const numbers = [...passed].map(([service, all]) => `${service} ${all.length}`).join(', ');
  say(`${countIn(passed)} points (${numbers}), each before and after: ${moments} ${unit} to be killed at`);
  const unmet: Moment[] = [];
  let met = 0;
  await Promise.all(
    [...points].map(async ([service, all]) => {
      for (const at of all.flatMap(point => [`before ${point}`, `after ${point}`])) {
        const reached = await meet(context, service, at);
        if (reached) met += 1;
        else unmet.push({ service, at });
        say(`${met} of ${moments}  ${service}: ${reached ? '' : 'NOT REACHED '}${at}`);
      }
    }),
  );
  await stimuli.stop();
  await cluster.ready();
  await sendAgain(context);
  note(
    `${countIn(passed)} points of ${passed.size} services, each before and after: ${moments} ${unit}; killed at ${met}`,
  );
  if (unmet.length > 0) note(notReached(unmet));
}

/** Where a consumer of each service stores what its jobs come to. */
export const CONSUMER_POINTS = {
  account: 'after mongodb account.events bulkWrite',
  balance: 'after mongodb balance.events insertMany balance-updated',
  lake: 'after mongodb lake.lake insertMany',
  reporting: 'after mongodb reporting.store insertMany',
};

/** Kills processes at a moment of theirs, `times` in a row, and waits until it has happened and they are back. */
export async function killAt(context: Context, plans: Readonly<Record<string, string>>, times: number): Promise<void> {
  for (const [service, at] of Object.entries(plans)) lay(context, service, at, times);
  const deadlineMs = performance.now() + MET_WITHIN_MS;
  while (Object.keys(plans).some(service => left(context, service) > 0)) {
    if (performance.now() > deadlineMs) {
      const unmet = Object.entries(plans).filter(([service]) => left(context, service) > 0);
      return context.violated(`not reached: ${JSON.stringify(unmet)}`);
    }
    await delay(POLL_MS);
  }
  await context.cluster.ready();
}

export const crashRows: readonly Row[] = [
  {
    name: 'crash-everywhere',
    what: 'a service is killed (`kill -9`) right before and right after each kind of call to MongoDB and Redis',
    arrangement: CRASHING,
    load: { clients: 1, pauseMs: 250 },
    fault: context => everywhere(context, oneOfEachKind, 'kinds of moment'),
  },
  {
    name: 'crash-every-service',
    what: 'the same for each service that makes the call',
    byNameOnly: true,
    arrangement: CRASHING,
    load: { clients: 1, pauseMs: 250 },
    fault: context => everywhere(context, points => points, 'moments'),
  },
  {
    name: 'crash-twice',
    what: 'the process of each consumer is killed twice in a row while it handles the same jobs',
    arrangement: CRASHING,
    fault: context => killAt(context, CONSUMER_POINTS, 2),
  },
];
