import express from 'express';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { post, startGateway, tokenOf } from '../fixture.ts';
import type { Health } from '../health.ts';

let started: Awaited<ReturnType<typeof startGateway>>;
let parts: Health = {};
beforeAll(async () => {
  const pages = express.Router().get('/queues', (_request, response) => {
    response.send('queues');
  });
  started = await startGateway({ health: async () => parts, pages });
});
afterAll(() => started.gateway.stop());

const ask = (body: unknown, headers?: Record<string, string>) => post(started.gateway, body, headers);
const get = (path: string, headers: Record<string, string> = {}) => fetch(`${started.gateway.url}${path}`, { headers });

test('a query is planned over the services it needs', async () => {
  const { status, json } = await ask({ query: '{ account(id: "a") { id ledger { nodes { eventId } } } }' });
  expect(status).toBe(200);
  expect(json).toEqual({ data: { account: { id: 'a', ledger: { nodes: [{ eventId: 'a/alice' }] } } } });
});

test('a mutation runs, and its variables arrive', async () => {
  const query = 'mutation Open($name: String!) { openAccount(input: { name: $name }) { account { name ownerId } } }';
  const { json } = await ask({ query, variables: { name: 'savings' } });
  expect(json).toEqual({ data: { openAccount: { account: { name: 'savings', ownerId: 'alice' } } } });
});

const query = '{ account(id: "a") { id } }';
const JSON_TYPE = { 'content-type': 'application/json' };

test.each<[string, number, string, unknown, Record<string, string>?]>([
  ['no token', 401, 'UNAUTHENTICATED', { query }, { authorization: '' }],
  ['a bad token', 401, 'UNAUTHENTICATED', { query }, { authorization: 'Bearer abc' }],
  ['no token and no JSON', 401, 'UNAUTHENTICATED', '{', { authorization: '' }],
  ['bad JSON', 400, 'BAD_REQUEST', '{"query": '],
  ['an empty body', 400, 'BAD_REQUEST', ''],
  ['JSON that is no object', 400, 'BAD_REQUEST', '"text"'],
  ['a batch', 400, 'BAD_REQUEST', [{ query }, { query }]],
  ['no query', 400, 'BAD_REQUEST', { variables: {} }],
  ['a query that is no string', 400, 'BAD_REQUEST', { query: {} }],
  ['an operationName that is no string', 400, 'BAD_REQUEST', { query, operationName: 1 }],
  ['variables that are no object', 400, 'BAD_REQUEST', { query, variables: '{}' }],
  ['text', 400, 'BAD_REQUEST', JSON.stringify({ query }), { 'content-type': 'text/plain' }],
  ['a form', 400, 'BAD_REQUEST', 'query={a}', { 'content-type': 'application/x-www-form-urlencoded' }],
  ['XML', 400, 'BAD_REQUEST', '<query/>', { 'content-type': 'application/xml' }],
  ['an unknown encoding', 415, 'BAD_REQUEST', { query }, { ...JSON_TYPE, 'content-encoding': 'zip' }],
  ['a body too large', 413, 'BAD_REQUEST', { query, variables: { x: 'x'.repeat(100_001) } }],
  ['a syntax error', 400, 'GRAPHQL_PARSE_FAILED', { query: '{ account(' }],
  ['an endless document', 400, 'GRAPHQL_PARSE_FAILED', { query: `{ ${'id '.repeat(5_000)} }` }],
  [
    'values nested without end',
    400,
    'GRAPHQL_VALIDATION_FAILED',
    { query: `{ account(id: ${'['.repeat(1_900)}${']'.repeat(1_900)}) { id } }` },
  ],
  [
    'selections nested without end',
    400,
    'GRAPHQL_VALIDATION_FAILED',
    { query: `{ ${'... { '.repeat(100)}__typename${' }'.repeat(100)} }` },
  ],
  ['an unknown field', 400, 'GRAPHQL_VALIDATION_FAILED', { query: '{ nonsense }' }],
  ['introspection', 400, 'GRAPHQL_VALIDATION_FAILED', { query: '{ __schema { types { name } } }' }],
  ['an unknown operationName', 400, 'OPERATION_RESOLUTION_FAILURE', { query, operationName: 'B' }],
  [
    'two operations and no name',
    400,
    'OPERATION_RESOLUTION_FAILURE',
    { query: 'query A { __typename } query B { __typename }' },
  ],
  ['a missing variable', 400, 'BAD_USER_INPUT', { query: 'query($id: ID!) { account(id: $id) { id } }' }],
  [
    'a wrong variable',
    400,
    'BAD_USER_INPUT',
    { query: 'query($id: ID!) { account(id: $id) { id } }', variables: { id: [] } },
  ],
  ['a subscription', 400, 'BAD_REQUEST', { query: 'subscription { balanceChanged(accountId: "a") { id } }' }],
  [
    'a subscription over which validation stumbles',
    400,
    'GRAPHQL_VALIDATION_FAILED',
    { query: 'subscription($s: Boolean!) { balanceChanged(accountId: "a") @skip(if: $s) { id } }' },
  ],
  [
    'a persisted query',
    400,
    'BAD_REQUEST',
    { extensions: { persistedQuery: { version: 1, sha256Hash: 'abc' } }, query: 1 },
  ],
])('%s: HTTP %i, %s, JSON', async (_, status, code, body, headers) => {
  const response = await ask(body, headers);
  expect([response.status, response.json.errors[0].extensions.code]).toEqual([status, code]);
  expect(response.json.data ?? null).toBeNull();
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  expect(response.text).not.toMatch(/Did you mean|node_modules|\.ts:/);
});

test('GET and OPTIONS are refused, and no origin is let in', async () => {
  const authorization = `Bearer ${await tokenOf('alice')}`;
  for (const method of ['GET', 'OPTIONS', 'PUT']) {
    const headers = { authorization, origin: 'https://evil.example' };
    const response = await fetch(`${started.gateway.url}/graphql?query={__typename}`, { method, headers });
    expect(response.status).toBe(405);
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
  }
});

test('a deliberate error passes as it is', async () => {
  const { status, json } = await ask({
    query: 'mutation { withdraw(input: { accountId: "a", amount: 1 }) { transaction { id } } }',
  });
  expect(status).toBe(200);
  expect(json).toEqual({
    data: null,
    errors: [
      { message: 'The balance does not cover it.', path: ['withdraw'], extensions: { code: 'INSUFFICIENT_FUNDS' } },
    ],
  });
});

test.each([
  ['{ account(id: "boom") { id } }', ['account']],
  ['{ account(id: "a") { balanceAt(version: 1) { amount } } }', ['account', 'balanceAt']],
])('an unexpected error shows an id that the log has too, and nothing else: %s', async (query, path) => {
  const { status, text, json } = await ask({ query });
  const [error] = json.errors;
  expect(status).toBe(200);
  expect(text).not.toMatch(/secret|10\.0\.0|serviceName|stack/i);
  expect(error).toMatchObject({ path, extensions: { code: 'INTERNAL_SERVER_ERROR' } });
  expect(Object.keys(error.extensions).sort()).toEqual(['code', 'errorId']);
  expect(started.lines.some(line => line.includes(error.extensions.errorId) && line.includes('secret'))).toBe(true);
});

test.each([
  '{ accounts { nodes { id } } }',
  '{ account(id: "a") { id } }',
])('a store out of reach: HTTP 503, %s', async query => {
  started.control.down = true;
  const { status, text, json } = await ask({ query });
  started.control.down = false;
  expect(status).toBe(503);
  expect(json.errors[0].extensions).toEqual({ code: 'UNAVAILABLE' });
  expect(text).not.toContain('10.0.0');
});

test('every request is one log line, without its token, variables or document', async () => {
  const token = await tokenOf('lena');
  const before = started.lines.length;
  const { headers } = await ask(
    { query: 'query Mine($id: ID!) { account(id: $id) { id } }', variables: { id: 'private-id' } },
    { authorization: `Bearer ${token}`, 'x-correlation-id': 'flow-1' },
  );
  await ask({ query }, { authorization: 'Bearer abc' });
  const lines = started.lines.slice(before);
  expect(headers.get('x-correlation-id')).toBe('flow-1');
  expect(lines).toHaveLength(2);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    msg: 'request',
    operationName: 'Mine',
    kind: 'query',
    transport: 'http',
    status: 200,
    ownerId: 'lena',
    correlationId: 'flow-1',
    durationMs: expect.any(Number),
  });
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({ kind: 'none', status: 401 });
  expect(lines.join()).not.toMatch(new RegExp(`${token}|private-id|account\\(`));
});

test('/health/live answers; /health/ready names every part and says 503 only when one is down', async () => {
  expect((await get('/health/live')).status).toBe(200);
  parts = { mongodb: { state: 'ok' }, redis: { state: 'degraded', waiting: 3 } };
  const degraded = await get('/health/ready');
  expect([degraded.status, await degraded.json()]).toEqual([200, { status: 'degraded', parts }]);
  parts = { mongodb: { state: 'down' }, redis: { state: 'ok' } };
  const down = await get('/health/ready');
  expect([down.status, await down.json()]).toEqual([503, { status: 'down', parts }]);
  parts = { account: { state: 'ok' }, reporting: { state: 'down', spared: true } };
  const spared = await get('/health/ready');
  expect([spared.status, await spared.json()]).toEqual([200, { status: 'degraded', parts }]);
});

test('/metrics counts operations by kind and status, and has the process and its event loop', async () => {
  const text = await (await get('/metrics')).text();
  expect(text).toMatch(/gateway_operation_duration_seconds_count\{kind="query",transport="http",status="200"\} \d+/);
  expect(text).toMatch(/gateway_operation_duration_seconds_count\{kind="none",transport="http",status="401"\} \d+/);
  expect(text).toContain('nodejs_eventloop_lag_seconds');
  expect(text).toContain('gateway_sockets 0');
});

test('other pages are served beside the console', async () => {
  expect(await (await get('/queues')).text()).toBe('queues');
});

test('what is not there is a 404 in JSON', async () => {
  for (const path of ['/nonsense', '/graphql/x', '/health']) {
    const response = await get(path);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ errors: [{}] });
  }
});

test('pages carry the usual security headers and do not say what serves them', async () => {
  const { headers } = await get('/health/live');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  expect(headers.get('x-powered-by')).toBeNull();
});

test('one request too many of an identity is HTTP 429, and says when to come back', async () => {
  const { gateway } = await startGateway({ limits: { connections: 1, subscriptions: 1, requestsPerMinute: 2 } });
  const body = { query: '{ __typename }' };
  const statuses = [await post(gateway, body), await post(gateway, body), await post(gateway, body)];
  expect(statuses.map(({ status }) => status)).toEqual([200, 200, 429]);
  expect(statuses[2]?.headers.get('retry-after')).toBe('60');
  expect(statuses[2]?.json.errors[0].extensions.code).toBe('TOO_MANY_REQUESTS');
  const bob = await post(gateway, body, { authorization: `Bearer ${await tokenOf('bob')}` });
  expect(bob.status).toBe(200);
  await gateway.stop();
});
