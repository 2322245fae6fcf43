import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

const keptLines = 20;
const keptCharacters = 500;
/** Output that was written just before the end may arrive just after it. */
const outputDelayMs = 250;

/**
 * Spawns a server so that only its supervisor ends it: in a process group of its own (Ctrl-C in a terminal reaches
 * the whole foreground group, and the servers must outlive the last request), output piped, environment inherited.
 */
export function spawnServer(
  command: string,
  args: readonly string[],
  { input, ipc = false, cwd }: { input?: string; ipc?: boolean; cwd?: string } = {},
): ChildProcess {
  const stdin = input === undefined ? 'ignore' : 'pipe';
  const stdio = ['pipe', 'pipe'] as const;
  const child = spawn(command, args, {
    cwd,
    detached: true,
    stdio: ipc ? [stdin, ...stdio, 'ipc'] : [stdin, ...stdio],
  });
  // A child that dies at once breaks the pipe; its exit is what gets reported.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  return child;
}

/** One instance of a child process. */
export interface Running {
  readonly child: ChildProcess;
  readonly pid: number | undefined;
  /** Resolves with why, in words, when the process is gone or could not be spawned. Never rejects. */
  readonly exited: Promise<string>;
  ended(): boolean;
  /** The last lines that it wrote, oldest first: at most 20, each cut to 500 characters. */
  output(): string;
}

/** Follows a child process that was just spawned with its output piped. Each line of output goes to `onLine`. */
export function run(child: ChildProcess, onLine: (line: string) => void): Running {
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on('line', line => {
      lines.push(line.slice(0, keptCharacters));
      if (lines.length > keptLines) lines.shift();
      onLine(line);
    });
  }

  let ended = false;
  const closed = new Promise<void>(resolve => child.once('close', () => resolve()));
  const exited = new Promise<string>(resolve => {
    child.once('exit', async (code, signal) => {
      ended = true;
      await Promise.race([closed, delay(outputDelayMs)]);
      resolve(signal ? `was ended by ${signal}` : `ended with exit code ${code}`);
    });
    child.on('error', error => {
      // An error after the spawn (a signal or message not delivered) does not mean that it ended.
      if (child.pid !== undefined) return;
      ended = true;
      resolve(`could not be spawned (${error.message})`);
    });
  });

  return { child, pid: child.pid, exited, ended: () => ended, output: () => lines.join('\n') };
}

/** Ends a process with SIGTERM and, when it has not gone after `timeoutMs`, SIGKILL. Resolves when it is gone. */
export async function terminate(running: Running, timeoutMs: number): Promise<void> {
  if (running.ended()) return;
  if (timeoutMs > 0) {
    running.child.kill('SIGTERM');
    const waiting = new AbortController();
    const late = delay(timeoutMs, undefined, { signal: waiting.signal }).catch(() => undefined);
    await Promise.race([running.exited, late]);
    waiting.abort();
  }
  if (!running.ended()) running.child.kill('SIGKILL');
  await running.exited;
}
