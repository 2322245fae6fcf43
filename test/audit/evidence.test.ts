/** Reading evidence, from an API that is made up. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { accountsOf, type EvidenceClient, evidenceClient, settled } from '../evidence.ts';

const PAGE = 100;
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

// ---- accounts -----------------------------------------------------------------------------------------------------

type Variables = { id?: string; first?: number; after?: string | null };

/** A page of the numbers from 1 to `size`; a cursor is the last number that was shown. */
function page<Node>(size: number, after: string | null | undefined, nodeOf: (number: number) => Node) {
  const from = Number(after ?? 0);
  const nodes = Array.from({ length: Math.min(PAGE, size - from) }, (_, at) => nodeOf(from + at + 1));
  const endCursor = nodes.length > 0 ? String(from + nodes.length) : null;
  return { nodes, pageInfo: { hasNextPage: from + nodes.length < size, endCursor } };
}

/** Accounts of so many transactions each, newest first; counts how many are being read. */
function bank(accounts: number, size: number, fail: (id: string) => boolean = () => false) {
  const state = { started: 0, queries: 0 };
  const get = async (query: string, { id = '', after }: Variables = {}) => {
    state.queries += 1;
    await new Promise(resolve => setTimeout(resolve, 1));
    if (query.includes('AccountIds')) return { accounts: page(accounts, after, number => ({ id: `a${number}` })) };
    if (fail(id)) throw new Error(`no ${id}`);
    const newest = (number: number) => size + 1 - number;
    const events = page(2 * size, after, number => ({ id: `e${number}`, type: 'x', position: number, data: null }));
    if (query.includes('query Events')) return { events };
    if (query.includes('query Account')) state.started += 1;
    const transactions = page(size, after, number => ({
      ...{ id: `t${newest(number)}`, type: 'WITHDRAWAL', amount: 1, memo: null, status: 'PENDING' },
    }));
    const ledger = page(size, after, number => ({ version: newest(number), amount: -1, balance: 0, eventId: 'e' }));
    return {
      events,
      account: { ownerId: 'o', balance: { version: 0, amount: 0 }, statistics: [], transactions, ledger },
    };
  };
  // What is asked decides the type of the answer, which no stand-in can say.
  return { client: { get } as unknown as EvidenceClient, state };
}

test('all pages of an account are read, and put oldest first', async () => {
  const { client, state } = bank(1, 250);
  let events = 0;
  const onEvents = (count: number) => {
    events += count;
  };
  for await (const account of accountsOf(client, { onEvents })) {
    const upTo = (size: number) => Array.from({ length: size }, (_, at) => at + 1);
    expect(account.ledger.map(({ version }) => version)).toEqual(upTo(250));
    expect(account.transactions.map(({ id }) => id)).toEqual(upTo(250).map(number => `t${number}`));
    expect(account.lake.map(({ position }) => position)).toEqual(upTo(500));
    expect(account.transactions[0]).toMatchObject({ type: 'withdrawn', settled: false });
    expect(account.lake[0]?.data).toEqual({});
    expect(account.statistics).toMatchObject({ accounts: 0, deposits: 0, largestMinor: 0 });
  }
  expect(events).toBe(500);
  // The accounts; the first page of everything; then two more, two more and four more.
  expect(state.queries).toBe(1 + 1 + 2 + 2 + 4);
});

test('accounts come in their order, and no more than a few are read ahead', async () => {
  const { client, state } = bank(150, 1);
  const ids: string[] = [];
  for await (const { id } of accountsOf(client, { inFlight: 3 })) {
    ids.push(id);
    expect(state.started).toBeLessThanOrEqual(ids.length + 2);
  }
  expect(ids).toEqual(Array.from({ length: 150 }, (_, at) => `a${at + 1}`));
});

test('an account that cannot be read ends it', async () => {
  const { client } = bank(9, 1, id => id === 'a3' || id === 'a4');
  const read = async () => {
    const ids: string[] = [];
    for await (const { id } of accountsOf(client)) ids.push(id);
    return ids;
  };
  await expect(read()).rejects.toThrow('no a3');
});

// ---- rest ---------------------------------------------------------------------------------------------------------

type Seen = { lag?: number; pending?: number; events?: number; state?: string; away?: boolean };

/** A system that looks so, one look after another; the last one stays. */
function looking(...looks: [Seen, ...Seen[]]) {
  let at = -1;
  const now = (): Seen => looks[Math.min(Math.max(at, 0), looks.length - 1)] ?? looks[0];
  const client = {
    async parts() {
      at += 1;
      const { pending = 0, state = 'ok' } = now();
      return { redis: { state: 'ok' }, account: { state, outbox: { pending, oldestSeconds: pending } } };
    },
    async once() {
      const { lag = 0, events = 5, away } = now();
      if (away) throw new Error('away');
      return { services: [{ name: 'lake', lagEvents: lag, lagSeconds: lag }], events: { totalCount: events } };
    },
  };
  return { client: client as unknown as EvidenceClient, looks: () => at + 1 };
}

test('at rest is who is so at two looks', async () => {
  const { client, looks } = looking({});
  expect(await settled(client, 5_000)).toEqual({ waiting: [], events: 5 });
  expect(looks()).toBe(2);
});

test.each<[string, Seen]>([
  ['a queue', { lag: 1 }],
  ['an outbox', { pending: 1 }],
  ['the lake grows', { events: 4 }],
  ['a part is not well', { state: 'down' }],
  ['out of reach', { away: true }],
])('it waits for two more looks: %s', async (_, seen) => {
  const { client, looks } = looking({}, seen, {});
  expect(await settled(client, 5_000)).toEqual({ waiting: [], events: 5 });
  expect(looks()).toBe(4);
});

test.each<[Seen, string, number]>([
  [{ lag: 3 }, '3 in the queue of lake, the oldest for 3 s', 3],
  [{ pending: 7 }, '7 in the outbox of account, the oldest for 7 s', 7],
  [{ state: 'degraded' }, 'account is degraded', 0],
  [{ away: true }, 'away', 0],
])('says what waits when time is up: %j', async (seen, what, oldestSeconds) => {
  expect((await settled(looking(seen).client, 10)).waiting).toEqual([{ what, oldestSeconds }]);
});

test('a lake that grows without end is not at rest', async () => {
  const { client } = looking({ events: 1 }, { events: 2 });
  expect((await settled(client, 0)).waiting).toEqual([{ what: 'events keep coming', oldestSeconds: 0 }]);
});

// ---- client -------------------------------------------------------------------------------------------------------

async function served(listener: RequestListener, patienceMs = 5_000): Promise<EvidenceClient> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return evidenceClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: 't', patienceMs });
}

const refusal = (code: string) => JSON.stringify({ errors: [{ message: 'no', extensions: { code } }] });

test('out of reach is tried again, another error is not', async () => {
  let asked = 0;
  const client = await served((request, response) => {
    asked += 1;
    expect(request.headers.authorization).toBe('Bearer t');
    if (asked === 1) return request.socket.destroy();
    if (asked === 2) return response.writeHead(429).end(refusal('RATE_LIMITED'));
    response.end(asked === 3 ? '{"data":{"a":1}}' : refusal('INTERNAL_SERVER_ERROR'));
  });
  expect(await client.get('{ a }')).toEqual({ a: 1 });
  await expect(client.get('{ a }')).rejects.toMatchObject({ name: 'Refused', code: 'INTERNAL_SERVER_ERROR' });
  expect(asked).toBe(4);
});

test('patience ends, and what is sent once is sent once', async () => {
  let asked = 0;
  const client = await served((_, response) => {
    asked += 1;
    response.writeHead(503).end();
  }, 120);
  await expect(client.once('{ a }')).rejects.toMatchObject({ name: 'OutOfReach' });
  expect(asked).toBe(1);
  await expect(client.get('{ a }')).rejects.toMatchObject({ name: 'OutOfReach' });
  expect(asked).toBeGreaterThan(2);
  await expect(client.parts()).rejects.toMatchObject({ name: 'OutOfReach' });
});
