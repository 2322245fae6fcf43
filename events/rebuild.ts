/**
 * The rebuilder: takes the steps of a rebuild in the service that is rebuilt (see generation.ts for what a copy is). It runs
 * where the service's relay does. What the copy is fed with, and when the next step is due, is the business of whoever
 * replays; the consumer feeds the copy with live events as well.
 *
 * Guarantees: whoever reads sees one generation whole; events are held back for the moment of the swap and refused never;
 * a step that was cut short anywhere is taken again. Does not guarantee that the copy is right: it is what the lake says.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AnyBulkWriteOperation, Collection, Document } from 'mongodb';
import type { Logger } from 'pino';
import type { Bindings, RebuildOutcome, RebuildStep, RebuildWish } from './binding.ts';
import { startCarrying } from './carryover.ts';
import { type Clock, createWake } from './clock.ts';
import { findDifferences, type Row } from './compare.ts';
import { isUnavailable } from './errors.ts';
import type { Feed } from './feed.ts';
import type { GenerationState, Generations } from './generation.ts';
import { chunk } from './group.ts';
import type { Lease } from './lease.ts';
import type { OutboxEntry } from './outbox.ts';
import type { Rule } from './rule.ts';

/** What takes the steps of a rebuild. */
export type Rebuilder = {
  /** Something is wished for. */
  wake(): void;
  stop(): Promise<void>;
};

/** What a rebuild has to know of a collection that it makes anew. */
export type Derived = {
  /** The field that names the subject that a row belongs to. */
  subject: string;
  /** Events of other subjects make the rows as well, so that those of one subject are not all that a copy of its rows is made of. */
  ofSeveral?: true;
  /** Fields that say nothing of what a row shows; `all` when equal data may have different rows. */
  incomparable?: readonly string[] | 'all';
};

/** What feeds a copy, where it is not the same as what feeds the data that are served. */
export type Rebuilding = {
  /** What they change beside the copy, in what is served, they change at once, and count; nothing of it in a trial. */
  rules: readonly Rule[];
  /**
   * The last step before the copy is served, while nothing is handled.
   *
   * @param subject whose rows will be served; all when null.
   * @returns how many rows it has changed, by subject.
   */
  adopt?(subject: string | null): Promise<Map<string, number>>;
};

/** A service's data as they are, or as they are being built anew. */
export type Generation = {
  number: number;
  collection<Row extends Document>(name: string): Collection<Row>;
  /** Its outbox. */
  events: Collection<OutboxEntry>;
  /** What feeds it while it is a copy, and ends that. */
  rules: readonly Rule[];
  adopt(subject: string | null): Promise<Map<string, number>>;
};

/**
 * What feeds a copy. Its own rows are no changes until it is served.
 *
 * @param options `isReturned`: it was served before, and may have lost rows since, as whatever is served may: what comes from the
 *   lake repairs it.
 */
export function rulesOfCopy(
  { rules, rebuilding }: { rules: readonly Rule[]; rebuilding?: Rebuilding },
  { isReturned }: { isReturned: boolean },
): readonly Rule[] {
  if (rebuilding) return rebuilding.rules;
  return rules.map(({ on, handle }) => ({
    on,
    handle: async (events, how) => {
      await handle(events, how && isReturned && how.rebuild ? { ...how, replay: true } : how);
    },
  }));
}

/** Idle, and while there is a copy. */
const POLL_MS = 1_000;
const BUSY_POLL_MS = 50;
/** How long the other processes may take to go by a new state before the step is tried again. */
const SETTLE_MS = 15_000;
const HOLD_MS = 5_000;
const WRITTEN_AT_ONCE = 500;
/** Replaced rows of one subject. */
const SUBJECT_ROWS_MAX = 100_000;
/** Of more than these, all is replaced at once. */
const MENDED_SUBJECTS_MAX = 1_000;
const REPORTED_SUBJECTS_MAX = 100;

/** What a rebuilder is given. */
export type RebuilderOptions = {
  service: string;
  derived: Readonly<Record<string, Derived>>;
  generations: Generations;
  /** The relay's. */
  lease: Pick<Lease, 'fence'>;
  bindings: Bindings;
  feed: Feed;
  /** The service on some generation of its data, telling nobody anything. */
  generationOf(number: number): Generation;
  createIndexes(of: Generation): Promise<void>;
  clock: Clock;
  log: Logger;
};

/** Takes the steps that are wished for, one process at a time, until it is stopped. */
export function startRebuilder(options: RebuilderOptions): Rebuilder {
  const { service, derived, generations, lease, bindings, feed, generationOf, clock, log } = options;
  const stopped = new AbortController();
  const wake = createWake(clock);
  const collections = Object.keys(derived);

  async function settle(withinMs: number): Promise<void> {
    // A hint, so that nobody is waited for.
    await feed.publish([{ topic: `rebuild/${service}`, message: 1 }]).catch(() => undefined);
    if (await generations.settled(withinMs, stopped.signal)) return;
    throw new Retry('not every process of the service goes by the new state yet');
  }

  async function drop(generation: number): Promise<void> {
    const { collection } = generationOf(generation);
    for (const name of collections) await collection(name).drop();
  }

  /** Makes room for a copy, which every process then feeds. */
  async function build({ id, step }: RebuildWish): Promise<void> {
    const state = await generations.tick();
    if (state.rebuild !== id) {
      const building = step === 'RETURN' ? state.previous : state.made + 1;
      if (building === null) throw new Error('there is nothing to return to: the service was not rebuilt before');
      if (step === 'BUILD') await drop(building);
      await options.createIndexes(generationOf(building));
      await generations.change(state, { building, rebuild: id, made: Math.max(state.made, building), hold: false });
    }
    await settle(SETTLE_MS);
  }

  async function forget({ id }: RebuildWish): Promise<void> {
    const state = await generations.tick();
    if (state.rebuild !== id) return;
    if (state.building !== null) await generations.change(state, { building: null, hold: false });
    await settle(SETTLE_MS);
    // The copy has the highest number, unless it is the one to return to. Its rebuild is named until it is gone: what is cut short
    // is done again.
    const { made, active, previous } = state;
    if (made !== active && made !== previous) await drop(made);
    await generations.change(await generations.tick(), { rebuild: null });
  }

  function copyOf(state: GenerationState): { served: Generation; copy: Generation } {
    if (state.building === null) throw new Error('there is no copy to be compared or served');
    return { served: generationOf(state.active), copy: generationOf(state.building) };
  }

  /** What became of a rebuild that has come to its end here: a step that is asked for again answers the same. */
  const outcomeOf = ({ outcome }: GenerationState, id: string) => (outcome?.rebuild === id ? outcome : undefined);

  async function differencesOf(state: GenerationState, subject: string | null): Promise<Found> {
    const { served, copy } = copyOf(state);
    const found: Found = { differences: 0, subjects: new Set(), isAll: true };
    for (const [name, { subject: field, incomparable }] of Object.entries(derived)) {
      if (incomparable === 'all') continue;
      const { rows, beyond } = await findDifferences({
        ...{ served: served.collection<Row>(name), copy: copy.collection<Row>(name), subject: field, clock },
        filter: { [field]: subject ?? { $exists: true } },
        ignored: incomparable ?? [],
        signal: stopped.signal,
      });
      found.differences += rows.size + beyond;
      for (const each of rows.values()) for (const of of each) found.subjects.add(of);
      if (beyond > 0) found.isAll = false;
    }
    return found;
  }

  async function compare({ id, subject }: RebuildWish): Promise<RebuildOutcome> {
    const state = await generations.tick();
    return outcomeOf(state, id) ?? reported(await differencesOf(state, subject));
  }

  /** Puts what is right in the place of what is served: all of it, or that of some subjects alone. */
  async function replace({ id, step, subject }: RebuildWish): Promise<RebuildOutcome> {
    const before = await generations.tick();
    const known = outcomeOf(before, id);
    if (known) return known;
    const { served, copy } = copyOf(before);
    const carry = 'events' in derived ? startCarrying(served.events, copy.events, copy.rules) : undefined;
    const consumers = await bindings.all();
    await carry?.(Math.min(...consumers.map(({ passed }) => passed?.[service] ?? 0)));
    const found = await differencesOf(before, subject);
    const inParts = subject !== null || (step === 'MEND' && found.isAll && found.subjects.size <= MENDED_SUBJECTS_MAX);

    const held = await generations.change(await generations.tick(), { hold: true });
    try {
      await settle(HOLD_MS);
      await carry?.();
      for (const [of, rows] of await copy.adopt(subject)) {
        found.differences += rows;
        found.subjects.add(of);
      }
      const outcome = reported(found);
      const done = { building: null, rebuild: null, hold: false, outcome: { rebuild: id, ...outcome } };
      if (inParts) {
        // The one that was asked for, whether what is compared differs or not.
        const replaced = subject === null ? found.subjects : new Set([subject, ...found.subjects]);
        for (const of of replaced) await replaceRows(served, copy, of);
        await generations.change(held, { ...done, restarts: held.restarts + 1 });
        // What was served before is the way back of all others.
        if (copy.number !== held.previous) await drop(copy.number);
      } else {
        await generations.change(held, { ...done, active: copy.number, previous: served.number });
        if (before.previous !== null && before.previous !== copy.number) await drop(before.previous);
      }
      log.info({ rebuild: id, differences: outcome.differences }, 'the rebuilt data are served');
      return outcome;
    } catch (error) {
      // Nothing may stand still because of a rebuild.
      const state = await generations.tick();
      if (state.hold) await generations.change(state, { hold: false });
      throw error;
    }
  }

  /** The rows of one subject, from the copy into what is served; those that are right already are not touched. */
  async function replaceRows(served: Generation, copy: Generation, subject: string): Promise<void> {
    for (const [name, { subject: field }] of Object.entries(derived)) {
      const target = served.collection<Row>(name);
      const [right, present] = await Promise.all(
        [copy.collection<Row>(name), target].map(of => rowsOf(of, field, subject)),
      );
      const writes: AnyBulkWriteOperation<Row>[] = [];
      for (const [_id, row] of present ?? []) {
        const wanted = right?.get(_id);
        // A row in another's place is taken away first.
        if (!wanted || wanted.version !== row.version) writes.push({ deleteOne: { filter: { _id } } });
      }
      for (const [_id, { _id: __, ...replacement }] of right ?? []) {
        if (isDeepStrictEqual(present?.get(_id), right?.get(_id))) continue;
        writes.push({ replaceOne: { filter: { _id }, replacement, upsert: true } });
      }
      for (const some of chunk(writes, WRITTEN_AT_ONCE)) await target.bulkWrite(some, { ordered: true });
    }
  }

  async function rowsOf(of: Collection<Row>, field: string, subject: string): Promise<Map<string, Row>> {
    const rows = await of
      .find({ [field]: subject })
      .limit(SUBJECT_ROWS_MAX + 1)
      .toArray();
    if (rows.length <= SUBJECT_ROWS_MAX) return new Map(rows.map(row => [row._id, row]));
    throw new Error(`"${subject}" has more than ${SUBJECT_ROWS_MAX} rows: rebuild the service as a whole`);
  }

  const nothing: RebuildOutcome = { differences: 0, subjects: [] };
  const steps: Record<RebuildWish['step'], (wish: RebuildWish) => Promise<RebuildOutcome>> = {
    BUILD: wish => build(wish).then(() => nothing),
    RETURN: wish => build(wish).then(() => nothing),
    COMPARE: compare,
    SWAP: replace,
    MEND: replace,
    DROP: wish => forget(wish).then(() => nothing),
  };

  async function turn(): Promise<void> {
    if (lease.fence() === undefined) return;
    const binding = await bindings.find(service);
    const { rebuild: wish, rebuilt } = binding ?? {};
    if (!wish || (rebuilt?.id === wish.id && rebuilt.step === wish.step)) return;
    const { id, step } = wish;
    const taken: RebuildStep = { id, step, ...nothing, error: null };
    try {
      Object.assign(taken, await steps[step](wish));
    } catch (error) {
      if (error instanceof Retry || isUnavailable(error) || stopped.signal.aborted) throw error;
      log.warn({ err: error, rebuild: id, step }, 'a step of a rebuild failed');
      taken.error = error instanceof Error ? error.message : String(error);
    }
    await bindings.taken(service, taken);
  }

  const running = (async () => {
    while (!stopped.signal.aborted) {
      await turn().catch(error => log.debug({ err: error }, 'a step of a rebuild is tried again'));
      const busy = generations.known().rebuild !== null;
      await wake.wait(busy ? BUSY_POLL_MS : POLL_MS, stopped.signal);
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

/** What differs; `isAll` when `subjects` has every subject that does. */
type Found = { differences: number; subjects: Set<string>; isAll: boolean };

const reported = ({ differences, subjects }: Found): RebuildOutcome => ({
  differences,
  subjects: [...subjects].slice(0, REPORTED_SUBJECTS_MAX),
});

/** Nothing is wrong: the step is tried again. */
class Retry extends Error {
  override name = 'Retry';
}
