/** The product as a measurement starts it: its servers, and either all in one process or each service in its own. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { startServers } from '../../embedded/index.ts';
import { freePort } from '../../embedded/port.ts';
import { serviceNames } from '../../subgraphs/catalog.ts';
import { startProcess } from '../process.ts';
import { SECRET } from '../token.ts';

export type SystemOptions = {
  /** `one`: everything, as `npm start`. `each`: the gateway and each service, as docker-compose.yml. */
  processes: 'one' | 'each';
  /** Where every process leaves its CPU profile when it ends. */
  profile?: string | undefined;
  /** Handed to node before the product's own arguments: a module that counts, say. */
  nodeArgs?: readonly string[];
  /** Of one process, by its name. */
  env?: (name: string) => NodeJS.ProcessEnv;
  /** Default: a folder of its own, removed at the end. */
  dataDir?: string;
};

export type Member = { name: string; pid: number };

export type System = {
  /** Where clients ask. */
  url: string;
  mongodbUrl: string;
  redisUrl: string;
  dataDir: string;
  /** The processes now, servers among them. */
  members(): Member[];
  /** Starts one more process of a service. @returns its name: the service's, with a number. */
  add(service: string): Promise<string>;
  /** Ends a process: in order, or as when it is killed. */
  end(name: string, how: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  stop(): Promise<void>;
};

const root = fileURLToPath(new URL('../..', import.meta.url));
/** More than any measurement asks for in a minute. */
const REQUESTS = '100000000';
const profiler = fileURLToPath(new URL('../profiler.mjs', import.meta.url));
const profileOf = (folder: string, name: string) => join(folder, `${name}.cpuprofile`);

/** @throws when something does not start; nothing is left running then. */
export async function startSystem(options: SystemOptions): Promise<System> {
  const { processes, profile, nodeArgs = [], env = () => ({}) } = options;
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'tributary-bench-'));
  const undo: (() => unknown)[] = [];
  if (!options.dataDir) undo.push(() => rmSync(dataDir, { recursive: true, force: true }));
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };

  const running: (Member & { end(how?: 'SIGKILL'): Promise<void> })[] = [];
  let servers: Awaited<ReturnType<typeof startServers>> | undefined;
  /** Where the gateway asks each service: of several processes one answers there, as long as any runs. */
  const asked = new Map<string, { port: number; process: string }>();
  const begun = new Set<string>();
  async function start(name: string, args: readonly string[], settings: NodeJS.ProcessEnv, ready: RegExp) {
    const started = await startProcess(name, {
      file: process.execPath,
      args: [...(profile ? ['--import', profiler] : []), '--import', 'tsx', ...nodeArgs, ...args],
      cwd: root,
      env: {
        ...{ MONGODB_URL: servers?.mongodbUrl, REDIS_URL: servers?.redisUrl, DATA_DIR: dataDir, AUTH_SECRET: SECRET },
        ...{ LOG_LEVEL: 'warn', LIMIT_REQUESTS: REQUESTS, LIMIT_CONNECTIONS: '10000', LIMIT_SUBSCRIPTIONS: '10000' },
        ...(profile && { BENCH_PROFILE: profileOf(profile, name) }),
        ...settings,
        ...env(name),
      },
      ready,
    });
    const end = async (how?: 'SIGKILL') => {
      const place = running.findIndex(({ pid }) => pid === started.pid);
      if (place >= 0) running.splice(place, 1);
      begun.delete(name);
      if (how) started.kill(how);
      await started.stop();
    };
    running.push({ name, pid: started.pid, end });
    undo.push(() => end());
  }

  const service = async (name: string, as = name) => {
    const first = asked.get(name);
    const isFree = first === undefined || !begun.has(first.process);
    begun.add(as);
    if (isFree && first) first.process = as;
    const port = await freePort(isFree ? first?.port : undefined);
    if (!first) asked.set(name, { port, process: as });
    await start(as, ['scripts/service.ts', name], { PORT: String(port) }, /is ready/);
    return `http://127.0.0.1:${port}`;
  };

  try {
    if (profile) mkdirSync(profile, { recursive: true });
    servers = await startProfiled(dataDir, profile);
    undo.push(() => servers?.stop());
    const port = await freePort();
    if (processes === 'one') {
      await start('tributary', ['scripts/start.ts'], { PORT: String(port) }, /is ready[\s\S]*Stop it/);
    } else {
      const urls: NodeJS.ProcessEnv = {};
      for (const name of serviceNames()) {
        urls[`${name.toUpperCase().replaceAll('-', '_')}_URL`] = `${await service(name)}/graphql`;
      }
      await start('gateway', ['scripts/service.ts', 'gateway'], { ...urls, PORT: String(port) }, /is ready/);
    }
    const { mongodbUrl, redisUrl, children } = servers;
    let added = 0;
    return {
      ...{ url: `http://127.0.0.1:${port}`, mongodbUrl, redisUrl, dataDir, stop },
      members: () => [
        ...running.map(({ name, pid }) => ({ name, pid })),
        ...children.flatMap(({ name, pid }) => pidOf(name, pid())),
      ],
      async add(name) {
        added += 1;
        const as = `${name}-${added + 1}`;
        await service(name, as);
        return as;
      },
      async end(name, how) {
        const found = running.find(member => member.name === name);
        if (!found) throw new Error(`no process ${name} runs`);
        await found.end(how === 'SIGKILL' ? how : undefined);
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const pidOf = (name: string, pid: number | undefined): Member[] => (pid === undefined ? [] : [{ name, pid }]);

/** The embedded MongoDB is started with the environment of this process, and profiled by it. */
async function startProfiled(dataDir: string, profile: string | undefined) {
  const { NODE_OPTIONS } = process.env;
  if (profile)
    Object.assign(process.env, { NODE_OPTIONS: `--import=${profiler}`, BENCH_PROFILE: profileOf(profile, 'mongodb') });
  try {
    return await startServers({ dataDir, log: pino({ level: 'silent' }) });
  } finally {
    if (profile) delete process.env.BENCH_PROFILE;
    if (NODE_OPTIONS === undefined) delete process.env.NODE_OPTIONS;
    else process.env.NODE_OPTIONS = NODE_OPTIONS;
  }
}
