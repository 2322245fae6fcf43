import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { clientError } from '../../schema/errors.ts';
import { connect, metric, post, recordingLog, startGateway, tokenOf } from '../fixture.ts';
import type { GatewayOptions } from '../index.ts';
import { until } from '../subscriptions/topic.ts';

const PROTOCOL = 'graphql-transport-ws';
const SUBSCRIPTION = 'subscription S($id: ID!) { balanceChanged(accountId: $id) { id balance { version } } }';

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map(stop => stop()));
});

async function start(options: Partial<GatewayOptions> = {}) {
  const started = await startGateway(options);
  stops.push(started.gateway.stop);
  const url = `${started.gateway.url.replace('http', 'ws')}/graphql`;
  return { ...started, url };
}

/** One gateway for the cases of which none disturbs another. */
let shared: ReturnType<typeof start> | undefined;
const sharedGateway = () => {
  shared ??= startGateway().then(started => ({
    ...started,
    url: `${started.gateway.url.replace('http', 'ws')}/graphql`,
  }));
  return shared;
};
afterAll(async () => (await shared)?.gateway.stop());

type Message = { type: string; id?: string; payload?: unknown };

/** A socket on which the test speaks the protocol itself. */
async function open(url: string, params?: unknown, headers: Record<string, string> = {}) {
  const socket = new WebSocket(url, PROTOCOL, { headers });
  const messages: Message[] = [];
  socket.on('message', data => messages.push(JSON.parse(String(data))));
  const closed = once(socket, 'close').then(([code]) => Number(code));
  const send = (message: unknown) => socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  await once(socket, 'open');
  send({ type: 'connection_init', payload: params });
  return { socket, messages, closed, send };
}

const authorized = async (sub = 'alice', expiresIn = '1h') => ({
  authorization: `Bearer ${await tokenOf(sub, expiresIn)}`,
});
const subscribe = (id: string, query = SUBSCRIPTION, variables: unknown = { id: 'a' }) => ({
  type: 'subscribe',
  id,
  payload: { query, variables },
});

/** An authorized socket that was acknowledged. */
async function ready(url: string, sub?: string) {
  const opened = await open(url, await authorized(sub));
  await until(() => opened.messages.length > 0);
  expect(opened.messages.shift()).toEqual({ type: 'connection_ack' });
  return opened;
}

test.each<[string, () => Promise<unknown>]>([
  ['missing', async () => undefined],
  ['not a string', async () => ({ authorization: 1 })],
  ['bad', async () => ({ authorization: 'Bearer abc' })],
  ['expired', async () => authorized('alice', '-1s')],
])('a token that is %s closes the socket with 4403', async (_, params) => {
  const { url } = await sharedGateway();
  const { closed, messages } = await open(url, await params());
  expect(await closed).toBe(4403);
  expect(messages).toEqual([]);
});

test('when the token expires the socket closes with 4403 and its subscriptions are left', async () => {
  // Long enough for what comes before it on a busy machine.
  const tokens = async () => ({
    identity: { ownerId: 'alice', operator: false },
    expiresAtMs: Date.now() + 4_000,
  });
  const { url, balances } = await start({ tokens });
  const { closed, send, messages } = await open(url, await authorized());
  await until(() => messages.length === 1);
  send(subscribe('1'));
  await until(() => balances.readers.size === 1);
  expect(await closed).toBe(4403);
  await until(() => balances.readers.size === 0);
});

test('keys that cannot be fetched close it with 1013: try again later', async () => {
  const { url } = await start({ tokens: () => Promise.reject(clientError('UNAVAILABLE', 'later')) });
  expect(await (await open(url, await authorized())).closed).toBe(1013);
});

test('what breaks the protocol is closed with its own codes', async () => {
  const { url } = await start();
  const early = await open(url, await authorized());
  early.send({ type: 'connection_init' });
  expect(await early.closed).toBe(4429);
  const garbled = await ready(url);
  garbled.send('{');
  expect(await garbled.closed).toBe(4400);
  const twice = await ready(url);
  twice.send(subscribe('1'));
  twice.send(subscribe('1'));
  expect(await twice.closed).toBe(4409);
  const huge = await ready(url);
  huge.send('x'.repeat(17_000));
  expect(await huge.closed).toBe(1009);
});

test('a socket that never says who it is, is closed with 4408; one that asks first, with 4401', async () => {
  const { url } = await start();
  const silent = new WebSocket(url, PROTOCOL);
  const hasty = new WebSocket(url, PROTOCOL);
  hasty.once('open', () => hasty.send(JSON.stringify(subscribe('1'))));
  expect((await once(hasty, 'close'))[0]).toBe(4401);
  expect((await once(silent, 'close'))[0]).toBe(4408);
});

test.each<[string, string, Record<string, string>]>([
  ['another path', '/other', {}],
  ['another origin', '/graphql', { origin: 'https://evil.example' }],
  ['a hidden origin', '/graphql', { origin: 'null' }],
])('%s cannot open a socket', async (_, path, headers) => {
  const { gateway } = await sharedGateway();
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}${path}`, PROTOCOL, { headers });
  const [error] = await once(socket, 'error');
  expect(error.message).toMatch(/Unexpected server response: (404|403)/);
});

test("the gateway's own pages can", async () => {
  const { url, gateway } = await start();
  const { messages } = await open(url, await authorized(), { origin: gateway.url });
  await until(() => messages.length === 1);
});

test('one identity has so many sockets; one more is closed with 4429, and a closed one makes room', async () => {
  const { url } = await start({ limits: { connections: 2, subscriptions: 5 } });
  const first = await ready(url);
  await ready(url);
  expect(await (await open(url, await authorized())).closed).toBe(4429);
  await ready(url, 'bob');
  first.socket.close();
  await first.closed;
  await ready(url);
});

test('one socket has so many subscriptions; one more is an error, and a completed one makes room', async () => {
  const { url, balances, gateway } = await start({ limits: { connections: 2, subscriptions: 2 } });
  const { send, messages } = await ready(url);
  send(subscribe('1', SUBSCRIPTION, { id: 'a' }));
  send(subscribe('2', SUBSCRIPTION, { id: 'b' }));
  await until(() => messages.length === 2);
  send(subscribe('3', SUBSCRIPTION, { id: 'c' }));
  await until(() => messages.length === 3);
  expect(messages[2]).toMatchObject({
    type: 'error',
    id: '3',
    payload: [{ extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } }],
  });
  send(subscribe('query', '{ account(id: "a") { id } }', {}));
  await until(() => messages.some(({ id, type }) => id === 'query' && type === 'complete'));
  send({ type: 'complete', id: '1' });
  await until(() => balances.readers.size === 1);
  send(subscribe('4', SUBSCRIPTION, { id: 'd' }));
  await until(() => balances.readers.size === 2);
  expect(await (await fetch(`${gateway.url}/metrics`)).text()).toMatch(/gateway_subscriptions 2\n/);
});

test('queries and mutations run over a socket as they do over HTTP', async () => {
  const { url } = await start();
  const { send, messages } = await ready(url);
  send(subscribe('1', '{ account(id: "a") { id ledger { nodes { eventId } } } }', undefined));
  await until(() => messages.length === 2);
  expect(messages).toEqual([
    { type: 'next', id: '1', payload: { data: { account: { id: 'a', ledger: { nodes: [{ eventId: 'a/alice' }] } } } } },
    { type: 'complete', id: '1' },
  ]);
});

test.each<[string, string, string]>([
  ['{ account(', 'error', 'GRAPHQL_PARSE_FAILED'],
  ['{ nonsense }', 'error', 'GRAPHQL_VALIDATION_FAILED'],
  ['{ __schema { types { name } } }', 'error', 'GRAPHQL_VALIDATION_FAILED'],
  ['subscription { balanceChanged(accountId: "a") { nonsense } }', 'error', 'GRAPHQL_VALIDATION_FAILED'],
  [
    'subscription($s: Boolean!) { balanceChanged(accountId: "a") @skip(if: $s) { id } }',
    'error',
    'GRAPHQL_VALIDATION_FAILED',
  ],
  ['query A { __typename } query B { __typename }', 'error', 'OPERATION_RESOLUTION_FAILURE'],
  ['subscription($id: ID!) { balanceChanged(accountId: $id) { id } }', 'next', 'BAD_USER_INPUT'],
  ['subscription { balanceChanged(accountId: "a") @skip(if: true) { id } }', 'next', 'BAD_USER_INPUT'],
  ['subscription { balanceChanged(accountId: "denied") { id } }', 'next', 'FORBIDDEN'],
  ['{ account(id: "boom") { id } }', 'next', 'INTERNAL_SERVER_ERROR'],
  ['mutation { withdraw(input: { accountId: "a", amount: 1 }) { transaction { id } } }', 'next', 'INSUFFICIENT_FUNDS'],
])('%s: %s, %s, which is counted, and the socket goes on', async (query, type, code) => {
  const { url } = await sharedGateway();
  const told = async () =>
    Number(
      new RegExp(`^gateway_errors_total\\{code="${code}"\\} (\\d+)$`, 'm').exec(
        await (await fetch(new URL('/metrics', url.replace('ws:', 'http:')))).text(),
      )?.[1] ?? 0,
    );
  const before = await told();
  const { send, messages, socket } = await ready(url);
  send(subscribe('1', query, {}));
  await until(() => messages.length > 0);
  const payload = messages[0]?.payload as { errors: unknown[] } | unknown[];
  const errors = Array.isArray(payload) ? payload : payload.errors;
  const [error] = errors;
  expect(messages[0]?.type).toBe(type);
  expect(error).toMatchObject({ extensions: { code } });
  expect(JSON.stringify(messages)).not.toMatch(/secret|10\.0\.0|Did you mean/);
  expect(await told()).toBe(before + errors.length);
  expect(socket.readyState).toBe(WebSocket.OPEN);
  socket.close();
});

test('every operation on a socket is one log line without the token', async () => {
  const { url, lines } = await start();
  const { send, messages } = await ready(url);
  send(subscribe('1', 'query Q { __typename }', undefined));
  await until(() => messages.length === 2);
  send(subscribe('2'));
  await until(() => messages.length === 3);
  const requests = lines.filter(line => line.includes('"msg":"request"')).map(line => JSON.parse(line));
  expect(requests).toMatchObject([
    { transport: 'ws', kind: 'query', operationName: 'Q', status: 'ok', ownerId: 'alice' },
    { transport: 'ws', kind: 'subscription', operationName: 'S', status: 'ok', ownerId: 'alice' },
  ]);
  expect(lines.join()).not.toMatch(/Bearer|eyJ/);
});

test('stop: what runs is finished over HTTP and sockets, new work refused, sockets closed with 1001', async () => {
  const { gateway, control, url, balances } = await start();
  const { send, messages, closed } = await ready(url);
  send(subscribe('stream'));
  await until(() => balances.readers.size === 1);
  let finish: () => void = () => undefined;
  control.until = new Promise(resolve => {
    finish = resolve;
  });
  const slow = post(gateway, { query: '{ account(id: "a") { id } }' });
  send(subscribe('slow', '{ account(id: "a") { id } }', {}));
  await until(() => control.accountsAsked === 2);
  const stopped = gateway.stop();
  send(subscribe('late', '{ account(id: "a") { id } }', {}));
  await until(() => messages.some(({ id }) => id === 'late'));
  await expect(post(gateway, { query: '{ __typename }' })).rejects.toThrow('fetch failed');
  finish();
  expect((await slow).json.data).toEqual({ account: { id: 'a' } });
  expect(await closed).toBe(1001);
  expect(await Promise.race([stopped, delay(3_000, 'still stopping')])).toBeUndefined();
  expect(messages).toContainEqual({ type: 'next', id: 'slow', payload: { data: { account: { id: 'a' } } } });
  expect(messages.find(({ id }) => id === 'late')).toMatchObject({
    payload: [{ extensions: { code: 'UNAVAILABLE' } }],
  });
  expect(balances.readers.size).toBe(0);
});

test('a client that does not answer the closing does not keep the gateway from stopping', async () => {
  const { gateway } = await startGateway({ log: recordingLog().log });
  const { socket } = await ready(`${gateway.url.replace('http', 'ws')}/graphql`);
  socket.pause();
  expect(await Promise.race([gateway.stop(), delay(5_000, 'still stopping')])).toBeUndefined();
  socket.terminate();
});

test('a client of graphql-ws that dies leaves nothing behind', async () => {
  const { gateway, balances } = await start();
  const client = connect(gateway, await tokenOf('alice'));
  const stream = client.iterate({ query: SUBSCRIPTION, variables: { id: 'a' } });
  await stream.next();
  client.terminate();
  await until(() => balances.readers.size === 0);
});

test('an id that is used again before its stream has ended leaves nothing behind either', async () => {
  const { url, balances, gateway } = await start();
  for (let round = 0; round < 5; round++) {
    const { socket, send, messages } = await ready(url);
    send(subscribe('1'));
    await until(() => messages.length === 1);
    send({ type: 'complete', id: '1' });
    send(subscribe('1'));
    await new Promise(resolve => setTimeout(resolve, 50));
    socket.terminate();
  }
  await until(() => balances.readers.size === 0);
  await until(async () => (await metric(gateway, 'gateway_subscriptions')) === 0);
});

test('a client that does not read costs a bounded number of results, and gets the newest when it reads again', async () => {
  const { url, balances, accountOf, gateway } = await start();
  const { socket, send, messages } = await ready(url);
  send(subscribe('1', 'subscription { balanceChanged(accountId: "a") { name balance { version } } }', {}));
  await until(() => messages.length === 1);
  socket.pause();
  const name = 'x'.repeat(100_000);
  for (let version = 2; version <= 1_000; version++) {
    balances.publish({ balanceChanged: { ...accountOf('a', 'alice', version), name } });
    if (version % 50 === 0) await new Promise(resolve => setTimeout(resolve, 2));
  }
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
  expect(Number(/gateway_subscription_results_total (\d+)/.exec(metrics)?.[1])).toBeLessThan(500);
  socket.resume();
  await until(() => JSON.stringify(messages.at(-1)).includes('"balance":{"version":1000}'));
});

test('a socket that stands still is cut off; one that answers stays, however little it says', async () => {
  const { url, balances } = await start({ heartbeat: { everyMs: 100, unanswered: 3 } });
  const [stalled, silent] = [await ready(url), await ready(url, 'bob')];
  stalled.send(subscribe('1'));
  await until(() => balances.readers.size === 1);
  stalled.socket.pause();
  const sinceMs = performance.now();
  await until(() => balances.readers.size === 0);
  expect(performance.now() - sinceMs).toBeGreaterThan(200);
  expect(silent.socket.readyState).toBe(WebSocket.OPEN);
  stalled.socket.terminate();
});

test('a slow client does not delay another of the same subscription', async () => {
  const { url, balances, accountOf } = await start();
  const query = 'subscription { balanceChanged(accountId: "a") { name balance { version } } }';
  const [slow, quick] = [await ready(url), await ready(url)];
  for (const { send, messages } of [slow, quick]) {
    send(subscribe('1', query, {}));
    await until(() => messages.length === 1);
  }
  expect(balances.readers.size).toBe(1);
  slow.socket.pause();
  const name = 'x'.repeat(100_000);
  for (let version = 2; version <= 300; version++) {
    balances.publish({ balanceChanged: { ...accountOf('a', 'alice', version), name } });
    await until(() => JSON.stringify(quick.messages.at(-1)).includes(`"version":${version}}`));
  }
  expect(slow.messages).toHaveLength(1);
  slow.socket.resume();
  await until(() => JSON.stringify(slow.messages.at(-1)).includes('"version":300}'));
  expect(slow.messages.length).toBeLessThan(200);
});
