import { once } from 'node:events';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { IDENTITY_HEADER, identityCodec } from '../../schema/identity.ts';
import { fakes, identities, recordingLog, tokenOf } from '../fixture.ts';
import { until } from '../subscriptions/topic.ts';
import { type ServedSubgraph, serveSubgraph } from './subgraph.ts';

const { log, lines } = recordingLog();
const services = fakes(log);
let served: ServedSubgraph;
let identity: string;
beforeAll(async () => {
  identity = await identities.sign({ ownerId: 'alice', operator: false });
  const health = async () => ({ mongodb: { state: 'down' as const } });
  served = await serveSubgraph({ identities, subgraph: services.account, health, host: '127.0.0.1', port: 0, log });
});
afterAll(() => served.stop());

async function post(body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${served.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', [IDENTITY_HEADER]: identity, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return {
    status: response.status,
    json: JSON.parse(await response.text()),
    type: response.headers.get('content-type'),
  };
}

const query = '{ account(id: "a") { ownerId } }';
const data = { account: { ownerId: 'alice' } };

test('whoever brings a signed identity is answered', async () => {
  expect(await post({ query })).toEqual({ status: 200, json: { data }, type: 'application/json; charset=utf-8' });
});

test('what a router asks for works: its accept header, and the service definition', async () => {
  const accept = 'application/graphql-response+json';
  expect((await post({ query }, { accept })).type).toBe('application/graphql-response+json; charset=utf-8');
  const { json } = await post({ query: '{ _service { sdl } }' });
  expect(json.data._service.sdl).toContain('type Account');
});

test.each<[string, number, unknown, Record<string, string>]>([
  ['no identity', 401, { query }, { [IDENTITY_HEADER]: '' }],
  ['a forged identity', 401, { query }, { [IDENTITY_HEADER]: 'abc' }],
  ['introspection without an identity', 401, { query: '{ _service { sdl } }' }, { [IDENTITY_HEADER]: 'abc' }],
  ['bad JSON', 400, '{', {}],
  ['no query', 400, {}, {}],
  ['another content type', 400, 'query', { 'content-type': 'text/plain' }],
  ['a subscription', 400, { query: 'subscription { balanceChanged(accountId: "a") { id } }' }, {}],
  ['a body too large', 413, { query, variables: { x: 'x'.repeat(4_000_001) } }, {}],
])('%s: HTTP %i, in JSON', async (_, status, body, headers) => {
  const response = await post(body, headers);
  expect(response.status).toBe(status);
  expect(response.json.errors).toHaveLength(1);
  expect(response.json.data).toBeUndefined();
});

test('health names the parts, metrics are there, and nothing else is', async () => {
  expect((await fetch(`${served.url}/health/live`)).status).toBe(200);
  const ready = await fetch(`${served.url}/health/ready`);
  expect([ready.status, await ready.json()]).toEqual([503, { status: 'down', parts: { mongodb: { state: 'down' } } }]);
  expect(await (await fetch(`${served.url}/metrics`)).text()).toMatch(
    /subgraph_request_duration_seconds_count\{subgraph="account",transport="http",status="200"\} \d+/,
  );
  expect((await fetch(`${served.url}/`)).status).toBe(404);
});

const subscribe = (options: {
  connectionParams?: Record<string, string>;
  extensions?: Record<string, string>;
  headers?: Record<string, string>;
}) => {
  class WithHeaders extends WebSocket {
    constructor(url: string, protocol: string) {
      super(url, protocol, { headers: options.headers ?? {} });
    }
  }
  const client = createClient({
    url: `${served.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WithHeaders,
    ...(options.connectionParams && { connectionParams: options.connectionParams }),
    retryAttempts: 0,
  });
  const query = 'subscription { balanceChanged(accountId: "a") { ownerId } }';
  return client.iterate({ query, extensions: options.extensions ?? null });
};

test.each(['extensions', 'connectionParams'])('a subscription finds its identity in the %s', async place => {
  const stream = subscribe({
    connectionParams: { [IDENTITY_HEADER]: await identities.signConnection() },
    [place]: { [IDENTITY_HEADER]: identity },
  });
  expect((await stream.next()).value).toEqual({ data: { balanceChanged: { ownerId: 'alice' } } });
  await stream.return?.(undefined);
  await until(() => services.balances.readers.size === 0);
});

test("a subscription's own identity comes before its connection's", async () => {
  const bob = await identities.sign({ ownerId: 'bob', operator: false });
  const stream = subscribe({
    connectionParams: { [IDENTITY_HEADER]: identity },
    extensions: { [IDENTITY_HEADER]: bob },
  });
  expect((await stream.next()).value).toEqual({ data: { balanceChanged: { ownerId: 'bob' } } });
  await stream.return?.(undefined);
});

test('or in the headers of its handshake', async () => {
  const stream = subscribe({ headers: { [IDENTITY_HEADER]: identity } });
  expect((await stream.next()).value).toEqual({ data: { balanceChanged: { ownerId: 'alice' } } });
  await stream.return?.(undefined);
});

test('a stream that breaks is an error that tells no more than an id', async () => {
  await until(() => services.balances.readers.size === 0);
  const stream = subscribe({ connectionParams: { [IDENTITY_HEADER]: identity } });
  await stream.next();
  services.balances.end(new Error('secret feed at 10.0.0.3'));
  const error = await stream.next().catch(reason => reason);
  expect(error).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
  expect(JSON.stringify(error)).not.toContain('secret');
  expect(lines.join()).toContain('secret feed');
});

test('stop: what runs is finished over HTTP and sockets, what is new refused, then the sockets close', async () => {
  const other = await serveSubgraph({
    identities,
    subgraph: services.account,
    health: async () => ({}),
    host: '127.0.0.1',
    port: 0,
    log,
  });
  const client = createClient({
    url: `${other.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: { [IDENTITY_HEADER]: identity },
  });
  const ask = async () =>
    (
      await client
        .iterate({ query })
        .next()
        .catch(reason => ({ value: reason }))
    ).value;
  expect(await ask()).toEqual({ data });
  let finish: () => void = () => undefined;
  services.control.until = new Promise(resolve => {
    finish = resolve;
  });
  const asked = services.control.accountsAsked;
  const slow = fetch(`${other.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', [IDENTITY_HEADER]: identity },
    body: JSON.stringify({ query }),
  });
  const slowToo = ask();
  await until(() => services.control.accountsAsked === asked + 2);
  const stopped = other.stop();
  expect(await ask()).toMatchObject([{ extensions: { code: 'UNAVAILABLE' } }]);
  finish();
  expect(await slowToo).toEqual({ data });
  expect(await (await slow).json()).toEqual({ data });
  await stopped;
  expect(await ask()).toMatchObject({ message: expect.stringContaining('ECONNREFUSED') });
});

test.each<[string, () => Promise<string> | string | undefined]>([
  ['nothing', () => undefined],
  ["a client's token", () => tokenOf('alice')],
  [
    'a forged identity',
    () => identityCodec('another secret that is long enough, too').sign({ ownerId: 'alice', operator: true }),
  ],
  ['a forged connection', () => identityCodec('another secret that is long enough, too').signConnection()],
])('a socket opened with %s is closed with 4403', async (_, token) => {
  const value = await token();
  const socket = new WebSocket(`${served.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: value && { [IDENTITY_HEADER]: value } }));
  expect((await once(socket, 'close'))[0]).toBe(4403);
});

test('a socket opened by the gateway acts for nobody: each subscription brings its own identity', async () => {
  const client = createClient({
    url: `${served.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: async () => ({ [IDENTITY_HEADER]: await identities.signConnection() }),
  });
  const subscription = { query: 'subscription { balanceChanged(accountId: "a") { ownerId } }' };
  expect((await client.iterate(subscription).next()).value).toMatchObject({
    errors: [{ extensions: { code: 'UNAUTHENTICATED' } }],
  });
  const own = client.iterate({ ...subscription, extensions: { [IDENTITY_HEADER]: identity } });
  expect((await own.next()).value).toEqual({ data: { balanceChanged: { ownerId: 'alice' } } });
  await client.dispose();
});
