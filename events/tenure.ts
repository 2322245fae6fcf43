/**
 * A tenure: what the process that holds a relay's lease knows of its consumers, from when it took the lease. With each consumer it
 * has left a mark, and a mark that is gone is how a loss shows: then it makes pending again what the consumer has not
 * durably passed, before it leaves another.
 */
import type { Collection } from 'mongodb';
import { type Binding, reached } from './binding.ts';
import type { Event } from './event.ts';
import { hasToJoin, letJoin } from './joining.ts';
import { unmeasured } from './measures.ts';
import type { OutboxEntry } from './outbox.ts';
import type { RelayOptions } from './relay.ts';

/** A flush's number is its fence times this plus its turn in this process, so numbers only rise. */
const FLUSHES_PER_TENURE = 1_000_000_000;

/** What the holder of the lease knows since it last looked everything through. */
export type Tenure = {
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
  /** Pending, stored by this process and handed over since the last flush: nobody has to look for it. */
  gathered: Map<string, Event>;
  /**
   * What has been sent already to those that wait for it, by event. After a loss it is another one: what was on its way then counts
   * for nothing.
   */
  hurried: Map<string, Hurried>;
  /** What is being sent at once, at this moment. */
  sending: Set<string>;
  /** What the last flush has found before whoever stored it handed it over. */
  found: Set<string>;
  /** When the flush that gathers is due; undefined while there is nothing to gather. */
  dueMs: number | undefined;
};

/** On which connection an event was sent at once, if it was not handed over; and who there was to get it. */
export type Hurried = { connection: number | undefined; consumers: string };

/** What a relay does with what it knows. */
export type Tenures = ReturnType<typeof createTenures>;

/** The tenures of one relay, one after the other. */
export function createTenures(
  options: Pick<RelayOptions, 'service' | 'collection' | 'bindings' | 'transport' | 'clock' | 'log' | 'measures'>,
) {
  const { service, bindings, transport, clock, log, measures = unmeasured } = options;
  // Kept for the whole life of the process: within a fence no number may come twice.
  let flushes = 0;

  const nextFlush = ({ fence }: Tenure) => fence * FLUSHES_PER_TENURE + ++flushes;

  /** Claims what is pending, so that an earlier tenure that wakes up late cannot clear it. What is claimed costs no write. */
  async function claim({ collection, fence }: Pick<Tenure, 'collection' | 'fence'>): Promise<void> {
    await collection.updateMany({ pending: { $exists: true }, fence: { $not: { $gte: fence } } }, { $max: { fence } });
  }

  /** Notes how many there are of each consumer. @returns the mark that each has. */
  async function lookAtAll({ bindings: all, members }: Tenure): Promise<[Binding, number | undefined][]> {
    const found = await Promise.all(all.map(({ _id }) => transport.look(_id)));
    return found.flatMap(({ members: present, marks }, index): [Binding, number | undefined][] => {
      const binding = all[index];
      if (!binding) return [];
      members.set(binding._id, present.length);
      return [[binding, marks[service]]];
    });
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
      ...{ hurried: new Map(), sending: new Set(), found: new Set(), gathered: new Map(), dueMs: undefined },
    };
    const [last] = await collection
      .find({ relayed: { $exists: true } })
      .sort({ relayed: -1 })
      .limit(1)
      .toArray();
    const lost: Binding[] = [];
    for (const [binding, mark] of await lookAtAll(begun)) {
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
    // Those that are not found are not bound any more. The others stay in their order: it is part of what they were sent by.
    current.bindings = current.bindings.flatMap(binding =>
      lost.includes(binding) ? found.filter(({ _id }) => _id === binding._id) : [binding],
    );
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
    // Only now, when the marks tell of a loss again: what was sent at once until now may be lost as well, and none would show it.
    current.hurried = new Map();
    measures.recovered(modifiedCount);
    // Nothing to say of a queue that is only new.
    const level = modifiedCount > 0 ? 'warn' : 'debug';
    const consumers = found.map(({ _id }) => _id);
    log[level]({ consumers, events: modifiedCount }, 'the queue has lost events, or is new: sending again');
  }

  async function check(current: Tenure): Promise<void> {
    current.bindings = await bindings.all();
    const lost: Binding[] = [];
    for (const [binding, mark] of await lookAtAll(current)) {
      if (hasToJoin(binding, service) || mark === undefined || mark !== current.marks.get(binding._id))
        lost.push(binding);
    }
    await recover(current, lost);
    current.checkedMs = clock.monotonic();
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

  return { begin, check, recover, announce, leaveMarks, nextFlush };
}
