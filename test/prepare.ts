/** Before all tests: what starting a process needs is made once, and not by the first ones to start, all at once. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));

const PROGRAMS = [
  'embedded/mongodb/main.ts',
  'scripts/compose.ts',
  'scripts/import.ts',
  'scripts/service.ts',
  'scripts/start.ts',
  'scripts/token.ts',
  'scripts/verify.ts',
  'subgraphs/lake/harness.ts',
  'test/audit.ts',
  'test/simulation/worker.ts',
];

export async function setup(): Promise<void> {
  await promisify(execFile)(process.execPath, ['scripts/run.mjs', '--prepare', ...PROGRAMS], { cwd: root });
}
