/** Times, kept as HdrHistogram keeps them: to three digits, whatever their number. */
import { build, type Histogram } from 'hdr-histogram-js';

export type Times = { count: number; p50Ms: number; p99Ms: number; maxMs: number };

const MICROSECONDS = 1_000;
const HIGHEST_US = 3_600_000_000;

export function times(): { add(ms: number): void; summary(): Times } {
  const histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: HIGHEST_US,
    numberOfSignificantValueDigits: 3,
  });
  const at = (percentile: number) => histogram.getValueAtPercentile(percentile) / MICROSECONDS;
  return {
    add: ms => histogram.recordValue(Math.min(HIGHEST_US, Math.max(1, Math.round(ms * MICROSECONDS)))),
    summary: () => ({
      count: histogram.totalCount,
      p50Ms: at(50),
      p99Ms: at(99),
      maxMs: histogram.maxValue / MICROSECONDS,
    }),
  };
}
