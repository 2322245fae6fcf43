import { execFile } from 'node:child_process';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Servers } from '../embedded/index.ts';
import { freePort } from '../embedded/port.ts';
import { signToken } from '../gateway/identity.ts';
import { prefixOf } from '../scripts/config.ts';
import { serviceNames } from '../subgraphs/catalog.ts';
import {
  AUTH_SECRET,
  type Client,
  clientOf,
  copyProject,
  DEPOSIT,
  eventually,
  launch,
  openAccount,
  type Process,
  sharedServers,
  stopAll,
  temporaryFolder,
  WITHDRAW,
} from './system.ts';

const folder = temporaryFolder();
const project = temporaryFolder();
const running = new Map<string, Process>();
let servers: Servers;
let url: string;
let alice: Client;
let olga: Client;
let env: NodeJS.ProcessEnv;

/** The service that is added while the others run. */
const ADDED = 'largest';

async function start(name: string): Promise<void> {
  // Where a folder will be added; all else runs from where it was compiled before.
  const place = name === 'gateway' || name === ADDED ? project.path : undefined;
  const settings = { ...env, PORT: env[`${name.toUpperCase()}_PORT`] };
  running.set(name, await launch('service.ts', [name], settings, /is ready/, place));
}

beforeAll(async () => {
  copyProject(project.path);
  servers = await sharedServers(folder.path, `test-${process.pid}`);
  const names = ['gateway', ...serviceNames(), ADDED];
  const ports = new Map<string, number>();
  for (const name of names) ports.set(name, await freePort());
  env = {
    MONGODB_URL: servers.mongodbUrl,
    REDIS_URL: servers.redisUrl,
    // Of the one that is not there yet.
    SERVICE_URL: `http://127.0.0.1:${ports.get(ADDED)}/graphql`,
    ...Object.fromEntries(names.map(name => [`${name.toUpperCase()}_PORT`, String(ports.get(name))])),
    ...Object.fromEntries(
      serviceNames().map(name => [`${name.toUpperCase()}_URL`, `http://127.0.0.1:${ports.get(name)}/graphql`]),
    ),
  };
  await Promise.all(names.filter(name => name !== ADDED).map(start));
  url = `http://127.0.0.1:${ports.get('gateway')}`;
  [alice, olga] = await Promise.all([clientOf(url, 'alice'), clientOf(url, 'olga', ['operator'])]);
});

afterAll(async () => {
  await stopAll();
  await servers?.stop();
  folder.remove();
  project.remove();
});

/** Composes anew, and makes the gateway take it into use. */
async function recompose(): Promise<void> {
  await promisify(execFile)(process.execPath, ['scripts/run.mjs', 'scripts/compose.ts'], { cwd: project.path });
  running.get('gateway')?.kill('SIGUSR2');
}

type Transacted<Name extends string> = Record<Name, { transaction: { id: string } }>;
type Look = {
  account: {
    balance: { amount: number; version: number };
    ledger: { nodes: object[] };
    statistics: { deposits: number; withdrawals: number }[];
  };
};

type Largest = { ownerId: string; amount: number; deposits: number };
type Replays = { replays: { nodes: { service: string; requestedBy: string; status: string }[] } };
type Count = { events: { totalCount: number } };

const LOOK =
  'query ($id: ID!, $after: ID) { account(id: $id) { balance(after: $after) { amount version } ledger { nodes { version balance } } statistics(interval: ALL) { deposits withdrawals } } }';

/** What is told of an account. Services that were added may tell of more. */
const TOLD = JSON.stringify(['account-opened', 'deposited', 'withdrawn', 'balance-updated', 'overdrawn']);

describe('gateway and services as processes of their own', () => {
  it('carry a deposit the whole way, with a subscription watching', async () => {
    const id = await openAccount(alice);
    const socket = alice.socket();
    const seen: number[] = [];
    const watching = (async () => {
      for await (const { data, errors } of socket.iterate<{ balanceChanged: { balance: { amount: number } } }>({
        query: `subscription { balanceChanged(accountId: "${id}") { id balance { amount version } } }`,
      })) {
        if (errors) throw new Error(JSON.stringify(errors));
        if (data) seen.push(data.balanceChanged.balance.amount);
        if (seen.at(-1) === 60) return;
      }
    })();
    const { deposit } = await alice.get<Transacted<'deposit'>>(DEPOSIT, { input: { accountId: id, amount: 100 } });
    await alice.get(LOOK, { id, after: deposit.transaction.id });
    const { withdraw } = await alice.get<Transacted<'withdraw'>>(WITHDRAW, { input: { accountId: id, amount: 40 } });
    await watching;
    await socket.dispose();
    const look = await eventually(
      () => alice.get<Look>(LOOK, { id, after: withdraw.transaction.id }),
      ({ account }) => account.statistics[0]?.withdrawals === 1,
    );
    expect(look.account).toMatchObject({
      balance: { amount: 60, version: 2 },
      ledger: {
        nodes: [
          { version: 2, balance: 60 },
          { version: 1, balance: 100 },
        ],
      },
    });
    const { events } = await eventually(
      () =>
        olga.get<{ events: { totalCount: number } }>(
          `{ events(filter: { subject: "${id}", types: ${TOLD} }) { totalCount } }`,
        ),
      ({ events }) => events.totalCount === 5,
    );
    expect(events.totalCount).toBe(5);
  });

  it('export the lake through the gateway, to operators', async () => {
    const lines = async (roles: string[]) => {
      const token = await signToken(AUTH_SECRET, { sub: 'olga', roles, expiresIn: '1h' });
      const headers = { authorization: `Bearer ${token}` };
      const answer = await fetch(`${url}/lake/events.ndjson`, { headers });
      return { status: answer.status, lines: (await answer.text()).split('\n').slice(0, -1) };
    };
    expect((await lines([])).status).toBe(403);
    const { verifyLake } = await olga.get<{ verifyLake: { events: number; head: string } }>(
      '{ verifyLake { events head } }',
    );
    const exported = await lines(['operator']);
    expect([exported.status, exported.lines.length]).toEqual([200, verifyLake.events]);
    expect(JSON.parse(exported.lines.at(-1) ?? '')).toMatchObject({
      specversion: '1.0',
      lakeposition: verifyLake.events,
      lakehash: verifyLake.head,
    });
  });

  it('show their queues through the gateway, to operators', async () => {
    const queues = async (roles: string[]) => {
      const token = await signToken(AUTH_SECRET, { sub: 'olga', roles, expiresIn: '1h' });
      return fetch(`${url}/queues/api/queues`, { headers: { authorization: `Bearer ${token}` } });
    };
    expect((await queues([])).status).toBe(403);
    const shown = (await (await queues(['operator'])).json()) as { queues: { displayName: string }[] };
    expect(shown.queues.map(({ displayName }) => displayName)).toEqual(serviceNames());
  });

  it('answer nobody but the gateway', async () => {
    for (const name of serviceNames()) {
      const answer = await fetch(env[`${name.toUpperCase()}_URL`] ?? '', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: '{ _service { sdl } }' }),
      });
      expect([name, answer.status]).toEqual([name, 401]);
    }
  });

  it('are ready, each and together', async () => {
    for (const name of ['gateway', ...serviceNames()]) {
      // One that does not answer at once counts as down for the moment.
      await eventually(
        async () => (await fetch(`http://127.0.0.1:${env[`${name.toUpperCase()}_PORT`]}/health/ready`)).status,
        status => status === 200,
      );
    }
  });

  it('show their outboxes through the gateway, and nothing of their addresses', async () => {
    const text = await eventually(
      async () => (await fetch(`${url}/health/ready`)).text(),
      said => said.startsWith('{"status":"ok"'),
    );
    const [pending, oldestSeconds, unconfirmed, resent] = Array(4).fill(expect.any(Number));
    const outbox = { pending, oldestSeconds, unconfirmed, resent };
    expect(JSON.parse(text)).toEqual({
      status: 'ok',
      parts: Object.fromEntries(serviceNames().map(name => [name, { state: 'ok', outbox }])),
    });
    expect(text).not.toContain('127.0.0.1');
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toMatch(/^outbox_events\{service="account",state="unconfirmed"\} \d+$/m);
  });

  it("are healthy to the image's own check, which fails where nothing listens", async () => {
    const dockerfile = readFileSync(new URL('../Dockerfile', import.meta.url), 'utf8');
    const [, command = '[]'] = /HEALTHCHECK[\s\S]*?CMD (\[.*\])/.exec(dockerfile) ?? [];
    const [program = '', ...args] = JSON.parse(command) as string[];
    const check = (port: string | undefined) =>
      promisify(execFile)(program, args, { env: { PATH: process.env.PATH, PORT: port } }).then(
        () => 0,
        error => error.code,
      );
    for (const name of ['gateway', ...serviceNames()])
      expect([name, await check(env[`${name.toUpperCase()}_PORT`])]).toEqual([name, 0]);
    expect(await check(String(await freePort()))).toBe(1);
  });

  it('go on when one of them is killed, and what it missed reaches it when it is back', async () => {
    const id = await openAccount(alice);
    running.get('balance')?.kill('SIGKILL');
    await running.get('balance')?.exited;
    const deposits = await Promise.all(
      Array.from({ length: 20 }, () =>
        alice.get<Transacted<'deposit'>>(DEPOSIT, { input: { accountId: id, amount: 5 } }),
      ),
    );
    expect(deposits.length).toBe(20);
    const health = await fetch(`${url}/health/ready`);
    expect([health.status, await health.json()]).toMatchObject([
      200,
      { status: 'degraded', parts: { balance: { state: 'down', spared: true } } },
    ]);
    // The others tell what waits for it: it cannot.
    const told = /^queue_events\{service="balance"\} (\d+)$/m;
    const waiting = async () =>
      Number(told.exec(await (await fetch(`http://127.0.0.1:${env.REPORTING_PORT}/metrics`)).text())?.[1]);
    await eventually(waiting, events => events >= 20);
    const partial = await alice.ask<Look>(LOOK, { id });
    expect(partial.errors?.[0]?.extensions.code).toBe('UNAVAILABLE');
    expect(JSON.stringify(partial.errors)).not.toContain('127.0.0.1');
    await start('balance');
    await eventually(
      () => alice.get<Look>(LOOK, { id }),
      ({ account }) => account.balance.version === 20 && account.balance.amount === 100,
    );
  });

  it('are not ready as a whole only when the one that acknowledges is away', async () => {
    running.get('account')?.kill('SIGKILL');
    await running.get('account')?.exited;
    const health = await fetch(`${url}/health/ready`);
    expect([health.status, await health.json()]).toMatchObject([
      503,
      { status: 'down', parts: { account: { state: 'down' }, balance: { state: 'ok' } } },
    ]);
    await start('account');
    await eventually(
      async () => (await fetch(`${url}/health/ready`)).status,
      status => status === 200,
    );
  });

  it('share the work of a service, each queue with one owner, also when one comes, is killed, or leaves', async () => {
    const accounts = await Promise.all(Array.from({ length: 12 }, () => openAccount(alice)));
    const made = new Map<string, number>();
    let isOver = false;
    const deposits = (async () => {
      for (let n = 0; !isOver; n++) {
        const id = accounts[n % accounts.length] ?? '';
        await alice.get(DEPOSIT, { input: { accountId: id, amount: 1 } });
        made.set(id, (made.get(id) ?? 0) + 1);
      }
    })();
    /** The queues that each of these processes takes from. */
    const owned = (ports: readonly string[]) =>
      Promise.all(
        ports.map(async port => {
          const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
          return [...text.matchAll(/^consumer_partitions\{service="balance",partition="(\d+)"\} 1$/gm)].map(
            ([, one]) => one,
          );
        }),
      );
    const eachOwns = async (ports: readonly string[], partitions: readonly string[]) => {
      const shares = await eventually(
        () => owned(ports),
        found => found.flat().sort().join() === partitions.join(),
      );
      expect(shares.map(({ length }) => length)).toEqual(ports.map(() => 1));
    };
    const first = env.BALANCE_PORT ?? '';
    const more = async () => {
      const port = String(await freePort());
      return { port, process: await launch('service.ts', ['balance'], { ...env, PORT: port }, /is ready/) };
    };
    await eachOwns([first], ['0']);
    const [killed, stopped] = await Promise.all([more(), more()]);
    await eachOwns([first, killed.port, stopped.port], ['0', '1', '2']);
    await delay(1_000);
    killed.process.kill('SIGKILL');
    await eachOwns([first, stopped.port], ['0', '1']);
    await delay(1_000);
    stopped.process.kill('SIGTERM');
    expect(await stopped.process.exited).toBe(0);
    await eachOwns([first], ['0']);
    isOver = true;
    await deposits;
    for (const id of accounts) {
      const count = made.get(id) ?? 0;
      expect(count).toBeGreaterThan(0);
      const { account } = await eventually(
        () => alice.get<Look>(LOOK, { id }),
        look => look.account.balance.version >= count,
      );
      expect(account.balance).toEqual({ amount: count, version: count });
    }
  });

  it('find out what has got lost on its way to the lake, and send it again', async () => {
    const id = await openAccount(alice);
    const stored = (count: number) =>
      eventually(
        () =>
          olga.get<{ events: { totalCount: number } }>(
            `{ events(filter: { subject: "${id}", types: ${TOLD} }) { totalCount } }`,
          ),
        ({ events }) => events.totalCount === count,
      );
    await stored(1);
    const outboxesSay = (state: RegExp) =>
      eventually(
        async () => (await fetch(`${url}/health/ready`)).text(),
        text => [...text.matchAll(state)].length === 2,
      );
    // What came before is in the lake.
    await outboxesSay(/"(account|balance)":\{"state":"ok","outbox":\{"pending":0,"oldestSeconds":0,"unconfirmed":0,/g);
    running.get('lake')?.kill('SIGKILL');
    await running.get('lake')?.exited;
    for (let count = 0; count < 5; count++) await alice.get(DEPOSIT, { input: { accountId: id, amount: 5 } });
    await eventually(
      () => alice.get<Look>(LOOK, { id }),
      ({ account }) => account.balance.version === 5,
    );
    await outboxesSay(/"(account|balance)":\{"state":"ok","outbox":\{"pending":0,/g);
    // The jobs alone: the marks, by which the relays notice a loss, stay.
    const redis = new Redis(servers.redisUrl);
    const lost = await redis.keys(`${prefixOf(servers.mongodbUrl)}:{lake}-*`);
    expect(lost).not.toEqual([]);
    await redis.del(...lost);
    redis.disconnect();
    await start('lake');
    await stored(11);
    const { services } = await olga.get<{ services: { name: string; resentEvents: number }[] }>(
      '{ services { name resentEvents unconfirmedEvents } }',
    );
    const resent = Object.fromEntries(services.map(({ name, resentEvents }) => [name, resentEvents]));
    expect(resent).toMatchObject({ account: 5, balance: 5, reporting: 0, transfer: 0 });
    expect(await olga.get('{ verifyLake { valid } }')).toEqual({ verifyLake: { valid: true } });
  });

  it('resume a subscription by themselves when the service it comes from was killed', async () => {
    const id = await openAccount(alice);
    const socket = alice.socket();
    const stream = socket.iterate<{ balanceChanged: { balance: { version: number }; statistics: object[] } }>({
      query: `subscription { balanceChanged(accountId: "${id}") { balance { version } statistics(interval: ALL) { deposits } } }`,
    });
    expect((await stream.next()).value).toMatchObject({ data: { balanceChanged: { balance: { version: 0 } } } });
    running.get('account')?.kill('SIGKILL');
    await running.get('account')?.exited;
    await start('account');
    const resumed = (await stream.next()).value;
    expect(resumed).toMatchObject({
      data: { balanceChanged: { balance: { version: 0 }, statistics: expect.any(Array) } },
      extensions: { resumed: true },
    });
    await alice.get(DEPOSIT, { input: { accountId: id, amount: 1 } });
    const next = (await stream.next()).value;
    expect(next).toMatchObject({ data: { balanceChanged: { balance: { version: 1 } } } });
    expect(next).not.toHaveProperty('extensions');
    await socket.dispose();
  });

  it('take a new supergraph into use at SIGUSR2, and say so to whoever is subscribed', async () => {
    const id = await openAccount(alice);
    const socket = alice.socket();
    const query = `subscription { balanceChanged(accountId: "${id}") { balance { version } } }`;
    const stream = socket.iterate({ query });
    await stream.next();
    running.get('gateway')?.kill('SIGUSR2');
    await expect(stream.next()).rejects.toMatchObject([{ extensions: { code: 'SUBSCRIPTION_SCHEMA_RELOAD' } }]);
    const again = await socket.iterate({ query }).next();
    expect(again.value).toMatchObject({ data: { balanceChanged: { balance: { version: 0 } } } });
    await socket.dispose();
  });

  it('take in a service that is added, which gets everything from the first event on, and let it go again', async () => {
    const bob = await clientOf(url, 'bob');
    const id = await openAccount(bob);
    const deposit = (amount: number) => bob.get(DEPOSIT, { input: { accountId: id, amount } });
    await deposit(500);
    let last = 500;
    let over = false;
    const load = (async () => {
      while (!over) await deposit(++last).then(() => delay(20));
    })();
    const folderOf = join(project.path, 'subgraphs', ADDED);
    cpSync(new URL(ADDED, import.meta.url), folderOf, { recursive: true });
    await Promise.all([start(ADDED), recompose()]);
    const largest = () =>
      olga
        .get<{ largestDeposits: Largest[] }>('{ largestDeposits { ownerId amount deposits } }')
        .then(({ largestDeposits }) => largestDeposits);
    await eventually(
      () => olga.get<Replays>('{ replays(first: 1) { nodes { service requestedBy status } } }'),
      ({ replays }) => replays.nodes[0]?.service === ADDED && replays.nodes[0].status === 'COMPLETED',
    );
    over = true;
    await load;
    const inTheLake = () => olga.get<Count>('{ events(filter: { types: ["deposited"] }) { totalCount } }');
    const sum = (owners: readonly Largest[]) => owners.reduce((total, { deposits }) => total + deposits, 0);
    // The lake gets what nobody waits for a moment later.
    const [owners] = await eventually(
      async () => [await largest(), await inTheLake()] as const,
      ([found, { events }]) =>
        sum(found) === events.totalCount && found.some(({ deposits }) => deposits === last - 499),
    );
    expect(owners).toEqual([
      { ownerId: 'alice', amount: 100, deposits: expect.any(Number) },
      { ownerId: 'bob', amount: last, deposits: last - 499 },
    ]);

    const rebuild = 'mutation ($service: String!) { replay(input: { service: $service, mode: REBUILD }) { id } }';
    expect((await olga.ask(rebuild, { service: ADDED })).errors?.[0]).toMatchObject({
      message: expect.stringContaining('use REPAIR'),
      extensions: { code: 'BAD_USER_INPUT' },
    });
    const unbind = 'mutation ($service: String!) { unbind(service: $service) { name } }';
    expect((await olga.ask(unbind, { service: ADDED })).errors?.[0]).toMatchObject({
      message: expect.stringContaining('is running in 1 process: stop it first'),
      extensions: { code: 'BAD_USER_INPUT' },
    });
    running.get(ADDED)?.kill('SIGTERM');
    expect(await running.get(ADDED)?.exited).toBe(0);
    running.delete(ADDED);
    const refused = await olga.ask(unbind, { service: 'account' });
    expect(refused.errors?.[0]).toMatchObject({
      message: expect.stringMatching(/unbind them first: balance, largest, .*reporting/),
      extensions: { code: 'BAD_USER_INPUT' },
    });
    const left = await olga.get<{ unbind: { name: string }[] }>(unbind, { service: ADDED });
    expect(left.unbind.map(({ name }) => name)).toEqual(serviceNames().sort());
    rmSync(folderOf, { recursive: true });
    await recompose();
    await eventually(
      () => olga.ask('{ largestDeposits { ownerId } }'),
      ({ errors }) => errors?.[0]?.extensions.code === 'GRAPHQL_VALIDATION_FAILED',
    );
    await deposit(1);
    const redis = new Redis(servers.redisUrl);
    const kept = await redis.keys(`${prefixOf(servers.mongodbUrl)}:{${ADDED}}*`);
    // What was acknowledged of its replay expires by itself.
    expect(kept.filter(key => !key.includes('replay'))).toEqual([]);
    redis.disconnect();
  });

  it('stop by SIGTERM with exit code 0', async () => {
    for (const process of running.values()) process.kill('SIGTERM');
    expect(await Promise.all([...running.values()].map(({ exited }) => exited))).toEqual(
      [...running.keys()].map(() => 0),
    );
  });
});
