import { expect, test } from 'vitest';
import { createSystem, silent, useServers } from '../../events/fixture.ts';
import { identityCodec } from '../../schema/identity.ts';
import { readSdl } from '../catalog.ts';
import { hostSubgraph } from '../host.ts';
import { service } from './index.ts';

const urls = useServers();
const identities = identityCodec('a secret for tests that is long enough');

const OF_ACCOUNT =
  'query ($r: [_Any!]!) { _entities(representations: $r) { ... on Account { statistics { deposits } } } }';

async function codeFor(caller: string, operator: boolean, query: string, ownerId?: string): Promise<unknown> {
  const { resolvers } = service.create(createSystem(urls).context('reporting'));
  const subgraph = hostSubgraph({ name: 'reporting', sdl: readSdl('reporting'), resolvers, identities, log: silent });
  const variables = { r: [{ __typename: 'Account', id: 'a', ...(ownerId && { ownerId }) }] };
  const { errors } = await subgraph.execute({
    query,
    ...(query === OF_ACCOUNT && { variables }),
    identity: await identities.sign({ ownerId: caller, operator }),
  });
  return errors?.[0]?.extensions.code;
}

test("an account's statistics are for its owner, and for operators", async () => {
  expect(await codeFor('alice', false, OF_ACCOUNT, 'alice')).toBeUndefined();
  expect(await codeFor('olga', true, OF_ACCOUNT, 'alice')).toBeUndefined();
  expect(await codeFor('bob', false, OF_ACCOUNT, 'alice')).toBe('FORBIDDEN');
  expect(await codeFor('bob', false, OF_ACCOUNT)).toBe('FORBIDDEN');
});

test('statistics over all accounts are for operators', async () => {
  expect(await codeFor('olga', true, '{ statistics { deposits } }')).toBeUndefined();
  expect(await codeFor('alice', false, '{ statistics { deposits } }')).toBe('FORBIDDEN');
});
