/**
 * The reconciler: compares a service's outbox with the lake, and makes pending again what the lake lacks. It runs where the
 * service holds its relay lease; the lake is asked over the feed, and nobody reads another service's data.
 *
 * Guarantees: an entry that the lake has lost, or never got although its watermark says so, is sent again: within seconds
 * of being relayed, and within a round (a day) whenever it is lost later. The first look is by flush, from where the last one
 * ended; the round goes over all entries by id, so it also sees those that no flush of theirs tells of: rows restored from
 * the lake, and what was marked late. At most 1,000 entries are looked at at a time, and an entry is sent again three times by
 * first looks and once a round after that, so that one which the lake can never store keeps nobody busy.
 * Does not guarantee that only what is lost is sent again; consumers do not mind. While the lake or Redis is away nothing is
 * lost but time: a question without an answer is asked again.
 *
 * Costs, for 1,000 events: three commands of MongoDB (entries, the lake's rows, how far it is) and two messages of Redis.
 * When nothing happens: one query in 2 s.
 */
import type { Collection } from 'mongodb';
import type { Logger } from 'pino';
import type { Bindings, Reconciled } from './binding.ts';
import { type Clock, createWake, type Ids } from './clock.ts';
import type { Feed } from './feed.ts';
import type { Lease } from './lease.ts';
import type { OutboxEntry } from './outbox.ts';

/** The service that keeps every event. */
export const LAKE = 'lake';

/** Where the lake is asked which of some events it lacks. */
export const QUESTIONS = `${LAKE}/questions`;
/** Whether the lake holds these events of a service. */
export type Question = { id: string; service: string; eventIds: string[] };

/** Where it answers. */
export const answersTo = (service: string) => `${LAKE}/answers/${service}`;
/** Those of them that it lacks. */
export type Answer = { id: string; lacking: string[] };

/** Entries a look, and event ids a question; no flush has more. */
export const QUESTION_MAX = 1_000;
const ANSWER_WITHIN_MS = 2_000;
/** Between two looks while there is more to look at. */
const PACE_MS = 100;
/** The same during a round: it has a day. */
const ROUND_PACE_MS = 1_000;
const ROUND_MS = 86_400_000;
/** What has been sent again so often waits for the round. */
const RESENT_MAX = 3;

/** What a reconciler is given, and its pace. */
export type ReconcilerOptions = {
  service: string;
  /** The outbox, as of now. */
  collection: () => Collection<OutboxEntry>;
  /** The relay's. */
  lease: Pick<Lease, 'fence'>;
  bindings: Bindings;
  feed: Feed;
  clock: Clock;
  ids: Ids;
  log: Logger;
  /** Entries are pending again. */
  onMissing: () => void;
  /** How often to look when there was nothing to do, and how long the lake must have passed a flush. Default 2,000. */
  pollMs?: number;
  /** From the end of a round to the beginning of the next. Default a day. */
  roundMs?: number;
};

/** A reconciler that runs. */
export type Reconciler = { stop(): Promise<void> };

type Entry = Pick<OutboxEntry, '_id' | 'pending' | 'relayed' | 'resent'>;

const START: Reconciled = { flush: 0, unconfirmed: 0, resent: 0, at: '', roundMs: 0 };

/** Compares an outbox with the lake until it is stopped. */
export function startReconciler(options: ReconcilerOptions): Reconciler {
  const { service, collection, lease, bindings, feed, clock, ids, log, onMissing } = options;
  const { pollMs = 2_000, roundMs = ROUND_MS } = options;
  const stopped = new AbortController();
  let known: { fence: number; reconciled: Reconciled } | undefined;
  let look = { settled: 0, passed: 0, atMs: Number.NEGATIVE_INFINITY };
  const answered = createWake(clock);
  let asked: { id: string; lacking?: string[] } | undefined;
  const leave = feed.listen<Answer>(answersTo(service), ({ id, lacking }) => {
    if (asked?.id !== id) return;
    asked.lacking = lacking;
    answered.notify();
  });

  /**
   * The flush up to which the lake must have everything: it had passed it a while ago already, so that the relay has had the
   * time to mark the flush's entries.
   */
  async function settledFlush(): Promise<number> {
    if (clock.monotonic() - look.atMs >= pollMs) {
      const lake = await bindings.find(LAKE);
      look = { settled: look.passed, passed: lake?.passed?.[service] ?? 0, atMs: clock.monotonic() };
    }
    return look.settled;
  }

  /** @returns which of these events the lake lacks; undefined when it does not answer. */
  async function ask(eventIds: string[]): Promise<string[] | undefined> {
    if (eventIds.length === 0) return [];
    const question: Question = { id: ids.next(), service, eventIds };
    const current: typeof asked = { id: question.id };
    asked = current;
    await feed.publish([{ topic: QUESTIONS, message: question }]);
    await answered.wait(ANSWER_WITHIN_MS, stopped.signal);
    // One that comes later must not end the next wait.
    asked = undefined;
    return current.lacking;
  }

  async function sendAgain(lacking: string[]): Promise<void> {
    if (lacking.length === 0) return;
    await collection().updateMany(
      { _id: { $in: lacking }, event: { $exists: true }, pending: { $exists: false } },
      { $set: { pending: clock.now() }, $unset: { relayed: '' }, $inc: { resent: 1 } },
    );
    log.warn({ events: lacking.length, first: lacking[0] }, 'the lake lacks events that it was sent: sending again');
    onMissing();
  }

  async function save(before: Reconciled, place: Omit<Reconciled, 'resent'>, resent: number): Promise<void> {
    await bindings.reconcile(service, { ...place, resent });
    Object.assign(before, place, { resent: before.resent + resent });
  }

  const entries = (filter: object, sort: 'relayed' | '_id', limit: number): Promise<Entry[]> =>
    collection()
      .find(filter, { projection: { _id: 1, pending: 1, relayed: 1, resent: 1 } })
      .sort({ [sort]: 1 })
      .limit(limit)
      .batchSize(limit)
      .toArray();

  /** Looks at what has been relayed since. @returns whether there may be more. */
  async function confirm(reconciled: Reconciled): Promise<boolean> {
    const { flush, unconfirmed, resent: _, ...round } = reconciled;
    const rows = await entries({ relayed: { $gt: flush } }, 'relayed', QUESTION_MAX + 1);
    const isMore = rows.length > QUESTION_MAX;
    const settled = rows.length > 0 ? await settledFlush() : 0;
    const beyond = isMore ? rows.at(-1)?.relayed : undefined;
    // A flush is confirmed as a whole.
    const due = rows.filter(({ relayed = 0 }) => relayed <= settled && relayed !== beyond);
    const left = Math.min(rows.length - due.length, QUESTION_MAX);
    const lacking = await ask(due.filter(({ resent = 0 }) => resent < RESENT_MAX).map(({ _id }) => _id));
    if (!lacking) return false;
    await sendAgain(lacking);
    const place = { ...round, flush: due.at(-1)?.relayed ?? flush, unconfirmed: left };
    if (place.flush !== flush || left !== unconfirmed) await save(reconciled, place, lacking.length);
    return isMore && due.length > 0;
  }

  /** Goes on with the round over everything. @returns whether there is more of it. */
  async function goRound(reconciled: Reconciled): Promise<boolean> {
    const { at, roundMs: endedMs, resent: _, ...head } = reconciled;
    // Wall time, because it has to outlive the process: a clock that is wrong makes a round early or late.
    if (at === '' && Math.abs(clock.now() - endedMs) < roundMs) return false;
    const settled = await settledFlush();
    if (settled === 0) return false;
    const rows = await entries({ _id: { $gt: at } }, '_id', QUESTION_MAX);
    // One without either mark was restored, so it was relayed once.
    const due = rows.filter(({ pending, relayed = 0 }) => pending === undefined && relayed <= settled);
    const lacking = await ask(due.map(({ _id }) => _id));
    if (!lacking) return true;
    await sendAgain(lacking);
    const last = rows.length === QUESTION_MAX ? rows.at(-1)?._id : undefined;
    const place = last === undefined ? { at: '', roundMs: clock.now() } : { at: last, roundMs: endedMs };
    await save(reconciled, { ...head, ...place }, lacking.length);
    return last !== undefined;
  }

  /** @returns how long to wait for the next turn. */
  async function turn(): Promise<number> {
    const fence = lease.fence();
    if (fence === undefined) return pollMs;
    if (known?.fence !== fence) {
      known = { fence, reconciled: { ...START, ...(await bindings.find(service))?.reconciled } };
    }
    if (await confirm(known.reconciled)) return Math.min(PACE_MS, pollMs);
    return (await goRound(known.reconciled)) ? Math.min(ROUND_PACE_MS, pollMs) : pollMs;
  }

  const running = (async () => {
    while (!stopped.signal.aborted) {
      const waitMs = await turn().catch(error => {
        log.debug({ err: error }, 'reconciler waits');
        known = undefined;
        return pollMs;
      });
      await clock.sleep(waitMs, stopped.signal);
    }
  })();

  return {
    async stop() {
      stopped.abort();
      leave();
      await running;
    },
  };
}
