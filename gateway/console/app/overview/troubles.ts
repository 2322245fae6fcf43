/** What is not as it should be, in words, with what to do: the worst first. */
import { formatCount, formatSeconds } from '../time.ts';
import { faultsAddress, QUEUES, type ServiceHealth, type System, stateOf } from './facts.ts';

export type Trouble = {
  kind: 'error' | 'warning';
  title: string;
  text: string;
  /** What to type. */
  command?: string;
  link?: { to: string; label: string };
};

/** Somebody waits for a balance: more than this is not the usual bustle. */
const LAG_SECONDS = 10;
const PENDING_SECONDS = 5;

/** @returns nothing when all is well. */
export function troublesOf(system: System): Trouble[] {
  const { services } = system;
  const redisDown = stateOf(system, 'redis')?.state === 'DOWN';
  const mongodbDown = stateOf(system, 'mongodb')?.state === 'DOWN';
  return [
    ...(mongodbDown ? [MONGODB_DOWN] : []),
    ...(redisDown ? [REDIS_DOWN] : []),
    ...services.flatMap(service => (service.running === false ? stopped(service) : [])),
    ...services.flatMap(service => (service.running !== false ? behind(service) : [])),
    ...services.flatMap(paused),
    ...(redisDown ? [] : services.flatMap(held)),
    ...services.flatMap(failed),
    ...faulty(services),
  ];
}

const MONGODB_DOWN: Trouble = {
  kind: 'error',
  title: 'MongoDB does not answer.',
  text: 'Nothing can be acknowledged or read until it is back. See that it runs, and whether MONGODB_URL leads to it. Whatever was acknowledged is kept.',
};

const REDIS_DOWN: Trouble = {
  kind: 'error',
  title: 'Redis does not answer.',
  text: 'Deposits and withdrawals are still acknowledged, and wait in the outboxes; balances stand still until it is back. Nothing is lost. See that it runs, and whether REDIS_URL leads to it.',
};

function waiting({ lagEvents, lagSeconds }: ServiceHealth): string | undefined {
  if (!lagEvents) return undefined;
  const since = lagSeconds ? `, the oldest for ${formatSeconds(lagSeconds)}` : '';
  return `${lagEvents === 1 ? '1 event waits' : `${formatCount(lagEvents)} events wait`} for it${since}.`;
}

function stopped(service: ServiceHealth): Trouble {
  return {
    kind: 'error',
    title: `${service.name} does not run.`,
    text: `${waiting(service) ?? 'Nothing waits for it yet.'} The others go on, and it catches up when it is started:`,
    command: `npm run service -- ${service.name}`,
  };
}

function behind(service: ServiceHealth): Trouble[] {
  const { name, lagSeconds, pausedQueues } = service;
  const text = waiting(service);
  // Of a paused queue is said what waits there, and why.
  if (!text || pausedQueues || (lagSeconds ?? 0) < LAG_SECONDS) return [];
  const link = { to: QUEUES, label: 'See its queue' };
  return [{ kind: 'warning', title: `${name} is behind.`, text: `${text} It works them off in their order.`, link }];
}

const LOOK_AT_QUEUES = { to: QUEUES, label: 'See its queues' };

/** An operator has done it, and may have forgotten. */
function paused(service: ServiceHealth): Trouble[] {
  const { name, pausedQueues } = service;
  if (!pausedQueues) return [];
  const title = pausedQueues === 1 ? `A queue of ${name} is paused.` : `${pausedQueues} queues of ${name} are paused.`;
  const text = [waiting(service), 'Nothing is taken from there until somebody resumes it; what comes is kept.']
    .filter(Boolean)
    .join(' ');
  return [{ kind: 'warning', title, text, link: LOOK_AT_QUEUES }];
}

function failed({ name, failedJobs }: ServiceHealth): Trouble[] {
  if (!failedJobs) return [];
  const title =
    failedJobs === 1 ? `A job of ${name} has failed.` : `${formatCount(failedJobs)} jobs of ${name} have failed.`;
  const text = 'Nobody handles their events until they are tried again, which its queues have a button for.';
  return [{ kind: 'warning', title, text, link: LOOK_AT_QUEUES }];
}

/** Whether events wait in its outbox for longer than a busy moment takes. */
export const isHeld = ({ oldestPendingSeconds }: ServiceHealth): boolean =>
  (oldestPendingSeconds ?? 0) >= PENDING_SECONDS;

function held(service: ServiceHealth): Trouble[] {
  const { name, pendingEvents, oldestPendingSeconds } = service;
  if (!pendingEvents || !isHeld(service)) return [];
  return [
    {
      kind: 'warning',
      title: `Events wait in the outbox of ${name}.`,
      text: `${countOf(pendingEvents)} acknowledged and not sent on, the oldest for ${formatSeconds(oldestPendingSeconds ?? 0)}. They are kept, and sent as soon as its relay can.`,
    },
  ];
}

function faulty(services: readonly ServiceHealth[]): Trouble[] {
  const some = services.filter(({ faults }) => faults);
  const count = some.reduce((all, { faults }) => all + (faults ?? 0), 0);
  if (count === 0) return [];
  const link = { to: faultsAddress(some.length === 1 ? some[0]?.name : undefined), label: 'Look at them' };
  return [
    {
      kind: 'warning',
      title: count === 1 ? 'A fault is open.' : `${formatCount(count)} faults are open.`,
      text: `Events that ${some.map(({ name }) => name).join(' and ')} could not handle were set aside; the rest went on.`,
      link,
    },
  ];
}

/** Entries of an outbox are counted up to 1,000. */
export const countOf = (pending: number): string => (pending >= 1_000 ? '1,000 or more' : formatCount(pending));
