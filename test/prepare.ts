/**
 * Before all tests: what starting a process needs is made once, and not by the first ones to start, all at once; and the servers
 * are started that all tests share which need no more of them than a database of their own.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { pino } from 'pino';
import type { TestProject } from 'vitest/node';
import { startServers } from '../embedded/index.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

const PROGRAMS = [
  'embedded/mongodb/main.ts',
  'events/harness.ts',
  'scripts/compose.ts',
  'scripts/import.ts',
  'scripts/service.ts',
  'scripts/start.ts',
  'scripts/token.ts',
  'scripts/verify.ts',
  'subgraphs/lake/harness.ts',
  'test/audit.ts',
  'test/doctor.ts',
  'test/simulation/worker.ts',
];

/** Starts the servers, unless the environment names some. @returns how to stop them. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await promisify(execFile)(process.execPath, ['scripts/run.mjs', '--prepare', ...PROGRAMS], { cwd: root });
  const dataDir = await mkdtemp(join(tmpdir(), 'tributary-'));
  const { MONGODB_URL, REDIS_URL } = process.env;
  const servers = await startServers({
    dataDir,
    mongodbUrl: MONGODB_URL,
    redisUrl: REDIS_URL,
    log: pino({ level: 'silent' }),
  });
  project.provide('servers', { mongodbUrl: servers.mongodbUrl, redisUrl: servers.redisUrl });
  return async () => {
    await servers.stop();
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  };
}
