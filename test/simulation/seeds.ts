/** Many seeds, on several processes at once. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { SHORT_LIVED } from '../v8.ts';
import type { Report } from './worker.ts';

/** The project's own, which a copy does without. */
const RUNNER = fileURLToPath(new URL('../../scripts/run.mjs', import.meta.url));

/** Seeds make the same functions again and again, which are compiled in the plainest way as they are made: interpreted they take longer. */
const V8 = [...SHORT_LIVED, '--always-sparkplug'];

export type Failure = Extract<Report, { seed: number }>;

/** `traces`: of each seed, in no order. */
export type Sum = { done: number; steps: number; simulatedMs: number; failures: Failure[]; traces: string[] };

/**
 * @param root where the code stands: the project, or a copy of it with a bug.
 * @throws when a worker process breaks, with what it wrote.
 */
export async function runSeeds(options: {
  root: string;
  from: number;
  count: number;
  jobs: number;
  /** Each process ends with the first failure it meets. */
  stopAtFailure?: boolean;
  onProgress?: (sum: Sum) => void;
}): Promise<Sum> {
  const { root, from, count, jobs, stopAtFailure = false, onProgress } = options;
  const sum: Sum = { done: 0, steps: 0, simulatedMs: 0, failures: [], traces: [] };
  const size = Math.ceil(count / jobs);
  const parts = Array.from({ length: jobs }, (_, index) => ({
    start: from + index * size,
    length: Math.min(size, count - index * size),
  }));
  await Promise.all(
    parts
      .filter(({ length }) => length > 0)
      .map(({ start, length }) =>
        runWorker(root, start, length, stopAtFailure, report => {
          if ('seed' in report) sum.failures.push(report);
          else {
            sum.done += report.done;
            sum.steps += report.steps;
            sum.simulatedMs += report.simulatedMs;
            sum.traces.push(...report.traces);
          }
          onProgress?.(sum);
        }),
      ),
  );
  return sum;
}

function runWorker(
  root: string,
  from: number,
  count: number,
  stopAtFailure: boolean,
  onReport: (report: Report) => void,
): Promise<void> {
  const worker = join(root, 'test/simulation/worker.ts');
  const child = spawn(
    process.execPath,
    [...V8, RUNNER, worker, String(from), String(count), stopAtFailure ? '1' : '0'],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let errors = '';
  child.stderr.on('data', chunk => {
    errors = `${errors}${chunk}`.slice(-4_000);
  });
  createInterface({ input: child.stdout }).on('line', line => onReport(JSON.parse(line) as Report));
  return new Promise((resolve, reject) => {
    child.once('close', code => {
      if (code === 0) resolve();
      else reject(new Error(`a simulation of the seeds from ${from} broke:\n${errors}`));
    });
  });
}
