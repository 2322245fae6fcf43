/**
 * The replayer: works off planned replays, one at a time for each service. It sends chunks of the lake into the service's
 * own queues, behind live events, and waits for the service's word that a chunk is applied before it sends many more.
 *
 * Guarantees: a replay goes on where it was after a crash; every event selected is applied at least once before the
 * replay is COMPLETED; what Redis holds of it is bounded. Does not guarantee that an event is sent only once.
 */
import type { Logger } from 'pino';
import { type Binding, partitionOf } from '../../events/binding.ts';
import { type Clock, createWake, timestamp } from '../../events/clock.ts';
import { isUnavailable } from '../../events/errors.ts';
import { groupBy } from '../../events/group.ts';
import type { Lease } from '../../events/lease.ts';
import type { Transport } from '../../events/transport.ts';
import { passesOf, type ReplayRow, type Replays } from './replay.ts';
import type { EventFilter, Lake, LakeRow } from './store.ts';

const CHUNK_EVENTS = 500;
/** Chunks on their way to a service at a time: what bounds Redis. */
const WINDOW_CHUNKS = 4;
const POLL_MS = 1_000;
const ACKNOWLEDGEMENT_POLL_MS = 20;
/** After this long without a word a chunk is sent again: Redis may have lost it. */
const SEND_AGAIN_MS = 10_000;
const PROGRESS_MS = 250;
/** Any number: live events have none and go first. */
const BEHIND_LIVE_EVENTS = 10;

type Chunk = { rows: LakeRow[]; jobIds: string[]; sentMs: number };

export type Replayer = { wake(): void; stop(): Promise<void> };

export function startReplayer(options: {
  replays: Replays;
  lake: Lake;
  lease: Pick<Lease, 'fence'>;
  transport: Transport;
  clock: Clock;
  log: Logger;
}): Replayer {
  const { replays, lake, lease, transport, clock, log } = options;
  const stopped = new AbortController();
  const wake = createWake(clock);
  const active = new Map<string, Promise<void>>();

  const held = (fence: number) => !stopped.signal.aborted && lease.fence() === fence;

  /** Writes progress unless the replay has been cancelled or taken over. */
  async function save(row: ReplayRow, fence: number, change: Partial<ReplayRow>): Promise<boolean> {
    Object.assign(row, change);
    const { matchedCount } = await replays.rows.updateOne({ _id: row._id, status: 'RUNNING', fence }, { $set: change });
    if (matchedCount === 1) await replays.announce(row).catch(error => log.debug({ err: error }, 'not announced'));
    return matchedCount === 1;
  }

  /** Sending a chunk again does nothing while its jobs are still in the queue: they have the same names. */
  async function sendChunk(row: ReplayRow, binding: Binding, rows: LakeRow[]): Promise<Chunk> {
    const partitions = groupBy(rows, ({ event }) => partitionOf(event, binding.partitions));
    const place = `${row._id}-${row.pass}-${rows[0]?.version}`;
    const jobIds: string[] = [];
    for (const [partition, part] of partitions) {
      const jobId = `${place}-${partition}`;
      const events = part.map(({ event }) => event);
      await transport.send([{ service: row.service, partition, source: 'lake', events, replay: row._id }], {
        jobId,
        priority: BEHIND_LIVE_EVENTS,
      });
      jobIds.push(jobId);
    }
    return { rows, jobIds, sentMs: clock.monotonic() };
  }

  /** One pass over the lake. @returns whether it came to its end. */
  async function runPass(row: ReplayRow, binding: Binding, filter: EventFilter, fence: number): Promise<boolean> {
    const startedMs = clock.monotonic();
    const startedApplied = row.applied;
    const window: Chunk[] = [];
    let readUpTo = row.position;
    let exhausted = false;
    let sent = 0;
    let savedMs = startedMs;

    while (held(fence)) {
      const elapsedSeconds = (clock.monotonic() - startedMs) / 1000;
      const inTime = row.ratePerSecond === null || sent < row.ratePerSecond * elapsedSeconds;
      if (!exhausted && window.length < WINDOW_CHUNKS && inTime) {
        const limit = Math.min(CHUNK_EVENTS, row.ratePerSecond ?? CHUNK_EVENTS);
        const rows = (await lake.after(readUpTo, filter, limit)).filter(({ version }) => version <= row.until);
        const last = rows.at(-1);
        exhausted = rows.length < limit;
        if (last) {
          window.push(await sendChunk(row, binding, rows));
          readUpTo = last.version;
          sent += rows.length;
        }
        if (!exhausted) continue;
      }
      const [oldest] = window;
      if (!oldest) {
        if (exhausted) return true;
        await clock.sleep(ACKNOWLEDGEMENT_POLL_MS, stopped.signal);
        continue;
      }
      const acknowledged = await transport.acknowledged(row.service, row._id, oldest.jobIds);
      const isApplied = acknowledged.every(Boolean);
      if (isApplied) {
        window.shift();
        row.applied += oldest.rows.length;
        row.position = oldest.rows.at(-1)?.version ?? row.position;
      }
      const nowMs = clock.monotonic();
      // Also while nothing comes back: this is how a replay that waits learns that it has been cancelled.
      if (nowMs - savedMs >= PROGRESS_MS || (isApplied && window.length === 0)) {
        savedMs = nowMs;
        const eventsPerSecond = ((row.applied - startedApplied) * 1000) / Math.max(1, nowMs - startedMs);
        const { applied, position } = row;
        if (!(await save(row, fence, { applied, position, eventsPerSecond }))) return false;
      }
      if (isApplied) continue;
      if (nowMs - oldest.sentMs > SEND_AGAIN_MS) window[0] = await sendChunk(row, binding, oldest.rows);
      await clock.sleep(ACKNOWLEDGEMENT_POLL_MS, stopped.signal);
    }
    return false;
  }

  async function run(row: ReplayRow, fence: number): Promise<void> {
    const { matchedCount } = await replays.rows.updateOne(
      { _id: row._id, status: { $in: ['PLANNED', 'RUNNING'] } },
      { $set: { status: 'RUNNING', fence } },
    );
    if (matchedCount === 0) return;
    row.status = 'RUNNING';
    const binding = await replays.bindingOf(row.service);
    const passes = passesOf(binding, row.filter);
    for (const filter of passes.slice(row.pass)) {
      if (!(await runPass(row, binding, filter, fence))) return;
      if (!(await save(row, fence, { pass: row.pass + 1, position: 0, applied: row.applied }))) return;
    }
    await save(row, fence, {
      status: 'COMPLETED',
      applied: row.applied,
      total: row.applied,
      finishedAt: timestamp(clock.now()),
    });
    log.info({ replay: row._id, to: row.service, events: row.applied }, 'replay completed');
  }

  async function fail(row: ReplayRow, fence: number, error: unknown): Promise<void> {
    const message = error instanceof Error ? error.message : String(error);
    await save(row, fence, { status: 'FAILED', error: message.slice(0, 500), finishedAt: timestamp(clock.now()) });
  }

  async function turn(): Promise<void> {
    const fence = lease.fence();
    if (fence === undefined) return;
    const due = await replays.rows
      .find({ status: { $in: ['PLANNED', 'RUNNING'] } })
      .sort({ createdAt: 1 })
      .limit(100)
      .toArray();
    // A replay that was running goes before one that waits.
    for (const row of [...due.filter(isRunning), ...due.filter(row => !isRunning(row))]) {
      if (active.has(row.service)) continue;
      const work = run(row, fence)
        .catch(async error => {
          if (!isUnavailable(error)) return fail(row, fence, error);
          log.debug({ err: error, replay: row._id }, 'replay waits');
          await clock.sleep(POLL_MS, stopped.signal);
        })
        .catch(error => log.warn({ err: error, replay: row._id }, 'replay could not be marked as failed'))
        .finally(() => {
          active.delete(row.service);
          wake.notify();
        });
      active.set(row.service, work);
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
      await Promise.all(active.values());
    },
  };
}

const isRunning = ({ status }: ReplayRow) => status === 'RUNNING';
