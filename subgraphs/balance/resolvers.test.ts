import { describe, expect, test } from 'vitest';
import { createEvent } from '../../events/contract.ts';
import { createSystem, isReady, silent, useServers } from '../../events/fixture.ts';
import { applyRules } from '../../events/rule.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { identityCodec } from '../../schema/identity.ts';
import { readSdl } from '../catalog.ts';
import { hostSubgraph } from '../host.ts';
import { service } from './index.ts';
import { indexes } from './ledger.ts';

const urls = useServers();
const identities = identityCodec('a secret for tests that is long enough');
const FIELDS = ['ledger { nodes { version balance } }', 'balanceAt(version: 1) { amount version }'];

const at = (minute: number) => `2026-01-31T12:${String(minute).padStart(2, '0')}:00.000Z`;
const paidIn = (id: string, amountMinor: number, time: string) =>
  createEvent(deposited, {
    ...{ id, source: '/account', subject: 'a', time },
    data: { amountMinor, currency: 'EUR', channel: 'ACCOUNT' },
  });

async function started(events = [paidIn('d1', 5, at(0))]) {
  const system = createSystem(urls);
  await isReady(system.transport.redis);
  await system.collection('balance', 'events').createIndexes([...indexes.events]);
  const { resolvers, rules } = service.create(system.context('balance'));
  const subgraph = hostSubgraph({ name: 'balance', sdl: readSdl('balance'), resolvers, identities, log: silent });
  for (const event of events) await applyRules(rules, [event]);

  const ask = async (field: string, caller: string, operator: boolean, ownerId?: string) => {
    const identity = await identities.sign({ ownerId: caller, operator });
    const query = `query ($r: [_Any!]!) { _entities(representations: $r) { ... on Account { ${field} } } }`;
    const representation = { __typename: 'Account', id: 'a', ...(ownerId && { ownerId }) };
    const { data, errors } = await subgraph.execute({ query, variables: { r: [representation] }, identity });
    return errors?.[0]?.extensions.code ?? (data as { _entities: object[] })._entities[0];
  };
  return {
    ask: async (...asked: Parameters<typeof ask>) => {
      const answer = await ask(...asked);
      return typeof answer === 'object' ? Object.keys(answer ?? {}) : answer;
    },
    balanceAt: async (time: string) => ask(`balanceAt(time: "${time}") { amount version }`, 'alice', false, 'alice'),
  };
}

test('the balance at a time has what was counted until then, also when it was counted in another order than it happened', async () => {
  const { balanceAt } = await started([
    paidIn('first', 100, at(10)),
    // By a clock that was 40 minutes fast.
    paidIn('fast', 30, at(50)),
    paidIn('then', 7, at(11)),
    paidIn('last', 2, at(12)),
  ]);
  const balances = [at(9), at(10), at(11), at(49), at(50), '2999-01-01T00:00:00.000Z'].map(balanceAt);
  expect(await Promise.all(balances)).toMatchObject([
    { balanceAt: { amount: 0, version: 0 } },
    { balanceAt: { amount: 100, version: 1 } },
    { balanceAt: { amount: 137, version: 3 } },
    { balanceAt: { amount: 139, version: 4 } },
    { balanceAt: { amount: 139, version: 4 } },
    { balanceAt: { amount: 139, version: 4 } },
  ]);
});

test('the balance at a time between counts what was counted soon after, though the newest is later', async () => {
  const { balanceAt } = await started([
    paidIn('fast', 30, at(20)),
    paidIn('slow', 7, at(11)),
    paidIn('last', 2, at(40)),
  ]);
  expect(await balanceAt(at(30))).toMatchObject({ balanceAt: { amount: 37, version: 2 } });
});

describe.each(FIELDS)('%s', field => {
  const name = field.split(/\W/)[0];

  test('is for the owner of the account, and for operators', async () => {
    const { ask } = await started();
    expect(await ask(field, 'alice', false, 'alice')).toEqual([name]);
    expect(await ask(field, 'olga', true, 'alice')).toEqual([name]);
  });

  test('is refused to anybody else, and where nobody says who the owner is', async () => {
    const { ask } = await started();
    expect(await ask(field, 'bob', false, 'alice')).toBe('FORBIDDEN');
    expect(await ask(field, 'bob', false)).toBe('FORBIDDEN');
  });
});
