/**
 * The relay: moves a service's pending outbox entries to every service that consumes their type: hands them to consumers of this
 * process, and puts them into the queues of the others.
 *
 * Guarantees: every entry is sent at least once to every binding that wants it, and again when Redis has lost it before
 * the consumer durably passed it. One relay a service is active, by lease; one flush is in flight. Woken at once, with a
 * poll behind it. Does not guarantee order, or that an entry is sent only once.
 *
 * A flush: read what is pending, have it handled or queued, leave the flush's mark with every consumer, clear `pending`. In this order
 * a crash anywhere repeats work and loses none. What somebody waits for does not wait for the flush: see hurry.ts.
 */
import type { Collection } from 'mongodb';
import type { Logger } from 'pino';
import type { Bindings } from './binding.ts';
import { type Clock, createWake } from './clock.ts';
import type { Event } from './event.ts';
import { startHurry } from './hurry.ts';
import type { Lease } from './lease.ts';
import { canWait, consumersOf } from './letters.ts';
import { type Measures, unmeasured } from './measures.ts';
import type { OutboxEntry } from './outbox.ts';
import { createSender } from './sending.ts';
import { createTenures, type Tenure } from './tenure.ts';
import { noTrail, type Trail } from './tracing.ts';
import type { Transport } from './transport.ts';

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
  /** See `Resources`. Default 0. */
  utilization?(): number;
  trail?: Trail;
  measures?: Measures;
};

/** Relays an outbox until it is stopped, as long as it holds the lease. */
export function startRelay(options: RelayOptions): Relay {
  const { service, lease, transport, clock, log } = options;
  const { pollMs = 1_000, flushMax = 1_000, jobMax = 100, gatherMs = 100, utilization = () => 0 } = options;
  const { trail = noTrail, measures = unmeasured } = options;
  const { begin, check, recover, announce, leaveMarks, nextFlush } = createTenures(options);
  const sender = createSender({ service, transport, trail, clock, jobMax });
  const stopped = new AbortController();
  const wake = createWake(clock);
  let tenure: Tenure | undefined;
  /** Somebody knows of something pending, and not what it is. */
  let asked = false;
  const unfenced = (fence: number) => ({ fence: { $not: { $gt: fence } } });

  /**
   * @param looks whether to look for what is pending; else it is what this process has gathered.
   * @returns whether there may be more, which has to be looked for.
   */
  async function flush(current: Tenure, looks: boolean): Promise<boolean> {
    const { collection, gathered } = current;
    current.dueMs = undefined;
    const known = [...gathered.values()];
    const entries = looks ? await pendingIn(collection) : undefined;
    // Nothing of it is pending any more.
    if (entries?.length === 0) forget(current, known);
    // What is on its way at this moment is gathered for the next one.
    const events = (entries?.map(({ event }) => event) ?? known).filter(({ id }) => !current.sending.has(id));
    if (events.length === 0) return false;
    const startedMs = clock.monotonic();
    const ids = events.map(({ id }) => id);
    if (looks) current.found = new Set(ids.filter(id => !gathered.has(id)));
    const connections = await sendRest(current, events);
    const [connection] = connections;
    if (connections.size > 1) {
      // What was sent at once may be lost, and is sent again.
      for (const { id } of events) current.hurried.delete(id);
      return true;
    }
    const number = nextFlush(current);
    const lost = await leaveMarks(current, number, connection);
    if (lost.length > 0) {
      // What this flush sent may be among what was lost: nothing is cleared, and all of it is sent again.
      await recover(current, lost);
      return true;
    }
    await collection.updateMany(
      { _id: { $in: ids }, ...unfenced(current.fence) },
      { $unset: { pending: '' }, $set: { relayed: number, fence: current.fence } },
    );
    forget(current, events);
    const sinceMs = entries?.[0]?.pending ?? Date.parse(events[0]?.time ?? '');
    const waitedMs = Math.max(0, clock.now() - sinceMs) || 0;
    measures.relayed(events.length, (clock.monotonic() - startedMs) / 1_000, waitedMs / 1_000);
    return entries?.length === flushMax;
  }

  /**
   * Sends events to those that they were not sent to at once. What this process has not stored itself, a process that had it at hand
   * may have died of.
   *
   * @returns the connections on which all was queued, also what was at once.
   */
  async function sendRest(current: Tenure, events: readonly Event[]): Promise<Set<number>> {
    const { hurried, bindings, gathered } = current;
    const consumers = consumersOf(bindings);
    const isHurried = ({ id }: Event) => hurried.get(id)?.consumers === consumers;
    // What was sent at once goes by here for those that do not wait for it.
    const before = events.filter(isHurried);
    const hops = { relay: events.filter(event => !isHurried(event)), flush: before };
    const sent = new Map(before.map(({ id }) => [id, hurried.get(id)?.connection]));
    const lettersFor = (some: readonly Event[]) =>
      sender.lettersFor(current, some, (binding, { id, type }) => !sent.has(id) || canWait(binding, type));
    const connection = await sender.send(hops, {
      first: lettersFor(events.filter(({ id }) => gathered.has(id))),
      again: lettersFor(events.filter(({ id }) => !gathered.has(id))),
    });
    return new Set([connection, ...sent.values()].filter(each => each !== undefined));
  }

  function pendingIn(collection: Collection<OutboxEntry>): Promise<OutboxEntry[]> {
    const pending = collection.find({ pending: { $exists: true } }).sort({ pending: 1 });
    // All in one answer.
    return pending.limit(flushMax).batchSize(flushMax).toArray();
  }

  async function turn(): Promise<void> {
    const looks = asked;
    asked = false;
    const fence = lease.fence();
    if (fence === undefined) {
      tenure = undefined;
      return;
    }
    const flushAll = async (current: Tenure, looksFirst: boolean) => {
      for (let looks = looksFirst; isCurrent(current) && (await flush(current, looks)); looks = true);
    };
    const isNew = !tenure || !isCurrent(tenure);
    if (!tenure || !isCurrent(tenure)) tenure = await begin(fence);
    const isCheck = clock.monotonic() - tenure.checkedMs >= pollMs;
    if (isCheck) await check(tenure);
    if (tenure.announces && lease.fence() === fence) await announce(tenure);
    const isFull = tenure.gathered.size >= flushMax;
    const isGathering = tenure.dueMs !== undefined && clock.monotonic() < tenure.dueMs && !isFull;
    const mustLook = isNew || isCheck || looks;
    if (mustLook || !isGathering) await flushAll(tenure, mustLook);
  }

  function isCurrent({ fence, collection }: Tenure): boolean {
    return !stopped.signal.aborted && lease.fence() === fence && options.collection() === collection;
  }

  /** How long nothing has to be done unless somebody wakes it. */
  function restMs(): number {
    if (tenure?.dueMs === undefined) return pollMs;
    return Math.max(0, Math.min(pollMs, tenure.dueMs - clock.monotonic()));
  }

  const hurry = startHurry({
    ...{ sender, utilization, clock, log, gatherMs, gatheredMax: flushMax },
    tenure: () => (tenure && isCurrent(tenure) ? tenure : undefined),
    onGathered({ looks }) {
      asked ||= looks;
      wake.notify();
    },
  });

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
    }
    await hurry.stop();
    if (tenure && tenure.dueMs !== undefined && lease.fence() === tenure.fence) {
      await flush(tenure, true).catch(error => log.debug({ err: error }, 'what was gathered stays pending'));
    }
  })();

  return {
    wake(events) {
      if (events) return hurry.send(events);
      asked = true;
      wake.notify();
    },
    async stop() {
      stopped.abort();
      await running;
    },
  };
}

/** They have been relayed. */
function forget({ gathered, hurried }: Tenure, events: readonly Event[]): void {
  for (const { id } of events) {
    gathered.delete(id);
    hurried.delete(id);
  }
}
