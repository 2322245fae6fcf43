/**
 * A lease: of all processes of a service, one does a job (relaying, replaying). Fail-over takes `ttlMs` plus one tick.
 *
 * Guarantees: every tenure has a `fence` higher than all before it. No clock is compared with another machine's: a
 * contender takes over when it has seen the holder's beat stand still for `ttlMs` of its own monotonic time.
 * Does not guarantee that a paused holder knows that it lost: whatever it writes late must be refused by its fence.
 * See Kleppmann, "How to do distributed locking" (2016).
 */
import type { Collection } from 'mongodb';
import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import { ignoreDuplicates } from './errors.ts';

/** A lease as it is stored; `fence` grows with each tenure, `beat` while one lasts. */
export type LeaseDocument = { _id: string; holder: string | null; fence: number; beat: number };

/** A place that one process holds at a time. */
export type Lease = {
  /** The fence of the tenure that this process has now; undefined while it has none. */
  fence(): number | undefined;
  /** Gives the lease back, so that another process need not wait, and stops contending. */
  release(): Promise<void>;
};

/** What a lease is called, and who asks for it. */
export type LeaseOptions = {
  collection: Collection<LeaseDocument>;
  name: string;
  /**
   * Names this process. A process that starts with the name of the current holder takes over at once: use a fixed name
   * only where something else makes sure that there is one such process.
   */
  holder: string;
  clock: Clock;
  log: Logger;
  /** Called once for each tenure, as it starts. */
  onAcquired?: () => void;
  /** Default 3,000. */
  ttlMs?: number;
  /** Default 1,000. */
  tickMs?: number;
};

/** Starts contending; returns at once. */
export function contend(options: LeaseOptions): Lease {
  const { collection, name, holder, clock, log, onAcquired, ttlMs = 3_000, tickMs = 1_000 } = options;
  const stopped = new AbortController();
  let tenure: { fence: number; renewedMs: number } | undefined;
  let seen: { fence: number; beat: number; sinceMs: number } | undefined;

  async function renew(fence: number): Promise<void> {
    const startedMs = clock.monotonic();
    const { matchedCount } = await collection.updateOne({ _id: name, holder, fence }, { $inc: { beat: 1 } });
    if (matchedCount === 1) tenure = { fence, renewedMs: startedMs };
    else tenure = undefined;
  }

  async function takeOver(current: LeaseDocument): Promise<void> {
    const startedMs = clock.monotonic();
    const { _id, fence, beat } = current;
    const { matchedCount } = await collection.updateOne(
      { _id, fence, beat, holder: current.holder },
      { $set: { holder, beat: 0 }, $inc: { fence: 1 } },
    );
    if (matchedCount === 0) return;
    tenure = { fence: fence + 1, renewedMs: startedMs };
    seen = undefined;
    log.debug({ lease: name, fence: fence + 1 }, 'lease taken');
    onAcquired?.();
  }

  async function tick(): Promise<void> {
    if (tenure) return renew(tenure.fence);
    const current = await collection.findOne({ _id: name });
    if (!current) {
      await collection.insertOne({ _id: name, holder: null, fence: 0, beat: 0 }).catch(ignoreDuplicates);
      return tick();
    }
    const nowMs = clock.monotonic();
    if (seen?.fence !== current.fence || seen.beat !== current.beat) {
      seen = { fence: current.fence, beat: current.beat, sinceMs: nowMs };
    }
    const free = current.holder === null || current.holder === holder;
    if (free || nowMs - seen.sinceMs >= ttlMs) await takeOver(current);
  }

  const running = (async () => {
    while (!stopped.signal.aborted) {
      await tick().catch(error => log.debug({ err: error, lease: name }, 'lease not renewed'));
      await clock.sleep(tickMs, stopped.signal);
    }
  })();

  return {
    fence: () => (tenure && clock.monotonic() - tenure.renewedMs < ttlMs ? tenure.fence : undefined),
    async release() {
      stopped.abort();
      await running;
      if (!tenure) return;
      const { fence } = tenure;
      tenure = undefined;
      await collection
        .updateOne({ _id: name, holder, fence }, { $set: { holder: null } })
        .catch(error => log.debug({ err: error, lease: name }, 'lease not given back; it runs out'));
    },
  };
}
