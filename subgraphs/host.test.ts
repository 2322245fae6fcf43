import { GraphQLError } from 'graphql';
import { SignJWT } from 'jose';
import { pino } from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { clientError } from '../schema/errors.ts';
import { identityCodec } from '../schema/identity.ts';
import { MinorUnits } from '../schema/scalars.ts';
import { hostSubgraph, type RequestContext, type Resolvers } from './host.ts';

const SECRET = 'a secret for tests that is long enough';
const identities = identityCodec(SECRET);
const alice = () => identities.sign({ ownerId: 'alice', operator: false });

const sdl = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  scalar MinorUnits
  enum Size { SMALL LARGE }
  input Thing { amount: MinorUnits!  size: Size = SMALL  name: String! }
  type Query {
    whoami: String!
    fails(how: String!): String
    needed: String!
    take(thing: Thing!, first: Int = 1): String!
    amount: MinorUnits
  }
  type Subscription { ticks(how: String): Int! }
`;

const failures: Record<string, () => unknown> = {
  thrown: () => new TypeError('secret host 10.0.0.1'),
  deliberate: () => clientError('NOT_FOUND', 'There is none.'),
  store: () => Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:27017'), { name: 'MongoServerSelectionError' }),
  queue: () => new Error('Connection is closed.'),
  caused: () => new Error('secret', { cause: Object.assign(new Error('10.0.0.1'), { code: 'ECONNREFUSED' }) }),
  text: () => 'secret text',
};
const fail = (how: string): never => {
  throw failures[how]?.();
};

function started() {
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  let returned = 0;
  const resolvers: Resolvers = {
    MinorUnits,
    Query: {
      whoami: (_: unknown, __: unknown, { identity }: RequestContext) =>
        `${identity.ownerId}${identity.operator ? ', operator' : ''}`,
      fails: (_: unknown, { how }: { how: string }) => fail(how),
      needed: () => null,
      take: (_: unknown, { thing }: { thing: { amount: number } }) => `took ${thing.amount}`,
      amount: () => 1.5,
    },
    Subscription: {
      ticks: {
        subscribe(_: unknown, { how }: { how?: string }) {
          if (how) fail(how);
          let tick = 0;
          return {
            next: async () =>
              tick < 3
                ? { done: false, value: { ticks: ++tick === 2 ? null : tick } }
                : { done: true, value: undefined },
            async return() {
              returned++;
              return { done: true, value: undefined };
            },
            [Symbol.asyncIterator]() {
              return this;
            },
          };
        },
      },
    },
  };
  const subgraph = hostSubgraph({ name: 'test', sdl, resolvers, identities, log });
  return {
    lines,
    returned: () => returned,
    subgraph,
    ask: async (query: string, variables?: Record<string, unknown>) =>
      JSON.parse(JSON.stringify(await subgraph.execute({ query, variables, identity: await alice() }))),
  };
}

afterEach(() => void vi.useRealTimers());

describe('who may ask', () => {
  test('is whoever brings what the gateway signed', async () => {
    const { subgraph } = started();
    const operator = await identities.sign({ ownerId: 'olga', operator: true });
    expect((await subgraph.execute({ query: '{ whoami }', identity: await alice() })).data).toEqual({
      whoami: 'alice',
    });
    expect((await subgraph.execute({ query: '{ whoami }', identity: operator })).data).toEqual({
      whoami: 'olga, operator',
    });
  });

  const clientsToken = (secret = SECRET, audience = 'tributary', issuer = 'tributary') =>
    new SignJWT({ roles: ['operator'], operator: true })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject('mallory')
      .setIssuer(issuer)
      .setAudience(audience)
      .setExpirationTime('1h')
      .sign(new TextEncoder().encode(secret));
  const unsigned = (token: string) => {
    const [, payload] = token.split('.');
    return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
  };

  test.each<[string, () => unknown]>([
    ['none', () => undefined],
    ['an empty one', () => ''],
    ['nonsense', () => 'nonsense'],
    ["a client's token", () => clientsToken()],
    [
      "a client's token made out to look like the gateway's",
      () => clientsToken(SECRET, 'tributary-subgraph', 'tributary-gateway'),
    ],
    [
      'one signed with another secret',
      () => identityCodec('another secret that is long enough!!').sign({ ownerId: 'alice', operator: true }),
    ],
    ['one without a signature', async () => unsigned(await alice())],
    [
      'one with a changed payload',
      async () => (await alice()).replace(/\.(.)/, (_, first) => `.${first === 'a' ? 'b' : 'a'}`),
    ],
  ])('is nobody with %s', async (_, identityOf) => {
    const { subgraph } = started();
    const request = { query: '{ whoami }', identity: (await identityOf()) as string | undefined };
    for (const result of [
      await subgraph.execute(request),
      await subgraph.subscribe({ ...request, query: 'subscription { ticks }' }),
    ]) {
      expect(JSON.parse(JSON.stringify(result))).toEqual({
        errors: [{ message: 'This service answers the gateway only.', extensions: { code: 'UNAUTHENTICATED' } }],
      });
    }
  });

  test('is nobody whose identity has run out, though it was accepted before', async () => {
    const { subgraph } = started();
    const identity = await alice();
    expect((await subgraph.execute({ query: '{ whoami }', identity })).errors).toBeUndefined();
    vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ['Date'] });
    expect((await subgraph.execute({ query: '{ whoami }', identity })).errors?.[0]?.extensions.code).toBe(
      'UNAUTHENTICATED',
    );
  });

  test('learns nothing of the schema without an identity: not even that the query is wrong', async () => {
    const { subgraph } = started();
    for (const query of ['{ nothing }', '{', '{ __schema { types { name } } }'])
      expect((await subgraph.execute({ query, identity: undefined })).errors?.[0]?.extensions.code).toBe(
        'UNAUTHENTICATED',
      );
  });
});

describe('an error', () => {
  test.each([
    'thrown',
    'text',
  ])('that nobody meant (%s) shows an id that the log has too, and nothing else', async how => {
    const { ask, lines } = started();
    const { data, errors } = await ask(`{ fails(how: "${how}") }`);
    expect(data).toEqual({ fails: null });
    expect(errors).toEqual([
      {
        message: expect.stringMatching(/^Unexpected error [0-9a-f-]{36}$/),
        path: ['fails'],
        locations: expect.anything(),
        extensions: { code: 'INTERNAL_SERVER_ERROR', errorId: expect.any(String) },
      },
    ]);
    expect(JSON.stringify(errors)).not.toMatch(/secret|10\.0\.0\.1/);
    const line = lines.find(text => text.includes(errors[0].extensions.errorId));
    expect(line).toContain('secret');
  });

  test('that is deliberate reaches the client as it is', async () => {
    const { ask } = started();
    expect((await ask('{ fails(how: "deliberate") }')).errors).toMatchObject([
      { message: 'There is none.', path: ['fails'], extensions: { code: 'NOT_FOUND' } },
    ]);
  });

  test.each(['store', 'queue', 'caused'])('of a %s that is away says UNAVAILABLE, and no address', async how => {
    const { ask } = started();
    const { errors } = await ask(`{ fails(how: "${how}") }`);
    expect(errors).toMatchObject([{ path: ['fails'], extensions: { code: 'UNAVAILABLE' } }]);
    expect(JSON.stringify(errors)).not.toMatch(/ECONNREFUSED|10\.0\.0\.1|secret|closed/);
  });

  test.each(['{ needed }', '{ amount }'])("that is the service's own mistake (%s) is masked as well", async query => {
    const { ask } = started();
    expect((await ask(query)).errors).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
  });

  test.each([
    ['a variable of a wrong type', { thing: { amount: 1, name: 7 } }],
    ['an amount that is no whole number', { thing: { amount: 1.5, name: 'x' } }],
    ['an amount as text', { thing: { amount: '1', name: 'x' } }],
    ['a missing field', { thing: { amount: 1 } }],
    ['an unknown field', { thing: { amount: 1, name: 'x', other: 1 } }],
    ['an unknown value of an enum', { thing: { amount: 1, name: 'x', size: 'HUGE' } }],
    ['a missing variable', {}],
    ['null where there must be something', { thing: null }],
  ])('in what the client sent (%s) is BAD_USER_INPUT', async (_, variables) => {
    const { ask } = started();
    const { data, errors } = await ask('query ($thing: Thing!) { take(thing: $thing) }', variables);
    expect(data).toBeUndefined();
    expect(errors[0].extensions.code).toBe('BAD_USER_INPUT');
    expect(errors[0].message).toContain('$thing');
  });

  test('in what a subscription was sent is BAD_USER_INPUT as well', async () => {
    const { subgraph } = started();
    const query = 'subscription ($how: String) { ticks(how: $how) }';
    const result = await subgraph.subscribe({ query, variables: { how: 7 }, identity: await alice() });
    expect(result).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
  });

  test('in the document is what GraphQL says of it', async () => {
    const { ask } = started();
    expect((await ask('{ nothing }')).errors[0].message).toContain('Cannot query field');
    expect((await ask('{')).errors[0].message).toContain('Syntax Error');
    expect((await ask('query A { whoami } query B { whoami }')).errors[0].message).toContain('operation');
  });
});

describe('a subscription', () => {
  const subscribed = async (subgraph: ReturnType<typeof started>['subgraph'], query = 'subscription { ticks }') => {
    const result = await subgraph.subscribe({ query, identity: await alice() });
    if (!(Symbol.asyncIterator in result)) throw new Error('no stream');
    return result;
  };

  test('brings results until it ends, each masked', async () => {
    const { subgraph } = started();
    const results = [];
    for await (const result of await subscribed(subgraph)) results.push(JSON.parse(JSON.stringify(result)));
    expect(results).toMatchObject([
      { data: { ticks: 1 } },
      { errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }] },
      { data: { ticks: 3 } },
    ]);
  });

  test('ends its source when it is left', async () => {
    const { subgraph, returned } = started();
    const stream = await subscribed(subgraph);
    await stream.next();
    await stream.return?.();
    expect(returned()).toBe(1);
  });

  test.each([
    ['thrown', 'INTERNAL_SERVER_ERROR'],
    ['deliberate', 'NOT_FOUND'],
    ['store', 'UNAVAILABLE'],
  ])('that cannot start (%s) is one result with %s', async (how, code) => {
    const { subgraph } = started();
    const query = `subscription { ticks(how: "${how}") }`;
    const result = await subgraph.subscribe({ query, identity: await alice() });
    expect(result).toMatchObject({ errors: [expect.any(GraphQLError)] });
    expect(result).toMatchObject({ errors: [{ extensions: { code } }] });
    expect(JSON.stringify(result)).not.toContain('10.0.0.1');
  });
});
