/** Reconciliations that come round by themselves: which service is compared with the lake how often, and how fast. */
import type { Collection } from 'mongodb';
import { z } from 'zod';
import { type Clock, timestamp } from '../../events/clock.ts';
import type { ReplayRow, Replays } from './replay.ts';

export type Schedule = {
  /** The service. */
  _id: string;
  everyHours: number;
  ratePerSecond: number;
  dryRun: boolean;
  requestedBy: string;
  dueAt: string;
};

export const indexes = { schedules: [{ key: { dueAt: 1 } }] } as const;

export const reconcileInput = z.object({
  service: z.string(),
  dryRun: z.boolean().nullish(),
  ratePerSecond: z.int().min(1, 'must be at least 1').max(100_000, 'must be 100,000 or less').nullish(),
  everyHours: z.int().min(0, 'must be 0 or more').max(8_760, 'must be 8,760 or less').nullish(),
  reason: z.string().max(500, 'must have 500 characters or fewer').nullish(),
});

export type ReconcileRequest = z.infer<typeof reconcileInput>;

/** What a reconciliation that nobody waits for leaves to others. */
const RATE_BY_ITSELF = 1_000;
const HOUR_MS = 3_600_000;
const DUE_MAX = 100;
const ASK_MS = 60_000;

export type Schedules = ReturnType<typeof createSchedules>;

export function createSchedules({
  rows,
  replays,
  clock,
}: {
  rows: Collection<Schedule>;
  replays: Replays;
  clock: Clock;
}) {
  let askedMs = Number.NEGATIVE_INFINITY;
  const inHours = (hours: number) => timestamp(clock.now() + hours * HOUR_MS);

  return {
    rows,

    /** Reconciles now; and again every so many hours when that is given, or no more when it is 0. */
    async reconcile(input: ReconcileRequest, by: string): Promise<ReplayRow> {
      const { service, everyHours, ratePerSecond, reason } = input;
      const dryRun = input.dryRun === true;
      const row = await replays.request({ service, mode: 'RECONCILE', dryRun, ratePerSecond, reason }, by);
      if (everyHours === 0) await rows.deleteOne({ _id: service });
      else if (everyHours) {
        const schedule = { everyHours, ratePerSecond: ratePerSecond ?? RATE_BY_ITSELF, dryRun, requestedBy: by };
        await rows.updateOne({ _id: service }, { $set: { ...schedule, dueAt: inHours(everyHours) } }, { upsert: true });
      }
      return row;
    },

    /** What is taken out of the system does not come round any more. */
    async forget(service: string): Promise<void> {
      await rows.deleteOne({ _id: service });
    },

    /** Asks for what is due. Only one process does: each moves the time on before it asks. */
    async ask(): Promise<void> {
      if (clock.monotonic() - askedMs < ASK_MS) return;
      askedMs = clock.monotonic();
      const due = await rows
        .find({ dueAt: { $lte: timestamp(clock.now()) } })
        .limit(DUE_MAX)
        .toArray();
      for (const { _id: service, dueAt, everyHours, ratePerSecond, dryRun, requestedBy } of due) {
        const moved = await rows.updateOne({ _id: service, dueAt }, { $set: { dueAt: inHours(everyHours) } });
        if (moved.modifiedCount === 0) continue;
        const reason = `every ${everyHours} h`;
        await replays.request({ service, mode: 'RECONCILE', dryRun, ratePerSecond, reason }, requestedBy);
      }
    },
  };
}
