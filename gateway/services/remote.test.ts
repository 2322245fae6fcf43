import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { Subgraph } from '../../subgraphs/host.ts';
import { connect, fakes, identities, post, recordingLog, startGateway, tokenOf } from '../fixture.ts';
import { until } from '../subscriptions/topic.ts';
import { remoteSubgraph } from './remote.ts';
import { type ServedSubgraph, serveSubgraph } from './subgraph.ts';

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const { log, lines } = recordingLog();
const services = fakes(log);

const serve = (port = 0): Promise<ServedSubgraph> =>
  serveSubgraph({ subgraph: services.account, identities, health: async () => ({}), host: '127.0.0.1', port, log });

/** A gateway whose account service is behind a socket. */
async function start() {
  const served = await serve();
  stops.push(served.stop);
  const remote = remoteSubgraph({ name: 'account', url: `${served.url}/graphql`, identities, log });
  stops.push(remote.stop);
  const { gateway } = await startGateway({
    subgraphs: { ...services.subgraphs, account: remote },
    log,
    retry: { attempts: 5, firstMs: 50, maxMs: 200 },
  });
  stops.push(gateway.stop);
  return { gateway, served };
}

const SUBSCRIPTION = `subscription($id: ID!) {
  balanceChanged(accountId: $id) { balance { version } ledger { nodes { eventId } } }
}`;

test('queries, mutations and their errors pass through', async () => {
  const { gateway } = await start();
  const { json } = await post(gateway, { query: '{ account(id: "a") { ownerId ledger { nodes { eventId } } } }' });
  expect(json).toEqual({ data: { account: { ownerId: 'alice', ledger: { nodes: [{ eventId: 'a/alice' }] } } } });
  const refused = await post(gateway, {
    query: 'mutation { withdraw(input: { accountId: "a", amount: 1 }) { transaction { id } } }',
  });
  expect(refused.json.errors).toEqual([
    { message: 'The balance does not cover it.', path: ['withdraw'], extensions: { code: 'INSUFFICIENT_FUNDS' } },
  ]);
  const failed = await post(gateway, { query: '{ account(id: "boom") { id } }' });
  expect(failed.json.errors).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
  expect(failed.text).not.toMatch(/secret|10\.0\.0/);
});

test('a subscription starts, goes on, and is left at the service when it is left', async () => {
  const { gateway } = await start();
  const client = connect(gateway, await tokenOf('alice'));
  const stream = client.iterate({ query: SUBSCRIPTION, variables: { id: 'a' } });
  const data = (version: number) => ({
    data: { balanceChanged: { balance: { version }, ledger: { nodes: [{ eventId: 'a/alice' }] } } },
  });
  expect((await stream.next()).value).toEqual(data(1));
  services.balances.publish({ balanceChanged: services.accountOf('a', 'alice', 2) });
  expect((await stream.next()).value).toEqual(data(2));
  await stream.return?.(undefined);
  await until(() => services.balances.readers.size === 0);
});

test('callers share the connection to the service, and each subscribes as itself', async () => {
  const { gateway } = await start();
  const query = 'subscription { balanceChanged(accountId: "a") { ownerId } }';
  for (const owner of ['alice', 'bob']) {
    const stream = connect(gateway, await tokenOf(owner)).iterate({ query });
    expect((await stream.next()).value).toEqual({ data: { balanceChanged: { ownerId: owner } } });
  }
  expect(services.balances.readers.size).toBe(2);
});

test('a service that goes away and comes back is resumed, marked, with a new identity', async () => {
  const { gateway, served } = await start();
  const stream = connect(gateway, await tokenOf('alice')).iterate({ query: SUBSCRIPTION, variables: { id: 'a' } });
  await stream.next();
  await served.stop();
  await new Promise(resolve => setTimeout(resolve, 150));
  stops.push((await serve(served.port)).stop);
  expect((await stream.next()).value).toMatchObject({
    data: { balanceChanged: { balance: { version: 1 } } },
    extensions: { resumed: true },
  });
});

test('a service that stays away: subscriptions end with SUBGRAPH_STREAM_LOST, requests are 503, and no address is told', async () => {
  const { gateway, served } = await start();
  const stream = connect(gateway, await tokenOf('alice')).iterate({ query: SUBSCRIPTION, variables: { id: 'a' } });
  await stream.next();
  await served.stop();
  const error = await stream.next().then(
    () => undefined,
    reason => reason,
  );
  expect(error).toMatchObject([{ extensions: { code: 'SUBGRAPH_STREAM_LOST' } }]);
  const { status, json, text } = await post(gateway, { query: '{ accounts { nodes { id } } }' });
  expect(status).toBe(503);
  expect(json.errors).toMatchObject([{ extensions: { code: 'UNAVAILABLE' } }]);
  expect(JSON.stringify(error) + text).not.toMatch(/127\.0\.0\.1|ECONN/);
});

test('a subscription that is refused says why', async () => {
  const { gateway } = await start();
  const stream = connect(gateway, await tokenOf('alice')).iterate({ query: SUBSCRIPTION, variables: { id: 'denied' } });
  expect((await stream.next()).value).toMatchObject({
    errors: [{ message: 'Not yours.', extensions: { code: 'FORBIDDEN' } }],
  });
  expect((await stream.next()).done).toBe(true);
});

test.each<[string, RequestListener]>([
  ['HTML', (_, response) => response.end('<html>')],
  ['other JSON', (_, response) => response.end('{"message":"bad gateway"}')],
  [
    'half an answer',
    (_, response) => response.writeHead(200, { 'content-length': '10' }).write('{"d', () => response.destroy()),
  ],
  ['nothing', (_, response) => response.destroy()],
])('whatever answers in its place with %s is out of reach', async (_, listener) => {
  const server = createServer(listener);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const remote = remoteSubgraph({
    name: 'x',
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    identities,
    log,
  });
  stops.push(remote.stop, async () => server.close());
  const { errors } = await execute(remote);
  expect(errors?.[0]?.extensions.code).toBe('UNAVAILABLE');
  expect(lines.at(-1)).toContain('a subgraph is out of reach');
});

test('a host that accepts and stays silent is given up in time', async () => {
  const server = createServer();
  server.on('upgrade', () => undefined);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const remote = remoteSubgraph({ name: 'x', url: `http://127.0.0.1:${port}/graphql`, identities, log });
  stops.push(async () => {
    server.close();
    server.closeAllConnections();
  }, remote.stop);
  const opened = await remote.subscribe({ query: 'subscription { x }', identity: undefined });
  if (!(Symbol.asyncIterator in opened)) throw new Error('no stream');
  await expect(opened.next()).rejects.toThrow('Opening handshake has timed out');
});

const execute = async (subgraph: Subgraph) =>
  subgraph.execute({ query: '{ __typename }', identity: await identities.sign({ ownerId: 'alice', operator: false }) });
