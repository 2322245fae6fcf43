/**
 * The replayer: works off planned replays, one at a time for each service. It sends chunks of the lake into the service's
 * own queues, behind live events, and waits for the service's word that a chunk is applied before it sends many more.
 *
 * Guarantees: a replay goes on where it was after a crash; every event selected is applied at least once before the
 * replay is COMPLETED; what Redis holds of it is bounded. Does not guarantee that an event is sent only once.
 */
import type { Logger } from 'pino';
import type { Binding, Bindings, RebuildStep } from '../../events/binding.ts';
import { type Clock, createWake, timestamp } from '../../events/clock.ts';
import { isUnavailable } from '../../events/errors.ts';
import { groupBy } from '../../events/group.ts';
import type { Lease } from '../../events/lease.ts';
import { partitionOf, spreadOver } from '../../events/partition.ts';
import type { Letter, Transport } from '../../events/transport.ts';
import { isOver, passesOf, type RebuildPhase, type ReplayRow, type Replays } from './replay.ts';
import type { Schedules } from './schedule.ts';
import type { EventFilter, Lake, LakeRow } from './store.ts';
import type { Place } from './walk.ts';

const CHUNK_EVENTS = 400;
/** Chunks on their way to a service at a time: what bounds Redis. */
const WINDOW_CHUNKS = 6;
const POLL_MS = 1_000;
const ACKNOWLEDGEMENT_POLL_MS = 20;
const STEP_POLL_MS = 50;
/** After this long without a word a chunk is sent again: Redis may have lost it. */
const SEND_AGAIN_MS = 10_000;
const PROGRESS_MS = 250;
/** Any number: live events have none and go first. */
const BEHIND_LIVE_EVENTS = 10;

/** `after`: where the pass is once it is applied. */
type Chunk = { rows: LakeRow[]; after: Place; jobIds: string[]; sentMs: number };

export type Replayer = { wake(): void; stop(): Promise<void> };

export function startReplayer(options: {
  replays: Replays;
  schedules?: Pick<Schedules, 'ask'>;
  lake: Lake;
  lease: Pick<Lease, 'fence'>;
  bindings: Bindings;
  transport: Transport;
  clock: Clock;
  log: Logger;
}): Replayer {
  const { replays, schedules, lake, lease, bindings, transport, clock, log } = options;
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

  /**
   * A consumer in this process is handed its part. Sending a chunk again does nothing while its jobs are still in the queue: they
   * have the same names, as long as it is divided among as many.
   */
  async function sendChunk(
    row: ReplayRow,
    binding: Binding,
    { rows, after }: Pick<Chunk, 'rows' | 'after'>,
    { isAgain = false } = {},
  ): Promise<Chunk> {
    const { members } = await transport.look(row.service);
    const spread = spreadOver(binding.partitions, members.length);
    const partitions = groupBy(rows, ({ event }) => partitionOf(event, spread));
    const place = `${row._id}-${row.round}-${row.pass}-${rows[0]?.version}`;
    const jobIds: string[] = [];
    for (const [partition, part] of partitions) {
      const jobId = `${place}-${partition}-${spread}`;
      const events = part.map(({ event }) => event);
      const isForCopy = row.phase === 'FILLING' || row.phase === 'CATCHING_UP';
      const rebuild = row.dryRun ? ('trial' as const) : ('copy' as const);
      const letter = { service: row.service, partition, source: 'lake', events, replay: row._id };
      const job: Letter = { ...letter, ...(isForCopy && { rebuild }) };
      const isTaken = !isAgain && transport.hand?.(job, jobId) !== undefined;
      if (!isTaken) await transport.send([job], { jobId, priority: BEHIND_LIVE_EVENTS });
      jobIds.push(jobId);
    }
    return { rows, after, jobIds, sentMs: clock.monotonic() };
  }

  /** One pass over the lake. @returns whether it came to its end. */
  async function runPass(row: ReplayRow, binding: Binding, filter: EventFilter, fence: number): Promise<boolean> {
    const startedMs = clock.monotonic();
    const startedApplied = row.applied;
    const window: Chunk[] = [];
    const walk = lake.walk(filter, row, binding.replayedTogether);
    let place: Place = { position: row.position, subject: row.subject ?? null };
    let exhausted = false;
    let sent = 0;
    let savedMs = startedMs;

    while (held(fence)) {
      const elapsedSeconds = (clock.monotonic() - startedMs) / 1000;
      const inTime = row.ratePerSecond === null || sent < row.ratePerSecond * elapsedSeconds;
      if (!exhausted && window.length < WINDOW_CHUNKS && inTime) {
        const limit = Math.min(CHUNK_EVENTS, row.ratePerSecond ?? CHUNK_EVENTS);
        const { rows, place: after, isLast } = await walk.next(place, limit);
        exhausted = isLast;
        place = after;
        if (rows.length > 0) window.push(await sendChunk(row, binding, { rows, after }));
        sent += rows.length;
        if (!exhausted) continue;
      }
      const [oldest] = window;
      if (!oldest) {
        if (exhausted) return true;
        await clock.sleep(ACKNOWLEDGEMENT_POLL_MS, stopped.signal);
        continue;
      }
      const acknowledged = await transport.acknowledged(row.service, row._id, oldest.jobIds);
      const isApplied = acknowledged.every(changed => changed !== undefined);
      if (isApplied) {
        window.shift();
        if (row.phase !== 'ENDING') row.applied += oldest.rows.length;
        const changed = acknowledged.reduce<number>((sum, count = 0) => sum + count, 0);
        row.differences = (row.differences ?? 0) + changed;
        Object.assign(row, { subject: null, ...oldest.after });
      }
      const nowMs = clock.monotonic();
      // Also while nothing comes back: this is how a replay that waits learns that it has been cancelled.
      if (nowMs - savedMs >= PROGRESS_MS || (isApplied && window.length === 0)) {
        savedMs = nowMs;
        const rate = ((row.applied - startedApplied) * 1000) / Math.max(1, nowMs - startedMs);
        // What is sent once more counts for nothing, and neither does its rate.
        const eventsPerSecond = row.phase === 'ENDING' ? row.eventsPerSecond : rate;
        const { applied, position, subject = null, differences } = row;
        if (!(await save(row, fence, { applied, position, subject, differences, eventsPerSecond }))) return false;
      }
      if (isApplied) continue;
      if (nowMs - oldest.sentMs > SEND_AGAIN_MS) window[0] = await sendChunk(row, binding, oldest, { isAgain: true });
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
    const complete = row.mode === 'REPAIR' ? await sendAll(row, binding, fence) : await rebuild(row, binding, fence);
    if (!complete) return;
    const { applied, differences } = row;
    const ended = { total: applied, applied, differences: differences ?? 0, finishedAt: timestamp(clock.now()) };
    await save(row, fence, { status: 'COMPLETED', ...ended });
    log.info({ replay: row._id, to: row.service, events: row.applied }, 'replay completed');
  }

  /** What is left of a round: all passes over the lake, from one position to another. @returns whether they came to their end. */
  async function sendAll(row: ReplayRow, binding: Binding, fence: number): Promise<boolean> {
    for (const filter of passesOf(binding, row.filter).slice(row.pass)) {
      if (!(await runPass(row, binding, filter, fence))) return false;
      const { applied, differences } = row;
      const done = { pass: row.pass + 1, position: row.from, subject: null };
      if (!(await save(row, fence, { ...done, applied, differences }))) return false;
    }
    return true;
  }

  /** Begins with the passes over what lies between a position and the lake's end now. */
  async function nextRound(row: ReplayRow, fence: number, phase: RebuildPhase, from: number): Promise<boolean> {
    const until = await lake.size();
    // After the size: more may be counted than is sent, and never less.
    const total = await replays.count(await replays.bindingOf(row.service), row.filter);
    const { round, differences, differingSubjects } = row;
    return save(row, fence, {
      phase,
      from,
      until,
      total,
      position: from,
      subject: null,
      pass: 0,
      round: round + 1,
      differences,
      differingSubjects,
    });
  }

  /**
   * A rebuild: the service makes room for a copy, the lake is sent to it up to its end, the service compares and serves it,
   * and what the lake has stored since the beginning is sent once more, for whatever fell between.
   *
   * @returns whether it came to its end.
   */
  async function rebuild(row: ReplayRow, binding: Binding, fence: number): Promise<boolean> {
    if (row.phase === 'PREPARING') {
      if (!(await step(row, fence, row.mode === 'ROLLBACK' ? 'RETURN' : 'BUILD'))) return false;
      if (!(await nextRound(row, fence, 'FILLING', 0))) return false;
    }
    if (row.phase === 'FILLING') {
      if (!(await sendAll(row, binding, fence))) return false;
      if (!(await nextRound(row, fence, 'CATCHING_UP', row.until))) return false;
    }
    if (row.phase === 'CATCHING_UP') {
      if (!(await sendAll(row, binding, fence))) return false;
      if (!(await save(row, fence, { phase: 'SWAPPING' }))) return false;
    }
    if (row.phase === 'SWAPPING') {
      const taken = await step(row, fence, row.dryRun ? 'COMPARE' : row.mode === 'RECONCILE' ? 'MEND' : 'SWAP');
      if (!taken) return false;
      row.differences = (row.differences ?? 0) + taken.differences;
      row.differingSubjects = taken.subjects;
      if (!(await nextRound(row, fence, 'ENDING', row.begunAt))) return false;
    }
    if (!row.dryRun && !(await sendAll(row, binding, fence))) return false;
    return (await step(row, fence, 'DROP')) !== undefined;
  }

  /** Wishes for a step of a rebuild, and waits until the service has taken it. @throws when the service could not. */
  async function step(row: ReplayRow, fence: number, name: RebuildStep['step']): Promise<RebuildStep | undefined> {
    const { service, _id: id, filter } = row;
    await replays.wish(service, { id, step: name, subject: filter?.subject ?? null });
    let savedMs = clock.monotonic();
    while (held(fence)) {
      const taken = (await bindings.find(service))?.rebuilt;
      if (taken?.id === id && taken.step === name) {
        if (taken.error !== null) throw new Error(taken.error);
        if (name === 'DROP') await replays.wish(service, null);
        return taken;
      }
      const nowMs = clock.monotonic();
      if (nowMs - savedMs >= PROGRESS_MS) {
        savedMs = nowMs;
        if (!(await save(row, fence, { phase: row.phase }))) return undefined;
      }
      await clock.sleep(STEP_POLL_MS, stopped.signal);
    }
    return undefined;
  }

  /** What a rebuild that was cancelled or has failed has left behind. */
  async function tidyUp(): Promise<void> {
    for (const { _id: service, rebuild: wish, rebuilt } of await bindings.all()) {
      if (!wish || active.has(service)) continue;
      const row = await replays.rows.findOne({ _id: wish.id });
      if (row && !isOver(row.status)) continue;
      if (wish.step !== 'DROP') await replays.wish(service, { ...wish, step: 'DROP' });
      else if (rebuilt?.id === wish.id && rebuilt.step === 'DROP') await replays.wish(service, null);
    }
  }

  async function fail(row: ReplayRow, fence: number, error: unknown): Promise<void> {
    const message = error instanceof Error ? error.message : String(error);
    await save(row, fence, { status: 'FAILED', error: message.slice(0, 500), finishedAt: timestamp(clock.now()) });
  }

  async function turn(): Promise<void> {
    const fence = lease.fence();
    if (fence === undefined) return;
    await schedules?.ask();
    await tidyUp();
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
