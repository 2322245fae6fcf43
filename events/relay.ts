/**
 * The relay: moves a service's pending outbox entries into the queue of every service that consumes their type.
 *
 * Guarantees: every entry is sent at least once to every binding that wants it, and again when Redis has lost it before
 * the consumer durably passed it. One relay a service is active, by lease; one flush is in flight. Woken at once, with a
 * poll behind it. Does not guarantee order, or that an entry is sent only once.
 *
 * A flush: read what is pending, queue it, leave the flush's mark with every consumer, clear `pending`. In this order a
 * crash anywhere repeats work and loses none. What somebody waits for does not wait for the flush: it is sent at once, by
 * whoever has just stored it, and the next flush, which gathers for a while, sends the rest, leaves the marks and clears.
 */
import type { Collection } from 'mongodb';
import type { Logger } from 'pino';
import type { Bindings } from './binding.ts';
import { pack } from './carrying.ts';
import { type Clock, createWake } from './clock.ts';
import type { Event } from './event.ts';
import type { Lease } from './lease.ts';
import { canWait, lettersFor } from './letters.ts';
import { type Measures, unmeasured } from './measures.ts';
import type { OutboxEntry } from './outbox.ts';
import { spreadOver } from './partition.ts';
import { createTenures, type Tenure } from './tenure.ts';
import { noTrail, type Step, type Trail } from './tracing.ts';
import type { Letter, Transport } from './transport.ts';

/** A relay that runs. */
export type Relay = {
  /**
   * Something is pending.
   *
   * @param events all that is new, where that is known: then nobody has to look for it.
   */
  wake(events?: readonly Event[]): void;
  /** Finishes the flush in flight. */
  stop(): Promise<void>;
};

/** What a relay is given, and its bounds. */
export type RelayOptions = {
  service: string;
  /** The outbox; another one after a rebuild. */
  collection: () => Collection<OutboxEntry>;
  lease: Pick<Lease, 'fence'>;
  bindings: Bindings;
  transport: Transport;
  clock: Clock;
  log: Logger;
  /** How often to look without being woken, for pending entries and for losses. Default 1,000. */
  pollMs?: number;
  /** Events a flush and events a job. Defaults 1,000 and 100. */
  flushMax?: number;
  jobMax?: number;
  /** How long a flush gathers when all that somebody waits for has been sent. Default 100. */
  gatherMs?: number;
  trail?: Trail;
  measures?: Measures;
};

/** Between two sendings of what somebody waits for: the first goes at once, and under load a few go together. */
const HURRY_GAP_MS = 5;

const RELAYED = { kind: 'producer' } as const;

/** Relays an outbox until it is stopped, as long as it holds the lease. */
export function startRelay(options: RelayOptions): Relay {
  const { service, lease, transport, clock, log } = options;
  const { pollMs = 1_000, flushMax = 1_000, jobMax = 100, gatherMs = 100 } = options;
  const { trail = noTrail, measures = unmeasured } = options;
  const { begin, check, recover, announce, leaveMarks, nextFlush } = createTenures(options);
  const stopped = new AbortController();
  const wake = createWake(clock);
  let tenure: Tenure | undefined;
  /** Stored by this process since the last turn. */
  let handed: Event[] = [];
  /** Somebody knows of something pending, and not what it is. */
  let asked = false;
  const unfenced = (fence: number) => ({ fence: { $not: { $gt: fence } } });

  /** The jobs for some events, for as many queues as each consumer has now. */
  function lettersOf(
    { bindings: all, members }: Tenure,
    events: readonly Event[],
    isFor: Parameters<typeof lettersFor>[4],
  ): Letter[] {
    const spread = all.map(binding => ({
      ...binding,
      partitions: spreadOver(binding.partitions, members.get(binding._id) ?? 0),
    }));
    return lettersFor(service, events, spread, jobMax, isFor);
  }

  /** Sends to those that wait for it what this process has just stored. The flush that is gathering does the rest. */
  async function hurry(current: Tenure, stored: readonly Event[]): Promise<void> {
    const { gathered, hurried, found } = current;
    const events = stored.filter(({ id }) => !found.has(id));
    if (events.length === 0) return;
    for (const event of events) gathered.set(event.id, event);
    const letters = lettersOf(current, events, (binding, { type }) => !canWait(binding, type));
    if (letters.length > 0) {
      const connection = await send([trail.begin('relay', events, RELAYED)], letters);
      // What was sent on another connection may be lost.
      if (connection !== hurried.connection) hurried.ids.clear();
      Object.assign(hurried, { connection, sentMs: clock.monotonic() });
      for (const { id } of events) hurried.ids.add(id);
    }
    current.dueMs ??= clock.monotonic() + gatherMs;
  }

  /**
   * @param looks whether to look for what is pending; else it is what this process has gathered.
   * @returns whether there may be more, which has to be looked for.
   */
  async function flush(current: Tenure, looks: boolean): Promise<boolean> {
    const { collection, gathered, hurried } = current;
    current.dueMs = undefined;
    const entries = looks ? await pendingIn(collection) : undefined;
    const events = entries?.map(({ event }) => event) ?? [...gathered.values()];
    if (events.length === 0) {
      hurried.ids.clear();
      gathered.clear();
      return false;
    }
    const startedMs = clock.monotonic();
    // What was sent on from memory goes by here for those that do not wait for it.
    const hops = [
      trail.begin(
        'relay',
        events.filter(({ id }) => !hurried.ids.has(id)),
        RELAYED,
      ),
      trail.begin(
        'flush',
        events.filter(({ id }) => hurried.ids.has(id)),
        RELAYED,
      ),
    ];
    const connection = await send(
      hops,
      lettersOf(current, events, (binding, { id, type }) => !hurried.ids.has(id) || canWait(binding, type)),
    );
    if (hurried.ids.size > 0 && hurried.connection !== connection) {
      // What was hurried may be lost: nothing is cleared, and all of it is sent again.
      hurried.ids.clear();
      return true;
    }
    const number = nextFlush(current);
    const lost = await leaveMarks(current, number, connection);
    if (lost.length > 0) {
      // What this flush sent may be among what was lost: nothing is cleared, and all of it is sent again.
      await recover(current, lost);
      return true;
    }
    const ids = events.map(({ id }) => id);
    await collection.updateMany(
      { _id: { $in: ids }, ...unfenced(current.fence) },
      { $unset: { pending: '' }, $set: { relayed: number, fence: current.fence } },
    );
    if (looks) current.found = new Set(ids.filter(id => !gathered.has(id)));
    for (const id of ids) {
      gathered.delete(id);
      hurried.ids.delete(id);
    }
    const sinceMs = entries?.[0]?.pending ?? Date.parse(events[0]?.time ?? '');
    const waitedMs = Math.max(0, clock.now() - sinceMs) || 0;
    measures.relayed(events.length, (clock.monotonic() - startedMs) / 1_000, waitedMs / 1_000);
    return entries?.length === flushMax;
  }

  function pendingIn(collection: Collection<OutboxEntry>): Promise<OutboxEntry[]> {
    const pending = collection.find({ pending: { $exists: true } }).sort({ pending: 1 });
    // All in one answer.
    return pending.limit(flushMax).batchSize(flushMax).toArray();
  }

  /** @returns the connection on which all of it was sent. */
  async function send(steps: readonly Step[], letters: readonly Letter[]): Promise<number> {
    const jobs = pack(trail, letters);
    const begun = [jobs, ...steps];
    try {
      const connection = await transport.send(jobs.letters);
      for (const each of begun) each.end();
      return connection;
    } catch (error) {
      for (const each of begun) each.end(error);
      throw error;
    }
  }

  async function turn(): Promise<void> {
    const events = handed;
    handed = [];
    const looks = asked;
    asked = false;
    const fence = lease.fence();
    if (fence === undefined) {
      tenure = undefined;
      return;
    }
    const isCurrent = ({ fence, collection }: Tenure) =>
      !stopped.signal.aborted && lease.fence() === fence && options.collection() === collection;
    const flushAll = async (current: Tenure, looksFirst: boolean) => {
      for (let looks = looksFirst; isCurrent(current) && (await flush(current, looks)); looks = true);
    };
    const isNew = !tenure || !isCurrent(tenure);
    if (!tenure || !isCurrent(tenure)) tenure = await begin(fence);
    const isCheck = clock.monotonic() - tenure.checkedMs >= pollMs;
    if (isCheck) {
      // Who consumes may change now: nothing is left that was sent to some of them.
      if (tenure.hurried.ids.size > 0) await flushAll(tenure, true);
      await check(tenure);
    }
    if (tenure.announces && lease.fence() === fence) await announce(tenure);
    if (!isNew && !isCheck && !looks && events.length > 0 && isCurrent(tenure)) await hurry(tenure, events);
    const isFull = tenure.gathered.size >= flushMax;
    const isGathering = tenure.dueMs !== undefined && clock.monotonic() < tenure.dueMs && !isFull;
    const mustLook = isNew || isCheck || looks;
    if (mustLook || !isGathering) await flushAll(tenure, mustLook);
  }

  /** How long nothing has to be done unless somebody wakes it. */
  function restMs(): number {
    if (tenure?.dueMs === undefined) return pollMs;
    return Math.max(0, Math.min(pollMs, tenure.dueMs - clock.monotonic()));
  }

  const running = (async () => {
    while (!stopped.signal.aborted) {
      try {
        await turn();
      } catch (error) {
        // Most likely a store or Redis that is away; entries stay pending, and the next turn begins the tenure anew.
        log.debug({ err: error }, 'relay waits');
        tenure = undefined;
        await clock.sleep(pollMs / 4, stopped.signal);
      }
      await wake.wait(restMs(), stopped.signal);
      const gapMs = (tenure?.hurried.sentMs ?? Number.NEGATIVE_INFINITY) + HURRY_GAP_MS - clock.monotonic();
      if (gapMs > 0) await clock.sleep(gapMs, stopped.signal);
    }
    if (tenure && tenure.dueMs !== undefined && lease.fence() === tenure.fence) {
      await flush(tenure, true).catch(error => log.debug({ err: error }, 'what was gathered stays pending'));
    }
  })();

  return {
    wake(events) {
      if (events === undefined || handed.length + events.length > flushMax) asked = true;
      else handed.push(...events);
      wake.notify();
    },
    async stop() {
      stopped.abort();
      await running;
    },
  };
}
