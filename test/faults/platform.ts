/** Keeps processes running, as a container platform does: one that ends is started again, unless it is held down. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

export type Command = { file: string; args: readonly string[]; options: SpawnOptions; input?: string };

export type Kept = {
  readonly name: string;
  /** Undefined while none runs. */
  pid(): number | undefined;
  /** How often it was started. */
  starts(): number;
  /** Resolves when an instance is ready. @throws when none is within `withinMs`. */
  ready(withinMs?: number): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** `kill -9`; resolves when it is gone. The platform starts it again. */
  kill(): Promise<void>;
  /** `kill -9`, and nothing is started until `release`. */
  hold(): Promise<void>;
  /** Resolves when it is ready again. */
  release(): Promise<void>;
  /** The last of what all instances printed. */
  output(): string;
  /** SIGTERM, and SIGKILL after a while; nothing is started any more. */
  stop(): Promise<void>;
};

const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 12_000;
/** A platform's pause before it starts something again. */
const RESTART_MS = 100;
const POLL_MS = 20;
const OUTPUT_MAX = 200_000;

const alive = new Set<ChildProcess>();
// Whatever happens to the harness, nothing that it has started outlives it.
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/**
 * @param command asked for at each start, so that the next instance may be another one.
 * @param ready what an instance prints when it is.
 * @param held not started before `release`.
 */
export function keep(name: string, command: () => Command, ready: RegExp, held = false): Kept {
  let down = held;
  let ended = false;
  let child: ChildProcess | undefined;
  let isReady = false;
  let starts = 0;
  let output = '';

  function start(): void {
    if (down || ended || child) return;
    const { file, args, options, input } = command();
    const started = spawn(file, args, {
      ...options,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', 'ipc'],
    });
    let own = '';
    const hear = (chunk: Buffer) => {
      own = (own + chunk).slice(-OUTPUT_MAX);
      output = (output + chunk).slice(-OUTPUT_MAX);
      if (child === started && ready.test(own)) isReady = true;
    };
    started.stdout?.on('data', hear);
    started.stderr?.on('data', hear);
    started.stdin?.on('error', () => undefined);
    started.stdin?.end(input);
    started.on('error', error => {
      output += String(error);
    });
    started.once('exit', () => {
      alive.delete(started);
      if (child === started) child = undefined;
      isReady = false;
      setTimeout(start, RESTART_MS);
    });
    child = started;
    starts += 1;
    alive.add(started);
  }

  async function gone(instance: ChildProcess | undefined): Promise<void> {
    while (instance && alive.has(instance)) await delay(POLL_MS);
  }

  async function becomesReady(withinMs = READY_WITHIN_MS): Promise<void> {
    const deadlineMs = performance.now() + withinMs;
    while (!isReady) {
      if (performance.now() > deadlineMs) throw new Error(`${name} is not ready:\n${output.slice(-2_000)}`);
      await delay(POLL_MS);
    }
  }

  async function kill(): Promise<void> {
    const instance = child;
    instance?.kill('SIGKILL');
    await gone(instance);
  }

  start();
  return {
    name,
    pid: () => child?.pid,
    starts: () => starts,
    ready: becomesReady,
    signal: signal => void child?.kill(signal),
    kill,
    async hold() {
      down = true;
      await kill();
    },
    async release() {
      down = false;
      start();
      await becomesReady();
    },
    output: () => output,
    async stop() {
      ended = true;
      const instance = child;
      // One that is stopped would not hear the other signal.
      instance?.kill('SIGCONT');
      instance?.kill('SIGTERM');
      await Promise.race([gone(instance), delay(STOP_WITHIN_MS)]);
      instance?.kill('SIGKILL');
      await gone(instance);
    },
  };
}
