import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createEvent, readEvent } from '../../events/contract.ts';
import type { Event } from '../../events/event.ts';
import { createSystem, isReady, silent, useServers } from '../../events/fixture.ts';
import { accountOpened } from '../../schema/events/account-opened.ts';
import { balanceUpdated } from '../../schema/events/balance-updated.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { identityCodec } from '../../schema/identity.ts';
import { deposit as depositAtAccount } from '../../subgraphs/account/decide.ts';
import { hostSubgraph } from '../../subgraphs/host.ts';
import { depositIdFor } from './decide.ts';
import { service } from './index.ts';

const urls = useServers();
const identities = identityCodec('a secret for tests that is long enough');
const TIME = '2026-01-31T12:00:00.000Z';

const HOME = `{ mobileHome { more accounts {
  name currency amount version asOf account { id } movements { id amount memo channel settled } } } }`;
const DEPOSIT = `mutation ($input: MobileDepositInput!) {
  mobileDeposit(input: $input) { account { id } movement { id amount memo channel settled } } }`;

async function started() {
  const system = createSystem(urls);
  await isReady(system.transport.redis);
  const context = system.context('mobile');
  const { resolvers, rules } = service.create(context);
  const subgraph = hostSubgraph({
    name: 'mobile',
    sdl: readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'),
    resolvers,
    identities,
    log: silent,
  });

  async function ask(query: string, variables: object = {}, ownerId = 'alice', operator = false) {
    const identity = await identities.sign({ ownerId, operator });
    const result = await subgraph.execute({ query, variables: { ...variables }, identity });
    return JSON.parse(JSON.stringify({ ...result.data, code: result.errors?.[0]?.extensions.code }));
  }

  return {
    ask,
    record: system.collection<{ _id: string; event: Event }>('mobile', 'events'),
    deposit: (input: object, ownerId?: string, operator?: boolean) => ask(DEPOSIT, { input }, ownerId, operator),
    /** As the consumer hands over what came through the queue. */
    async hear(...events: Event[]) {
      for (const { on, handle } of rules)
        for (const event of events)
          if (on !== 'everything' && on.some(({ type }) => type === event.type)) await handle([event]);
    },
  };
}

const opened = (id: string, ownerId = 'alice', time = TIME) =>
  createEvent(accountOpened, {
    ...{ id, source: '/account', subject: id, time },
    data: { ownerId, name: id, currency: 'EUR' },
  });
const balance = (event: Event, version: number, balanceMinor: number) =>
  createEvent(balanceUpdated, {
    ...{ id: `balance ${version}`, source: '/balance', subject: event.subject ?? '', time: TIME },
    data: {
      ...{ version, balanceMinor, currency: 'EUR', eventId: event.id, eventType: event.type, eventTime: event.time },
      amountMinor: (event.data as { amountMinor: number }).amountMinor,
    },
  });

describe('a deposit by phone', () => {
  test('is acknowledged with one event, of the channel MOBILE, and shown once it is heard of', async () => {
    const { deposit, hear, ask, record } = await started();
    await hear(opened('a'));
    const { mobileDeposit } = await deposit({ accountId: 'a', amount: 100, memo: 'from aunt May' });
    const movement = { amount: 100, memo: 'from aunt May', channel: 'MOBILE', settled: false };
    expect(mobileDeposit).toEqual({ account: { id: 'a' }, movement: { id: expect.any(String), ...movement } });
    const [stored, ...more] = await record.find().toArray();
    expect(more).toEqual([]);
    expect(stored?.event).toMatchObject({ type: 'deposited', source: '/mobile', subject: 'a' });

    const event = readEvent(deposited, stored?.event as Event);
    const home = async () => (await ask(HOME)).mobileHome;
    await hear(event);
    expect(await home()).toMatchObject({ accounts: [{ amount: 0, version: 0, movements: [movement] }] });
    await hear(balance(event, 1, 100));
    expect(await home()).toEqual({
      more: false,
      accounts: [
        {
          ...{ name: 'a', currency: 'EUR', amount: 100, version: 1, asOf: event.time, account: { id: 'a' } },
          movements: [{ id: event.id, ...movement, settled: true }],
        },
      ],
    });
  });

  test('with the same key is the same deposit, for ever, and with another body it is refused', async () => {
    const { deposit, hear, record } = await started();
    await hear(opened('a'), opened('b', 'bob'));
    const input = { accountId: 'a', amount: 100, idempotencyKey: 'k' };
    const [first, again] = await Promise.all([deposit(input), deposit(input)]);
    expect(again).toEqual(first);
    expect(await deposit(input)).toEqual(first);
    for (const other of [{ amount: 101 }, { memo: 'm' }])
      expect(await deposit({ ...input, ...other })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    const another = await deposit({ ...input, accountId: 'b' }, 'bob');
    expect(another.mobileDeposit.movement.id).not.toBe(first.mobileDeposit.movement.id);
    expect(await record.countDocuments()).toBe(2);
  });

  test('has another id than what the account service makes of the same key: the two doors share no keys', () => {
    const account = { id: 'a', ownerId: 'alice', name: 'a', currency: 'EUR', openedAt: TIME };
    const now = { time: TIME, newId: 'random' };
    const { id } = depositAtAccount(account, { accountId: 'a', amount: 1, idempotencyKey: 'k' }, now);
    expect(depositIdFor('alice', 'k', 'random')).not.toBe(id);
    expect(depositIdFor('alice', 'k', 'random')).not.toBe(depositIdFor('alice', 'l', 'random'));
    expect(depositIdFor('alice', null, 'random')).toBe('random');
  });

  test('is refused long before the balance could not be counted, as news of others is on its way', async () => {
    const { deposit, hear } = await started();
    await hear(opened('a'));
    const half = Math.floor(Number.MAX_SAFE_INTEGER / 2);
    const before = createEvent(deposited, {
      ...{ id: 'before', source: '/account', subject: 'a', time: TIME },
      data: { amountMinor: half - 1, currency: 'EUR', channel: 'ACCOUNT' },
    });
    await hear(before, balance(before, 1, half - 1));
    const input = { accountId: 'a', amount: 1, idempotencyKey: 'k' };
    const first = await deposit(input);
    expect(first.code).toBeUndefined();
    await hear(balance({ ...before, id: first.mobileDeposit.movement.id }, 2, half));
    expect(await deposit({ accountId: 'a', amount: 1 })).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect((await deposit(input)).mobileDeposit.movement.id).toBe(first.mobileDeposit.movement.id);
  });

  test.each([
    ['of nothing', { amount: 0 }],
    ['of less', { amount: -1 }],
    ['of more than is taken by phone', { amount: 1_000_000_001 }],
    ['with a key that is empty', { amount: 1, idempotencyKey: '' }],
    ['with a memo that is too long', { amount: 1, memo: 'm'.repeat(501) }],
  ])('%s is refused', async (_, input) => {
    const { deposit, hear } = await started();
    await hear(opened('a'));
    expect(await deposit({ accountId: 'a', ...input })).toMatchObject({ code: 'BAD_USER_INPUT' });
  });
});

describe("another owner's account", () => {
  test('is not there, exactly like none; nor for an operator to pay into', async () => {
    const { deposit, hear, ask } = await started();
    await hear(opened('a'));
    const input = { accountId: 'a', amount: 1 };
    expect(await deposit(input, 'bob')).toMatchObject({ code: 'NOT_FOUND' });
    expect(await deposit(input, 'olga', true)).toMatchObject({ code: 'NOT_FOUND' });
    expect(await deposit({ ...input, accountId: 'none' }, 'bob')).toMatchObject({ code: 'NOT_FOUND' });
    expect(await ask(HOME, {}, 'bob')).toEqual({ mobileHome: { more: false, accounts: [] } });
  });
});

test('the first page has no more accounts than it can have, and says so', async () => {
  const { hear, ask } = await started();
  const time = (index: number) => new Date(Date.parse(TIME) + index).toISOString();
  const all = Array.from({ length: 21 }, (_, index) => opened(`a${index}`, 'alice', time(index)));
  await hear(...[...all].reverse(), opened('b', 'bob'));
  const { mobileHome } = await ask(HOME);
  expect(mobileHome.more).toBe(true);
  expect(mobileHome.accounts.map(({ name }: { name: string }) => name)).toEqual(all.slice(0, 20).map(({ id }) => id));
});

test('what was lost of its record is put back by a replay, and nothing of others', async () => {
  const { deposit, hear, record } = await started();
  await hear(opened('a'));
  await deposit({ accountId: 'a', amount: 100, idempotencyKey: 'k' });
  const { event } = (await record.findOne()) ?? { event: opened('a') };
  await record.deleteMany({});
  await hear(readEvent(deposited, event), readEvent(deposited, { ...event, id: 'other', source: '/account' }));
  expect((await record.find().toArray()).map(row => row.event)).toEqual([event]);
});
