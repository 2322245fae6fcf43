/** Transfers from outside: the whole system, as its clients see it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operatorClient, settled } from './evidence.ts';
import {
  AUTH_SECRET,
  type Client,
  clientOf,
  DEPOSIT,
  eventually,
  openAccount,
  type System,
  startSystem,
  stopAll,
  TRANSFER,
  temporaryFolder,
} from './system.ts';

const folder = temporaryFolder();
let system: System;
let alice: Client;
let bob: Client;
let olga: Client;

beforeAll(async () => {
  system = await startSystem(folder.path);
  [alice, bob, olga] = await Promise.all([
    clientOf(system.url, 'alice'),
    clientOf(system.url, 'bob'),
    clientOf(system.url, 'olga', ['operator']),
  ]);
});

afterAll(async () => {
  await stopAll();
  folder.remove();
});

type Transfer = { id: string; status: string; problem: string | null };
const FIELDS = 'id status problem amount currency memo requestedAt expiresAt changedAt';

const transfer = async (client: Client, input: object) =>
  (await client.get<{ transfer: { transfer: Transfer } }>(TRANSFER, { input })).transfer.transfer;
const seen = async (client: Client, id: string) =>
  (await client.get<{ transfer: Transfer | null }>(`query ($id: ID!) { transfer(id: $id) { ${FIELDS} } }`, { id }))
    .transfer;
const became = (client: Client, id: string, status: string) =>
  eventually(
    () => seen(client, id),
    shown => shown?.status === status,
  );
const balance = async (client: Client, id: string) =>
  (
    await client.get<{ account: { balance: { amount: number } } }>(
      'query ($id: ID!) { account(id: $id) { balance { amount } } }',
      { id },
    )
  ).account.balance.amount;
const balanceIs = (client: Client, id: string, amount: number) =>
  eventually(
    () => balance(client, id),
    is => is === amount,
  );
const code = (answer: { errors?: { extensions: { code: string } }[] }) => answer.errors?.[0]?.extensions.code;

async function account(client: Client, amount: number): Promise<string> {
  const id = await openAccount(client);
  if (amount > 0) await client.get(DEPOSIT, { input: { accountId: id, amount } });
  return id;
}

describe('a transfer', () => {
  it('moves an amount into another owner’s account, and each sees their part of it', async () => {
    const [from, to] = [await account(alice, 1_000), await account(bob, 0)];
    const { id, status } = await transfer(alice, { fromAccountId: from, toAccountId: to, amount: 300, memo: 'rent' });
    expect(status).toBe('REQUESTED');
    expect(await became(alice, id, 'COMPLETED')).toMatchObject({ amount: 300, currency: 'USD', problem: null });
    await balanceIs(alice, from, 700);
    await balanceIs(bob, to, 300);

    const OF_ACCOUNT =
      'query ($id: ID!) { account(id: $id) { transactions { nodes { type amount memo transferId } } } }';
    const part = (of: Client, accountId: string) => of.get<object>(OF_ACCOUNT, { id: accountId });
    const transaction = { amount: 300, memo: 'rent', transferId: id };
    expect(await part(bob, to)).toEqual({
      account: { transactions: { nodes: [{ type: 'DEPOSIT', ...transaction }] } },
    });
    expect(await part(alice, from)).toMatchObject({
      account: { transactions: { nodes: [{ type: 'WITHDRAWAL', ...transaction }, { transferId: null }] } },
    });
    // What may be seen of the accounts is the account service's to say.
    const BOTH = 'query ($id: ID!) { transfer(id: $id) { from { name ownerId } to { id } other: to { name } } }';
    expect(await alice.get<object>(BOTH, { id })).toEqual({
      transfer: { from: { name: 'Everyday', ownerId: 'alice' }, to: { id: to }, other: null },
    });
    // It is alice’s: bob has his deposit.
    expect(await seen(bob, id)).toBeNull();
    expect(await seen(olga, id)).toMatchObject({ status: 'COMPLETED' });
  });

  it('is told of by the causation of its events, from the request to the last balance', async () => {
    const [from, to] = [await account(alice, 10), await account(alice, 0)];
    const { id } = await transfer(alice, { fromAccountId: from, toAccountId: to, amount: 10 });
    await became(alice, id, 'COMPLETED');
    const STORY = 'query ($id: ID!) { events(filter: { correlationId: $id }, first: 50) { nodes { type } } }';
    // Services that were added may tell of the deposit as well.
    const OWN = /^(deposited|withdrawn|balance-updated|transfer-.*)$/;
    const told = await eventually(
      async () => {
        const { events } = await olga.get<{ events: { nodes: { type: string }[] } }>(STORY, { id });
        return events.nodes.map(({ type }) => type).filter(type => OWN.test(type));
      },
      types => types.length >= 7,
    );
    expect(told.sort()).toEqual([
      ...['balance-updated', 'balance-updated', 'deposited', 'transfer-completed'],
      ...['transfer-funded', 'transfer-requested', 'withdrawn'],
    ]);
  });

  it('is refused when there is not enough, and nothing moves', async () => {
    const [from, to] = [await account(alice, 100), await account(bob, 0)];
    const { id } = await transfer(alice, { fromAccountId: from, toAccountId: to, amount: 101 });
    expect(await became(alice, id, 'REFUSED')).toMatchObject({ problem: 'INSUFFICIENT_FUNDS' });
    expect([await balance(alice, from), await balance(bob, to)]).toEqual([100, 0]);
  });

  it('to an account that does not exist, or has another currency, comes back', async () => {
    const from = await account(alice, 100);
    const OPEN = 'mutation { openAccount(input: { name: "Euros", currency: "EUR" }) { account { id } } }';
    const { openAccount: opened } = await bob.get<{ openAccount: { account: { id: string } } }>(OPEN);
    const nobody = await transfer(alice, { fromAccountId: from, toAccountId: 'nobody', amount: 60 });
    expect(await became(alice, nobody.id, 'COMPENSATED')).toMatchObject({ problem: 'NOT_FOUND' });
    const euros = await transfer(alice, { fromAccountId: from, toAccountId: opened.account.id, amount: 60 });
    expect(await became(alice, euros.id, 'COMPENSATED')).toMatchObject({ problem: 'CURRENCY_MISMATCH' });
    await balanceIs(alice, from, 100);
    expect(await balance(bob, opened.account.id)).toBe(0);
  });

  it('with the same key is the same transfer, also when there is not enough any more; with another body it is an error', async () => {
    const [from, to] = [await account(alice, 100), await account(alice, 0)];
    const input = { fromAccountId: from, toAccountId: to, amount: 100, idempotencyKey: 'rent of May' };
    const all = await Promise.all([1, 2, 3].map(() => transfer(alice, input)));
    await became(alice, all[0]?.id ?? '', 'COMPLETED');
    const again = await transfer(alice, input);
    expect(new Set([...all, again].map(({ id }) => id)).size).toBe(1);
    expect(again.status).toBe('COMPLETED');
    await balanceIs(alice, to, 100);
    expect(code(await alice.ask(TRANSFER, { input: { ...input, amount: 99 } }))).toBe('IDEMPOTENCY_KEY_REUSED');
    expect(code(await bob.ask(TRANSFER, { input }))).toBe('NOT_FOUND');
  });

  it('is asked for by the owner alone, and properly', async () => {
    const [from, to] = [await account(alice, 100), await account(bob, 0)];
    const input = { fromAccountId: from, toAccountId: to, amount: 1 };
    const answers = await Promise.all([
      bob.ask(TRANSFER, { input }),
      olga.ask(TRANSFER, { input }),
      alice.ask(TRANSFER, { input: { ...input, fromAccountId: 'nobody' } }),
      alice.ask(TRANSFER, { input: { ...input, toAccountId: from } }),
      alice.ask(TRANSFER, { input: { ...input, amount: 0 } }),
    ]);
    expect(answers.map(code)).toEqual(['NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'BAD_USER_INPUT', 'BAD_USER_INPUT']);
  });

  it('is listed for whoever asked for it, newest first, in pages', async () => {
    const carol = await clientOf(system.url, 'carol');
    const [from, to] = [await account(carol, 100), await account(carol, 0)];
    const ids: string[] = [];
    for (const amount of [1, 2, 3])
      ids.unshift((await transfer(carol, { fromAccountId: from, toAccountId: to, amount })).id);
    const LIST = `query ($after: String) { transfers(first: 2, after: $after) {
      nodes { id } pageInfo { hasNextPage endCursor } } }`;
    type List = { transfers: { nodes: { id: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } };
    const first = (await carol.get<List>(LIST, {})).transfers;
    const second = (await carol.get<List>(LIST, { after: first.pageInfo.endCursor })).transfers;
    expect([...first.nodes, ...second.nodes].map(({ id }) => id)).toEqual(ids);
    expect([first.pageInfo.hasNextPage, second.pageInfo.hasNextPage]).toEqual([true, false]);
  });

  it('is watched from where it stands to its end, and by nobody else', async () => {
    const [from, to] = [await account(alice, 100), await account(bob, 0)];
    const { id } = await transfer(alice, { fromAccountId: from, toAccountId: to, amount: 100 });
    const WATCH = 'subscription ($id: ID!) { transferChanged(id: $id) { status from { balance { amount } } } }';
    const socket = alice.socket();
    const statuses: string[] = [];
    type Seen = { transferChanged: { status: string } };
    for await (const { data } of socket.iterate<Seen>({ query: WATCH, variables: { id } })) {
      statuses.push(data?.transferChanged.status ?? '?');
      if (statuses.at(-1) === 'COMPLETED') break;
    }
    await socket.dispose();
    const order = ['REQUESTED', 'WITHDRAWN', 'COMPLETED'];
    expect(statuses).toEqual(order.filter(status => statuses.includes(status)));

    const stranger = bob.socket();
    const { value: refused } = await stranger.iterate({ query: WATCH, variables: { id } }).next();
    await stranger.dispose();
    expect(refused?.errors?.[0]?.extensions?.code).toBe('NOT_FOUND');
  });
});

it('a replay into either service, repair or rebuild, moves nothing again', async () => {
  const [from, to] = [await account(alice, 50), await account(bob, 0)];
  const done = await transfer(alice, { fromAccountId: from, toAccountId: to, amount: 20 });
  const back = await transfer(alice, { fromAccountId: from, toAccountId: 'nobody', amount: 20 });
  await became(alice, done.id, 'COMPLETED');
  await became(alice, back.id, 'COMPENSATED');
  await balanceIs(alice, from, 30);
  type Replayed = { replay: { id: string } };
  const statusOf = async (id: string) =>
    (
      await olga.get<{ replay: { status: string; differences: number | null } }>(
        'query ($id: ID!) { replay(id: $id) { status differences error } }',
        { id },
      )
    ).replay;
  const COUNT = '{ events(first: 1) { totalCount } }';
  const count = async () => (await olga.get<{ events: { totalCount: number } }>(COUNT)).events.totalCount;
  // The lake gets what nobody waits for some time later.
  const operator = await operatorClient(system.url, AUTH_SECRET);
  const rest = await settled(operator, 60_000);
  expect(rest.waiting).toEqual([]);
  for (const service of ['transfer', 'account']) {
    for (const mode of ['REPAIR', 'REBUILD']) {
      const { replay } = await olga.get<Replayed>(
        `mutation { replay(input: { service: "${service}", mode: ${mode} }) { id } }`,
      );
      const end = await eventually(
        () => statusOf(replay.id),
        ({ status }) => status !== 'PLANNED' && status !== 'RUNNING',
        60_000,
      );
      expect(end, `${mode} of ${service}`).toMatchObject({ status: 'COMPLETED' });
      if (mode === 'REBUILD') expect(end.differences).toBe(0);
    }
  }
  expect(await count()).toBe(rest.events);
  expect([await balance(alice, from), await balance(bob, to)]).toEqual([30, 20]);
  expect(await seen(alice, done.id)).toMatchObject({ status: 'COMPLETED' });
});
