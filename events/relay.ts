/**
 * The relay: moves a service's pending outbox entries into the queue of every service that consumes their type.
 *
 * Guarantees: every entry is sent at least once to every binding that wants it, and again when Redis has lost it before
 * the consumer durably passed it. One relay a service is active, by lease; one flush is in flight. Woken at once, with a
 * poll behind it. Does not guarantee order, or that an entry is sent only once.
 *
 * A flush: read what is pending, queue it, leave the flush's mark with every consumer, clear `pending`. In this order a
 * crash anywhere repeats work and loses none.
 */
import type { Collection } from 'mongodb';
import type { Logger } from 'pino';
import { type Binding, type Bindings, partitionOf, reached, wants } from './binding.ts';
import { type Clock, createWake } from './clock.ts';
import type { Event } from './event.ts';
import { chunk, groupBy } from './group.ts';
import { hasToJoin, letJoin } from './joining.ts';
import type { Lease } from './lease.ts';
import type { OutboxEntry } from './outbox.ts';
import type { Letter, Transport } from './transport.ts';

export type Relay = {
  /** Something is pending. */
  wake(): void;
  /** Finishes the flush in flight. */
  stop(): Promise<void>;
};

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
};

/** A flush's number is its fence times this plus its turn in this process, so numbers only rise. */
const FLUSHES_PER_TENURE = 1_000_000_000;

/** What the holder of the lease knows since it last looked everything through. */
type Tenure = {
  fence: number;
  collection: Collection<OutboxEntry>;
  checkedMs: number;
  bindings: Binding[];
  /** The mark this tenure last left with, or found at, each consumer. Never "none": that is what a loss looks like. */
  marks: Map<string, number>;
  /** Somebody has joined: every watermark has to get beyond where, whether there is something to send or not. */
  announces: boolean;
};

export function startRelay(options: RelayOptions): Relay {
  const { service, lease, bindings, transport, clock, log } = options;
  const { pollMs = 1_000, flushMax = 1_000, jobMax = 100 } = options;
  const stopped = new AbortController();
  const wake = createWake(clock);
  let tenure: Tenure | undefined;
  // Kept for the whole life of the process: within a fence no number may come twice.
  let flushes = 0;

  const nextFlush = ({ fence }: Tenure) => fence * FLUSHES_PER_TENURE + ++flushes;
  const unfenced = (fence: number) => ({ fence: { $not: { $gt: fence } } });

  /** Claims what is pending, so that an earlier tenure that wakes up late cannot clear it. What is claimed costs no write. */
  async function claim({ collection, fence }: Pick<Tenure, 'collection' | 'fence'>): Promise<void> {
    await collection.updateMany({ pending: { $exists: true }, fence: { $not: { $gte: fence } } }, { $max: { fence } });
  }

  /** Claims what is pending and reads the marks. */
  async function begin(fence: number): Promise<Tenure> {
    const collection = options.collection();
    await claim({ collection, fence });
    const checkedMs = clock.monotonic();
    const all = await bindings.all();
    // The tenure before may have let somebody join, and not have come to tell of it.
    const announces = all.some(({ seeding }) => seeding !== undefined);
    const begun: Tenure = { fence, collection, checkedMs, bindings: all, marks: new Map(), announces };
    const [last] = await collection
      .find({ relayed: { $exists: true } })
      .sort({ relayed: -1 })
      .limit(1)
      .toArray();
    const lost: Binding[] = [];
    for (const binding of begun.bindings) {
      const mark = (await transport.marks(binding._id))[service];
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
    const { collection } = current;
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
    // Nothing to say of a queue that is only new.
    const level = modifiedCount > 0 ? 'warn' : 'debug';
    const consumers = found.map(({ _id }) => _id);
    log[level]({ consumers, events: modifiedCount }, 'the queue has lost events, or is new: sending again');
  }

  async function check(current: Tenure): Promise<void> {
    current.bindings = await bindings.all();
    const lost: Binding[] = [];
    for (const binding of current.bindings) {
      const mark = (await transport.marks(binding._id))[service];
      if (hasToJoin(binding, service) || mark === undefined || mark !== current.marks.get(binding._id))
        lost.push(binding);
    }
    await recover(current, lost);
    current.checkedMs = clock.monotonic();
  }

  /** @returns whether there may be more. */
  async function flush(current: Tenure): Promise<boolean> {
    const { collection } = current;
    const entries = await collection
      .find({ pending: { $exists: true } })
      .sort({ pending: 1 })
      .limit(flushMax)
      // All in one answer.
      .batchSize(flushMax)
      .toArray();
    if (entries.length === 0) return false;
    const connection = await transport.send(
      lettersFor(
        service,
        entries.map(({ event }) => event),
        current.bindings,
        jobMax,
      ),
    );
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
    return entries.length === flushMax;
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
    const fence = lease.fence();
    if (fence === undefined) {
      tenure = undefined;
      return;
    }
    const isCurrent = ({ fence, collection }: Tenure) =>
      !stopped.signal.aborted && lease.fence() === fence && options.collection() === collection;
    if (!tenure || !isCurrent(tenure)) tenure = await begin(fence);
    else if (clock.monotonic() - tenure.checkedMs >= pollMs) await check(tenure);
    if (tenure.announces && lease.fence() === fence) await announce(tenure);
    while (isCurrent(tenure) && (await flush(tenure)));
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
      await wake.wait(pollMs, stopped.signal);
    }
  })();

  return {
    wake: wake.notify,
    async stop() {
      stopped.abort();
      await running;
    },
  };
}

/** The jobs of one flush: for each consumer and partition, the events it wants, in order, at most `jobMax` a job. */
export function lettersFor(
  source: string,
  events: readonly Event[],
  bindings: readonly Binding[],
  jobMax: number,
): Letter[] {
  return bindings.flatMap(binding => {
    const wanted = events.filter(({ type }) => wants(binding, type));
    const partitions = groupBy(wanted, event => partitionOf(event, binding.partitions));
    return [...partitions].flatMap(([partition, group]) =>
      chunk(group, jobMax).map(some => ({ service: binding._id, partition, source, events: some })),
    );
  });
}
