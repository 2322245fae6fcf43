/** How long a replay will take: pure. */
import type { Replay } from './facts.ts';

type Measured = Pick<Replay, 'service' | 'mode' | 'eventsPerSecond' | 'status' | 'applied' | 'ratePerSecond'>;

/** Replays of fewer events say little of how fast a service takes them; so those of more go before them, and of less are left out. */
const EVENTS_TELLING = 1_000;
const EVENTS_MIN = 20;

/**
 * How fast a service takes events: the median of what replays have measured that no chosen rate held back, those of the same mode
 * before others.
 *
 * @param recent of any service; a dry run that built something has measured as well.
 * @returns events a second; undefined when nothing is known.
 */
export function speedOf(
  { service, mode }: Pick<Replay, 'service' | 'mode'>,
  recent: readonly Measured[],
): number | undefined {
  const known = recent.filter(
    replay =>
      replay.service === service &&
      replay.status === 'COMPLETED' &&
      replay.applied >= EVENTS_MIN &&
      replay.ratePerSecond === null,
  );
  const preferred = [
    known.filter(replay => replay.mode === mode && replay.applied >= EVENTS_TELLING),
    known.filter(replay => replay.mode === mode),
  ].find(some => some.length > 0);
  return median((preferred ?? known).flatMap(({ eventsPerSecond }) => eventsPerSecond || []));
}

/**
 * @param wanted a dry run that is over.
 * @returns seconds; undefined when nobody can know.
 */
export function estimate(
  wanted: Pick<Replay, 'service' | 'mode' | 'total' | 'ratePerSecond' | 'createdAt' | 'finishedAt'>,
  recent: readonly Measured[],
): number | undefined {
  if (wanted.total === 0) return 0;
  // It has built the data already, as the thing itself will.
  if (wanted.mode !== 'REPAIR' && wanted.finishedAt !== null)
    return (Date.parse(wanted.finishedAt) - Date.parse(wanted.createdAt)) / 1_000;
  const speed = speedOf(wanted, recent);
  const slowest = Math.min(speed ?? Number.POSITIVE_INFINITY, wanted.ratePerSecond ?? Number.POSITIVE_INFINITY);
  return Number.isFinite(slowest) ? wanted.total / slowest : undefined;
}

function median(numbers: readonly number[]): number | undefined {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length % 2 === 1) return sorted[middle];
  const [below, above] = [sorted[middle - 1], sorted[middle]];
  return below === undefined || above === undefined ? undefined : (below + above) / 2;
}

/** How much of it is done, from 0 to 1; undefined where that is not known yet. */
export function shareOf({ total, applied, status }: Pick<Replay, 'total' | 'applied' | 'status'>): number | undefined {
  if (status === 'COMPLETED') return 1;
  if (status === 'PLANNED' || total === 0) return undefined;
  return Math.min(1, applied / total);
}
