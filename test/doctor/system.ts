/** The system through its own door: what runs, what waits, what was set aside, and a sample held to the invariants. */
import { setTimeout as delay } from 'node:timers/promises';
import { count, counted } from '../../scripts/demo/progress.ts';
import { accountTally } from '../audit/checks.ts';
import { accountOf, accountsOf, type EvidenceClient, emittedTypes } from '../evidence.ts';
import type { AccountEvidence } from '../invariants.ts';
import { check, type Finding, note, ok, todo, unknown } from './findings.ts';

const LAG_SECONDS_MAX = 60;
const OUTBOX_SECONDS_MAX = 30;
const LOOP_SECONDS_MAX = 0.25;
/** Looks at an account that is being used, until one of them finds nothing. */
const LOOKS = 4;
const LOOK_AGAIN_MS = 500;
/** The end of the lake that is verified. */
const VERIFIED_EVENTS = 1_000;
const NAMED_MAX = 3;

type Health = {
  name: string;
  running: boolean | null;
  lagEvents: number | null;
  lagSeconds: number | null;
  pausedQueues: number | null;
  failedJobs: number | null;
  faults: number | null;
  pendingEvents: number | null;
  oldestPendingSeconds: number | null;
};
type System = { system: { events: number | null; services: Health[] } };

const SYSTEM = `query Doctor { system { events services {
  name running lagEvents lagSeconds pausedQueues failedJobs faults pendingEvents oldestPendingSeconds } } }`;
const VERIFY = 'query Verify($from: Int, $to: Int) { verifyLake(from: $from, to: $to) { valid firstBadPosition } }';

/** What runs and what waits. @throws what the client throws. */
export async function examineFlow(client: EvidenceClient): Promise<Finding[]> {
  let system = (await client.once<System>(SYSTEM)).system;
  // Whether services run is known some seconds after the lake has begun to listen.
  if (system.services.some(({ running }) => running === null)) {
    await delay(LOOK_AGAIN_MS);
    system = (await client.once<System>(SYSTEM)).system;
  }
  return judgeFlow(system.services);
}

/** Pure. */
export function judgeFlow(services: readonly Health[]): Finding[] {
  const silent = services.filter(({ running }) => running === false);
  const paused = services.filter(({ pausedQueues }) => (pausedQueues ?? 0) > 0);
  const failed = services.filter(({ failedJobs }) => (failedJobs ?? 0) > 0);
  const lag = services.filter(({ lagSeconds }) => (lagSeconds ?? 0) > LAG_SECONDS_MAX);
  const stuck = services.filter(({ oldestPendingSeconds }) => (oldestPendingSeconds ?? 0) > OUTBOX_SECONDS_MAX);
  const faulty = services.filter(({ faults }) => (faults ?? 0) > 0);
  const sum = (of: (health: Health) => number | null) => services.reduce((total, each) => total + (of(each) ?? 0), 0);
  /** One line when it is known of all and nothing is wrong with any; what is not known is no answer. */
  const whole = (what: string, of: (health: Health) => unknown, wrong: readonly Health[], is: string): Finding[] => {
    const dark = services.filter(health => of(health) === null).map(({ name }) => name);
    if (dark.length > 0) return [unknown(what, `not known of ${dark.join(', ')}`, NOT_KNOWN)];
    return wrong.length === 0 ? [ok(what, is)] : [];
  };
  return [
    ...whole('running', ({ running }) => running, silent, `${services.length} services`),
    ...silent.map(({ name }) => todo(name, 'does not run', `Start it: npm start, or npm run service -- ${name}.`)),
    ...whole('lag', each => each.lagEvents, lag, `${waiting(sum(each => each.lagEvents))} in queues`),
    ...lag.map(({ name, lagEvents, lagSeconds }) =>
      todo(
        `lag of ${name}`,
        `${waiting(lagEvents ?? 0)}, the oldest for ${Math.round(lagSeconds ?? 0)} s`,
        `See whether it runs and what its log says; if it has too much to do, start another process of it.`,
      ),
    ),
    ...whole('queues', each => each.pausedQueues, [...paused, ...failed], 'none is paused, no job has failed'),
    ...paused.map(({ name, pausedQueues }) =>
      todo(
        `queues of ${name}`,
        `${counted(pausedQueues ?? 0, 'is paused', 'are paused')}: nothing is taken from there`,
        'Somebody has done that at /queues, and resumes it there (QUEUES_WRITABLE=true lets that happen).',
      ),
    ),
    ...failed.map(({ name, failedJobs }) =>
      todo(
        `jobs of ${name}`,
        `${counted(failedJobs ?? 0, 'has failed', 'have failed')}: nobody handles their events`,
        'Look at them at /queues, and have them tried again there (QUEUES_WRITABLE=true lets that happen).',
      ),
    ),
    ...whole(
      'outboxes',
      each => each.pendingEvents,
      stuck,
      `${waiting(sum(each => each.pendingEvents))} to be sent on`,
    ),
    ...stuck.map(({ name, pendingEvents, oldestPendingSeconds }) =>
      todo(
        `outbox of ${name}`,
        `${waiting(pendingEvents ?? 0)}, the oldest for ${Math.round(oldestPendingSeconds ?? 0)} s`,
        `Redis may be away or full, or no process of ${name} runs. Nothing is lost; it goes on by itself.`,
      ),
    ),
    ...whole('faults', each => each.faults, faulty, 'none is open'),
    ...faulty.map(({ name, faults }) =>
      todo(
        `faults of ${name}`,
        `${counted(faults ?? 0, 'event')} set aside`,
        'Look at Faults in the console, mend the cause, and send them again.',
      ),
    ),
  ];
}

/** Null is what the lake's process could not ask right now. */
const NOT_KNOWN = 'A server or a service is away, or has just come: see above, and look again in a moment.';

const waiting = (events: number): string => counted(events, 'event waits', 'events wait');

/** The processes as their metrics show them. @param page of `/metrics`; undefined when it is not to be had. */
export function judgeProcess(page: string | undefined): Finding[] {
  if (page === undefined) return [unknown('metrics', 'not to be had at /metrics')];
  const numberOf = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(page)?.[1] ?? Number.NaN);
  const version = /^nodejs_version_info\{version="(v[\d.]+)"/m.exec(page)?.[1];
  const seconds = numberOf('nodejs_eventloop_lag_p99_seconds');
  const megabytes = numberOf('process_resident_memory_bytes') / 1_000_000;
  return [
    judgeNode('node of the gateway', version),
    Number.isNaN(seconds)
      ? note('event loop', 'not known')
      : check(
          seconds < LOOP_SECONDS_MAX,
          'event loop',
          `p99 ${(seconds * 1_000).toFixed(0)} ms late`,
          'The process has too much to do: run the services as processes of their own, or more of them.',
        ),
    ok('memory', `${megabytes.toFixed(0)} MB`),
  ];
}

const NODE_OLDEST = [20, 19] as const;

/** Pure. */
export function judgeNode(what: string, version: string | undefined): Finding {
  const [, major = 0, minor = 0] = (/^v(\d+)\.(\d+)/.exec(version ?? '') ?? []).map(Number);
  const isNew = major > NODE_OLDEST[0] || (major === NODE_OLDEST[0] && minor >= NODE_OLDEST[1]);
  return check(isNew, what, version ?? 'not known', `Node ${NODE_OLDEST.join('.')} or newer is needed: install it.`);
}

/**
 * Holds some accounts to what is always true. An account that is used while it is read contradicts itself; so one counts as
 * wrong when several looks say so, and while events wait somewhere nothing can be said of one that lacks them.
 */
export async function examineSample(client: EvidenceClient, accountsMax: number): Promise<Finding[]> {
  const types = await emittedTypes(client);
  const wrong: string[] = [];
  let looked = 0;
  const before = await onTheirWay(client);
  for await (const account of accountsOf(client)) {
    if (looked >= accountsMax) break;
    looked += 1;
    const violations = await lasting(client, account, types);
    wrong.push(...violations);
  }
  const shown = wrong.slice(0, NAMED_MAX).join('; ');
  const more = wrong.length > NAMED_MAX ? `, and ${count(wrong.length - NAMED_MAX)} more` : '';
  if (wrong.length === 0) return [ok('accounts', keptBy(looked))];
  const way = before ?? (await onTheirWay(client));
  return way
    ? [
        unknown(
          'accounts',
          `${shown}${more}; but ${way}`,
          'Look again when nothing waits: until then it may be on its way.',
        ),
      ]
    : [
        todo(
          'accounts',
          `${shown}${more}`,
          'Run npm run audit for all of it, and reconcile the service in the console.',
        ),
      ];
}

/** Why an event may not have been handled everywhere yet; undefined when each has been. */
async function onTheirWay(client: EvidenceClient): Promise<string | undefined> {
  const { services } = (await client.once<System>(SYSTEM)).system;
  const idle = services.find(({ running }) => running !== true);
  if (idle) return `${idle.name} ${idle.running === null ? 'may not run' : 'does not run'}`;
  const late = services.find(({ lagEvents, pendingEvents }) => lagEvents !== 0 || (pendingEvents ?? 0) > 0);
  return late && `events wait for ${late.name}, or in its outbox`;
}

function keptBy(looked: number): string {
  if (looked === 0) return 'there is none yet';
  return looked === 1 ? 'the first one keeps every invariant' : `the first ${count(looked)} keep every invariant`;
}

async function lasting(client: EvidenceClient, first: AccountEvidence, types: ReadonlySet<string>): Promise<string[]> {
  let account = first;
  for (let look = 1; ; look++) {
    const tally = accountTally(types);
    tally.add(account);
    const violations = tally.checks().flatMap(({ name, violations }) => violations.map(each => `${name}: ${each}`));
    if (violations.length === 0 || look === LOOKS) return violations;
    await delay(LOOK_AGAIN_MS);
    account = await accountOf(client, first.id);
  }
}

/** The end of the lake: whether it is as it was stored. */
export async function examineLake(client: EvidenceClient): Promise<Finding[]> {
  const { system } = await client.once<System>(SYSTEM);
  const to = system.events;
  if (to === null) return [unknown('lake', 'not known how many events it holds', NOT_KNOWN)];
  if (to === 0) return [ok('lake', 'is empty')];
  const from = Math.max(1, to - VERIFIED_EVENTS + 1);
  type Verified = { verifyLake: { valid: boolean; firstBadPosition: number | null } };
  const { verifyLake } = await client.get<Verified>(VERIFY, { from, to });
  return [
    check(
      verifyLake.valid,
      'lake',
      verifyLake.valid
        ? `its last ${count(to - from + 1)} of ${count(to)} events are as they were stored`
        : `something was changed at position ${verifyLake.firstBadPosition}`,
      'Look at Integrity in the console, and hold an export to a checkpoint (npm run verify).',
    ),
  ];
}
