/** The system as processes of their own, with its servers, and with proxies between them where a row wants to disturb. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { type Db, MongoClient } from 'mongodb';
import { freePort } from '../../embedded/port.ts';
import { serviceNames } from '../../subgraphs/catalog.ts';
import { AUTH_SECRET, temporaryFolder } from '../system.ts';
import { type Disk, mountDisk } from './disk.ts';
import { type Kept, keep } from './platform.ts';
import { type Link, startProxy } from './proxy.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const PREFIX = 'faults';
const GATEWAY = 'gateway';

/** What a process runs with besides the system's own code: modules of `preload/`, and what they read; `$DATA` is the folder. */
export type Extras = { preload?: readonly string[]; env?: Readonly<Record<string, string>> };

export type Arrangement = {
  /** Processes of each service; the gateway knows the first. Default 1. */
  copies?: number;
  /** Whose connections go through proxies: a service's to MongoDB and Redis, the gateway's to account. */
  proxied?: readonly string[];
  /** By the name of the process: `balance`, `balance 2`. */
  extras?: Readonly<Record<string, Extras>>;
  /** Servers on disks of their own, in megabytes. */
  disks?: { redis?: number; mongodb?: number };
  /** The services are not started before they are released. */
  held?: boolean;
};

export type Member = Kept & {
  service: string;
  /** Of the proxied ones. */
  mongodb: Link | undefined;
  redis: Link | undefined;
  /** Kills it; it starts again with these. */
  become(extras: Extras): Promise<void>;
};

export type Cluster = {
  url: string;
  mongodb: Kept;
  redis: Kept;
  folders: { data: string; redis: string; mongodb: string };
  disks: { redis: Disk | undefined; mongodb: Disk | undefined };
  members: readonly Member[];
  /** The first process of a service, which is the one that the gateway knows; or the gateway. */
  first(service: string): Member;
  all(service: string): Member[];
  /** Between the gateway and account, where that is proxied. */
  toAccount: Link | undefined;
  /** For looking and for measuring, beside the system. */
  database(service: string): Db;
  redisUrl: string;
  mongodbUrl: string;
  looker: Redis;
  /** All processes and servers run and are ready. */
  ready(): Promise<void>;
  stop(): Promise<void>;
};

/** The same settings as those of embedded/redis.ts, without a password. */
const redisConfiguration = (dir: string, port: number) =>
  `bind 127.0.0.1\nport ${port}\ndir ${JSON.stringify(dir)}\ndaemonize no\nsave ""\nappendonly yes
appendfsync everysec\naof-load-truncated yes\nmaxmemory-policy noeviction\n`;

export async function startCluster(arrangement: Arrangement = {}): Promise<Cluster> {
  const { copies = 1, proxied = [], extras = {}, disks: sizes = {}, held = false } = arrangement;
  const data = temporaryFolder();
  const folders = { data: data.path, redis: join(data.path, 'redis'), mongodb: join(data.path, 'mongodb') };
  const undo: (() => unknown)[] = [data.remove];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    return await start();
  } catch (error) {
    await stop();
    throw error;
  }

  async function diskFor(folder: string, megabytes: number | undefined): Promise<Disk | undefined> {
    if (megabytes === undefined) return undefined;
    const disk = await mountDisk(folder, megabytes);
    undo.push(disk.remove);
    return disk;
  }

  async function start(): Promise<Cluster> {
    const disks = {
      redis: await diskFor(folders.redis, sizes.redis),
      mongodb: await diskFor(folders.mongodb, sizes.mongodb),
    };
    const [redisPort, mongodbPort] = [await freePort(), await freePort()];
    const mongodb = keep(
      'mongodb',
      () => node(['embedded/mongodb/main.ts', '--dir', folders.mongodb, '--port', String(mongodbPort)]),
      /listening/,
    );
    const redis = keep(
      'redis',
      () => ({
        file: 'sh',
        args: ['-c', `mkdir -p ${folders.redis} && exec redis-server -`],
        options: {},
        input: redisConfiguration(folders.redis, redisPort),
      }),
      /Ready to accept connections/,
    );
    undo.push(() => Promise.all([mongodb.stop(), redis.stop()]));
    await Promise.all([mongodb.ready(), redis.ready()]);

    const mongodbUrl = `mongodb://127.0.0.1:${mongodbPort}/${PREFIX}`;
    const redisUrl = `redis://127.0.0.1:${redisPort}`;
    const mongo = new MongoClient(mongodbUrl, { serverSelectionTimeoutMS: 2_000, ignoreUndefined: true });
    const looker = new Redis(redisUrl, { maxRetriesPerRequest: null, retryStrategy: () => 100 });
    looker.on('error', () => undefined);
    undo.push(() => looker.disconnect());
    undo.push(() => mongo.close());

    const inFolder = ({ env = {}, ...rest }: Extras): Extras => ({
      ...rest,
      env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value.replace('$DATA', data.path)])),
    });
    const proxy = async (port: number) => {
      const started = await startProxy(port);
      undo.push(() => started.close());
      return started;
    };
    const ports = new Map<string, number>();
    for (const name of [GATEWAY, ...serviceNames()]) ports.set(name, await freePort());
    const portOf = (name: string) => ports.get(name) ?? 0;
    const toAccount = proxied.includes(GATEWAY) ? await proxy(portOf('account')) : undefined;
    const urls = Object.fromEntries(
      serviceNames().map(name => {
        const port = name === 'account' && toAccount ? toAccount.port : portOf(name);
        return [`${name.toUpperCase()}_URL`, `http://127.0.0.1:${port}/graphql`];
      }),
    );

    async function member(service: string, copy: number): Promise<Member> {
      const own = service !== GATEWAY && proxied.includes(service);
      const toMongodb = own ? await proxy(mongodbPort) : undefined;
      const toRedis = own ? await proxy(redisPort) : undefined;
      const port = copy === 0 ? portOf(service) : await freePort();
      const name = copy === 0 ? service : `${service} ${copy + 1}`;
      let current = extras[name] ?? {};
      const env = {
        MONGODB_URL: mongodbUrl.replace(String(mongodbPort), String(toMongodb?.port ?? mongodbPort)),
        REDIS_URL: redisUrl.replace(String(redisPort), String(toRedis?.port ?? redisPort)),
        PORT: String(port),
        LIMIT_REQUESTS: '10000000',
        LIMIT_CONNECTIONS: '1000',
        ...urls,
      };
      const kept = keep(
        name,
        () => node(['scripts/service.ts', service], inFolder(current), env),
        /is ready/,
        held && service !== GATEWAY,
      );
      return {
        ...kept,
        service,
        mongodb: toMongodb,
        redis: toRedis,
        async become(wanted) {
          current = wanted;
          await kept.kill();
          await kept.ready();
        },
      };
    }
    const members = [await member(GATEWAY, 0)];
    undo.push(() => Promise.all(members.map(each => each.stop())));
    for (const name of serviceNames()) for (let copy = 0; copy < copies; copy++) members.push(await member(name, copy));

    const cluster: Cluster = {
      url: `http://127.0.0.1:${portOf(GATEWAY)}`,
      mongodb,
      redis,
      folders,
      disks,
      members,
      first(service) {
        const found = members.find(each => each.service === service);
        if (!found) throw new Error(`there is no ${service}`);
        return found;
      },
      all: service => members.filter(each => each.service === service),
      toAccount,
      database: service => mongo.db(`${PREFIX}-${service}`),
      redisUrl,
      mongodbUrl,
      looker,
      ready: async () => void (await Promise.all([mongodb, redis, ...members].map(each => each.ready()))),
      stop,
    };
    if (!held) await cluster.ready();
    return cluster;
  }
}

function node(script: readonly string[], { preload = [], env: own }: Extras = {}, env: NodeJS.ProcessEnv = {}) {
  const preloads = preload.flatMap(name => ['--preload', `test/faults/preload/${name}.ts`]);
  return {
    file: process.execPath,
    args: ['scripts/run.mjs', ...preloads, ...script],
    options: { cwd: root, env: { PATH: process.env.PATH, AUTH_SECRET, LOG_LEVEL: 'warn', ...env, ...own } },
  };
}
