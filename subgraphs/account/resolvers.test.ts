import { describe, expect, test } from 'vitest';
import { type Contract, createEvent, dataSchemaOf, versionsOf } from '../../events/contract.ts';
import { createSystem, isReady, silent, useServers } from '../../events/fixture.ts';
import { applyRules } from '../../events/rule.ts';
import { balanceUpdated } from '../../schema/events/balance-updated.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { transferFunded } from '../../schema/events/transfer-funded.ts';
import { identityCodec } from '../../schema/identity.ts';
import { readSdl } from '../catalog.ts';
import { hostSubgraph } from '../host.ts';
import { service } from './index.ts';
import { createView } from './view.ts';

const urls = useServers();
const identities = identityCodec('a secret for tests that is long enough');

async function started() {
  const system = createSystem(urls);
  await Promise.all([isReady(system.transport.redis), isReady(system.subscriber)]);
  const context = system.context('account');
  const { resolvers, rules } = service.create(context);
  const subgraph = hostSubgraph({ name: 'account', sdl: readSdl('account'), resolvers, identities, log: silent });

  async function ask(query: string, variables: object = {}, ownerId = 'alice', operator = false) {
    const identity = await identities.sign({ ownerId, operator });
    const result = await subgraph.execute({ query, variables: { ...variables }, identity });
    return JSON.parse(JSON.stringify({ ...result.data, code: result.errors?.[0]?.extensions.code }));
  }
  const mutation = (name: string, type: string, fields: string) => (input: object, ownerId?: string) =>
    ask(`mutation ($input: ${type}!) { ${name}(input: $input) { ${fields} } }`, { input }, ownerId);
  return {
    ask,
    rules,
    view: createView(context),
    open: mutation('openAccount', 'OpenAccountInput', 'account { id ownerId name currency }'),
    deposit: mutation('deposit', 'TransactionInput', 'transaction { id amount status type memo } account { id }'),
    withdraw: mutation('withdraw', 'TransactionInput', 'transaction { id amount status type } account { id }'),
  };
}

type Started = Awaited<ReturnType<typeof started>>;
const opened = async ({ open }: Started): Promise<string> =>
  (await open({ name: 'Savings', currency: 'EUR' })).openAccount.account.id;

describe('the same key', () => {
  test('is the same account, transaction and answer, for ever', async () => {
    const services = await started();
    const { open, deposit, withdraw } = services;
    const account = await opened(services);
    const again = { name: 'Another', idempotencyKey: 'k0' };
    expect(await open(again)).toEqual(await open(again));
    const input = { accountId: account, amount: 100, idempotencyKey: 'k1' };
    expect(await deposit(input)).toEqual(await deposit(input));
    const taken = { accountId: account, amount: 100, idempotencyKey: 'k2' };
    // The second finds nothing left, and still gets the first answer.
    expect(await withdraw(taken)).toEqual(await withdraw(taken));
    expect((await services.view.look(account)).availableMinor).toBe(0);
  });

  test('of a deposit that fills the account to the brim gets the first answer again', async () => {
    const services = await started();
    const accountId = await opened(services);
    const input = { accountId, amount: Number.MAX_SAFE_INTEGER, idempotencyKey: 'k' };
    const first = await services.deposit(input);
    expect(first.code).toBeUndefined();
    expect(await services.deposit(input)).toEqual(first);
    expect(await services.deposit({ ...input, amount: 2_000_000_000_000 })).toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
    for (const amount of [2_000_000_000_000, 1])
      expect(await services.deposit({ accountId, amount })).toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  test('with another body is refused', async () => {
    const services = await started();
    const accountId = await opened(services);
    await services.deposit({ accountId, amount: 100, idempotencyKey: 'k' });
    for (const other of [{ amount: 101 }, { amount: 100, memo: 'm' }])
      expect(await services.deposit({ accountId, idempotencyKey: 'k', ...other })).toMatchObject({
        code: 'IDEMPOTENCY_KEY_REUSED',
      });
    expect(await services.withdraw({ accountId, amount: 100, idempotencyKey: 'k' })).toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
  });
});

test('a request that was stored by an earlier release, or by a later one, is the same request', async () => {
  const services = await started();
  const accountId = await opened(services);
  const input = { accountId, amount: 100, memo: 'm', idempotencyKey: 'k' };
  const first = await services.deposit(input);
  const [stored] = await services.view.transactions.find({ account: accountId }).toArray();
  for (const contract of versionsOf(deposited)) {
    const event = { ...stored?.event, dataschema: dataSchemaOf(contract), data: ofVersion(contract, 'm') };
    await services.view.transactions.updateOne({ account: accountId }, { $set: { event } } as object);
    expect(await services.deposit(input)).toEqual(first);
    expect(await services.deposit({ ...input, memo: 'n' })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  }
});

const ofVersion = ({ version }: Contract, memo: string) => ({
  ...{ amountMinor: 100, currency: 'EUR', memo },
  ...(version > 1 && { channel: 'ACCOUNT' }),
});

describe('what is asked for at once', () => {
  test('pays no more into an account than can be counted', async () => {
    const services = await started();
    const accountId = await opened(services);
    const input = { accountId, amount: Number.MAX_SAFE_INTEGER };
    const answers = await Promise.all(Array.from({ length: 5 }, () => services.deposit(input)));
    expect(answers.filter(({ code }) => code === undefined)).toHaveLength(1);
    expect((await services.view.look(accountId)).availableMinor).toBe(Number.MAX_SAFE_INTEGER);
  });

  test('with one key is done once, and has one answer', async () => {
    const services = await started();
    const accountId = await opened(services);
    await services.deposit({ accountId, amount: 100 });
    const input = { accountId, amount: 60, idempotencyKey: 'k' };
    const answers = await Promise.all(Array.from({ length: 10 }, () => services.withdraw(input)));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect((await services.view.look(accountId)).availableMinor).toBe(40);
  });
});

describe('an account that was seen to have room', () => {
  const MOST = Number.MAX_SAFE_INTEGER;

  test('takes no more than can be counted, in one deposit or after one', async () => {
    const services = await started();
    const accountId = await opened(services);
    const pay = async (amount: number) => (await services.deposit({ accountId, amount })).code;
    expect(await pay(1)).toBeUndefined();
    expect(await pay(MOST)).toBe('BAD_USER_INPUT');
    expect(await pay(MOST - 1)).toBeUndefined();
    expect(await pay(1)).toBe('BAD_USER_INPUT');
  });

  const funded = (toAccountId: string, amountMinor: number) =>
    createEvent(transferFunded, {
      ...{ id: 'f', source: '/transfer', subject: 't', time: '2026-01-31T12:00:00.000Z' },
      data: { fromAccountId: 'elsewhere', toAccountId, amountMinor, currency: 'EUR' },
    });

  test('takes no more than can be counted after a transfer either', async () => {
    const services = await started();
    const accountId = await opened(services);
    const pay = async (amount: number) => (await services.deposit({ accountId, amount })).code;
    expect(await pay(1)).toBeUndefined();
    await applyRules(services.rules, [funded(accountId, MOST - 10)]);
    expect(await pay(10)).toBe('BAD_USER_INPUT');
    expect(await pay(9)).toBeUndefined();
  });

  test('takes no more than can be counted of a transfer and a deposit at once', async () => {
    const services = await started();
    const accountId = await opened(services);
    await Promise.all([
      applyRules(services.rules, [funded(accountId, MOST)]),
      services.deposit({ accountId, amount: MOST }),
    ]);
    expect((await services.view.look(accountId)).availableMinor).toBe(MOST);
  });
});

describe("another owner's account", () => {
  test('takes no deposit and gives nothing, met before or not', async () => {
    const hers = await started();
    const accountId = await opened(hers);
    const refused = async ({ deposit, withdraw }: Pick<Started, 'deposit' | 'withdraw'>) => {
      expect(await deposit({ accountId, amount: 1 }, 'bob')).toMatchObject({ code: 'NOT_FOUND' });
      expect(await withdraw({ accountId, amount: 1 }, 'bob')).toMatchObject({ code: 'NOT_FOUND' });
    };
    await refused(hers);
    expect((await hers.deposit({ accountId, amount: 5 })).code).toBeUndefined();
    await refused(hers);
    expect((await hers.view.look(accountId)).availableMinor).toBe(5);
  });

  test('is not there, exactly like none', async () => {
    const services = await started();
    const accountId = await opened(services);
    for (const id of [accountId, 'none']) {
      expect(await services.ask('query ($id: ID!) { account(id: $id) { id } }', { id }, 'bob')).toEqual({
        account: null,
      });
      expect(await services.deposit({ accountId: id, amount: 1 }, 'bob')).toMatchObject({ code: 'NOT_FOUND' });
      expect(await services.withdraw({ accountId: id, amount: 1 }, 'bob')).toMatchObject({ code: 'NOT_FOUND' });
    }
    expect(await services.ask('{ accounts { nodes { id } } }', {}, 'bob')).toEqual({ accounts: { nodes: [] } });
  });

  test('is found by its owner by whoever may see it: by operators, and by the owner', async () => {
    const services = await started();
    const id = await opened(services);
    const query = '{ accounts(ownerId: "alice") { nodes { id } } }';
    const found = { accounts: { nodes: [{ id }] } };
    expect(await services.ask(query, {}, 'olga', true)).toEqual(found);
    expect(await services.ask(query, {}, 'alice')).toEqual(found);
    expect(await services.ask(query, {}, 'bob')).toMatchObject({ code: 'FORBIDDEN' });
    expect(await services.ask('{ accounts(ownerId: "bob") { nodes { id } } }', {}, 'olga', true)).toEqual({
      accounts: { nodes: [] },
    });
  });

  test('is seen by an operator, who may not move its money', async () => {
    const services = await started();
    const accountId = await opened(services);
    const query = 'query ($id: ID!) { account(id: $id) { id } }';
    expect(await services.ask(query, { id: accountId }, 'olga', true)).toEqual({ account: { id: accountId } });
    const mutation = 'mutation ($input: TransactionInput!) { deposit(input: $input) { account { id } } }';
    expect(await services.ask(mutation, { input: { accountId, amount: 1 } }, 'olga', true)).toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});

test('a transaction is pending until the balance that is shown contains it', async () => {
  const services = await started();
  const accountId = await opened(services);
  const { deposit } = await services.deposit({ accountId, amount: 100 });
  expect(deposit.transaction.status).toBe('PENDING');
  const query =
    'query ($id: ID!) { account(id: $id) { balance { amount version } transactions { nodes { id status } } } }';
  await services.view.settle([
    createEvent(balanceUpdated, {
      id: 'u1',
      source: '/balance',
      subject: accountId,
      time: '2026-01-31T12:00:00.000Z',
      data: {
        version: 1,
        amountMinor: 100,
        balanceMinor: 100,
        currency: 'EUR',
        eventId: deposit.transaction.id,
        eventType: 'deposited',
        eventTime: '2026-01-31T12:00:00.000Z',
      },
    }),
  ]);
  expect(await services.ask(query, { id: accountId })).toEqual({
    account: {
      balance: { amount: 100, version: 1 },
      transactions: { nodes: [{ id: deposit.transaction.id, status: 'SETTLED' }] },
    },
  });
});

test('pages hold every account once, in the order of opening', async () => {
  const services = await started();
  const ids: string[] = [];
  for (let count = 0; count < 5; count++) ids.push(await opened(services));
  const query =
    'query ($after: String) { accounts(first: 2, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }';
  const seen: string[] = [];
  for (let after: string | null = null, more = true; more; ) {
    const { accounts } = await services.ask(query, { after });
    seen.push(...accounts.nodes.map(({ id }: { id: string }) => id));
    more = accounts.pageInfo.hasNextPage;
    after = accounts.pageInfo.endCursor;
  }
  expect(new Set(seen)).toEqual(new Set(ids));
  expect(seen).toHaveLength(5);
  for (const after of ['nonsense', Buffer.from('[1]').toString('base64url')])
    expect(await services.ask(query, { after })).toMatchObject({ code: 'BAD_USER_INPUT' });
});
