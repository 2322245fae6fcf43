/** Processes of a measurement: each is told what it is in one variable, and says when it is ready. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export type Running = {
  name: string;
  pid: number;
  /** Everything printed so far. */
  output(): string;
  alive(): boolean;
  /** Sends a signal. */
  kill(signal: NodeJS.Signals): void;
  /** Resolves when it is gone. */
  stop(): Promise<void>;
};

export type Command = {
  file: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Printed when it is ready, or a question whether it is. */
  ready: RegExp | (() => Promise<boolean>);
};

const READY_WITHIN_MS = 120_000;
const STOP_WITHIN_MS = 5_000;
const POLL_MS = 50;
const SETTINGS = 'BENCH_SETTINGS';

const alive = new Set<ChildProcess>();
// Whatever happens to the measurement, nothing that it has started outlives it.
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

/** `NODE_OPTIONS` is how all of a measurement's processes are told to load something first: `--import=…`. */
function inherited(): NodeJS.ProcessEnv {
  const { PATH, HOME, NODE_OPTIONS } = process.env;
  return { PATH, HOME, ...(NODE_OPTIONS && { NODE_OPTIONS }) };
}

/** Starts a program. @throws with what it printed when it does not become ready. */
export async function startProcess(name: string, { file, args, env, cwd, ready }: Command): Promise<Running> {
  const child = spawn(file, args, {
    cwd,
    env: { ...inherited(), NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  alive.add(child);
  let output = '';
  const hear = (chunk: Buffer) => {
    output = (output + chunk).slice(-100_000);
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const gone = new Promise<void>(resolve => {
    child.once('error', error => hear(Buffer.from(String(error))));
    child.once('close', () => {
      alive.delete(child);
      resolve();
    });
  });

  async function stop(): Promise<void> {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    await gone;
    clearTimeout(timer);
  }

  const deadlineMs = performance.now() + READY_WITHIN_MS;
  while (!(ready instanceof RegExp ? ready.test(output) : await ready().catch(() => false))) {
    await new Promise(resolve => setTimeout(resolve, POLL_MS));
    if (alive.has(child) && performance.now() < deadlineMs) continue;
    await stop();
    throw new Error(`${name} did not become ready:\n${output.slice(-3_000)}`);
  }
  return {
    ...{ name, pid: child.pid ?? -1, output: () => output, stop },
    alive: () => alive.has(child),
    kill: signal => void child.kill(signal),
  };
}

/** Starts a script of this folder and tells it what to be; it prints that it "is ready". */
export function startScript(name: string, script: string, settings: object, nodeArgs: readonly string[] = []) {
  return startProcess(name, {
    file: process.execPath,
    args: [...nodeArgs, '--import', 'tsx', fileURLToPath(new URL(script, import.meta.url))],
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { [SETTINGS]: JSON.stringify(settings) },
    ready: /is ready/,
  });
}

/** What this process was told by whoever started it. */
export const told = <Settings>(): Settings => JSON.parse(process.env[SETTINGS] ?? '{}') as Settings;
