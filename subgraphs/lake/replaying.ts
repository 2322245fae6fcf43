/**
 * Works off one replay: sends chunks of the lake to the service, behind live events, and waits for the service's word that a
 * chunk is applied before it sends many more. A consumer in the same thread is handed its part.
 *
 * Guarantees: a replay goes on where it was after a crash; every event selected is applied at least once before the
 * replay is COMPLETED; what Redis holds of it is bounded. Does not guarantee that an event is sent only once.
 */
import type { Logger } from 'pino';
import type { Binding, Bindings, RebuildStep } from '../../events/binding.ts';
import { type Clock, createWake, timestamp } from '../../events/clock.ts';
import { isUnavailable } from '../../events/errors.ts';
import { groupBy } from '../../events/group.ts';
import { partitionOf, spreadOver } from '../../events/partition.ts';
import type { Letter, Transport } from '../../events/transport.ts';
import { isWhole, passesOf, type RebuildPhase, type ReplayRow, type Replays } from './replay.ts';
import type { EventFilter, Lake, LakeRow } from './store.ts';
import type { Place } from './walk.ts';

const CHUNK_EVENTS = 400;
/** Chunks on their way to a service at a time: what bounds memory, and Redis. */
const WINDOW_CHUNKS = 12;
const WAIT_MS = 1_000;
const ACKNOWLEDGEMENT_POLL_MS = 20;
const STEP_POLL_MS = 50;
const LOOK_MS = 100;
/** After this long without a word a chunk is sent again: Redis may have lost it. */
const SEND_AGAIN_MS = 10_000;
const PROGRESS_MS = 250;
/** Any number: live events have none and go first. */
const BEHIND_LIVE_EVENTS = 10;
/**
 * What is younger may be on its way to the service as it happens. It goes by the queue, to where live events are handled: there it
 * waits for them, and then finds nothing to repair.
 */
const YOUNG_MS = 10_000;

/** `after`: where the pass is once it is applied; what happened after `youngFrom` was young when it was sent first. */
type Chunk = { rows: LakeRow[]; after: Place; youngFrom: string; jobIds: string[]; sentMs: number };

/**
 * Works at a replay until it is over, or the signal aborts. Does not reject: what fails is the replay's end. While a store is out of
 * reach it resolves after a moment, with the replay where it was: whoever asked asks again.
 *
 * @param fence of the replayer's tenure: when another takes over, nothing is written any more.
 */
export type Replaying = (id: string, fence: number, signal: AbortSignal) => Promise<void>;

export type ReplayingOptions = {
  replays: Replays;
  lake: Lake;
  bindings: Bindings;
  transport: Transport;
  clock: Clock;
  log: Logger;
};

export function createReplaying(options: ReplayingOptions): Replaying {
  const { replays, clock, log } = options;
  return async (id, fence, signal) => {
    try {
      const row = await replays.rows.findOne({ _id: id, status: { $in: ['PLANNED', 'RUNNING'] } });
      if (row) await workOff(options, row, fence, signal);
    } catch (error) {
      log.debug({ err: error, replay: id }, 'replay waits');
      await clock.sleep(WAIT_MS, signal);
    }
  };
}

/** @throws what is out of reach. */
async function workOff(
  { replays, lake, bindings, transport, clock, log }: ReplayingOptions,
  row: ReplayRow,
  fence: number,
  signal: AbortSignal,
): Promise<void> {
  const { _id, service } = row;
  /** Whoever worked on it before may have died of what it had at hand: that goes by the queue, where deaths are counted. */
  let queued = row.status === 'RUNNING' ? WINDOW_CHUNKS : 0;

  const heard = createWake(clock);
  let seen = { members: 0, atMs: Number.NEGATIVE_INFINITY };

  /** Writes progress unless the replay has been cancelled or taken over. */
  async function save(change: Partial<ReplayRow>): Promise<boolean> {
    Object.assign(row, change);
    const { matchedCount } = await replays.rows.updateOne({ _id, status: 'RUNNING', fence }, { $set: change });
    if (matchedCount === 1) await replays.announce(row).catch(error => log.debug({ err: error }, 'not announced'));
    return matchedCount === 1;
  }

  /** How many processes share the service's work. */
  async function members(): Promise<number> {
    const nowMs = clock.monotonic();
    if (nowMs - seen.atMs > LOOK_MS) seen = { members: (await transport.look(service)).members.length, atMs: nowMs };
    return seen.members;
  }

  /**
   * Sending a chunk again does nothing while its jobs are still in the queue: they have the same names, as long as it is divided
   * among as many.
   */
  async function sendChunk(
    binding: Binding,
    { rows, after, youngFrom }: Pick<Chunk, 'rows' | 'after' | 'youngFrom'>,
    { isAgain = false } = {},
  ): Promise<Chunk> {
    const spread = spreadOver(binding.partitions, await members());
    const isHanded = !isAgain && queued === 0;
    queued = Math.max(0, queued - 1);
    const place = `${_id}-${row.round}-${row.pass}-${rows[0]?.version}`;
    const chunk: Chunk = { rows, after, youngFrom, jobIds: [], sentMs: clock.monotonic() };
    const parts = groupBy(
      rows,
      ({ event }) => `${partitionOf(event, spread)}-${event.time > youngFrom ? 'young' : 'old'}`,
    );
    for (const [part, some] of parts) {
      const [partition, age] = part.split('-');
      // What is young changes: of two parts that begin alike and have as many events each has what the other has.
      const jobId = `${place}-${spread}-${part}-${some.length}`;
      const job = letterOf(Number(partition), some);
      const handled = isHanded && age === 'old' ? transport.hand?.(job, { jobId, isGivenAway: true }) : undefined;
      // What was not handled is not waited for.
      void handled?.then(isHandled => {
        if (!isHandled) chunk.sentMs = Number.NEGATIVE_INFINITY;
        heard.notify();
      });
      if (!handled) await transport.send([job], { jobId, priority: BEHIND_LIVE_EVENTS });
      chunk.jobIds.push(jobId);
    }
    return chunk;
  }

  function letterOf(partition: number, rows: readonly LakeRow[]): Letter {
    const events = rows.map(({ event }) => event);
    const letter = {
      ...{ service, partition, source: 'lake', events, replay: _id },
      ...(!isWhole(row.filter) && { part: true as const }),
    };
    const isForCopy = row.phase === 'FILLING' || row.phase === 'CATCHING_UP';
    return { ...letter, ...(isForCopy && { rebuild: row.dryRun ? 'trial' : 'copy' }) };
  }

  /** One pass over the lake. @returns whether it came to its end. */
  async function runPass(binding: Binding, filter: EventFilter): Promise<boolean> {
    const startedMs = clock.monotonic();
    const startedApplied = row.applied;
    const window: Chunk[] = [];
    const walk = lake.walk(filter, row, binding.replayedTogether);
    let place: Place = { position: row.position, subject: row.subject ?? null };
    let exhausted = false;
    let sent = 0;
    let savedMs = startedMs;

    while (!signal.aborted) {
      const elapsedSeconds = (clock.monotonic() - startedMs) / 1000;
      const inTime = row.ratePerSecond === null || sent < row.ratePerSecond * elapsedSeconds;
      if (!exhausted && window.length < WINDOW_CHUNKS && inTime) {
        const limit = Math.min(CHUNK_EVENTS, row.ratePerSecond ?? CHUNK_EVENTS);
        const { rows, place: after, isLast } = await walk.next(place, limit);
        exhausted = isLast;
        place = after;
        if (rows.length > 0)
          window.push(await sendChunk(binding, { rows, after, youngFrom: timestamp(clock.now() - YOUNG_MS) }));
        sent += rows.length;
        if (!exhausted) continue;
      }
      const [oldest] = window;
      if (!oldest) {
        if (exhausted) return true;
        await clock.sleep(ACKNOWLEDGEMENT_POLL_MS, signal);
        continue;
      }
      const acknowledged = await transport.acknowledged(service, _id, oldest.jobIds);
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
        // The first chunk is not waited for: over a short time that would seem to be above the limit.
        const rate = Math.min(
          ((row.applied - startedApplied) * 1000) / Math.max(1, nowMs - startedMs),
          row.ratePerSecond ?? Number.POSITIVE_INFINITY,
        );
        // What is sent once more counts for nothing, and neither does its rate.
        const eventsPerSecond = row.phase === 'ENDING' ? row.eventsPerSecond : rate;
        const { applied, position, subject = null, differences } = row;
        if (!(await save({ applied, position, subject, differences, eventsPerSecond }))) return false;
      }
      if (isApplied) continue;
      if (nowMs - oldest.sentMs > SEND_AGAIN_MS) window[0] = await sendChunk(binding, oldest, { isAgain: true });
      await heard.wait(ACKNOWLEDGEMENT_POLL_MS, signal);
    }
    return false;
  }

  async function run(): Promise<void> {
    const { matchedCount } = await replays.rows.updateOne(
      { _id, status: { $in: ['PLANNED', 'RUNNING'] } },
      { $set: { status: 'RUNNING', fence } },
    );
    if (matchedCount === 0) return;
    row.status = 'RUNNING';
    const binding = await replays.bindingOf(service);
    const complete = row.mode === 'REPAIR' ? await sendAll(binding) : await rebuild(binding);
    if (!complete) return;
    const { applied, differences } = row;
    const ended = { total: applied, applied, differences: differences ?? 0, finishedAt: timestamp(clock.now()) };
    await save({ status: 'COMPLETED', ...ended });
    log.info({ replay: _id, to: service, events: applied }, 'replay completed');
  }

  /** What is left of a round: all passes over the lake, from one position to another. @returns whether they came to their end. */
  async function sendAll(binding: Binding): Promise<boolean> {
    for (const filter of passesOf(binding, row.filter).slice(row.pass)) {
      if (!(await runPass(binding, filter))) return false;
      const { applied, differences } = row;
      const done = { pass: row.pass + 1, position: row.from, subject: null };
      if (!(await save({ ...done, applied, differences }))) return false;
    }
    return true;
  }

  /** Begins with the passes over what lies between a position and the lake's end now. */
  async function nextRound(phase: RebuildPhase, from: number): Promise<boolean> {
    const until = await lake.size();
    // After the size: more may be counted than is sent, and never less.
    const total = await replays.count(await replays.bindingOf(service), row.filter);
    const { round, differences, differingSubjects } = row;
    return save({
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
  async function rebuild(binding: Binding): Promise<boolean> {
    if (row.phase === 'PREPARING') {
      if (!(await step(row.mode === 'ROLLBACK' ? 'RETURN' : 'BUILD'))) return false;
      if (!(await nextRound('FILLING', 0))) return false;
    }
    if (row.phase === 'FILLING') {
      if (!(await sendAll(binding))) return false;
      if (!(await nextRound('CATCHING_UP', row.until))) return false;
    }
    if (row.phase === 'CATCHING_UP') {
      if (!(await sendAll(binding))) return false;
      if (!(await save({ phase: 'SWAPPING' }))) return false;
    }
    if (row.phase === 'SWAPPING') {
      const taken = await step(row.dryRun ? 'COMPARE' : row.mode === 'RECONCILE' ? 'MEND' : 'SWAP');
      if (!taken) return false;
      row.differences = (row.differences ?? 0) + taken.differences;
      row.differingSubjects = taken.subjects;
      if (!(await nextRound('ENDING', row.begunAt))) return false;
    }
    if (!row.dryRun && !(await sendAll(binding))) return false;
    return (await step('DROP')) !== undefined;
  }

  /** Wishes for a step of a rebuild, and waits until the service has taken it. @throws when the service could not. */
  async function step(name: RebuildStep['step']): Promise<RebuildStep | undefined> {
    await replays.wish(service, { id: _id, step: name, subject: row.filter?.subject ?? null });
    let savedMs = clock.monotonic();
    while (!signal.aborted) {
      const taken = (await bindings.find(service))?.rebuilt;
      if (taken?.id === _id && taken.step === name) {
        if (taken.error !== null) throw new Error(taken.error);
        if (name === 'DROP') await replays.wish(service, null);
        return taken;
      }
      const nowMs = clock.monotonic();
      if (nowMs - savedMs >= PROGRESS_MS) {
        savedMs = nowMs;
        if (!(await save({ phase: row.phase }))) return undefined;
      }
      await clock.sleep(STEP_POLL_MS, signal);
    }
    return undefined;
  }

  async function fail(error: unknown): Promise<void> {
    const message = error instanceof Error ? error.message : String(error);
    await save({ status: 'FAILED', error: message.slice(0, 500), finishedAt: timestamp(clock.now()) });
  }

  try {
    await run();
  } catch (error) {
    if (isUnavailable(error)) throw error;
    await fail(error).catch(cause => log.warn({ err: cause, replay: _id }, 'replay could not be marked as failed'));
  }
}
