/**
 * Generations: what a service derives from events can be built anew beside what it serves, and take its place in one step.
 * Each derived collection exists once for each generation; one document of the service's own says which generation is
 * served, which is being built, and what every process of the service goes by.
 *
 * Guarantees: a change is in force everywhere when `settled` says so: each living process has said that it goes by it, and
 * one that has been silent for too long handles nothing before it has looked again. During a hold no event is being
 * handled anywhere. Does not guarantee anything about a process that stands still in the middle of a write: what it writes
 * later goes to a generation that is not served any more, and the end of the lake is sent once more after every change.
 */
import type { Collection } from 'mongodb';
import type { RebuildOutcome } from './binding.ts';
import type { Clock } from './clock.ts';
import { isDuplicateKey } from './errors.ts';

/** Which copy of its data a service serves, and which is being built. */
export type Generations = {
  /** As this process knows it. */
  known(): GenerationState;
  /** Does the work when nothing holds it; until it is done, no hold begins. */
  gate(work: () => Promise<void>): Promise<void>;
  /** Says what this process goes by, and looks whether that has changed. To be called every second. */
  tick(): Promise<GenerationState>;
  /** Changes the state unless it has changed meanwhile, which is an error. @returns the state after it. */
  change(from: GenerationState, to: Partial<Changeable>): Promise<GenerationState>;
  /** Resolves when every process goes by the newest state. @returns false after `withinMs`. */
  settled(withinMs: number, signal: AbortSignal): Promise<boolean>;
};

type Changeable = {
  /** The one that is served. */
  active: number;
  /** The one that was served before, kept for a way back. */
  previous: number | null;
  /** The one that is being built, and the replay that asked for it. */
  building: number | null;
  rebuild: string | null;
  /** The highest number ever used. */
  made: number;
  /** While true, no process handles events. */
  hold: boolean;
  /** Counted up when rows were changed behind the backs of those that serve: what they keep in memory is void. */
  restarts: number;
  /** The last replay that came to its end here, and what it has changed. */
  outcome: ({ rebuild: string } & RebuildOutcome) | null;
};

/** What all processes of a service agree on. */
export type GenerationState = Changeable & {
  _id: 'generations';
  /** Counts changes. */
  revision: number;
  /** By process: the revision that it goes by, and a number that moves while it lives. */
  processes: Record<string, { revision: number; beat: number }>;
};

const FIRST: GenerationState = {
  _id: 'generations',
  active: 1,
  previous: null,
  building: null,
  rebuild: null,
  made: 1,
  hold: false,
  restarts: 0,
  outcome: null,
  revision: 0,
  processes: {},
};

/** A process that has not looked for so long looks before it handles anything. */
const STALE_MS = 3_000;
/** A process whose beat stands still for so long is gone, or will look first when it comes back. */
const GONE_MS = 5_000;
const POLL_MS = 20;

/** @param options `collection` has the one document that they agree in; `onChange` is told what it says. */
export function createGenerations(options: {
  collection: Collection<GenerationState>;
  /** Names this process. */
  holder: string;
  clock: Clock;
  /** Called with every new state, before this process says that it goes by it; nothing is being handled during a hold. */
  onChange(state: GenerationState): void;
}): Generations {
  const { collection, clock, onChange } = options;
  const me = options.holder.replaceAll(/[.$]/g, '_');
  const _id = FIRST._id;
  let state = FIRST;
  let goingBy = -1;
  let lookedMs = Number.NEGATIVE_INFINITY;
  let working = 0;
  let released: (() => void)[] = [];
  const beats = new Map<string, { beat: number; sinceMs: number }>();

  async function look(): Promise<GenerationState> {
    const mine = `processes.${me}`;
    const startedMs = clock.monotonic();
    const { processes: _, _id: __, revision, ...first } = FIRST;
    const found = await collection.findOneAndUpdate(
      { _id },
      { $set: { [`${mine}.revision`]: goingBy }, $inc: { [`${mine}.beat`]: 1 }, $setOnInsert: { ...first, revision } },
      { upsert: true, returnDocument: 'after' },
    );
    lookedMs = startedMs;
    return found ?? FIRST;
  }

  function goBy(found: GenerationState): void {
    state = found;
    // What is still being handled belongs to the time before the hold.
    if (found.hold && working > 0) return;
    if (goingBy === found.revision) return;
    onChange(found);
    goingBy = found.revision;
    if (found.hold) return;
    for (const release of released) release();
    released = [];
  }

  async function tick(): Promise<GenerationState> {
    try {
      const before = goingBy;
      goBy(await look());
      if (goingBy !== before) await look();
    } catch (error) {
      // Two processes were the first.
      if (!isDuplicateKey(error)) throw error;
    }
    return state;
  }

  function isGone(name: string, beat: number): boolean {
    const seen = beats.get(name);
    if (seen?.beat !== beat) {
      beats.set(name, { beat, sinceMs: clock.monotonic() });
      return false;
    }
    return clock.monotonic() - seen.sinceMs > GONE_MS;
  }

  async function forget(processes: GenerationState['processes']): Promise<void> {
    const gone = Object.entries(processes).filter(([name, { beat }]) => isGone(name, beat));
    if (gone.length === 0) return;
    await collection.updateOne(
      { _id },
      { $unset: Object.fromEntries(gone.map(([name]) => [`processes.${name}`, ''])) },
    );
  }

  return {
    known: () => state,
    tick,
    async gate(work) {
      if (clock.monotonic() - lookedMs > STALE_MS) await tick();
      while (state.hold) {
        await new Promise<void>(resolve => {
          released.push(resolve);
        });
      }
      working += 1;
      try {
        await work();
      } finally {
        working -= 1;
        if (working === 0 && state.hold) goBy(state);
      }
    },
    async change(from, to) {
      const { revision } = from;
      const { matchedCount } = await collection.updateOne({ _id, revision }, { $set: to, $inc: { revision: 1 } });
      if (matchedCount === 0) throw new Error('the generations were changed by somebody else');
      return tick();
    },
    async settled(withinMs, signal) {
      const deadlineMs = clock.monotonic() + withinMs;
      for (;;) {
        const { revision, processes } = await tick();
        const behind = Object.entries(processes).filter(
          ([name, process]) => process.revision < revision && !isGone(name, process.beat),
        );
        await forget(processes);
        if (behind.length === 0) return true;
        if (signal.aborted || clock.monotonic() >= deadlineMs) return false;
        await clock.sleep(POLL_MS, signal);
      }
    },
  };
}
