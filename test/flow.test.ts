import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Client,
  clientOf,
  DEPOSIT,
  eventually,
  OPEN_ACCOUNT,
  openAccount,
  type System,
  startSystem,
  stopAll,
  temporaryFolder,
  WITHDRAW,
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

type Transacted<Name extends string> = Record<Name, { transaction: { id: string; status: string; amount: number } }>;

const deposit = async (client: Client, accountId: string, amount: number, idempotencyKey?: string) =>
  (await client.get<Transacted<'deposit'>>(DEPOSIT, { input: { accountId, amount, idempotencyKey } })).deposit
    .transaction;

const balanceAfter = (client: Client, id: string, after: string) =>
  client.get<{ account: { balance: { amount: number; version: number; asOf: string } } }>(
    'query ($id: ID!, $after: ID) { account(id: $id) { balance(after: $after) { amount version asOf } } }',
    { id, after },
  );

const code = (answer: { errors?: { extensions: { code: string } }[] }) => answer.errors?.[0]?.extensions.code;

describe('a deposit', () => {
  it('is acknowledged as pending, then settled, and every service tells the same of it', async () => {
    const id = await openAccount(alice);
    const first = await deposit(alice, id, 1_000);
    expect(first).toMatchObject({ status: 'PENDING', amount: 1_000 });
    expect((await balanceAfter(alice, id, first.id)).account.balance).toMatchObject({ amount: 1_000, version: 1 });

    const { withdraw } = await alice.get<Transacted<'withdraw'>>(WITHDRAW, {
      input: { accountId: id, amount: 300, memo: 'rent' },
    });
    expect((await balanceAfter(alice, id, withdraw.transaction.id)).account.balance).toMatchObject({
      amount: 700,
      version: 2,
    });

    const { account } = await alice.get<{ account: Record<string, unknown> }>(
      `query ($id: ID!) { account(id: $id) {
        name currency ownerId
        transactions { nodes { id type amount memo status } pageInfo { hasNextPage } }
        ledger { nodes { version amount balance eventId eventType } }
        balanceAt(version: 1) { amount version }
        nothing: balanceAt(version: 0) { amount }
        unknown: balanceAt(version: 3) { amount }
      } }`,
      { id },
    );
    expect(account).toMatchObject({
      ownerId: 'alice',
      transactions: {
        nodes: [
          { id: withdraw.transaction.id, type: 'WITHDRAWAL', amount: 300, memo: 'rent', status: 'SETTLED' },
          { id: first.id, type: 'DEPOSIT', amount: 1_000, memo: null, status: 'SETTLED' },
        ],
        pageInfo: { hasNextPage: false },
      },
      ledger: {
        nodes: [
          { version: 2, amount: -300, balance: 700, eventId: withdraw.transaction.id, eventType: 'withdrawn' },
          { version: 1, amount: 1_000, balance: 1_000, eventId: first.id, eventType: 'deposited' },
        ],
      },
      balanceAt: { amount: 1_000, version: 1 },
      nothing: { amount: 0 },
      unknown: null,
    });

    const statistics = await eventually(
      () =>
        alice.get<{ account: { statistics: object[] } }>(
          'query ($id: ID!) { account(id: $id) { statistics(interval: ALL) { from deposits withdrawals deposited withdrawn largest accounts currency } } }',
          { id },
        ),
      ({ account: { statistics } }) => JSON.stringify(statistics).includes('"withdrawals":1'),
    );
    expect(statistics.account.statistics).toEqual([
      {
        from: null,
        deposits: 1,
        withdrawals: 1,
        deposited: 1_000,
        withdrawn: 300,
        largest: 1_000,
        accounts: 1,
        currency: 'USD',
      },
    ]);

    const { events } = await eventually(
      () =>
        olga.get<{ events: { totalCount: number; nodes: { type: string }[] } }>(
          'query ($filter: EventFilter) { events(filter: $filter) { totalCount nodes { type position hash causationId correlationId } } }',
          // Services that were added may tell of the account as well.
          {
            filter: {
              subject: id,
              types: ['account-opened', 'balance-updated', 'deposited', 'withdrawn', 'overdrawn'],
            },
          },
        ),
      ({ events }) => events.totalCount === 5,
    );
    expect(events.nodes.map(({ type }) => type).sort()).toEqual([
      'account-opened',
      'balance-updated',
      'balance-updated',
      'deposited',
      'withdrawn',
    ]);
    expect(await olga.get('{ verifyLake { valid firstBadPosition } }')).toEqual({
      verifyLake: { valid: true, firstBadPosition: null },
    });
  });

  it('with the same key is the same transaction, and with another body an error', async () => {
    const id = await openAccount(alice);
    const answers = await Promise.all(Array.from({ length: 10 }, () => deposit(alice, id, 50, `k-${id}`)));
    expect(new Set(answers.map(answer => answer.id)).size).toBe(1);
    expect(code(await alice.ask(DEPOSIT, { input: { accountId: id, amount: 51, idempotencyKey: `k-${id}` } }))).toBe(
      'IDEMPOTENCY_KEY_REUSED',
    );
    expect((await balanceAfter(alice, id, answers[0]?.id ?? '')).account.balance).toMatchObject({
      amount: 50,
      version: 1,
    });
    const opened = await Promise.all(
      [1, 2].map(() =>
        alice.get<{ openAccount: { account: { id: string } } }>(OPEN_ACCOUNT, { name: 'Twice', key: `open-${id}` }),
      ),
    );
    expect(opened[0]?.openAccount.account.id).toBe(opened[1]?.openAccount.account.id);
  });
});

describe('a withdrawal', () => {
  it('counts what is pending, and is refused when that does not cover it', async () => {
    const id = await openAccount(alice);
    await deposit(alice, id, 100);
    const withdraw = (amount: number, idempotencyKey?: string) =>
      alice.ask(WITHDRAW, { input: { accountId: id, amount, idempotencyKey } });
    expect((await withdraw(80, `w-${id}`)).errors).toBeUndefined();
    expect(code(await withdraw(80))).toBe('INSUFFICIENT_FUNDS');
    // The repeated request gets its first answer.
    expect((await withdraw(80, `w-${id}`)).errors).toBeUndefined();
    expect((await withdraw(20)).errors).toBeUndefined();
    expect(code(await withdraw(1))).toBe('INSUFFICIENT_FUNDS');
  });

  it('that races past the view overdraws, and the balance service says so', async () => {
    const id = await openAccount(alice);
    const { id: deposited } = await deposit(alice, id, 100);
    await balanceAfter(alice, id, deposited);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        alice.ask<Transacted<'withdraw'>>(WITHDRAW, { input: { accountId: id, amount: 100 } }),
      ),
    );
    const taken = answers.filter(({ errors }) => !errors).length;
    expect(taken).toBeGreaterThan(0);
    const { account } = await eventually(
      () =>
        alice.get<{ account: { balance: { amount: number; version: number } } }>(
          'query ($id: ID!) { account(id: $id) { balance { amount version } } }',
          { id },
        ),
      ({ account: { balance } }) => balance.version === taken + 1,
    );
    expect(account.balance.amount).toBe(100 - 100 * taken);
    await eventually(
      () =>
        olga.get<{ events: { totalCount: number } }>(
          'query ($id: ID!) { events(filter: { subject: $id, types: ["overdrawn"] }) { totalCount } }',
          { id },
        ),
      ({ events }) => events.totalCount === taken - 1,
    );
  });
});

describe('an owner', () => {
  it("meets nothing of another owner's, and no difference between that and nothing", async () => {
    const id = await openAccount(alice);
    const look = 'query ($id: ID!) { account(id: $id) { id ledger { nodes { version } } } }';
    expect((await bob.ask(look, { id })).data).toEqual({ account: null });
    expect((await bob.ask(look, { id: 'nothing' })).data).toEqual({ account: null });
    for (const accountId of [id, 'nothing']) {
      expect(code(await bob.ask(DEPOSIT, { input: { accountId, amount: 1 } }))).toBe('NOT_FOUND');
      expect(code(await bob.ask(WITHDRAW, { input: { accountId, amount: 1 } }))).toBe('NOT_FOUND');
    }
    const mine = await bob.get<{ accounts: { nodes: { ownerId: string }[] } }>(
      '{ accounts(first: 100) { nodes { ownerId } } }',
    );
    expect(mine.accounts.nodes.every(({ ownerId }) => ownerId === 'bob')).toBe(true);
    expect(await olga.get(look, { id })).toMatchObject({ account: { id } });
  });

  it('is refused what only operators may do', async () => {
    for (const field of [
      'events { totalCount }',
      'event(id: "x") { id }',
      'verifyLake { valid }',
      'replay(id: "x") { id }',
      'replays { nodes { id } }',
      'faults { nodes { id } }',
      'services { name }',
      'statistics { deposits }',
    ]) {
      expect([field, code(await alice.ask(`{ ${field} }`))]).toEqual([field, 'FORBIDDEN']);
    }
    for (const field of [
      'replay(input: { service: "account" }) { id }',
      'cancelReplay(id: "x") { id }',
      'resubmit(faultIds: []) { id }',
    ]) {
      expect([field, code(await alice.ask(`mutation { ${field} }`))]).toEqual([field, 'FORBIDDEN']);
    }
  });
});

describe('input', () => {
  it.each([
    ['zero', 0],
    ['negative', -1],
    ['a float', 1.5],
    ['past 2^53 - 1', 2 ** 53],
    ['a string', '100'],
  ])('an amount that is %s is refused', async (_, amount) => {
    const id = await openAccount(alice);
    const answer = await alice.ask(DEPOSIT, { input: { accountId: id, amount } });
    expect(code(answer)).toBe('BAD_USER_INPUT');
    expect(
      (
        await alice.get<{ account: { transactions: { nodes: [] } } }>(
          'query ($id: ID!) { account(id: $id) { transactions { nodes { id } } } }',
          { id },
        )
      ).account.transactions.nodes,
    ).toEqual([]);
  });

  it('pages are capped at 100 and walk through everything once', async () => {
    const id = await openAccount(alice);
    await Promise.all(Array.from({ length: 130 }, (_, index) => deposit(alice, id, index + 1)));
    type Page = { nodes: { id: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string } };
    const page = async (after?: string) =>
      (
        await alice.get<{ account: { transactions: Page } }>(
          'query ($id: ID!, $after: String) { account(id: $id) { transactions(first: 1000, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } } }',
          { id, after },
        )
      ).account.transactions;
    const first = await page();
    const second = await page(first.pageInfo.endCursor);
    expect([first.nodes.length, first.pageInfo.hasNextPage, second.nodes.length, second.pageInfo.hasNextPage]).toEqual([
      100,
      true,
      30,
      false,
    ]);
    expect(new Set([...first.nodes, ...second.nodes].map(node => node.id)).size).toBe(130);
    expect(code(await alice.ask('{ accounts(first: 0) { nodes { id } } }'))).toBe('BAD_USER_INPUT');
    expect(code(await alice.ask('{ accounts(after: "nonsense") { nodes { id } } }'))).toBe('BAD_USER_INPUT');
  });
});

describe('a subscription', () => {
  it('shows the balance now and then every newer one, and the last one for sure', async () => {
    const id = await openAccount(alice);
    const socket = alice.socket();
    const seen: { version: number; amount: number }[] = [];
    const stream = socket.iterate<{ balanceChanged: { balance: { version: number; amount: number } } }>({
      query: 'subscription ($id: ID!) { balanceChanged(accountId: $id) { id name balance { version amount } } }',
      variables: { id },
    });
    const watching = (async () => {
      for await (const { data } of stream) {
        if (data) seen.push(data.balanceChanged.balance);
        if (seen.at(-1)?.version === 25) break;
      }
    })();
    await eventually(
      async () => seen.length,
      length => length === 1,
    );
    await Promise.all(Array.from({ length: 25 }, () => deposit(alice, id, 4)));
    await watching;
    expect(seen[0]).toEqual({ version: 0, amount: 0 });
    expect(seen.at(-1)).toEqual({ version: 25, amount: 100 });
    expect(seen.every(({ version }, index) => index === 0 || version > (seen[index - 1]?.version ?? 0))).toBe(true);
    await socket.dispose();
  });

  it("of another owner's account is refused", async () => {
    const id = await openAccount(alice);
    const socket = bob.socket();
    const first = await socket.iterate({ query: `subscription { balanceChanged(accountId: "${id}") { id } }` }).next();
    expect(first.value?.errors?.[0]?.extensions?.code).toBe('NOT_FOUND');
    await socket.dispose();
  });

  it('of the lake shows every event stored, in order, without a gap', async () => {
    const socket = olga.socket();
    const id = await openAccount(alice);
    const seen: { id: string; position: number }[] = [];
    const filter = { subject: id, types: ['deposited'] };
    const stream = socket.iterate<{ eventStored: { id: string; position: number } }>({
      query: 'subscription ($filter: EventFilter) { eventStored(filter: $filter) { id position } }',
      variables: { filter },
    });
    const watching = (async () => {
      for await (const { data } of stream) if (data) seen.push(data.eventStored);
    })();
    // The subscription stands when it has told of one.
    await eventually(
      async () => (seen.length > 0 ? seen.length : deposit(alice, id, 1).then(() => 0)),
      told => told > 0,
    );
    const made: string[] = [];
    for (let count = 0; count < 40; count++) made.push((await deposit(alice, id, 1)).id);
    await eventually(
      async () => new Set(seen.map(event => event.id)),
      told => made.every(event => told.has(event)),
    );
    await stream.return?.();
    await watching;
    const { events } = await olga.get<{ events: { nodes: { id: string; position: number }[] } }>(
      'query ($filter: EventFilter) { events(filter: $filter, first: 100, order: NEWEST_FIRST) { nodes { id position } } }',
      { filter },
    );
    // The newest: how many were made before the subscription stood is not known. The lake's order is the one in which it stored
    // them: of two deposits the later one may come first.
    const stored = events.nodes.toReversed();
    const from = stored.findIndex(({ position }) => position === seen[0]?.position);
    expect(seen).toEqual(stored.slice(from, from + seen.length));
    const positions = seen.map(({ position }) => position);
    expect(positions.every((position, index) => index === 0 || position > (positions[index - 1] ?? 0))).toBe(true);
    await socket.dispose();
  });
});

describe('a replay', () => {
  type Replay = { id: string; status: string; total: number; applied: number; error: string | null };

  it('of a healthy service is applied to the end and changes nothing', async () => {
    const id = await openAccount(alice);
    await Promise.all(Array.from({ length: 20 }, () => deposit(alice, id, 7)));
    const state =
      'query ($id: ID!) { account(id: $id) { balance { amount version asOf } ledger(first: 100) { nodes { version amount balance eventId time } } statistics(interval: ALL) { deposits deposited largest } } }';
    await eventually(
      () => alice.get<{ account: { balance: { version: number }; statistics: { deposits: number }[] } }>(state, { id }),
      ({ account }) => account.balance.version === 20 && account.statistics[0]?.deposits === 20,
    );
    const before = await alice.get(state, { id });
    for (const service of ['account', 'balance', 'reporting']) {
      const { replay: planned } = await olga.get<{ replay: Replay }>(
        'mutation ($s: String!) { replay(input: { service: $s, dryRun: true }) { id status total applied } }',
        { s: service },
      );
      expect(planned.applied).toBe(0);
      const { replay } = await olga.get<{ replay: Replay }>(
        'mutation ($s: String!) { replay(input: { service: $s }) { id status total } }',
        { s: service },
      );
      const done = await eventually(
        () =>
          olga.get<{ replay: Replay & { requestedBy: string } }>(
            'query ($id: ID!) { replay(id: $id) { id status total applied error requestedBy eventsPerSecond secondsLeft } }',
            { id: replay.id },
          ),
        ({ replay: { status } }) => status !== 'PLANNED' && status !== 'RUNNING',
      );
      expect(done.replay).toMatchObject({ status: 'COMPLETED', error: null, requestedBy: 'olga' });
      expect(done.replay.applied).toBe(done.replay.total);
      expect(done.replay.total).toBeGreaterThanOrEqual(planned.total);
    }
    expect(await alice.get(state, { id })).toEqual(before);
  });

  it('shows its progress until it is over', async () => {
    const { replay: planned } = await olga.get<{ replay: Replay }>(
      'mutation { replay(input: { service: "account", dryRun: true }) { total } }',
    );
    // It takes some seconds, so that it is watched before it is over.
    const { replay } = await olga.get<{ replay: Replay }>(
      'mutation ($rate: Int) { replay(input: { service: "account", ratePerSecond: $rate }) { id } }',
      { rate: Math.ceil(planned.total / 4) },
    );
    const socket = olga.socket();
    const seen: Replay[] = [];
    for await (const { data } of socket.iterate<{ replayProgress: Replay }>({
      query: `subscription { replayProgress(id: "${replay.id}") { id status applied total } }`,
    })) {
      if (data) seen.push(data.replayProgress);
    }
    expect(seen.at(-1)).toMatchObject({ status: 'COMPLETED' });
    expect(seen.length).toBeGreaterThan(1);
    await socket.dispose();
  });

  it('that cannot be is refused with the reason', async () => {
    const part = 'filter: { types: ["deposited"] }';
    const rebuild = await olga.ask(`mutation { replay(input: { service: "account", mode: REBUILD, ${part} }) { id } }`);
    expect(rebuild.errors?.[0]).toMatchObject({
      message: expect.stringContaining('filter.types'),
      extensions: { code: 'BAD_USER_INPUT' },
    });
    const unknown = await olga.ask('mutation { replay(input: { service: "nobody" }) { id } }');
    expect(unknown.errors?.[0]?.message).toMatch(/only account, balance, .*reporting/);
  });
});
