/** Hive Gateway as a process. */
import { fileURLToPath } from 'node:url';
import { type Running, startProcess } from './process.ts';

export type HiveOptions = {
  name: string;
  port: number;
  supergraphFile: string;
  /** A file of `peers/`. */
  config: string;
  flags?: readonly string[];
  env?: NodeJS.ProcessEnv;
};

const HOST = '127.0.0.1';
const peers = fileURLToPath(new URL('peers/', import.meta.url));

/** Starts it on loopback. @throws with what it printed when it does not become ready. */
export function startHive({ name, port, supergraphFile, config, flags = [], env }: HiveOptions): Promise<Running> {
  const place = ['--host', HOST, '--port', String(port), '--config-path', config];
  return startProcess(name, {
    file: process.execPath,
    args: ['node_modules/@graphql-hive/gateway/dist/bin.js', 'supergraph', supergraphFile, ...place, ...flags],
    cwd: peers,
    env: { LOG_LEVEL: 'warn', ...env },
    ready: async () => (await fetch(`http://${HOST}:${port}/readiness`)).ok,
  });
}
