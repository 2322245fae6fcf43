/** Tributary's real services as processes of their own, without its gateway. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { startServers } from '../embedded/index.ts';
import { freePort } from '../embedded/port.ts';
import { serviceNames } from '../subgraphs/catalog.ts';
import { startProcess } from './process.ts';
import { SECRET } from './token.ts';

export type Services = {
  /** Where each answers GraphQL, by name. */
  urls: Record<string, string>;
  stop(): Promise<void>;
};

const root = fileURLToPath(new URL('..', import.meta.url));

/** Starts them with servers of their own, on a folder that goes with them. */
export async function startServices(): Promise<Services> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-bench-'));
  const undo: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };

  async function start(name: string, env: NodeJS.ProcessEnv): Promise<[string, string]> {
    const port = await freePort();
    const running = await startProcess(name, {
      file: process.execPath,
      args: ['--import', 'tsx', 'scripts/service.ts', name],
      cwd: root,
      env: { ...env, PORT: String(port), AUTH_SECRET: SECRET, LOG_LEVEL: 'warn' },
      ready: /is ready/,
    });
    undo.push(() => running.stop());
    return [name, `http://127.0.0.1:${port}/graphql`];
  }

  try {
    const servers = await startServers({ dataDir: folder, log: pino({ level: 'silent' }) });
    undo.push(() => servers.stop());
    const env = { MONGODB_URL: servers.mongodbUrl, REDIS_URL: servers.redisUrl };
    return { urls: Object.fromEntries(await Promise.all(serviceNames().map(name => start(name, env)))), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
