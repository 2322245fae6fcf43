/**
 * The world of a simulation: one clock, one source of chance, one list of what is going to happen. Every I/O of every
 * simulated process goes through `io`, which decides when it arrives, when its answer comes, and what goes wrong.
 */
import type { Random } from './random.ts';

/** A simulated process; what it was doing when it died never goes on. */
export type SimProcess = {
  name: string;
  alive: boolean;
  /** Nothing of it runs meanwhile, though its requests arrive: SIGSTOP. */
  paused: boolean;
  /** What happens to it as soon as it goes on. */
  held: (() => void)[];
  /** What its wall clock is wrong by, and how fast its monotonic clock runs. */
  skewMs: number;
  rate: number;
  onDeath: Set<() => void>;
};

export const newProcess = (name: string, rate = 1): SimProcess => ({
  name,
  alive: true,
  paused: false,
  held: [],
  skewMs: 0,
  rate,
  onDeath: new Set(),
});

export type Server = 'mongodb' | 'redis';

/** How likely each thing is to go wrong with one I/O, and how long it takes. */
export type Weather = {
  latencyMaxMs: number;
  slow: number;
  slowMaxMs: number;
  errorBefore: number;
  errorAfter: number;
  crashBefore: number;
  crashAfter: number;
  /** A write of many documents is done in two parts with time in between. */
  torn: number;
  /** A message to watchers takes up to a second longer: others overtake it. */
  late: number;
};

export const CALM: Weather = {
  latencyMaxMs: 2,
  slow: 0,
  slowMaxMs: 0,
  errorBefore: 0,
  errorAfter: 0,
  crashBefore: 0,
  crashAfter: 0,
  torn: 0,
  late: 0,
};

type Step = { atMs: number; turn: number; process: SimProcess | undefined; run: () => void; travelling?: boolean };

/** The part of an I/O's effect that is done before, and after, a tear; `count` is how many parts there are. */
export type Effect<T> = {
  /** When the request arrives, before any part: what is looked at first and done later may be old by then. */
  begin?(): void;
  count: number;
  part(index: number): void;
  result(): T;
};

/** What the weather has in store for one I/O; in parts up to `tear` and from there on, with time in between. */
type Fate = Pick<Weather, 'latencyMaxMs' | 'slow' | 'slowMaxMs'> & {
  isDoomed: boolean;
  isRefused: boolean;
  isLost: boolean;
  isLast: boolean;
  tear: number;
};

type Request<T> = {
  process: SimProcess;
  server: Server;
  what: string;
  effect: Effect<T>;
  fate: Fate;
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
};

// Taken before anybody may replace it.
const realImmediate = setImmediate;

const SOON_MS = 50;

/** A turn of the event loop asks the operating system for news; this many steps share one. */
const STEPS_A_TURN = 64;

/**
 * @returns a function that waits until all has happened that follows without waiting for anything, and a rejection that
 *   nobody has caught by then has ended the process.
 */
function createSettling(): () => Promise<void> {
  let prepared = 0;
  // Several runs may take turns.
  const waiting: (() => void)[] = [];
  const next = () => {
    prepared -= 1;
    waiting.shift()?.();
    if (waiting.length > 0) prepare();
  };
  function prepare(): void {
    if (prepared > 0) return;
    prepared = STEPS_A_TURN;
    // Between two of them Node does all that promises and ticks have left to do.
    for (let count = 0; count < STEPS_A_TURN; count++) realImmediate(next);
  }
  return () =>
    new Promise(resolve => {
      waiting.push(resolve);
      prepare();
    });
}

export type World = ReturnType<typeof createWorld>;

export function createWorld(random: Random, options: { trace?: (line: string) => void } = {}) {
  const steps: Step[] = [];
  const settle = createSettling();
  const down = new Set<Server>();
  let nowMs = 0;
  let turn = 0;
  let done = 0;
  let hash = 0x811c9dc5;
  let weather: Weather = CALM;
  let failure: string | undefined;
  let listeners: {
    before(process: SimProcess, what: string): void;
    after(process: SimProcess, what: string): void;
  }[] = [];

  /** Puts something on record: it is part of the trace, and of its hash. */
  function note(what: string): void {
    for (let at = 0; at < what.length; at++) hash = Math.imul(hash ^ what.charCodeAt(at), 0x01000193);
    hash = Math.imul(hash ^ Math.trunc(nowMs * 1000), 0x01000193);
    options.trace?.(`${nowMs.toFixed(3).padStart(10)} ${what}`);
  }

  function schedule(afterMs: number, process: SimProcess | undefined, run: () => void): Step {
    const step = { atMs: nowMs + Math.max(0, afterMs), turn: turn++, process, run };
    push(steps, step);
    return step;
  }

  /** A request or an answer on its way. */
  function travel(process: SimProcess | undefined, run: () => void, latencyMs: number): void {
    schedule(latencyMs, process, run).travelling = true;
  }

  function kill(process: SimProcess, why: string): void {
    if (!process.alive) return;
    process.alive = false;
    note(`${process.name} dies: ${why}`);
    for (const listener of [...process.onDeath]) listener();
  }

  function resume(process: SimProcess): void {
    if (!process.paused) return;
    note(`${process.name} goes on`);
    process.paused = false;
    for (const go of process.held.splice(0)) schedule(0, process, go);
  }

  function pause(process: SimProcess, forMs: number): void {
    process.paused = true;
    schedule(forMs, undefined, () => resume(process));
  }

  /** One request to a server and its answer. */
  function io<T>(process: SimProcess, server: Server, what: string, effect: Effect<T>): Promise<T> {
    if (!process.alive) return new Promise(() => undefined);
    const fate = fateOf(effect);
    return new Promise<T>((resolve, reject) => {
      const request = { process, server, what, effect, fate, resolve, reject };
      for (const listener of listeners) listener.before(process, what);
      // A process that stands still sends its request when it goes on.
      if (process.paused) process.held.push(() => travel(undefined, () => arrive(request), latencyOf(fate)));
      else travel(undefined, () => arrive(request), latencyOf(fate));
    });
  }

  function fateOf({ begin, count }: Effect<unknown>): Fate {
    const { latencyMaxMs, slow, slowMaxMs, errorBefore, errorAfter, crashBefore, crashAfter, torn } = weather;
    const isDoomed = random.chance(crashBefore);
    const isRefused = random.chance(errorBefore);
    const isLost = random.chance(errorAfter);
    const isLast = random.chance(crashAfter);
    const least = begin ? 0 : 1;
    const tears = count > least && random.chance(torn);
    const tear = tears ? random.int(least, count - 1) : count;
    return { latencyMaxMs, slow, slowMaxMs, isDoomed, isRefused, isLost, isLast, tear };
  }

  /** Once all is quiet an answer comes soon, however slow it was to be: somebody may still wait for it at the end. */
  function latencyOf({ latencyMaxMs, slow, slowMaxMs }: Fate): number {
    const ms = random.real() * (random.chance(slow) ? slowMaxMs : latencyMaxMs);
    return weather === CALM ? Math.min(ms, SOON_MS) : ms;
  }

  function arrive<T>(request: Request<T>): void {
    const { process, server, what, effect, fate } = request;
    // What a dying process had sent may still arrive.
    if (!process.alive && random.chance(0.5)) return;
    if (fate.isDoomed) kill(process, `before ${what}`);
    else if (fate.isRefused || down.has(server)) refuse(request);
    else {
      effect.begin?.();
      perform(effect, 0, fate.tear);
      if (fate.tear === effect.count) finish(request);
      else travel(undefined, () => finish(request), latencyOf(fate));
    }
  }

  function finish<T>(request: Request<T>): void {
    const { process, server, what, effect, fate, resolve, reject } = request;
    if (down.has(server)) {
      refuse(request);
      return;
    }
    perform(effect, fate.tear, effect.count);
    note(`${process.name} ${what}`);
    const outcome = settled(effect);
    for (const listener of listeners) listener.after(process, what);
    if (fate.isLast) kill(process, `after ${what}`);
    else if (fate.isLost) refuse(request);
    else travel(process, () => (outcome.ok ? resolve(outcome.value) : reject(outcome.error)), latencyOf(fate));
  }

  function refuse<T>({ process, server, fate, reject }: Request<T>): void {
    travel(process, () => reject(unavailable(server)), latencyOf(fate));
  }

  /** Lets things happen until `until` holds, nothing is left, or the time is over. @returns whether `until` holds. */
  async function run(until: () => boolean, withinMs: number): Promise<boolean> {
    const endMs = nowMs + withinMs;
    for (;;) {
      if (failure !== undefined) return false;
      if (until()) return true;
      const step = pop(steps);
      if (!step || step.atMs > endMs) {
        if (step) push(steps, step);
        nowMs = endMs;
        return until();
      }
      nowMs = Math.max(nowMs, step.atMs);
      const { process } = step;
      if (process && !process.alive) continue;
      if (process?.paused) {
        process.held.push(step.run);
        continue;
      }
      step.run();
      done += 1;
      // All that follows without waiting for anything happens now.
      await settle();
    }
  }

  return {
    random,
    note,
    schedule,
    kill,
    pause,
    resume,
    io,
    /** Tells of every I/O before it is sent and after it was done, until all is `quiet`. */
    listen: (listener: (typeof listeners)[number]) => void listeners.push(listener),
    quiet(): void {
      listeners = [];
      weather = CALM;
      // What is on its way arrives soon.
      for (const step of steps.splice(0)) {
        if (step.travelling) step.atMs = Math.min(step.atMs, nowMs + random.real() * SOON_MS);
        push(steps, step);
      }
    },
    run,
    down,
    nowMs: () => nowMs,
    steps: () => done,
    hash: () => (hash >>> 0).toString(16).padStart(8, '0'),
    weather: () => weather,
    setWeather: (next: Weather) => {
      weather = next;
    },
    /** Ends the simulation: something is wrong. The first one counts. */
    fail(what: string): void {
      if (failure === undefined) note(`WRONG: ${what}`);
      failure ??= what;
    },
    failure: () => failure,
    /** A timer of nobody's, for what the libraries in between use. */
    timer(ms: number, run: () => void): () => void {
      const step = schedule(ms, undefined, () => run());
      return () => {
        step.run = () => undefined;
      };
    },
  };
}

function perform({ part }: Effect<unknown>, from: number, to: number): void {
  for (let index = from; index < to; index++) part(index);
}

function settled<T>(effect: Effect<T>): { ok: true; value: T } | { ok: false; error: unknown } {
  try {
    return { ok: true, value: effect.result() };
  } catch (error) {
    return { ok: false, error };
  }
}

/** An I/O outside any world: it takes no time and nothing goes wrong, but others that wait may go first. */
export async function atOnce<T>(_process: SimProcess, _server: Server, _what: string, effect: Effect<T>): Promise<T> {
  await undefined;
  effect.begin?.();
  for (let index = 0; index < effect.count; index++) effect.part(index);
  return effect.result();
}

/** An effect that happens in one piece. */
export function whole<T>(act: () => T): Effect<T> {
  let outcome: (() => T) | undefined;
  return {
    count: 1,
    part() {
      try {
        const value = act();
        outcome = () => value;
      } catch (error) {
        outcome = () => {
          throw error;
        };
      }
    },
    result: () => (outcome ?? act)(),
  };
}

function unavailable(server: Server): Error {
  const error = new Error(server === 'mongodb' ? 'connection closed' : 'Connection is closed.');
  if (server === 'mongodb') error.name = 'MongoNetworkError';
  return error;
}

// ---- a binary heap by time, then by turn ----------------------------------------------------------------------------

const before = (a: Step, b: Step) => a.atMs < b.atMs || (a.atMs === b.atMs && a.turn < b.turn);

function push(heap: Step[], step: Step): void {
  let at = heap.push(step) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent];
    if (!above || before(above, step)) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = step;
}

function pop(heap: Step[]): Step | undefined {
  const [top] = heap;
  const last = heap.pop();
  if (!top || !last || heap.length === 0) return top;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    const left = heap[child];
    if (!left) break;
    const right = heap[child + 1];
    const least = right && before(right, left) ? right : left;
    if (least === right) child += 1;
    if (!before(least, last)) break;
    heap[at] = least;
    at = child;
  }
  heap[at] = last;
  return top;
}
