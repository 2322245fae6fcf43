/** What a delivery costs and how long it takes, at a rate that every gateway is to bear. */
import { setTimeout as delay } from 'node:timers/promises';
import { cpuOf } from '../measure.ts';
import { control } from '../subgraphs.ts';
import type { Audience } from './audience.ts';
import type { Crowd } from './crowd.ts';
import { left, type Target } from './targets.ts';

export type DeliveryLoad = Pick<Audience, 'watching' | 'subscribers' | 'perSocket'> & {
  eventsPerSecond: number;
  warmup: number;
  seconds: number;
};

export type DeliverySample = {
  /** CPU of the gateway for one delivery. */
  gatewayUs: number;
  /** CPU of the subgraphs for one delivery. */
  subgraphsUs: number;
  p50Ms: number;
  p99Ms: number;
  expected: number;
  lost: number;
};

/** Subscribes, lets events happen, and leaves. */
export async function measureDeliveries(crowd: Crowd, target: Target, load: DeliveryLoad): Promise<DeliverySample> {
  const { wsUrl: url, selection, pids, subgraphPids } = target;
  const { subscribers, perSocket, watching } = load;
  await crowd.open({ url, selection, subscribers, perSocket, watching });
  try {
    await happen(crowd, target, load, load.warmup);
    const [gatewayBefore, subgraphsBefore] = [cpuOf(pids), cpuOf(subgraphPids)];
    const expected = await happen(crowd, target, load, load.seconds);
    const [gatewayAfter, subgraphsAfter] = [cpuOf(pids), cpuOf(subgraphPids)];
    const { deliveries, failures, firstFailure, latency } = await crowd.report();
    if (failures > 0) process.stderr.write(`${target.name}: ${failures} failures, the first: ${firstFailure}\n`);
    return {
      gatewayUs: ((gatewayAfter - gatewayBefore) * 1000) / deliveries,
      subgraphsUs: ((subgraphsAfter - subgraphsBefore) * 1000) / deliveries,
      p50Ms: latency?.p50Ms ?? Number.NaN,
      p99Ms: latency?.p99Ms ?? Number.NaN,
      expected,
      lost: expected - deliveries,
    };
  } finally {
    await crowd.close();
    await left(target);
  }
}

/** @returns how many deliveries were to come of it, when they have come or stay away. */
async function happen(
  crowd: Crowd,
  { controlUrl }: Target,
  { watching, subscribers, eventsPerSecond }: DeliveryLoad,
  seconds: number,
): Promise<number> {
  await crowd.reset();
  const before = await control(controlUrl, { eventsPerSecond, accounts: watching === 'one' ? 1 : subscribers });
  await delay(seconds * 1000);
  const after = await control(controlUrl, { eventsPerSecond: 0 });
  const expected = (after.events - before.events) * (watching === 'one' ? subscribers : 1);
  await crowd.settle(expected);
  return expected;
}
