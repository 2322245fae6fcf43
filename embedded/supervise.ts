/**
 * A child process that is kept alive. One loop owns it: a new instance is spawned only after the last one has
 * ended, so that there are never two. What it does not guarantee: that the child ends when this process is killed
 * with SIGKILL; whoever spawns the child sees to that (an IPC channel, or a look for orphans before it spawns).
 */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type Running, run, terminate } from './child.ts';

export interface SuperviseOptions {
  /** The name in log lines and errors. */
  readonly name: string;
  /** Starts one instance. Called again after each death, and never while an instance lives. */
  readonly spawn: () => ChildProcess;
  /** Resolves when the instance serves; throws when it never will. The signal aborts when nobody waits any more. */
  readonly ready: (child: ChildProcess, signal: AbortSignal) => Promise<void>;
  readonly log: Logger;
  /** Called after each start that failed, with the last lines of its output, before the next try. */
  readonly failed?: (output: string) => void | Promise<void>;
  /** How long one instance may take to become ready. Default 60,000. */
  readonly readyTimeoutMs?: number;
  /** How long an instance may take to end after SIGTERM, before SIGKILL. Default 8,000. */
  readonly stopTimeoutMs?: number;
  /** Starts that may fail before the first one succeeds. Once it has run, it is started again for ever. Default 3. */
  readonly attempts?: number;
  /**
   * The pause before it is started again: doubled from the first to the second value, and back at the first when it
   * has run for longer than the second. Default 100 and 2,000.
   */
  readonly backoffMs?: readonly [first: number, most: number];
}

export interface Supervised {
  readonly name: string;
  /** The process id of the instance that runs now; `undefined` between a death and the next start. */
  pid(): number | undefined;
  /** Ends the child and the supervision. Resolves when the process is gone. May be called again. */
  stop(): Promise<void>;
}

/** A child process that did not become ready. The message names it and ends with its last output. */
export class StartError extends Error {
  override readonly name = 'StartError';
  /** The last lines that the process wrote, oldest first. */
  readonly output: string;

  constructor(message: string, output: string, cause?: unknown) {
    super(output === '' ? message : `${message}\n${output.replace(/^/gm, '  ')}`, { cause });
    this.output = output;
  }
}

/** What the functions below share about one supervised child. */
interface Supervision {
  readonly options: SuperviseOptions;
  readonly stopTimeoutMs: number;
  readonly stopping: AbortSignal;
  readonly pauses: ReturnType<typeof backoff>;
  current: Running | undefined;
}

/**
 * Starts a child process, resolves when it is ready, and starts it again whenever it ends unasked.
 * @throws {StartError} when the first starts all fail; nothing is left running then.
 */
export async function supervise(options: SuperviseOptions): Promise<Supervised> {
  const { name, log, stopTimeoutMs = 8_000, backoffMs = [100, 2_000] } = options;
  const stopping = new AbortController();
  const state: Supervision = {
    options,
    stopTimeoutMs,
    stopping: stopping.signal,
    pauses: backoff(backoffMs),
    current: undefined,
  };

  // When this process ends without `stop` (an uncaught error), a signal is all there is time for.
  const lastResort = () => state.current?.child.kill('SIGTERM');
  process.once('exit', lastResort);
  const first = await startFirst(state).catch(error => {
    process.removeListener('exit', lastResort);
    throw error;
  });
  log.debug({ server: name, serverPid: first.pid }, `${name} runs`);
  const watching = watch(state, first);

  async function stop(): Promise<void> {
    stopping.abort();
    if (state.current) await terminate(state.current, stopTimeoutMs);
    await watching;
    process.removeListener('exit', lastResort);
    log.debug({ server: name }, `${name} stopped`);
  }

  let stopped: Promise<void> | undefined;
  return {
    name,
    pid: () => state.current?.pid,
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** One start: resolves with the ready instance, or ends it and throws. */
async function start(state: Supervision): Promise<Running> {
  const { options, stopping, stopTimeoutMs } = state;
  const { name, log } = options;
  const running = run(options.spawn(), line => log.debug({ server: name }, line));
  state.current = running;
  try {
    await whenReady(running, options, stopping);
    return running;
  } catch (error) {
    await terminate(running, stopping.aborted ? stopTimeoutMs : 0);
    state.current = undefined;
    const output = running.output();
    if (!stopping.aborted) await options.failed?.(output);
    throw new StartError(`${name} could not be started: ${messageOf(error)}`, output, error);
  }
}

async function startFirst(state: Supervision): Promise<Running> {
  const { name, log, attempts = 3 } = state.options;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const running = await start(state);
      state.pauses.reset();
      return running;
    } catch (error) {
      if (attempt >= attempts) throw error;
      log.warn({ server: name, err: error }, `${name} could not be started, trying again`);
      await delay(state.pauses.next());
    }
  }
}

/** Watches one instance after the other, until `stop` is called. */
async function watch(state: Supervision, first: Running): Promise<void> {
  const { options, pauses, stopping } = state;
  const { name, log } = options;
  let running: Running | undefined = first;
  let readyAtMs = performance.now();
  while (!stopping.aborted) {
    if (running) {
      const reason = await running.exited;
      state.current = undefined;
      if (stopping.aborted) return;
      if (performance.now() - readyAtMs > pauses.mostMs) pauses.reset();
      log.warn(
        { server: name, serverPid: running.pid, output: running.output() },
        `${name} ${reason}: starting it again`,
      );
    }
    await delay(pauses.next(), undefined, { signal: stopping }).catch(() => undefined);
    if (stopping.aborted) return;
    running = await start(state).catch((error: unknown) => {
      if (!stopping.aborted) log.error({ server: name, err: error }, `${name} could not be started again`);
      return undefined;
    });
    readyAtMs = performance.now();
    if (running) log.info({ server: name, serverPid: running.pid }, `${name} runs again`);
  }
}

/** Waits for readiness, the end of the process, the time limit or `stop`, whichever comes first. */
async function whenReady(running: Running, options: SuperviseOptions, stopping: AbortSignal): Promise<void> {
  const { name, log, readyTimeoutMs = 60_000 } = options;
  const over = new AbortController();
  const slow = setInterval(
    () => log.info({ server: name, serverPid: running.pid }, `${name} is still starting`),
    5_000,
  );
  try {
    await Promise.race([
      options.ready(running.child, over.signal),
      running.exited.then(reason => {
        throw new Error(`it ${reason}`);
      }),
      delay(readyTimeoutMs, undefined, { signal: over.signal }).then(() => {
        throw new Error(`it was not ready within ${readyTimeoutMs} ms`);
      }),
      aborted(stopping, over.signal),
    ]);
  } finally {
    clearInterval(slow);
    over.abort();
  }
}

/** Rejects when the signal aborts. The second signal says that nobody waits any more. */
function aborted(signal: AbortSignal, over: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(new Error('it was told to stop'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true, signal: over });
  });
}

function backoff([firstMs, mostMs]: readonly [number, number]) {
  let nextMs = firstMs;
  return {
    mostMs,
    next(): number {
      const pauseMs = nextMs;
      nextMs = Math.min(nextMs * 2, mostMs);
      return pauseMs;
    },
    reset(): void {
      nextMs = firstMs;
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
