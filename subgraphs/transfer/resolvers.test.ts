import type { Collection } from 'mongodb';
import { expect, test } from 'vitest';
import { createEvent } from '../../events/contract.ts';
import { createSystem, isReady, silent, useServers } from '../../events/fixture.ts';
import { meddledWith } from '../../events/meddling.fixture.ts';
import { applyRules } from '../../events/rule.ts';
import { accountOpened } from '../../schema/events/account-opened.ts';
import { transferRequested } from '../../schema/events/transfer-requested.ts';
import { identityCodec } from '../../schema/identity.ts';
import { readSdl } from '../catalog.ts';
import { hostSubgraph } from '../host.ts';
import { service } from './index.ts';

const urls = useServers();
const identities = identityCodec('a secret for tests that is long enough');

/** A collection where nobody who looks for one row is answered before so many have looked. */
function lookedAtTogether(collection: Collection, count: number): Collection {
  let [looks, release] = [0, () => {}];
  const all = new Promise<void>(resolve => {
    release = resolve;
  });
  return meddledWith(collection, {
    async findOne(itself, ...args) {
      const row = await itself(...args);
      if (++looks === count) release();
      await all;
      return row;
    },
  });
}

/**
 * A service that knows of alice's account `a`.
 *
 * @param together so many look for a transfer before the first of them is answered.
 */
async function started({ together = 0 } = {}) {
  const system = createSystem(urls);
  await Promise.all([isReady(system.transport.redis), isReady(system.subscriber)]);
  const plain = system.context('transfer');
  const collection = (name: string) =>
    together > 0 && name === 'events' ? lookedAtTogether(plain.collection(name), together) : plain.collection(name);
  const context = { ...plain, collection: collection as typeof plain.collection };
  const { resolvers, rules } = service.create(context);
  const subgraph = hostSubgraph({ name: 'transfer', sdl: readSdl('transfer'), resolvers, identities, log: silent });
  const opened = createEvent(accountOpened, {
    ...{ id: 'a', source: '/account', subject: 'a', time: '2026-01-31T10:00:00.000Z' },
    data: { ownerId: 'alice', name: 'Everyday', currency: 'EUR' },
  });
  await applyRules(rules, [opened], { replay: false });

  async function ask(query: string, input?: object) {
    const identity = await identities.sign({ ownerId: 'alice', operator: false });
    const { data, errors } = await subgraph.execute({ query, variables: { ...(input && { input }) }, identity });
    return JSON.parse(JSON.stringify({ ...data, code: errors?.[0]?.extensions.code }));
  }
  return {
    rules,
    events: context.collection('events'),
    transfer: (input: object) =>
      ask('mutation ($input: TransferInput!) { transfer(input: $input) { transfer { id amount } } }', {
        ...{ fromAccountId: 'a', toAccountId: 'b', amount: 5 },
        ...input,
      }),
    transfers: async () => (await ask('{ transfers { nodes { id } } }')).transfers.nodes,
  };
}

test('of requests with one key at the same time those that ask for the same get one transfer, and the others are refused', async () => {
  const { transfer, transfers } = await started({ together: 3 });
  const key = { idempotencyKey: 'k' };
  const answers = await Promise.all([transfer(key), transfer(key), transfer({ ...key, amount: 7 })]);
  const made = answers.flatMap(answer => answer.transfer?.transfer ?? []);
  const [first] = made;
  expect(await transfers()).toEqual([{ id: first.id }]);
  for (const each of made) expect(each).toEqual(first);
  // Whichever came first: the other amount is not the same request.
  expect(made).toHaveLength(first.amount === 5 ? 2 : 1);
  for (const { code } of answers.filter(answer => !answer.transfer)) expect(code).toBe('IDEMPOTENCY_KEY_REUSED');
});

test('a request that was lost is listed again when it comes from the lake', async () => {
  const { rules, events, transfer, transfers } = await started();
  await transfer({});
  const listed = await transfers();
  const [row] = await events.find({ 'event.type': transferRequested.type }).toArray();
  await events.deleteMany({});
  expect(await transfers()).toEqual([]);
  expect(await applyRules(rules, [row?.event], { replay: true })).toBeGreaterThan(0);
  expect(await transfers()).toEqual(listed);
  expect(listed).toHaveLength(1);
});
