import type { Client } from 'graphql-ws';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connect, startGateway, tokenOf } from '../fixture.ts';
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
  const [left, kept] = [read(query), read(query)];
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
