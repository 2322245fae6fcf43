/**
 * `npm run bench:hive`: does another gateway work over the services as they are? Hive Gateway, in front of the real
 * processes and by the very supergraph that Tributary's own gateway plans by.
 */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { freePort } from '../embedded/port.ts';
import { supergraphFile } from '../scripts/compose.ts';
import { startHive } from './hive-process.ts';
import { startServices } from './services.ts';
import { SECRET, tokenOf } from './token.ts';

type Result = { data?: Record<string, unknown> | null; errors?: readonly { message: string }[] };
type Answer = Result & { status: number };
type Ask = (token: string | undefined, query: string, variables?: Record<string, unknown>) => Promise<Answer>;
type Check = { title: string; run(): Promise<void> };

const EVENTUALLY_MS = 15_000;

const OPEN =
  'mutation ($key: String) { openAccount(input: { name: "Everyday", idempotencyKey: $key }) { account { id } } }';
const DEPOSIT = 'mutation ($input: TransactionInput!) { deposit(input: $input) { transaction { id amount } } }';
const LOOK = `query ($id: ID!, $after: ID) { account(id: $id) {
  name balance(after: $after) { amount version }
  ledger { nodes { version amount balance } }
  statistics(interval: ALL) { deposits deposited }
} }`;
const EVENTS = 'query ($id: ID!) { events(filter: { subject: $id }) { totalCount } }';
const WATCH = `subscription ($id: ID!) { balanceChanged(accountId: $id) {
  id balance { amount version }
  ledger(first: 1) { nodes { version balance eventType } }
  statistics(interval: ALL) { deposits }
} }`;

const askOf =
  (url: string): Ask =>
  async (token, query, variables) => {
    const authorization = token && { authorization: `Bearer ${token}` };
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...authorization },
      body: JSON.stringify({ query, variables }),
    });
    return { status: response.status, ...((await response.json()) as object) };
  };

const socketOf = (url: string, token: string): Client =>
  createClient({
    url: url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${token}` },
    retryAttempts: 0,
  });

/** Asks until the answer is as it has to become. @throws the last difference when it does not. */
async function eventually(look: () => Promise<void>): Promise<void> {
  for (const endMs = performance.now() + EVENTUALLY_MS; ; await delay(50)) {
    try {
      return await look();
    } catch (error) {
      if (performance.now() > endMs) throw error;
    }
  }
}

function get<Data>({ data, errors }: Result): Data {
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data as Data;
}

/** What is tried, in this order: each builds upon the one before. */
async function checksOf(url: string): Promise<Check[]> {
  const ask = askOf(url);
  const [alice, bob, olga] = [await tokenOf('alice'), await tokenOf('bob'), await tokenOf('olga', ['operator'])];
  let id = '';
  const deposit = async (amount: number): Promise<string> => {
    const answer = await ask(alice, DEPOSIT, { input: { accountId: id, amount } });
    return get<{ deposit: { transaction: { id: string } } }>(answer).deposit.transaction.id;
  };

  return [
    {
      title: 'a caller without a good token is refused',
      async run() {
        for (const token of [undefined, `${alice}x`]) {
          const { data, errors, status } = await ask(token, LOOK, { id: 'any' });
          assert.deepEqual([data ?? null, errors?.length, status], [null, 1, 401]);
        }
      },
    },
    {
      title: 'a mutation opens an account, and the same key gives the same one',
      async run() {
        const open = async () =>
          get<{ openAccount: { account: { id: string } } }>(await ask(alice, OPEN, { key: 'first' })).openAccount;
        const { account } = await open();
        id = account.id;
        assert.equal((await open()).account.id, id);
      },
    },
    {
      title: 'a query of three services: account, balance (with @requires) and reporting',
      async run() {
        const after = await deposit(100);
        await eventually(async () => {
          assert.deepEqual(get(await ask(alice, LOOK, { id, after })), {
            account: {
              name: 'Everyday',
              balance: { amount: 100, version: 1 },
              ledger: { nodes: [{ version: 1, amount: 100, balance: 100 }] },
              statistics: [{ deposits: 1, deposited: 100 }],
            },
          });
        });
      },
    },
    {
      title: 'each service hears who asks: an account is its owner’s, the lake is for operators',
      async run() {
        assert.deepEqual(get(await ask(bob, LOOK, { id })), { account: null });
        assert.equal((await ask(alice, EVENTS, { id })).errors?.length, 1);
        await eventually(async () => {
          const { events } = get<{ events: { totalCount: number } }>(await ask(olga, EVENTS, { id }));
          assert.equal(events.totalCount, 3);
        });
      },
    },
    { title: 'a live subscription, with fields of two other services', run: () => watch() },
    {
      title: 'a subscription to another owner’s account is refused, on the same connections',
      async run() {
        const socket = socketOf(url, bob);
        const [first] = await take(socket, 1);
        await socket.dispose();
        assert.equal(first?.errors?.length, 1);
      },
    },
  ];

  async function take(socket: Client, count: number, each?: (n: number) => Promise<unknown>) {
    const seen: Result[] = [];
    const timer = setTimeout(() => socket.terminate(), EVENTUALLY_MS);
    try {
      for await (const { data, errors } of socket.iterate({ query: WATCH, variables: { id } })) {
        seen.push({ ...(data && { data }), ...(errors && { errors }) });
        if (seen.length === count) break;
        await each?.(seen.length);
      }
    } catch (error) {
      // graphql-ws rejects with the errors of a subscription that could not start.
      if (!Array.isArray(error)) throw error;
      seen.push({ errors: error });
    } finally {
      clearTimeout(timer);
    }
    return seen;
  }

  async function watch(): Promise<void> {
    const socket = socketOf(url, alice);
    const seen = await take(socket, 3, () => deposit(50));
    await socket.dispose();
    const changes = seen.map(answer => get<{ balanceChanged: Watched }>(answer).balanceChanged);
    assert.deepEqual(
      changes.map(({ balance }) => balance),
      [1, 2, 3].map(version => ({ amount: 50 + 50 * version, version })),
    );
    // The other services may be a step ahead, or one behind.
    for (const { ledger, statistics } of changes) {
      assert.equal(ledger.nodes[0]?.eventType, 'deposited');
      assert.ok((statistics[0]?.deposits ?? 0) >= 1);
    }
  }
}

type Watched = {
  balance: { amount: number; version: number };
  ledger: { nodes: { eventType: string }[] };
  statistics: { deposits: number }[];
};

async function main(): Promise<void> {
  const services = await startServices();
  const port = await freePort();
  try {
    const hive = await startHive({
      name: 'hive',
      port,
      supergraphFile: fileURLToPath(supergraphFile),
      config: 'services.config.mjs',
      env: { AUTH_SECRET: SECRET, SERVICE_URLS: JSON.stringify(services.urls) },
    });
    for (const { title, run } of await checksOf(`http://127.0.0.1:${port}/graphql`)) {
      try {
        await run();
        console.log(`ok      ${title}`);
      } catch (error) {
        console.log(`FAILED  ${title}\n${error instanceof Error ? error.message : JSON.stringify(error)}`);
        process.exitCode = 1;
      }
    }
    if (process.exitCode) console.log(`\nHive Gateway printed:\n${hive.output()}`);
    await hive.stop();
  } finally {
    await services.stop();
  }
  console.log(
    process.exitCode ? '\nHive Gateway does not work over it.' : '\nHive Gateway works over the services as they are.',
  );
}

await main();
