import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { fakes, identities, metric, recordingLog, startGateway, tokenOf } from './fixture.ts';
import { remoteSubgraph } from './services/remote.ts';
import { serveSubgraph } from './services/subgraph.ts';
import { until } from './subscriptions/topic.ts';

const ROUNDS = 10;
const SOCKETS = 20;
const SUBSCRIPTIONS = 50;
const GROWTH_BYTES_MAX = 4_000_000;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const { log } = recordingLog();
const services = fakes(log);
const stops: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** How the client goes: by the protocol, by closing the socket, by dying. */
const ENDINGS: ((socket: WebSocket) => void)[] = [
  socket => {
    for (let id = 0; id < SUBSCRIPTIONS; id++) socket.send(JSON.stringify({ type: 'complete', id: String(id) }));
    socket.close();
  },
  socket => socket.close(),
  socket => socket.terminate(),
];

const QUERY = `subscription($id: ID!) {
  balanceChanged(accountId: $id) { balance { version } ledger { nodes { eventId } } }
}`;

/** One socket with all the subscriptions it may have, each of which has its first result. */
async function subscriber(url: string, token: string, number: number): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  let results = 0;
  socket.on('message', data => {
    if (String(data).includes('"type":"next"')) results++;
  });
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
  await once(socket, 'message');
  for (let id = 0; id < SUBSCRIPTIONS; id++) {
    // Half of them share a stream with those of other sockets.
    const account = id % 2 === 0 ? `shared ${id}` : `${number} ${id}`;
    socket.send(
      JSON.stringify({ type: 'subscribe', id: String(id), payload: { query: QUERY, variables: { id: account } } }),
    );
  }
  await until(() => results === SUBSCRIPTIONS);
  return socket;
}

test('10,000 subscriptions that ended in every way have left nothing behind', async () => {
  const served = await serveSubgraph({
    ...{ identities, log },
    subgraph: services.account,
    health: async () => ({}),
    host: '127.0.0.1',
    port: 0,
  });
  stops.push(served.stop);
  const remote = remoteSubgraph({ name: 'account', url: `${served.url}/graphql`, identities, log });
  stops.push(remote.stop);
  const { gateway, lines } = await startGateway({ subgraphs: { ...services.subgraphs, account: remote } });
  stops.push(gateway.stop);
  const tokens = await Promise.all(['alice', 'bob'].map(sub => tokenOf(sub)));

  async function round(): Promise<void> {
    const sockets = await Promise.all(
      Array.from({ length: SOCKETS }, (_, n) => subscriber(gateway.url, tokens[n % 2] ?? '', n)),
    );
    expect(await metric(gateway, 'gateway_subscriptions')).toBe(SOCKETS * SUBSCRIPTIONS);
    const shared = (SUBSCRIPTIONS / 2) * tokens.length;
    expect(await metric(gateway, 'gateway_upstreams')).toBe(shared + (SOCKETS * SUBSCRIPTIONS) / 2);
    expect(services.balances.readers.size).toBe(shared + (SOCKETS * SUBSCRIPTIONS) / 2);
    for (const [n, socket] of sockets.entries()) ENDINGS[n % ENDINGS.length]?.(socket);
    await until(() => services.balances.readers.size === 0);
    await until(async () => (await metric(gateway, 'gateway_sockets')) === 0);
    lines.length = 0;
  }

  async function held() {
    // What was closed a moment ago ends its timers with the next turns of the loop.
    await new Promise(resolve => setTimeout(resolve, 100));
    collectGarbage();
    const timers = process.getActiveResourcesInfo().filter(kind => kind === 'Timeout').length;
    return { timers, heapBytes: process.memoryUsage().heapUsed };
  }

  await round();
  await round();
  const before = await held();
  for (let n = 0; n < ROUNDS; n++) await round();
  const after = await held();
  expect(await metric(gateway, 'gateway_subscriptions')).toBe(0);
  expect(await metric(gateway, 'gateway_upstreams')).toBe(0);
  expect(after.timers).toBeLessThanOrEqual(before.timers + 2);
  expect(after.heapBytes - before.heapBytes).toBeLessThan(GROWTH_BYTES_MAX);
});
