/** How many deliveries a second there can be at most, to subscribers of one account. */
import { setTimeout as delay } from 'node:timers/promises';
import { cpuOf } from '../measure.ts';
import { control } from '../subgraphs.ts';
import type { Crowd } from './crowd.ts';
import { left, type Target } from './targets.ts';

export type PeakLoad = { subscribers: number; perSocket: number; seconds: number };

/** At the rate of events at which most deliveries came. */
export type PeakSample = { deliveriesPerSecond: number; eventsPerSecond: number; gatewayUs: number };

const FIRST_RATE = 5;
const FASTER = 1.5;
/** Whoever gains less by more events is at the top. */
const GAIN_MIN = 1.03;
/** One step that gains nothing may be the machine's. */
const STEPS_WITHOUT_GAIN = 2;

/** Lets more and more events happen, until no more deliveries come of it. What is left out on the way does not count. */
export async function measurePeak(crowd: Crowd, target: Target, load: PeakLoad): Promise<PeakSample> {
  const { wsUrl: url, selection } = target;
  const { subscribers, perSocket, seconds } = load;
  await crowd.open({ url, selection, subscribers, perSocket, watching: 'one' });
  try {
    // Warms up; its sample is not looked at.
    await step(crowd, target, FIRST_RATE, seconds);
    let best: PeakSample = { deliveriesPerSecond: 0, eventsPerSecond: 0, gatewayUs: Number.NaN };
    let missed = 0;
    for (let rate = FIRST_RATE; missed < STEPS_WITHOUT_GAIN; rate *= FASTER) {
      const sample = await step(crowd, target, rate, seconds);
      missed = sample.deliveriesPerSecond > best.deliveriesPerSecond * GAIN_MIN ? 0 : missed + 1;
      if (sample.deliveriesPerSecond > best.deliveriesPerSecond) best = sample;
    }
    return best;
  } finally {
    await crowd.close();
    await left(target);
  }
}

async function step(
  crowd: Crowd,
  { pids, controlUrl }: Target,
  eventsPerSecond: number,
  seconds: number,
): Promise<PeakSample> {
  await crowd.reset();
  await control(controlUrl, { eventsPerSecond, accounts: 1 });
  // The first of them fill what lies in between.
  await delay(500);
  const [cpuBefore, before] = [cpuOf(pids), await crowd.count()];
  await delay(seconds * 1000);
  const [cpuAfter, after] = [cpuOf(pids), await crowd.count()];
  await control(controlUrl, { eventsPerSecond: 0 });
  const deliveries = after.deliveries - before.deliveries;
  // What is still on its way must not be counted in the next step.
  await crowd.settle(Number.POSITIVE_INFINITY);
  return {
    deliveriesPerSecond: (deliveries * 1000) / (after.atMs - before.atMs),
    eventsPerSecond,
    gatewayUs: ((cpuAfter - cpuBefore) * 1000) / deliveries,
  };
}
