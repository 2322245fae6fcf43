import { execFileSync } from 'node:child_process';
import { afterAll, describe, expect, it } from 'vitest';
import { freePort } from '../embedded/port.ts';
import { operatorClient, settled } from './evidence.ts';
import {
  AUTH_SECRET,
  type Client,
  clientOf,
  DEPOSIT,
  eventually,
  openAccount,
  type System,
  startSystem,
  stopAll,
  temporaryFolder,
} from './system.ts';

const folders: ReturnType<typeof temporaryFolder>[] = [];

afterAll(async () => {
  await stopAll();
  for (const folder of folders) folder.remove();
});

function newFolder(): string {
  const folder = temporaryFolder();
  folders.push(folder);
  return folder.path;
}

const CLIENTS = 8;
const LOAD_MAX = 20_000;

/** Deposits 1 until `stop`, and knows what was acknowledged. Requests that fail are left alone: their outcome is unknown. */
function load(client: Client, accountIds: readonly string[]) {
  const acknowledged = new Map<string, string[]>(accountIds.map(id => [id, []]));
  let unknown = 0;
  let sent = 0;
  let stopped = false;
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (!stopped && sent < LOAD_MAX) {
      const accountId = accountIds[sent++ % accountIds.length] ?? '';
      const input = { accountId, amount: 1, idempotencyKey: `load-${accountId}-${sent}` };
      const answer = await client
        .ask<{ deposit: { transaction: { id: string } } }>(DEPOSIT, { input })
        .catch(() => undefined);
      if (answer && !answer.errors) acknowledged.get(accountId)?.push(answer.data.deposit.transaction.id);
      else unknown += 1;
    }
  });
  return {
    count: () => [...acknowledged.values()].reduce((sum, ids) => sum + ids.length, 0),
    async stop() {
      stopped = true;
      await Promise.all(clients);
      return { acknowledged, unknown };
    },
  };
}

/** Every process below one, itself included. */
function tree(pid: number): number[] {
  const children = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(line => line.trim().split(/\s+/).map(Number));
  const below = (parent: number): number[] =>
    children.flatMap(([child, of]) => (of === parent && child ? [child, ...below(child)] : []));
  return [pid, ...below(pid)];
}

type Ledger = {
  account: {
    balance: { amount: number; version: number };
    ledger: {
      nodes: { version: number; balance: number; eventId: string }[];
      pageInfo: { hasNextPage: boolean; endCursor: string };
    };
  };
};

async function ledgerOf(client: Client, id: string) {
  const rows: Ledger['account']['ledger']['nodes'] = [];
  let balance = { amount: -1, version: -1 };
  for (let after: string | null = null; ; ) {
    const { account }: Ledger = await client.get<Ledger>(
      'query ($id: ID!, $after: String) { account(id: $id) { balance { amount version } ledger(first: 100, after: $after) { nodes { version balance eventId } pageInfo { hasNextPage endCursor } } } }',
      { id, after },
    );
    rows.push(...account.ledger.nodes);
    balance = account.balance;
    if (!account.ledger.pageInfo.hasNextPage) return { rows, balance };
    after = account.ledger.pageInfo.endCursor;
  }
}

async function nothingIsMissing(system: System, acknowledged: Map<string, string[]>, unknown: number): Promise<void> {
  const alice = await clientOf(system.url, 'alice');
  const olga = await clientOf(system.url, 'olga', ['operator']);
  // What was stored without an answer may still be on its way when all that was acknowledged has arrived.
  const operator = await operatorClient(system.url, AUTH_SECRET);
  expect((await settled(operator, 60_000)).waiting).toEqual([]);
  const inLake = async (id: string) => {
    const query = `{ events(filter: { subject: "${id}", types: ["deposited"] }) { totalCount } }`;
    return (await olga.get<{ events: { totalCount: number } }>(query)).events.totalCount;
  };
  let extra = 0;
  for (const [id, ids] of acknowledged) {
    const { rows } = await eventually(
      async () => ({ ...(await ledgerOf(alice, id)), stored: await inLake(id) }),
      ({ rows, balance, stored }) =>
        rows.length >= ids.length && balance.version === rows.length && stored === rows.length,
    );
    const inLedger = new Set(rows.map(({ eventId }) => eventId));
    expect(ids.filter(eventId => !inLedger.has(eventId))).toEqual([]);
    expect(inLedger.size).toBe(rows.length);
    expect(rows.map(({ version, balance }) => [version, balance])).toEqual(
      rows.map((_, index) => [rows.length - index, rows.length - index]),
    );
    extra += rows.length - ids.length;
  }
  // What was stored without an answer is at most what was asked without one.
  expect(extra).toBeLessThanOrEqual(unknown);
  expect(await olga.get('{ verifyLake { valid } faults { nodes { id } } }')).toEqual({
    verifyLake: { valid: true },
    faults: { nodes: [] },
  });
}

async function underLoad(end: (system: System) => Promise<void>): Promise<void> {
  const dataDir = newFolder();
  const port = await freePort();
  const first = await startSystem(dataDir, port);
  const alice = await clientOf(first.url, 'alice');
  const accountIds = await Promise.all(Array.from({ length: 5 }, (_, index) => openAccount(alice, `Load ${index}`)));
  const running = load(alice, accountIds);
  await eventually(
    async () => running.count(),
    count => count >= 300,
  );
  await end(first);
  const { acknowledged, unknown } = await running.stop();
  const second = await startSystem(dataDir, port);
  await nothingIsMissing(second, acknowledged, unknown);
  second.kill('SIGTERM');
  expect(await second.exited).toBe(0);
}

describe('nothing that was acknowledged is missing', () => {
  it('after SIGTERM under load, which ends with exit code 0 within 10 s', async () => {
    await underLoad(async system => {
      const startedMs = Date.now();
      system.kill('SIGTERM');
      expect(await system.exited).toBe(0);
      expect(Date.now() - startedMs).toBeLessThan(10_000);
    });
  });

  it('after kill -9 of the whole process tree under load', async () => {
    await underLoad(async system => {
      for (const pid of tree(system.pid)) process.kill(pid, 'SIGKILL');
      await system.exited;
    });
  });

  it('after kill -9 of one of the servers under load, which comes back by itself', async () => {
    const dataDir = newFolder();
    const system = await startSystem(dataDir);
    const alice = await clientOf(system.url, 'alice');
    const accountIds = [await openAccount(alice), await openAccount(alice)];
    const running = load(alice, accountIds);
    const servers = tree(system.pid).slice(1);
    // MongoDB is not ours to kill when it was given by URL.
    expect(servers.length).toBeGreaterThan(0);
    for (const pid of servers) {
      const before = running.count();
      await eventually(
        async () => running.count(),
        count => count >= before + 200,
      );
      process.kill(pid, 'SIGKILL');
    }
    const before = running.count();
    await eventually(
      async () => running.count(),
      count => count >= before + 200,
    );
    const { acknowledged, unknown } = await running.stop();
    await nothingIsMissing(system, acknowledged, unknown);
    system.kill('SIGTERM');
    expect(await system.exited).toBe(0);
  });

  it('and a second start on the same folder is refused with one clear line', async () => {
    const dataDir = newFolder();
    await startSystem(dataDir);
    const error = await startSystem(dataDir).catch((refused: Error) => refused);
    expect(error).toBeInstanceOf(Error);
    const lines = String((error as Error).message)
      .split('\n')
      .slice(1)
      .filter(Boolean);
    expect(lines).toEqual([expect.stringContaining(`${dataDir} is in use`)]);
  });
});
