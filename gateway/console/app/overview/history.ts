/** The last minutes of the system, for its trends: a sample a second, bounded, kept while the reader looks at other pages. */
import { signal } from '@preact/signals';
import { rateOf, type System, stateOf } from './facts.ts';

/** What is drawn of a moment. Null: not known then. */
export type Sample = {
  atMs: number;
  eventsPerSecond: number;
  lagEvents: number | null;
  mongodbMs: number | null;
  redisMs: number | null;
  services: Record<string, { lagEvents: number | null; lagSeconds: number | null }>;
};

export const MINUTES = 5;
const KEPT_MS = MINUTES * 60_000;
/** The stream may be quicker than it says; no history is longer. */
const KEPT_MAX = 600;

export const history = signal<readonly Sample[]>([]);

export function sampleOf(system: System): Sample {
  const lags = system.services.flatMap(({ lagEvents }) => (lagEvents === null ? [] : lagEvents));
  return {
    atMs: Date.parse(system.time),
    eventsPerSecond: rateOf(system),
    lagEvents: lags.length === 0 ? null : Math.max(...lags),
    mongodbMs: stateOf(system, 'mongodb')?.roundTripMs ?? null,
    redisMs: stateOf(system, 'redis')?.roundTripMs ?? null,
    services: Object.fromEntries(
      system.services.map(({ name, lagEvents, lagSeconds }) => [name, { lagEvents, lagSeconds }]),
    ),
  };
}

/** Keeps a sample, and forgets what is too old. One from before the newest comes of a clock that was put right. */
export function remember(samples: readonly Sample[], next: Sample): readonly Sample[] {
  return [...samples.filter(({ atMs }) => atMs > next.atMs - KEPT_MS && atMs < next.atMs), next].slice(-KEPT_MAX);
}

type Point = { at: number; value: number | null };

const BUCKETS = 60;

/**
 * A trend as it is drawn: the largest value of each twelfth of a minute of the time that is kept, as lines of points from 0 to 1;
 * x is time, y is up. A moment that is not known breaks the line.
 *
 * @param least what the top stands for at least, so that a little noise does not look like a storm.
 */
export function trendOf(samples: readonly Point[], nowMs: number, least: number): { x: number; y: number }[][] {
  const most = Math.max(least, ...samples.map(({ value }) => value ?? 0));
  const stepMs = KEPT_MS / BUCKETS;
  // By the clock, so that a sample stays in its bucket and the line does not tremble.
  const last = Math.floor(nowMs / stepMs);
  const buckets = new Map<number, number>();
  for (const { at, value } of samples) {
    const bucket = Math.floor(at / stepMs);
    if (value !== null) buckets.set(bucket, Math.max(buckets.get(bucket) ?? 0, value));
  }
  const lines: { x: number; y: number }[][] = [];
  let line: { x: number; y: number }[] = [];
  for (let bucket = last - BUCKETS + 1; bucket <= last; bucket++) {
    const value = buckets.get(bucket);
    if (value === undefined) {
      if (line.length > 0) lines.push(line);
      line = [];
    } else line.push({ x: (bucket - last + BUCKETS - 1) / (BUCKETS - 1), y: value / most });
  }
  if (line.length > 0) lines.push(line);
  return lines;
}

/** What one measure was over time. */
export const valuesOf = (samples: readonly Sample[], of: (sample: Sample) => number | null | undefined): Point[] =>
  samples.map(sample => ({ at: sample.atMs, value: of(sample) ?? null }));
