/** How busy this thread is. */
import { performance } from 'node:perf_hooks';

/** Long enough that one collection of garbage is not taken for much work, short enough that a burst is noticed. */
const WINDOW_MS = 250;

/**
 * @returns how much of its time the event loop of this thread was at work, 0 to 1: in a window of at least 250 ms that ended no
 *   longer ago than that, where it is asked all the time, else since it was asked last. What waits for a core counts as work.
 */
export function utilizationOf(): () => number {
  let from = performance.eventLoopUtilization();
  let fromMs = performance.now();
  let utilization = 0;
  return () => {
    const nowMs = performance.now();
    if (nowMs - fromMs < WINDOW_MS) return utilization;
    const now = performance.eventLoopUtilization();
    utilization = performance.eventLoopUtilization(now, from).utilization;
    from = now;
    fromMs = nowMs;
    return utilization;
  };
}
