import { expect, test } from 'vitest';
import { systemClock } from '../../events/clock.ts';
import { faultEvent } from '../../events/fault.ts';
import { createSystem, happening, isReady, silent, useServers } from '../../events/fixture.ts';
import { identityCodec } from '../../schema/identity.ts';
import { readSdl } from '../catalog.ts';
import { hostSubgraph } from '../host.ts';
import { service } from './index.ts';

const urls = useServers();

/** The lake's subgraph over some events, asked by an operator. */
async function started() {
  const system = createSystem(urls);
  await Promise.all([isReady(system.transport.redis), isReady(system.subscriber)]);
  const context = system.context('lake');
  for (const [name, wanted] of Object.entries(service.indexes))
    await context.collection(name).createIndexes([...wanted]);
  const { rules, resolvers } = service.create(context);
  const identities = identityCodec('a secret for tests that is long enough');
  const subgraph = hostSubgraph({ name: 'lake', sdl: readSdl('lake'), resolvers, identities, log: silent });
  const identity = await identities.sign({ ownerId: 'olga', operator: true });
  return {
    ...system,
    subgraph,
    identities,
    store: async (events: Parameters<(typeof rules)[number]['handle']>[0]) =>
      rules[0]?.handle(events, { replay: false }),
    async ask(query: string, variables: Record<string, unknown> = {}) {
      const { data, errors } = await subgraph.execute({ query, variables, identity });
      return { data: JSON.parse(JSON.stringify(data ?? null)), errors };
    },
    watch: async (query: string, variables: Record<string, unknown> = {}) =>
      subgraph.subscribe({ query, variables, identity }),
  };
}

const follows = (id: string, cause: string) => ({ ...happening(id), causationid: cause, correlationid: 'd' });

test('a client walks from an event to all that it led to, and back', async () => {
  const { store, ask } = await started();
  await store([happening('d'), happening('other'), follows('b', 'd'), follows('o', 'b'), follows('d2', 'd')]);
  const { data } = await ask(/* GraphQL */ `
    {
      event(id: "d") {
        causes { id }
        caused { totalCount nodes { id caused(first: 1) { nodes { id causes { id causes { id } } } } } }
      }
      other: event(id: "other") { causes { id } caused { nodes { id } } }
    }`);
  const o = { id: 'o', causes: [{ id: 'b', causes: [{ id: 'd' }] }] };
  expect(data).toEqual({
    event: {
      causes: [],
      caused: {
        totalCount: 2,
        nodes: [
          { id: 'b', caused: { nodes: [o] } },
          { id: 'd2', caused: { nodes: [] } },
        ],
      },
    },
    other: { causes: [], caused: { nodes: [] } },
  });
});

test('a filter whose "from" is after its "to" is refused wherever it is given', async () => {
  const { ask, watch } = await started();
  const filter = '{ from: "2026-02-01T00:00:00.000Z", to: "2026-01-01T00:00:00.000Z" }';
  const refusal = { message: '"from" is after "to".', extensions: { code: 'BAD_USER_INPUT' } };
  for (const query of [
    `{ events(filter: ${filter}) { totalCount } }`,
    `{ eventLines(filter: ${filter}, after: 0) { text } }`,
    `mutation { replay(input: { service: "balance", filter: ${filter} }) { id } }`,
  ])
    expect([query, (await ask(query)).errors]).toMatchObject([query, [refusal]]);
  const stream = await watch(`subscription { eventStored(filter: ${filter}) { id } }`);
  expect(stream).toMatchObject({ errors: [refusal] });
});

test('an event that follows from one that the lake does not have, has no cause to show', async () => {
  const { store, ask } = await started();
  await store([follows('b', 'nowhere')]);
  const { data } = await ask('{ event(id: "b") { causationId causes { id } } }');
  expect(data).toEqual({ event: { causationId: 'nowhere', causes: [] } });
});

test('many effects are shown page by page', async () => {
  const { store, ask } = await started();
  await store([happening('d'), ...Array.from({ length: 7 }, (_, index) => follows(`e${index}`, 'd'))]);
  const seen: string[] = [];
  let after: string | null = null;
  do {
    const { data } = await ask(
      'query ($after: String) { event(id: "d") { caused(first: 3, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } } }',
      { after },
    );
    const { nodes, pageInfo } = data.event.caused;
    seen.push(...nodes.map(({ id }: { id: string }) => id));
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
  } while (after);
  expect(seen).toEqual(Array.from({ length: 7 }, (_, index) => `e${index}`));
  expect((await ask('{ event(id: "d") { caused(first: 0) { nodes { id } } } }')).errors?.[0]?.message).toMatch(/first/);
});

test('an operator gets a signed checkpoint, and verifies the lake in parts', async () => {
  const { store, ask, prefix } = await started();
  await store([happening('1'), happening('2'), happening('3')]);
  const { data } = await ask(
    '{ checkpoint { system position hash time publicKey signature } verifyLake { head } part: verifyLake(from: 2, to: 3) { valid events head } }',
  );
  expect(data.checkpoint).toMatchObject({ system: `${prefix}-lake`, position: 3, hash: data.verifyLake.head });
  expect(data.checkpoint.publicKey).toMatch(/^-----BEGIN PUBLIC KEY-----/);
  expect(data.part).toEqual({ valid: true, events: 2, head: data.verifyLake.head });
});

test('the live tail begins after a position, and goes on without a gap while several processes store', async () => {
  const { store, watch } = await started();
  const writers = 4;
  const events = (count: number, of: string) =>
    Array.from({ length: count }, (_, index) => happening(`${of}${index}`, { subject: index % 3 === 0 ? 'x' : 'y' }));
  await store(events(250, 'before'));
  const stream = await watch('subscription { eventStored(after: 100) { position } }');
  const filtered = await watch('subscription { eventStored(after: 0, filter: { subject: "x" }) { position subject } }');
  if (!(Symbol.asyncIterator in stream) || !(Symbol.asyncIterator in filtered)) throw new Error('no stream');

  const storing = Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      const all = events(120, `w${writer}-`);
      for (let at = 0; at < all.length; at += 7) await store(all.slice(at, at + 7));
    }),
  );
  const total = 250 + writers * 120;
  const positions: number[] = [];
  while (positions.length < total - 100) {
    const { value } = await stream.next();
    positions.push(value?.data?.eventStored?.position as number);
  }
  await storing;
  expect(positions).toEqual(Array.from({ length: total - 100 }, (_, index) => 101 + index));

  const seen: number[] = [];
  while (seen.length < 84 + writers * 40) {
    const { value } = await filtered.next();
    seen.push(value?.data?.eventStored?.position as number);
  }
  expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
  await stream.return?.();
  await filtered.return?.();
});

test.each([-1, 4])('the live tail cannot begin after position %i of three', async after => {
  const { store, watch } = await started();
  await store([happening('1'), happening('2'), happening('3')]);
  const refused = await watch('subscription ($after: Int) { eventStored(after: $after) { position } }', { after });
  expect('errors' in refused && refused.errors?.[0]?.message).toMatch(/after: must be a position from 0 to 3/);
});

test('a replay says what it was asked for, and a dry run how many subjects that is about', async () => {
  const { store, ask, bind } = await started();
  const { type, subject } = happening('1');
  await bind('reporting', { consumes: [type] });
  await store([happening('1'), happening('2'), happening('3', { subject: 'another' })]);
  const input = { service: 'reporting', dryRun: true, ratePerSecond: 7, filter: { types: [type], subject } };
  const { data } = await ask(
    'mutation ($input: ReplayInput!) { replay(input: $input) { total subjects ratePerSecond filter { types subject source from } } }',
    { input },
  );
  const filter = { types: [type], subject: subject ?? null, source: null, from: null };
  expect(data.replay).toEqual({ total: 2, subjects: 1, ratePerSecond: 7, filter });

  const { data: whole } = await ask(
    'mutation ($input: ReplayInput!) { replay(input: $input) { total subjects ratePerSecond filter { types } } }',
    { input: { service: 'reporting' } },
  );
  expect(whole.replay).toEqual({ total: 3, subjects: null, ratePerSecond: null, filter: null });
});

test('an operator sees the system as a query and as a stream; nobody else does', async () => {
  const { ask, watch, bind, subgraph, identities } = await started();
  await bind('balance', { consumes: ['deposited'], emits: ['balance-updated'] });
  const fields = '{ events services { name consumes emits lagEvents faults } servers { name state } flows { type } }';
  const system = {
    events: 0,
    services: [{ name: 'balance', consumes: ['deposited'], emits: ['balance-updated'], lagEvents: 0, faults: 0 }],
    servers: [
      { name: 'mongodb', state: 'OK' },
      { name: 'redis', state: 'OK' },
    ],
    flows: [],
  };
  expect((await ask(`{ system ${fields} }`)).data).toEqual({ system });
  const stream = await watch(`subscription { systemChanged ${fields} }`);
  if (!(Symbol.asyncIterator in stream)) throw new Error('no stream');
  for (let at = 0; at < 2; at++) expect((await stream.next()).value).toMatchObject({ data: { systemChanged: system } });
  await stream.return?.();

  const identity = await identities.sign({ ownerId: 'alice', operator: false });
  const query = '{ system { time } }';
  expect((await subgraph.execute({ query, identity })).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  const refused = await subgraph.subscribe({ query: `subscription { systemChanged { time } }`, identity });
  expect('errors' in refused && refused.errors?.[0]?.extensions.code).toBe('FORBIDDEN');
});

test('faults are found by service, by state and by whether they were resubmitted, page by page', async () => {
  const { store, ask, bind } = await started();
  await bind('balance');
  const faultOf = (service: string, id: string) =>
    faultEvent(
      { service, original: happening(id), error: new Error('cannot'), deliveries: 3, resubmission: 0 },
      systemClock,
    );
  const faults = Array.from({ length: 9 }, (_, index) => faultOf(index % 3 === 0 ? 'account' : 'balance', `${index}`));
  await store(faults);
  const idsBy = async (filter: string) => {
    const seen: string[] = [];
    for (let after = ''; ; ) {
      const { data, errors } = await ask(
        `{ faults(first: 2 ${filter} ${after}) { nodes { id service resubmittedAt } pageInfo { hasNextPage endCursor } } }`,
      );
      if (errors) throw errors[0];
      seen.push(...data.faults.nodes.map(({ id }: { id: string }) => id));
      if (!data.faults.pageInfo.hasNextPage) return seen;
      after = `after: "${data.faults.pageInfo.endCursor}"`;
    }
  };
  const newestFirst = faults.map(({ id }) => id).reverse();
  const ofBalance = newestFirst.filter((_, index) => (8 - index) % 3 !== 0);
  expect(await idsBy('')).toEqual(newestFirst);
  expect(await idsBy('service: "balance"')).toEqual(ofBalance);
  expect(await idsBy('service: "nobody"')).toEqual([]);
  const { data } = await ask(
    'query ($id: ID!) { fault(id: $id) { service error eventType subject original resubmittedAt } }',
    {
      id: ofBalance[0],
    },
  );
  expect(data.fault).toEqual({
    ...{ service: 'balance', error: 'cannot', eventType: 'happened', subject: 'a', resubmittedAt: null },
    original: expect.objectContaining({ id: '8', type: 'happened' }),
  });
  expect((await ask('{ fault(id: "8") { id } }')).data).toEqual({ fault: null });
  const again = ofBalance.slice(1, 3);
  await ask('mutation ($ids: [ID!]!) { resubmit(faultIds: $ids) { id } }', { ids: again });
  expect(await idsBy('resubmitted: true')).toEqual(again);
  expect(await idsBy('service: "balance", resubmitted: false')).toEqual(ofBalance.filter(id => !again.includes(id)));

  const dismiss = 'mutation ($ids: [ID!]!, $reason: String!) { dismiss(faultIds: $ids, reason: $reason) { state } }';
  const closed = ofBalance.slice(3, 4);
  const refused = await ask(dismiss, { ids: closed, reason: '  ' });
  expect(refused.errors?.[0]).toMatchObject({
    message: 'reason: must say why',
    extensions: { code: 'BAD_USER_INPUT' },
  });
  expect((await ask(dismiss, { ids: closed, reason: 'a test' })).data).toEqual({ dismiss: [{ state: 'DISMISSED' }] });
  expect(await idsBy('state: DISMISSED')).toEqual(closed);
  expect(await idsBy('state: RESUBMITTED')).toEqual(again);
  const open = ofBalance.filter(id => !again.includes(id) && !closed.includes(id));
  expect(await idsBy('service: "balance", state: OPEN')).toEqual(open);
});
