/** What the tests of this folder share. */
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Logger, pino } from 'pino';
import { onTestFinished } from 'vitest';

/** A temporary folder that goes with the test. */
export async function temporaryDir(): Promise<string> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'tributary-')));
  onTestFinished(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}

/** A logger that keeps its lines, each as the JSON text that pino writes. */
export function recorder(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  return { log, lines };
}

/**
 * Polls until the probe answers something truthy, and returns that.
 *
 * @param timeoutMs only so that a test that fails ends before the runner ends it, which would not say what was waited for.
 */
export async function until<Answer>(
  probe: () => Answer | Promise<Answer>,
  timeoutMs = 30_000,
): Promise<NonNullable<Answer>> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const answer = await probe();
    if (answer) return answer;
    if (performance.now() > deadlineMs) throw new Error(`not within ${timeoutMs} ms: ${probe}`);
    await delay(20);
  }
}

/** Whether a process runs. One that has ended and only waits to be reaped does not. */
export async function isRunning(pid: number | undefined): Promise<boolean> {
  if (pid === undefined) return false;
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') R');
  return !status.slice(status.lastIndexOf(')')).startsWith(') Z');
}

/** `kill -9`. */
export function kill(pid: number | undefined): void {
  if (pid === undefined) throw new Error('there is no process to kill');
  process.kill(pid, 'SIGKILL');
}
