/** What replays are and what is said of them. */

import { type EventFilter, type Filter, filterFrom, filterOf, inputOf, paramsOf } from '../lake/filter.ts';
import type { BadgeKind } from '../parts/badge.tsx';
import { formatCount, formatSeconds } from '../time.ts';

export type Mode = 'REPAIR' | 'REBUILD' | 'RECONCILE' | 'ROLLBACK';
export type Status = 'PLANNED' | 'RUNNING' | 'COMPLETED' | 'CANCELLED' | 'FAILED';

export type Replay = {
  id: string;
  service: string;
  mode: Mode;
  dryRun: boolean;
  filter: EventFilter | null;
  ratePerSecond: number | null;
  status: Status;
  total: number;
  subjects: number | null;
  applied: number;
  eventsPerSecond: number | null;
  secondsLeft: number | null;
  differences: number | null;
  differingSubjects: string[];
  requestedBy: string;
  reason: string | null;
  createdAt: string;
  finishedAt: string | null;
  error: string | null;
};

/** What a document asks of a replay. */
export const REPLAY_FIELDS = /* GraphQL */ `
  id service mode dryRun filter { types subject source correlationId from to } ratePerSecond status total subjects applied
  eventsPerSecond secondsLeft differences differingSubjects requestedBy reason createdAt finishedAt error`;

export const MODES: Record<Mode, { label: string; noun: string; text: string }> = {
  REPAIR: {
    label: 'Repair',
    noun: 'Repair',
    text: 'Sends the events to the service again, into its data as they are. What it has already changes nothing.',
  },
  RECONCILE: {
    label: 'Reconcile',
    noun: 'Reconciliation',
    text: 'Builds the data anew beside the present ones, compares, and replaces only what differs.',
  },
  REBUILD: {
    label: 'Rebuild',
    noun: 'Rebuild',
    text: 'Builds the data anew and puts all of it in the place of the present ones. The service goes on meanwhile.',
  },
  ROLLBACK: {
    label: 'Roll back',
    noun: 'Rollback',
    text: 'Goes back to the data from before the last rebuild, with what has happened since.',
  },
};

export const MODE_NAMES = Object.keys(MODES) as Mode[];

export const STATUSES: Record<Status, { label: string; kind: BadgeKind }> = {
  PLANNED: { label: 'Waiting', kind: 'waiting' },
  RUNNING: { label: 'Running', kind: 'info' },
  COMPLETED: { label: 'Completed', kind: 'good' },
  CANCELLED: { label: 'Cancelled', kind: 'plain' },
  FAILED: { label: 'Failed', kind: 'bad' },
};

export const isOver = ({ status }: Pick<Replay, 'status'>): boolean => status !== 'PLANNED' && status !== 'RUNNING';

/** Whether it takes a typed name: what it replaces is all that a service shows. */
export const isGrave = ({ mode }: Pick<Replay, 'mode'>): boolean => mode === 'REBUILD' || mode === 'ROLLBACK';

/** `Rebuild of balance`. */
export const titleOf = ({ mode, service }: Pick<Replay, 'mode' | 'service'>): string =>
  `${MODES[mode].noun} of ${service}`;

/** A replay as it is asked for. */
export type Wish = { service: string; mode: Mode; filter: Filter; rate: string; reason: string };

export const REASON_CHARS_MAX = 500;
export const RATE_MAX = 100_000;

/** Those parts of a filter that a mode takes: what builds anew takes everything, or all of one subject. */
export const narrowed = (mode: Mode, filter: Filter): Filter =>
  mode === 'REPAIR' ? filter : { ...filterFrom(null), subject: filter.subject };

/** The wish that stands in a query string. */
export function wishOf(query: URLSearchParams): Wish {
  const named = query.get('mode')?.toUpperCase();
  return {
    service: query.get('service') ?? '',
    mode: MODE_NAMES.find(mode => mode === named) ?? 'REPAIR',
    filter: filterOf(query),
    rate: query.get('rate') ?? '',
    reason: query.get('reason') ?? '',
  };
}

/** The same for a query string. */
export function paramsOfWish({ service, mode, filter, rate, reason }: Wish): Record<string, string | null> {
  return { service, mode: mode.toLowerCase(), ...paramsOf(filter), rate, reason };
}

/** What the API is asked for. */
export function inputOfWish({ service, mode, filter, rate, reason }: Wish, dryRun: boolean) {
  return {
    service,
    mode,
    dryRun,
    filter: inputOf(narrowed(mode, filter)),
    ratePerSecond: rate.trim() === '' ? null : Number(rate),
    reason: reason.trim() || null,
  };
}

export type ReplayInput = ReturnType<typeof inputOfWish>;

/** The wish that a replay came of. */
export const wishFrom = ({ service, mode, filter, ratePerSecond, reason }: Replay): Wish => ({
  service,
  mode,
  filter: filterFrom(filter),
  rate: ratePerSecond === null ? '' : String(ratePerSecond),
  reason: reason ?? '',
});

/** What is wrong with a rate as it was typed; nothing when it is empty. */
export function problemOfRate(rate: string): string | undefined {
  if (rate.trim() === '') return undefined;
  const number = Number(rate);
  const isGood = Number.isInteger(number) && number >= 1 && number <= RATE_MAX;
  return isGood ? undefined : `Give a whole number from 1 to ${formatCount(RATE_MAX)}, or nothing.`;
}

/** `12,402 events`, `1 event`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`;

/** How long it may take, as people say it; a fraction of a second is as good as none. */
export const aboutSeconds = (seconds: number): string =>
  seconds < 1 ? 'less than a second' : `about ${formatSeconds(seconds < 10 ? Math.round(seconds) : seconds)}`;
