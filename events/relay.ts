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
import { type Binding, type Bindings, reached } from './binding.ts';
import { pack } from './carrying.ts';
import { type Clock, createWake } from './clock.ts';
import type { Event } from './event.ts';
import { hasToJoin, letJoin } from './joining.ts';
import type { Lease } from './lease.ts';
import { canWait, lettersFor } from './letters.ts';
import { type Measures, unmeasured } from './measures.ts';
import type { OutboxEntry } from './outbox.ts';
import { spreadOver } from './partition.ts';
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

/** A flush's number is its fence times this plus its turn in this process, so numbers only rise. */
const FLUSHES_PER_TENURE = 1_000_000_000;

/** Between two sendings of what somebody waits for: the first goes at once, and under load a few go together. */
const HURRY_GAP_MS = 5;

/** What the holder of the lease knows since it last looked everything through. */
type Tenure = {
  fence: number;
  collection: Collection<OutboxEntry>;
  checkedMs: number;
  bindings: Binding[];
  /** How many processes each consumer had when it was last looked at. */
  members: Map<string, number>;
  /** The mark this tenure last left with, or found at, each consumer. Never "none": that is what a loss looks like. */
  marks: Map<string, number>;
  /** Somebody has joined: every watermark has to get beyond where, whether there is something to send or not. */
  announces: boolean;
  /** Pending, and sent already to those that wait for it, on one connection. */
  hurried: { ids: Set<string>; connection: number; sentMs: number };
  /** What the last flush has found before whoever stored it handed it over. */
  found: Set<string>;
  /** When the flush that gathers is due; undefined while there is nothing to gather. */
  dueMs: number | undefined;
};

const NOT_HURRIED = -1;
const RELAYED = { kind: 'producer' } as const;

/** Relays an outbox until it is stopped, as long as it holds the lease. */
export function startRelay(options: RelayOptions): Relay {
  const { service, lease, bindings, transport, clock, log } = options;
  const { pollMs = 1_000, flushMax = 1_000, jobMax = 100, gatherMs = 100 } = options;
  const { trail = noTrail, measures = unmeasured } = options;
  const stopped = new AbortController();
  const wake = createWake(clock);
  let tenure: Tenure | undefined;
  /** Stored by this process since the last turn. */
  let handed: Event[] = [];
  /** Somebody knows of something pending, and not what it is. */
  let asked = false;
  // Kept for the whole life of the process: within a fence no number may come twice.
  let flushes = 0;

  const nextFlush = ({ fence }: Tenure) => fence * FLUSHES_PER_TENURE + ++flushes;
  const unfenced = (fence: number) => ({ fence: { $not: { $gt: fence } } });

  /** Claims what is pending, so that an earlier tenure that wakes up late cannot clear it. What is claimed costs no write. */
  async function claim({ collection, fence }: Pick<Tenure, 'collection' | 'fence'>): Promise<void> {
    await collection.updateMany({ pending: { $exists: true }, fence: { $not: { $gte: fence } } }, { $max: { fence } });
  }

  /** Notes how many there are of a consumer. @returns the mark that it has. */
  async function look({ members }: Tenure, { _id }: Binding): Promise<number | undefined> {
    const found = await transport.look(_id);
    members.set(_id, found.members.length);
    return found.marks[service];
  }

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

  /** Claims what is pending and reads the marks. */
  async function begin(fence: number): Promise<Tenure> {
    const collection = options.collection();
    await claim({ collection, fence });
    const checkedMs = clock.monotonic();
    const all = await bindings.all();
    // The tenure before may have let somebody join, and not have come to tell of it.
    const announces = all.some(({ seeding }) => seeding !== undefined);
    const begun: Tenure = {
      ...{ fence, collection, checkedMs, bindings: all, members: new Map(), marks: new Map(), announces },
      ...{ hurried: { ids: new Set(), connection: NOT_HURRIED, sentMs: Number.NEGATIVE_INFINITY } },
      ...{ found: new Set(), dueMs: undefined },
    };
    const [last] = await collection
      .find({ relayed: { $exists: true } })
      .sort({ relayed: -1 })
      .limit(1)
      .toArray();
    const lost: Binding[] = [];
    for (const binding of begun.bindings) {
      const mark = await look(begun, binding);
      // The mark is left before the entry is cleared: a mark behind the entries means that Redis has lost it. Where there
      // is none, one is left before anything is sent, so that its loss is noticed.
      if (hasToJoin(binding, service)) lost.push(binding);
      else if (mark === undefined || mark < (last?.relayed ?? 0)) lost.push(binding);
      else begun.marks.set(binding._id, mark);
    }
    await recover(begun, lost);
    return begun;
  }

  /** Makes pending again what these consumers have not durably passed, and only then leaves a mark with them. */
  async function recover(current: Tenure, lost: readonly Binding[]): Promise<void> {
    if (lost.length === 0) return;
    const { collection, hurried } = current;
    hurried.ids.clear();
    const isFirst = flushes === 0;
    const flush = nextFlush(current);
    const all = current.bindings;
    if (await letJoin({ service, collection, bindings, all, flush, isFirst })) current.announces = true;
    const found = (await Promise.all(lost.map(({ _id }) => bindings.find(_id)))).flatMap(binding => binding ?? []);
    // Those that are not found are not bound any more.
    current.bindings = [...current.bindings.filter(binding => !lost.includes(binding)), ...found];
    if (found.length === 0) return;
    const passed = Math.min(...found.map(binding => reached(binding, service)));
    const { modifiedCount } = await collection.updateMany(
      { relayed: { $gt: passed } },
      { $set: { pending: clock.now() }, $max: { fence: current.fence }, $unset: { relayed: '' } },
    );
    // An earlier tenure may have sent what is pending, and left the mark that was lost, and not have cleared it yet.
    await claim(current);
    for (const { _id } of found) {
      await transport.resetMark(_id, service, flush);
      current.marks.set(_id, flush);
    }
    measures.recovered(modifiedCount);
    // Nothing to say of a queue that is only new.
    const level = modifiedCount > 0 ? 'warn' : 'debug';
    const consumers = found.map(({ _id }) => _id);
    log[level]({ consumers, events: modifiedCount }, 'the queue has lost events, or is new: sending again');
  }

  async function check(current: Tenure): Promise<void> {
    current.bindings = await bindings.all();
    const lost: Binding[] = [];
    for (const binding of current.bindings) {
      const mark = await look(current, binding);
      if (hasToJoin(binding, service) || mark === undefined || mark !== current.marks.get(binding._id))
        lost.push(binding);
    }
    await recover(current, lost);
    current.checkedMs = clock.monotonic();
  }

  /** Sends to those that wait for it what this process has just stored. The flush that is gathering does the rest. */
  async function hurry(current: Tenure, stored: readonly Event[]): Promise<void> {
    const { hurried, found } = current;
    const events = stored.filter(({ id }) => !found.has(id));
    if (events.length === 0) return;
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

  /** @returns whether there may be more. */
  async function flush(current: Tenure): Promise<boolean> {
    const { collection, hurried } = current;
    current.dueMs = undefined;
    const entries = await collection
      .find({ pending: { $exists: true } })
      .sort({ pending: 1 })
      .limit(flushMax)
      // All in one answer.
      .batchSize(flushMax)
      .toArray();
    if (entries.length === 0) {
      hurried.ids.clear();
      return false;
    }
    const startedMs = clock.monotonic();
    const events = entries.map(({ event }) => event);
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
    const ids = entries.map(({ _id }) => _id);
    await collection.updateMany(
      { _id: { $in: ids }, ...unfenced(current.fence) },
      { $unset: { pending: '' }, $set: { relayed: number, fence: current.fence } },
    );
    current.found = new Set(ids.filter(id => !hurried.ids.delete(id)));
    const waitedMs = Math.max(0, clock.now() - (entries[0]?.pending ?? clock.now()));
    measures.relayed(entries.length, (clock.monotonic() - startedMs) / 1_000, waitedMs / 1_000);
    return entries.length === flushMax;
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

  /** A flush of nothing. */
  async function announce(current: Tenure): Promise<void> {
    current.announces = false;
    await recover(current, await leaveMarks(current, nextFlush(current)));
  }

  /** @returns the consumers at which the mark before was gone. */
  async function leaveMarks(current: Tenure, number: number, connection?: number): Promise<Binding[]> {
    const kept = await Promise.all(
      current.bindings.map(({ _id }) => transport.mark(_id, service, current.marks.get(_id), number, connection)),
    );
    current.bindings.forEach(({ _id }, index) => {
      if (kept[index]) current.marks.set(_id, number);
    });
    return current.bindings.filter((_, index) => !kept[index]);
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
    const flushAll = async (current: Tenure) => {
      while (isCurrent(current) && (await flush(current)));
    };
    const isNew = !tenure || !isCurrent(tenure);
    if (!tenure || !isCurrent(tenure)) tenure = await begin(fence);
    const isCheck = clock.monotonic() - tenure.checkedMs >= pollMs;
    if (isCheck) {
      // Who consumes may change now: nothing is left that was sent to some of them.
      if (tenure.hurried.ids.size > 0) await flushAll(tenure);
      await check(tenure);
    }
    if (tenure.announces && lease.fence() === fence) await announce(tenure);
    if (!isNew && !isCheck && !looks && events.length > 0 && isCurrent(tenure)) await hurry(tenure, events);
    const isFull = tenure.hurried.ids.size >= flushMax;
    const isGathering = tenure.dueMs !== undefined && clock.monotonic() < tenure.dueMs && !isFull;
    if (isNew || isCheck || looks || !isGathering) await flushAll(tenure);
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
      await flush(tenure).catch(error => log.debug({ err: error }, 'what was gathered stays pending'));
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
