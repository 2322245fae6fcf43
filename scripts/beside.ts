/**
 * The second thread of a process that runs the whole system: what would keep the first one from what somebody waits for is done
 * there, as a replay is. It is started when there is something to do, and ended when there has been nothing for a while. It runs the
 * same services on connections of its own, as another process would; when it dies, the first one goes on, and starts it again.
 */
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { Measures } from '../events/measures.ts';
import type { Resources } from '../events/service.ts';

/** What the thread is started with. */
export type ThreadSettings = {
  mongodbUrl: string;
  redisUrl: string;
  holder: string;
  level: string;
  /** The names of those that the first thread runs: there may be others in the meantime. */
  services: readonly string[];
};

/** What the first thread says. */
export type ToThread =
  | { say: 'run'; id: number; service: string; task: string; input: unknown }
  | { say: 'abort'; id: number }
  | { say: 'stop' };

/** What the second thread says. `args`: of a call of one of `Measures`. */
export type FromThread =
  | { say: 'ready' }
  | { say: 'done'; id: number; error?: string }
  | { say: 'log'; line: string }
  | { say: 'measured'; service: string; what: keyof Omit<Measures, 'sample'>; args: unknown[] };

type Running = { resolve(): void; reject(error: Error): void };
type Thread = { worker: Worker; ended: Promise<void>; isReady: boolean };

/** What is less is done before a thread is there. */
const FROM_EVENTS = 1_000;
const IDLE_MS = 30_000;
/** Where no thread can be had, by what the machine allows or what is on the disk, tasks are done without for so long. */
const WITHOUT_MS = 60_000;
const STOP_WITHIN_MS = 4_000;

const fileOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Starts nothing yet. */
export function createBeside(options: {
  settings: ThreadSettings;
  measuresOf(service: string): Measures;
  log: Logger;
  /** The thread's program. Default thread.ts. */
  program?: string;
  /** It ends when it has had nothing to do for so long. Default 30,000. */
  idleMs?: number;
  /** How long tasks are done without a thread after one has ended before it was ready. Default 60,000. */
  withoutMs?: number;
  /** How long it may take to stop before it is ended in the middle of what it does. Default 4,000. */
  stopWithinMs?: number;
}): NonNullable<Resources['beside']> & { stop(): Promise<void> } {
  const { settings, measuresOf, log, program = fileOf('thread.ts'), idleMs = IDLE_MS } = options;
  const { withoutMs = WITHOUT_MS, stopWithinMs = STOP_WITHIN_MS } = options;
  const running = new Map<number, Running>();
  let asked = 0;
  let thread: Thread | undefined;
  let idle: NodeJS.Timeout | undefined;
  let againMs = Number.NEGATIVE_INFINITY;

  const tell = (message: ToThread) => thread?.worker.postMessage(message);

  function start(): Thread {
    const worker = new Worker(fileOf('run.mjs'), { argv: [program], workerData: settings });
    worker.on('message', (message: FromThread) => {
      if (message.say === 'ready') started.isReady = true;
      else hear(message);
    });
    worker.on('error', error => log.error({ err: error }, 'the second thread died'));
    const ended = new Promise<void>(resolve => {
      worker.once('exit', () => {
        if (thread?.worker === worker) forget();
        if (!started.isReady) againMs = performance.now() + withoutMs;
        resolve();
      });
    });
    const started: Thread = { worker, ended, isReady: false };
    return started;
  }

  /** What it had at hand is its caller's again. */
  function forget(): void {
    thread = undefined;
    for (const { reject } of running.values()) reject(new Error('the second thread ended'));
    running.clear();
  }

  function hear(message: Exclude<FromThread, { say: 'ready' }>): void {
    if (message.say === 'log') {
      const { level, msg, time: _, pid: __, hostname: ___, ...rest } = JSON.parse(message.line);
      const name = log.levels.labels[level] as 'info' | undefined;
      if (name) log[name](rest, msg);
    } else if (message.say === 'measured') {
      const { service, what, args } = message;
      // As it was called there.
      (measuresOf(service)[what] as (...args: unknown[]) => void)(...args);
    } else {
      const { id, error } = message;
      if (error === undefined) running.get(id)?.resolve();
      else running.get(id)?.reject(new Error(error));
      running.delete(id);
      if (running.size === 0) idle = setTimeout(() => void end(), idleMs).unref();
    }
  }

  async function end(): Promise<void> {
    const ending = thread;
    if (!ending) return;
    tell({ say: 'stop' });
    forget();
    const late = setTimeout(() => void ending.worker.terminate(), stopWithinMs);
    await ending.ended;
    clearTimeout(late);
  }

  return {
    get from() {
      return performance.now() < againMs ? Number.POSITIVE_INFINITY : FROM_EVENTS;
    },
    async run(service, task, input, signal) {
      if (signal.aborted) return;
      clearTimeout(idle);
      thread ??= start();
      const id = ++asked;
      const abort = () => tell({ say: 'abort', id });
      signal.addEventListener('abort', abort, { once: true });
      try {
        await new Promise<void>((resolve, reject) => {
          running.set(id, { resolve, reject });
          tell({ say: 'run', id, service, task, input });
        });
      } finally {
        signal.removeEventListener('abort', abort);
      }
    },
    async stop() {
      clearTimeout(idle);
      await end();
    },
  };
}
