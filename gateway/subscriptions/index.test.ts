import type { Client } from 'graphql-ws';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connect, metric, post, startGateway, supergraphSdl, tokenOf } from '../fixture.ts';
import { until } from './topic.ts';

let started: Awaited<ReturnType<typeof startGateway>>;
let client: Client;
beforeEach(async () => {
  started = await startGateway({ retry: { attempts: 3, firstMs: 5, maxMs: 20 } });
  client = connect(started.gateway, await tokenOf('alice'));
});
afterEach(async () => {
  await client.dispose();
  await started.gateway.stop();
});

const read = (query: string, variables: Record<string, unknown> = { id: 'a' }) =>
  client.iterate<Record<string, unknown>>({ query, variables });
const change = (version: number) =>
  started.balances.publish({ balanceChanged: started.accountOf('a', 'alice', version) });

test('the first value, the next ones, then the end of the stream', async () => {
  const stream = read('subscription($id: ID!) { balanceChanged(accountId: $id) { id balance { version } } }');
  const data = (version: number) => ({ data: { balanceChanged: { id: 'a', balance: { version } } } });
  expect((await stream.next()).value).toEqual(data(1));
  change(2);
  expect((await stream.next()).value).toEqual(data(2));
  started.balances.end();
  expect(await stream.next()).toEqual({ done: true, value: undefined });
});

test('aliases, fragments, @include and @skip are what they are in a query', async () => {
  const stream = read(
    `subscription S($id: ID!, $yes: Boolean!) {
      ...Root
    }
    fragment Root on Subscription { it: balanceChanged(accountId: $id) { ...Named now: balance { v: version } } }
    fragment Named on Account { __typename title: name @include(if: $yes) currency @skip(if: $yes) }`,
    { id: 'a', yes: true },
  );
  expect((await stream.next()).value).toEqual({
    data: { it: { __typename: 'Account', title: 'name of a', now: { v: 1 } } },
  });
});

test('fields of other services come with every event, for the caller of the subscription', async () => {
  const stream = read(
    'subscription($id: ID!) { balanceChanged(accountId: $id) { balance { version } ledger { nodes { eventId } } statistics { deposits } } }',
  );
  const data = (version: number) => ({
    data: { balanceChanged: { balance: { version }, ledger: { nodes: [{ eventId: 'a/alice' }] }, statistics: [] } },
  });
  expect((await stream.next()).value).toEqual(data(1));
  change(2);
  expect((await stream.next()).value).toEqual(data(2));
  expect(started.control.ledgerFetches).toBe(2);
});

test('an error of another service nulls its field, is masked, and the stream goes on', async () => {
  const stream = read(
    'subscription($id: ID!) { balanceChanged(accountId: $id) { id x: balanceAt(version: 1) { amount } } }',
  );
  for (const version of [2, 3]) {
    const { value } = await stream.next();
    expect(value).toMatchObject({
      data: { balanceChanged: { id: 'a', x: null } },
      errors: [{ path: ['balanceChanged', 'x'], extensions: { code: 'INTERNAL_SERVER_ERROR' } }],
    });
    expect(JSON.stringify(value)).not.toContain('secret');
    change(version);
  }
});

test('an error of the event itself bubbles up to the root, and the stream goes on', async () => {
  const stream = read('subscription($id: ID!) { balanceChanged(accountId: $id) { name } }');
  await stream.next();
  started.balances.publish({ balanceChanged: { ...started.accountOf('a', 'alice', 2), name: 'throws' } });
  const { value } = await stream.next();
  expect(value).toMatchObject({ data: null, errors: [{ path: ['balanceChanged', 'name'] }] });
  expect(JSON.stringify(value)).not.toContain('secret');
  change(3);
  expect((await stream.next()).value).toEqual({ data: { balanceChanged: { name: 'name of a' } } });
});

test('unsubscribing reaches the service, and only the one stream', async () => {
  const query = 'subscription($id: ID!) { balanceChanged(accountId: $id) { id } }';
  const [left, kept] = [read(query, { id: 'a' }), read(query, { id: 'b' })];
  await Promise.all([left.next(), kept.next()]);
  expect(started.balances.readers.size).toBe(2);
  await left.return?.(undefined);
  await until(() => started.balances.readers.size === 1);
  change(2);
  expect((await kept.next()).done).toBe(false);
});

test('a stream that breaks in process is resumed, and its next event says so', async () => {
  const stream = read('subscription($id: ID!) { balanceChanged(accountId: $id) { id } }');
  await stream.next();
  started.balances.end(new Error('lost the feed at 10.0.0.9'));
  expect((await stream.next()).value).toEqual({ data: { balanceChanged: { id: 'a' } }, extensions: { resumed: true } });
  change(2);
  expect((await stream.next()).value).toEqual({ data: { balanceChanged: { id: 'a' } } });
});

test('a stream that cannot be resumed ends with SUBGRAPH_STREAM_LOST', async () => {
  const stream = read('subscription($id: ID!) { balanceChanged(accountId: $id) { id } }');
  await stream.next();
  for (let lost = 0; lost < 4; lost++) {
    await until(() => started.balances.readers.size === 1);
    started.balances.end(new Error('broken'));
  }
  const rest = async () => {
    for await (const _ of stream);
  };
  await expect(rest()).rejects.toMatchObject([{ extensions: { code: 'SUBGRAPH_STREAM_LOST' } }]);
});

test('occurrences that come faster than they are sent are all sent', async () => {
  const stream = read('subscription { eventStored { position } }', {});
  const first = stream.next();
  await until(() => started.stored.readers.size === 1);
  for (let position = 1; position <= 500; position++) started.stored.publish({ eventStored: { position } });
  expect((await first).value).toEqual({ data: { eventStored: { position: 1 } } });
  for (let position = 2; position <= 500; position++) {
    expect((await stream.next()).value).toEqual({ data: { eventStored: { position } } });
  }
});

const numbersAfter = (place: number, last: number) =>
  Array.from({ length: last - place }, (_, index) => place + 1 + index);

test('a history is sent whole, however long it is, and whatever it is asked for by', async () => {
  started.history.size = 5_000;
  const queries: [string, Record<string, unknown>][] = [
    ['subscription { eventStored(after: 0) { position } }', {}],
    ['subscription ($at: Int = 0) { it: eventStored(after: $at) { ...P } } fragment P on Event { position }', {}],
    ['subscription ($at: Int) { eventStored(after: $at) { position } }', { at: 4_000 }],
  ];
  for (const [query, variables] of queries) {
    const positions: unknown[] = [];
    for await (const { data, errors, extensions } of read(query, variables)) {
      expect({ errors, extensions }).toEqual({});
      const [event, ...others] = Object.values(data ?? {});
      expect(others).toEqual([]);
      expect(Object.keys(event as object)).toEqual(['position']);
      positions.push((event as { position: number }).position);
    }
    expect(positions).toEqual(numbersAfter(Number(variables.at ?? 0), 5_000));
  }
});

test('everybody who begins in a history gets all of it, also when another asks for the same', async () => {
  started.history.size = 300;
  const query = 'subscription { eventStored(after: 0) { position } }';
  const all = async () => {
    const positions: unknown[] = [];
    for await (const { data } of read(query, {}))
      positions.push((data as { eventStored: { position: number } }).eventStored.position);
    return positions;
  };
  for (const positions of await Promise.all([all(), all(), all()])) expect(positions).toEqual(numbersAfter(0, 300));
});

test('a history that is lost goes on where it was, and nothing says that something may be missing', async () => {
  Object.assign(started.history, { size: 300, lostAt: 200 });
  const types: unknown[] = [];
  for await (const { data, extensions } of read('subscription { eventStored(after: 100) { type } }', {})) {
    expect(extensions).toBeUndefined();
    types.push(data);
  }
  expect(types).toEqual(numbersAfter(100, 300).map(position => ({ eventStored: { type: `type ${position}` } })));
  expect(started.history.begun).toEqual([100, 199]);
});

const WITH_LEDGER =
  'subscription($id: ID!) { balanceChanged(accountId: $id) { balance { version } ledger { nodes { eventId } } } }';

test('subscribers of the same share one stream and one execution for every event', async () => {
  const streams = Array.from({ length: 10 }, () => read(WITH_LEDGER));
  await Promise.all(streams.map(stream => stream.next()));
  expect(started.balances.readers.size).toBe(1);
  const before = started.control.ledgerFetches;
  change(2);
  const results = await Promise.all(streams.map(stream => stream.next()));
  for (const { value } of results)
    expect(value).toMatchObject({ data: { balanceChanged: { balance: { version: 2 } } } });
  expect(started.control.ledgerFetches - before).toBe(1);
});

test('another caller, another variable or another document shares nothing', async () => {
  const bob = connect(started.gateway, await tokenOf('bob'));
  const operator = connect(started.gateway, await tokenOf('alice', '1h', ['operator']));
  const streams = [
    read(WITH_LEDGER),
    read(WITH_LEDGER, { id: 'b' }),
    read(`${WITH_LEDGER} #`),
    ...[bob, operator].map(({ iterate }) => iterate({ query: WITH_LEDGER, variables: { id: 'a' } })),
  ];
  const results = await Promise.all(streams.map(stream => stream.next()));
  expect(started.balances.readers.size).toBe(5);
  const eventIds = results.map(({ value }) => JSON.stringify(value).match(/"eventId":"([^"]+)"/)?.[1]);
  expect(eventIds).toEqual(['a/alice', 'b/alice', 'a/alice', 'a/bob', 'a/alice']);
  await Promise.all([bob.dispose(), operator.dispose()]);
});

test('a newcomer begins with the newest state, and with what other services say of it now', async () => {
  const first = read(WITH_LEDGER);
  await first.next();
  change(2);
  await first.next();
  const before = started.control.ledgerFetches;
  const { value } = await read(WITH_LEDGER).next();
  expect(value).toMatchObject({ data: { balanceChanged: { balance: { version: 2 } } } });
  expect(value).not.toHaveProperty('extensions');
  expect(started.control.ledgerFetches).toBe(before + 1);
  expect(started.balances.readers.size).toBe(1);
  change(3);
  expect((await first.next()).value).toMatchObject({ data: { balanceChanged: { balance: { version: 3 } } } });
});

test('a newcomer to occurrences begins with the next one', async () => {
  const query = 'subscription { eventStored { position } }';
  const first = read(query, {}).next();
  await until(() => started.stored.readers.size === 1);
  started.stored.publish({ eventStored: { position: 1 } });
  await first;
  const next = read(query, {}).next();
  await until(async () => (await metric(started.gateway, 'gateway_subscriptions')) === 2);
  started.stored.publish({ eventStored: { position: 2 } });
  expect((await next).value).toEqual({ data: { eventStored: { position: 2 } } });
});

test('what one subscriber is told as resumed or skipped is his alone', async () => {
  const query = 'subscription($id: ID!) { balanceChanged(accountId: $id) { id } }';
  const [one, other] = [read(query), read(query)];
  await Promise.all([one.next(), other.next()]);
  started.balances.end(new Error('lost'));
  const resumed = { data: { balanceChanged: { id: 'a' } }, extensions: { resumed: true } };
  expect((await one.next()).value).toEqual(resumed);
  expect((await other.next()).value).toEqual(resumed);
  expect((await read(query).next()).value).toEqual({ data: { balanceChanged: { id: 'a' } } });
});

test('the last to leave closes the stream, and whoever comes after opens another', async () => {
  const query = 'subscription($id: ID!) { balanceChanged(accountId: $id) { id } }';
  const [one, other] = [read(query), read(query)];
  await Promise.all([one.next(), other.next()]);
  await one.return?.(undefined);
  change(2);
  expect((await other.next()).done).toBe(false);
  await other.return?.(undefined);
  await until(() => started.balances.readers.size === 0);
  expect((await read(query).next()).value).toEqual({ data: { balanceChanged: { id: 'a' } } });
});

test('a group goes on with the credentials of those who are still in it', async () => {
  // Long enough for what comes before it on a busy machine.
  const short = connect(started.gateway, await tokenOf('alice', '4s'));
  const query = 'subscription($id: ID!) { balanceChanged(accountId: $id) { ownerId } }';
  const leaving = short.iterate({ query, variables: { id: 'a' } });
  await leaving.next();
  const staying = read(query);
  await staying.next();
  await expect(leaving.next()).rejects.toMatchObject({ code: 4403 });
  started.balances.end(new Error('opened again, by then without the first'));
  expect((await staying.next()).value).toMatchObject({ data: { balanceChanged: { ownerId: 'alice' } } });
});

test('a new supergraph ends what runs with SUBSCRIPTION_SCHEMA_RELOAD, and is what new subscriptions see', async () => {
  const query = 'subscription($id: ID!) { balanceChanged(accountId: $id) { id } }';
  const stream = read(query);
  await stream.next();
  const openedAt = { query: '{ account(id: "a") { openedAt } }' };
  expect((await post(started.gateway, openedAt)).status).toBe(200);
  started.gateway.reload(supergraphSdl.replace(/^ {2}openedAt: .*$/m, ''), started.subgraphs);
  await expect(stream.next()).rejects.toMatchObject([{ extensions: { code: 'SUBSCRIPTION_SCHEMA_RELOAD' } }]);
  await until(() => started.balances.readers.size === 0);
  expect((await read(query).next()).value).toEqual({ data: { balanceChanged: { id: 'a' } } });
  expect((await post(started.gateway, openedAt)).json.errors).toMatchObject([
    { extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } },
  ]);
});

test('a supergraph that is not valid, or has a subgraph that is not there, changes nothing', async () => {
  const query = 'subscription($id: ID!) { balanceChanged(accountId: $id) { balance { version } } }';
  const stream = read(query);
  await stream.next();
  expect(() => started.gateway.reload('type Query { a: Int }', started.subgraphs)).toThrow();
  expect(() => started.gateway.reload(supergraphSdl, { account: started.account })).toThrow(
    /^The supergraph has services that are not there: balance, lake, .*\. Make it anew with: npm run compose$/,
  );
  change(2);
  expect((await stream.next()).value).toMatchObject({ data: { balanceChanged: { balance: { version: 2 } } } });
});

test('a field that is the same for all callers is subscribed to once for all of them', async () => {
  const publicly = /^( {2}eventStored\(.*)$/m;
  started.gateway.reload(supergraphSdl.replace(publicly, '$1 @tag(name: "stream-public")'), started.subgraphs);
  const bob = connect(started.gateway, await tokenOf('bob'));
  const query = 'subscription { eventStored { position } }';
  const nexts = [client, bob].map(({ iterate }) => iterate({ query }).next());
  await until(async () => (await metric(started.gateway, 'gateway_subscriptions')) === 2);
  expect(started.stored.readers.size).toBe(1);
  started.stored.publish({ eventStored: { position: 1 } });
  for (const next of nexts) expect((await next).value).toEqual({ data: { eventStored: { position: 1 } } });
  await bob.dispose();
});

test('a variable left out is not the same as null, and may be called anything', async () => {
  const query =
    'subscription($toString: ID! = "a", $n: Int) { balanceChanged(accountId: $toString) { id ledger(first: $n) { nodes { eventId } } } }';
  const streams = [read(query, {}), read(query, { n: null }), read(query, {})];
  for (const stream of streams)
    expect((await stream.next()).value).toMatchObject({ data: { balanceChanged: { id: 'a' } } });
  expect(started.balances.readers.size).toBe(2);
});
