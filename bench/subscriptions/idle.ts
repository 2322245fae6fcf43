/** What a subscription costs in which nothing happens, and what a gateway with many of them still does. */
import { setTimeout as delay } from 'node:timers/promises';
import { load } from '../load.ts';
import { quantile, residentOf } from '../measure.ts';
import { OPERATIONS } from '../operations.ts';
import { control } from '../subgraphs.ts';
import { tokenOf } from '../token.ts';
import type { Audience } from './audience.ts';
import type { Crowd } from './crowd.ts';
import { type HeapProbe, probeHeap } from './inspector.ts';
import type { Target } from './targets.ts';

export type IdleLoad = Pick<Audience, 'watching' | 'subscribers' | 'perSocket'>;

export type IdleSample = {
  residentBytes: number;
  /** Of what runs in Node. */
  heapBytes: number;
  /** Of a query of two subgraphs meanwhile, one at a time. */
  queryP50Ms: number;
  queryP99Ms: number;
  /** From one change of each account that is watched until the last delivery of it. */
  allMs: number;
  delivered: number;
};

const QUERY_SECONDS = 2;
const WARM_SUBSCRIBERS = 200;
const REST_MS = 2_000;
/** To fetch for all at once may take a gateway long before the first is through. */
const SILENCE_MS = 8_000;

/** @param target a gateway that has done nothing else: memory that it had for others would be used again. */
export async function measureIdle(crowd: Crowd, target: Target, idle: IdleLoad): Promise<IdleSample> {
  const { wsUrl: url, selection, pids, controlUrl } = target;
  const probe = await probeHeap(pids[0] ?? -1);
  try {
    await crowd.open({ url, selection, ...idle, subscribers: Math.min(WARM_SUBSCRIBERS, idle.subscribers) });
    await crowd.close();
    await query(target);
    const before = await memory(target, probe);
    await crowd.open({ url, selection, ...idle });
    const after = await memory(target, probe);
    const latenciesMs = await query(target);
    await crowd.reset();
    const accounts = idle.watching === 'one' ? 1 : idle.subscribers;
    await control(controlUrl, { accounts, burst: accounts });
    await crowd.settle(idle.subscribers, SILENCE_MS);
    const { deliveries, latency } = await crowd.report();
    return {
      residentBytes: (after.resident - before.resident) / idle.subscribers,
      heapBytes: (after.heap - before.heap) / idle.subscribers,
      queryP50Ms: quantile(latenciesMs, 0.5),
      queryP99Ms: quantile(latenciesMs, 0.99),
      allMs: latency?.maxMs ?? Number.NaN,
      delivered: deliveries,
    };
  } finally {
    probe.close();
    await crowd.close();
  }
}

async function memory({ pids }: Target, probe: HeapProbe): Promise<{ resident: number; heap: number }> {
  await delay(REST_MS);
  const heap = (await probe.usedBytes()) ?? Number.NaN;
  return { heap, resident: residentOf(pids) };
}

async function query({ url }: Target): Promise<number[]> {
  const token = await tokenOf();
  const asked = { url, token, operation: OPERATIONS.two, connections: 1, seconds: QUERY_SECONDS };
  return (await load(asked)).latenciesMs;
}
