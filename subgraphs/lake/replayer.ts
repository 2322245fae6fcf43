/**
 * The replayer: sees to it that planned replays are worked off, one at a time for each service (see replaying.ts), and tidies up
 * after them. Where the process has a second thread they are worked off there.
 *
 * Guarantees: one lake process replays at a time; what it has begun goes on after its death, wherever the lake runs.
 */
import type { Logger } from 'pino';
import type { Bindings } from '../../events/binding.ts';
import { type Clock, createWake } from '../../events/clock.ts';
import type { Lease } from '../../events/lease.ts';
import { isOver, type ReplayRow, type Replays } from './replay.ts';
import type { Schedules } from './schedule.ts';

const POLL_MS = 1_000;

export type Replayer = { wake(): void; stop(): Promise<void> };

export function startReplayer(options: {
  replays: Replays;
  schedules?: Pick<Schedules, 'ask'>;
  /** Works at a replay until it is over, or the signal aborts: see replaying.ts. */
  replaying(row: Pick<ReplayRow, '_id' | 'total'>, fence: number, signal: AbortSignal): Promise<void>;
  lease: Pick<Lease, 'fence'>;
  bindings: Bindings;
  clock: Clock;
  log: Logger;
}): Replayer {
  const { replays, schedules, replaying, lease, bindings, clock, log } = options;
  const stopped = new AbortController();
  const wake = createWake(clock);
  const active = new Map<string, Promise<void>>();
  /** What is begun while a fence is held ends with it, also when it is held again. */
  let tenure: { fence: number | undefined; over: AbortController } = { fence: undefined, over: new AbortController() };

  /**
   * What a rebuild that was cancelled or has failed has left behind.
   *
   * @returns the services that have still to drop it, or may have: one may end while this looks.
   */
  async function tidyUp(): Promise<Set<string>> {
    const untidy = new Set(active.keys());
    for (const { _id: service, rebuild: wish, rebuilt } of await bindings.all()) {
      if (!wish || untidy.has(service)) continue;
      const row = await replays.rows.findOne({ _id: wish.id });
      if (row && !isOver(row.status)) continue;
      const isDropped = rebuilt?.id === wish.id && rebuilt.step === 'DROP';
      if (wish.step !== 'DROP' || !isDropped) untidy.add(service);
      if (wish.step !== 'DROP') await replays.wish(service, { ...wish, step: 'DROP' });
      else if (isDropped) await replays.wish(service, null);
    }
    return untidy;
  }

  async function turn(): Promise<void> {
    const fence = lease.fence();
    if (fence !== tenure.fence) {
      tenure.over.abort();
      tenure = { fence, over: new AbortController() };
    }
    if (fence === undefined) return;
    await schedules?.ask();
    const untidy = await tidyUp();
    const due = await replays.rows
      .find({ status: { $in: ['PLANNED', 'RUNNING'] } })
      .sort({ createdAt: 1 })
      .limit(100)
      .toArray();
    // A replay that was running goes before one that waits.
    for (const row of [...due.filter(isRunning), ...due.filter(row => !isRunning(row))]) {
      const { _id, service } = row;
      // A service hears one wish: the next one's would take the place of the one to drop, and the copy would be left for good.
      if (untidy.has(service) || active.has(service)) continue;
      const { signal } = tenure.over;
      const work = replaying(row, fence, signal)
        .catch(async error => {
          log.warn({ err: error, replay: _id }, 'replay goes on in a moment');
          await clock.sleep(POLL_MS, signal);
        })
        .finally(() => {
          active.delete(service);
          wake.notify();
        });
      active.set(service, work);
    }
  }

  const running = (async () => {
    while (!stopped.signal.aborted) {
      await turn().catch(error => log.debug({ err: error }, 'replayer waits'));
      await wake.wait(POLL_MS, stopped.signal);
    }
  })();

  return {
    wake: wake.notify,
    async stop() {
      stopped.abort();
      await running;
      tenure.over.abort();
      await Promise.all(active.values());
    },
  };
}

const isRunning = ({ status }: ReplayRow) => status === 'RUNNING';
