import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Audience, Order, Tally } from './audience.ts';

/** The subscribers, in a process of their own: what they cost is not what is measured. */
export type Crowd = {
  /** Subscribes, and waits until each has had its first delivery. @throws when one does not get it. */
  open(audience: Audience): Promise<void>;
  /** What has arrived since the last reset. */
  count(): Promise<Tally>;
  /** The same, with latencies. */
  report(): Promise<Tally>;
  reset(): Promise<void>;
  /** Waits until so many deliveries have arrived since the last reset, or none has come for so long. */
  settle(deliveries: number, silenceMs?: number): Promise<Tally>;
  close(): Promise<void>;
  stop(): void;
};

const SILENCE_MS = 1_500;
const SETTLED_WITHIN_MS = 20_000;
const POLL_MS = 20;

/** Starts the process. */
export function startCrowd(): Crowd {
  const child = fork(fileURLToPath(new URL('audience-process.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] });
  process.once('exit', () => child.kill('SIGKILL'));

  async function order(given: Order): Promise<Tally> {
    child.send(given);
    const [tally] = await once(child, 'message');
    return tally as Tally;
  }

  async function settle(deliveries: number, silenceMs = SILENCE_MS): Promise<Tally> {
    const startedMs = performance.now();
    let [last, lastMs] = [-1, startedMs];
    for (;;) {
      const tally = await order({ kind: 'count' });
      const nowMs = performance.now();
      if (tally.deliveries > last) [last, lastMs] = [tally.deliveries, nowMs];
      const silent = nowMs - lastMs > silenceMs || nowMs - startedMs > SETTLED_WITHIN_MS;
      if (tally.deliveries >= deliveries || silent) return tally;
      await delay(POLL_MS);
    }
  }

  return {
    async open(audience) {
      const { failures, firstFailure } = await order({ kind: 'open', audience });
      if (failures > 0) throw new Error(`${audience.url}: ${failures} failures: ${firstFailure}`);
    },
    count: () => order({ kind: 'count' }),
    report: () => order({ kind: 'report' }),
    async reset() {
      await order({ kind: 'reset' });
    },
    settle,
    async close() {
      await order({ kind: 'close' });
    },
    stop: () => void child.kill(),
  };
}
