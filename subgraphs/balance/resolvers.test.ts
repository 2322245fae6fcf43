import { describe, expect, test } from 'vitest';
import { createEvent } from '../../events/contract.ts';
import { createSystem, isReady, silent, useServers } from '../../events/fixture.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { identityCodec } from '../../schema/identity.ts';
import { readSdl } from '../catalog.ts';
import { hostSubgraph } from '../host.ts';
import { service } from './index.ts';

const urls = useServers();
const identities = identityCodec('a secret for tests that is long enough');
const FIELDS = ['ledger { nodes { version balance } }', 'balanceAt(version: 1) { amount version }'];

async function started() {
  const system = createSystem(urls);
  await isReady(system.transport.redis);
  const { resolvers, rules } = service.create(system.context('balance'));
  const subgraph = hostSubgraph({ name: 'balance', sdl: readSdl('balance'), resolvers, identities, log: silent });
  const event = createEvent(deposited, {
    id: 'd1',
    source: '/account',
    subject: 'a',
    time: '2026-01-31T12:00:00.000Z',
    data: { amountMinor: 5, currency: 'EUR', channel: 'ACCOUNT' },
  });
  for (const { on, handle } of rules)
    if (on !== 'everything' && on.some(({ type }) => type === event.type)) await handle([event]);

  return async (field: string, caller: string, operator: boolean, ownerId?: string) => {
    const identity = await identities.sign({ ownerId: caller, operator });
    const query = `query ($r: [_Any!]!) { _entities(representations: $r) { ... on Account { ${field} } } }`;
    const representation = { __typename: 'Account', id: 'a', ...(ownerId && { ownerId }) };
    const { data, errors } = await subgraph.execute({ query, variables: { r: [representation] }, identity });
    return errors?.[0]?.extensions.code ?? Object.keys((data as { _entities: object[] })._entities[0] ?? {});
  };
}

describe.each(FIELDS)('%s', field => {
  const name = field.split(/\W/)[0];

  test('is for the owner of the account, and for operators', async () => {
    const ask = await started();
    expect(await ask(field, 'alice', false, 'alice')).toEqual([name]);
    expect(await ask(field, 'olga', true, 'alice')).toEqual([name]);
  });

  test('is refused to anybody else, and where nobody says who the owner is', async () => {
    const ask = await started();
    expect(await ask(field, 'bob', false, 'alice')).toBe('FORBIDDEN');
    expect(await ask(field, 'bob', false)).toBe('FORBIDDEN');
  });
});
