import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const pollMs = 25;

/**
 * Ends a process that an earlier run of the system left behind: SIGTERM and, after `timeoutMs`, SIGKILL.
 * The number alone could by now be another process's: it is touched only while its command line holds `marker`.
 * @returns whether there was one.
 * @throws {Error} when it does not end.
 */
export async function endOrphan(pid: number, marker: string, timeoutMs: number): Promise<boolean> {
  if (!(await isAlive(pid, marker))) return false;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    const deadlineMs = performance.now() + timeoutMs;
    while (performance.now() < deadlineMs) {
      if (!(await isAlive(pid, marker))) return true;
      await delay(pollMs);
    }
  }
  throw new Error(`process ${pid} of an earlier run (${marker}) does not end: end it first`);
}

async function isAlive(pid: number, marker: string): Promise<boolean> {
  return (await commandOf(pid)).includes(marker);
}

/** The command line of a process; empty when there is none, or only its unreaped remains. */
async function commandOf(pid: number): Promise<string> {
  const proc = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
  if (proc !== undefined) return proc.replaceAll('\0', ' ');
  if (process.platform === 'linux') return '';
  const ps = await promisify(execFile)('ps', ['-ww', '-o', 'args=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return ps.stdout;
}
