import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientError } from '../../schema/errors.ts';
import { post, startGateway, tokenOf } from '../fixture.ts';

let started: Awaited<ReturnType<typeof startGateway>>;
beforeAll(async () => {
  started = await startGateway();
});
afterAll(() => started.gateway.stop());

const ALICE = { ownerId: 'alice', operator: false };

/** Says the same, and is unusual enough to go by Express and Apollo Server. */
const UNUSUAL = { accept: 'application/json;q=0.9' };

async function answer(body: unknown, headers: Record<string, string>) {
  const { status, headers: received, text } = await post(started.gateway, body, headers);
  const names = [...received.keys()]
    .filter(name => !['date', 'content-length', 'x-correlation-id'].includes(name))
    .sort();
  const named = Object.fromEntries(names.map(name => [name, received.get(name)]));
  return { status, text: text.replace(/[\da-f-]{36}/g, 'id').trim(), headers: named };
}

const QUERY = 'query Q($id: ID!) { account(id: $id) { id ledger { nodes { eventId } } } }';

test.each<[string, unknown]>([
  ['a query', { query: QUERY, variables: { id: 'a' } }],
  ['a query by its name', { query: `${QUERY} query R { __typename }`, operationName: 'R' }],
  ['nothing of the services', { query: '{ __typename }' }],
  ['a mutation', { query: 'mutation { openAccount(input: { name: "x" }) { account { name ownerId } } }' }],
  ['a part that fails', { query: '{ account(id: "a") { id balanceAt(version: 1) { amount } } }' }],
  ['a failure', { query: '{ account(id: "boom") { id } }' }],
  ['a refusal', { query: 'mutation { withdraw(input: { accountId: "a", amount: 1 }) { transaction { id } } }' }],
  ['a variable left out', { query: QUERY }],
  ['a variable of a wrong kind', { query: QUERY, variables: { id: { $ne: null } } }],
  ['variables that are a list', { query: QUERY, variables: [] }],
  ['a wrong document', { query: '{ nonsense }' }],
  ['no document', {}],
  ['a batch', [{ query: '{ __typename }' }]],
  ['a wrong name', { query: QUERY, operationName: 'X', variables: { id: 'a' } }],
  ['a subscription', { query: 'subscription { eventStored { id } }' }],
  ['introspection', { query: '{ __schema { types { name } } }' }],
])('%s is answered as Express and Apollo Server answer it', async (_, body) => {
  expect(await answer(body, {})).toEqual(await answer(body, UNUSUAL));
});

test('so are the errors of the system', async () => {
  started.control.down = true;
  const body = { query: '{ account(id: "a") { id } }' };
  expect(await answer(body, {})).toEqual(await answer(body, UNUSUAL));
  expect((await answer(body, {})).status).toBe(503);
  started.control.down = false;
});

test.each<[string, Record<string, string>]>([
  ['a bad token', { authorization: 'Bearer abc' }],
  ['no token', { authorization: '' }],
])('%s is refused before the body is read', async (_, headers) => {
  const refused = await answer('{'.repeat(1000), headers);
  expect(refused.status).toBe(401);
  expect(refused.headers).toMatchObject({ 'www-authenticate': 'Bearer', 'x-content-type-options': 'nosniff' });
});

test('tokens that cannot be checked are 503', async () => {
  const other = await startGateway({ tokens: () => Promise.reject(clientError('UNAVAILABLE', 'later')) });
  expect((await post(other.gateway, { query: '{ __typename }' })).status).toBe(503);
  await other.gateway.stop();
});

test.each([{}, UNUSUAL])('broken JSON is 400, and what it says is not repeated: %j', async headers => {
  const { status, text } = await answer('{"query": secret', headers);
  expect(status).toBe(400);
  expect(JSON.parse(text)).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
  expect(text).not.toContain('secret');
});

test('a client that leaves in the middle of its body is recorded, and harms nobody', async () => {
  const { port } = started.gateway;
  const socket = connect(port, '127.0.0.1');
  const head = `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\nauthorization: Bearer ${await tokenOf('alice')}\r\n\r\n`;
  socket.write(`${head}{"query"`, () => setTimeout(() => socket.destroy(), 50));
  await new Promise(resolve => socket.once('close', resolve));
  await expect.poll(() => started.lines.some(line => line.includes('"status":499'))).toBe(true);
  expect((await answer({ query: '{ __typename }' }, {})).status).toBe(200);
});

test('a client that leaves while its token is checked is recorded too', async () => {
  const leaving = new AbortController();
  const other = await startGateway({
    tokens: () =>
      new Promise(resolve => {
        leaving.abort();
        setTimeout(() => resolve({ identity: ALICE, expiresAtMs: Infinity }), 150);
      }),
  });
  const request = post(other.gateway, { query: '{ __typename }' }, {}, leaving.signal);
  await expect(request).rejects.toThrow();
  await expect
    .poll(() => other.lines.filter(line => line.includes('"status":499')).length, { timeout: 10_000 })
    .toBe(1);
  await other.gateway.stop();
});

test('what cannot be written as JSON is an unexpected error, and the gateway goes on', async () => {
  const { lake, ...others } = started.subgraphs;
  if (!lake) throw new Error('no lake');
  const odd = { ...lake, execute: async () => ({ data: { event: { data: { n: 1n } } } }) };
  const other = await startGateway({ subgraphs: { ...others, lake: odd } });
  const query = '{ event(id: "a") { data } }';
  const { status, json } = await post(other.gateway, { query });
  expect([status, json.errors[0].extensions.code]).toEqual([500, 'INTERNAL_SERVER_ERROR']);
  expect((await post(other.gateway, { query: '{ __typename }' })).status).toBe(200);
  await other.gateway.stop();
});

test('a byte order mark before the JSON is passed over', async () => {
  expect((await post(started.gateway, '\uFEFF{"query":"{ __typename }"}')).status).toBe(200);
});

test('GraphQL is answered on its own path only', async () => {
  const { url } = started.gateway;
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${await tokenOf('alice')}` };
  const body = '{"query":"{ __typename }"}';
  expect((await fetch(`${url}/other`, { method: 'POST', headers, body })).status).toBe(404);
});

test('a client that offers HTTP/2 is answered over HTTP/1.1', async () => {
  const socket = connect(started.gateway.port, '127.0.0.1');
  const body = '{"query":"{ __typename }"}';
  const head = ['POST /graphql HTTP/1.1', 'Host: x', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c'];
  head.push('HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA', 'Content-Type: application/json');
  head.push(`Authorization: Bearer ${await tokenOf('alice')}`, `Content-Length: ${body.length}`);
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  const [answered] = await once(socket, 'data');
  expect(String(answered)).toMatch(/^HTTP\/1.1 200 OK[\s\S]*"__typename":"Query"/);
  socket.destroy();
});
