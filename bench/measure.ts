/** What processes cost, as Linux counts it. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const PAGE_BYTES = Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }));

/** These processes and all that they have started. */
export function treeOf(pids: readonly number[]): number[] {
  return pids.flatMap(pid => [pid, ...treeOf(childrenOf(pid))]);
}

/** Milliseconds of CPU, user and system, that the processes and their children have used so far. */
export function cpuOf(pids: readonly number[]): number {
  // utime and stime, then those of children that are gone: fields 14 to 17 of proc(5).
  const ticks = treeOf(pids).map(pid => sum(statOf(pid).slice(11, 15).map(Number)));
  return (sum(ticks) / TICKS_PER_SECOND) * 1000;
}

/** Milliseconds of CPU, user and system, that one process has used so far, without its children. */
export function cpuAlone(pid: number): number {
  return (sum(statOf(pid).slice(11, 13).map(Number)) / TICKS_PER_SECOND) * 1000;
}

/** Bytes of memory that the processes and their children have resident. */
export function residentOf(pids: readonly number[]): number {
  return sum(treeOf(pids).map(pid => Number(statOf(pid)[21]))) * PAGE_BYTES;
}

/**
 * Bytes that the processes and their children have allocated and not given back. What of their files is mapped is left out: the system keeps
 * as much of these in memory as it has room for.
 */
export function allocatedBy(pids: readonly number[]): number {
  return sum(treeOf(pids).map(pid => 1024 * (statusOf(pid, 'RssAnon') + statusOf(pid, 'RssShmem'))));
}

/** The value in the middle; of an even number of values, the mean of the two there. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** @param part 0.5 for the median, 0.99 for the slowest hundredth. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  const place = (sorted.length - 1) * part;
  const [below, above] = [sorted[Math.floor(place)] ?? Number.NaN, sorted[Math.ceil(place)] ?? Number.NaN];
  return below + (above - below) * (place % 1);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** The fields of /proc/PID/stat after the name, which may hold anything: the first is field 3 of proc(5). */
function statOf(pid: number): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    // It is gone; its parent has its time.
    return Array<string>(50).fill('0');
  }
}

/** A field of /proc/PID/status that is given in kB. */
function statusOf(pid: number, field: string): number {
  try {
    return Number(
      new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0,
    );
  } catch {
    return 0;
  }
}

function childrenOf(pid: number): number[] {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const children = threads.map(thread => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'));
    return children.flatMap(line => line.trim().split(' ').filter(Boolean).map(Number));
  } catch {
    return [];
  }
}
