import { readFileSync } from 'node:fs';
import { type Client, createClient } from 'graphql-ws';
import pino from 'pino';
import { WebSocket } from 'ws';
import { clientError } from '../schema/errors.ts';
import { type IdentityCodec, identityCodec } from '../schema/identity.ts';
import { serviceNames } from '../subgraphs/catalog.ts';
import { type HostOptions, hostSubgraph, type RequestContext, type Subgraph } from '../subgraphs/host.ts';
import { signToken, tokenVerifier } from './identity.ts';
import { createGateway, type Gateway, type GatewayOptions } from './index.ts';
import { topic } from './subscriptions/topic.ts';

/** What the gateway's tests share: the real schemas over resolvers that are only as good as the tests need. */
export const SECRET = 'a secret for tests that is long enough';
export const identities: IdentityCodec = identityCodec(SECRET);
export const supergraphSdl = readFileSync(new URL('../schema/supergraph.graphql', import.meta.url), 'utf8');

const sdlOf = (name: string) => readFileSync(new URL(`../subgraphs/${name}/schema.graphql`, import.meta.url), 'utf8');

/** A pino logger whose lines can be read back. */
export function recordingLog() {
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: line => lines.push(line) });
  return { log, lines };
}

type Account = { id: string; ownerId: string; name: string; currency: string; openedAt: string; version: number };
const accountOf = (id: string, ownerId: string, version: number): Account => ({
  id,
  ownerId,
  version,
  name: `name of ${id}`,
  currency: 'USD',
  openedAt: '2026-01-01T00:00:00Z',
});

/** Fakes of the services, over the schemas of the real ones. */
export function fakes(log = recordingLog().log) {
  const balances = topic<{ balanceChanged: Account | null }>();
  const stored = topic<{ eventStored: object }>();
  /** Events 1 to `size`; the stream is lost once before `lostAt`. `begun`: after which places it was read. */
  const history = { size: 0, lostAt: 0, begun: [] as number[] };
  async function* historyAfter(place: number) {
    history.begun.push(place);
    for (let position = place + 1; position <= history.size; position++) {
      if (position === history.lostAt) {
        history.lostAt = 0;
        throw new Error('lost the lake at 10.0.0.9');
      }
      yield { eventStored: { position, type: `type ${position}` } };
    }
  }
  /** Made when it is first asked something: most tests ask one of them, and to make all of them takes longer than what is asked. */
  function host(name: string, resolvers: HostOptions['resolvers']): ReturnType<typeof hostSubgraph> {
    let made: ReturnType<typeof hostSubgraph> | undefined;
    const now = () => {
      made ??= hostSubgraph({ name, sdl: sdlOf(name), resolvers, identities, log });
      return made;
    };
    return {
      name,
      get schema() {
        return now().schema;
      },
      execute: request => now().execute(request),
      subscribe: request => now().subscribe(request),
    };
  }
  /** `until`: what asks for an account waits for it. */
  const control = { down: false, until: Promise.resolve(), accountsAsked: 0, ledgerFetches: 0 };

  const account = host('account', {
    Query: {
      account: async (_: unknown, { id }: { id: string }, { identity }: RequestContext) => {
        control.accountsAsked++;
        if (control.down)
          throw Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:27017'), { code: 'ECONNREFUSED' });
        if (id === 'boom') throw new Error('secret host 10.0.0.1');
        await control.until;
        return id === 'none' ? null : accountOf(id, identity.ownerId, 1);
      },
      accounts: () => {
        if (control.down)
          throw Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:27017'), { code: 'ECONNREFUSED' });
        return { nodes: [], pageInfo: { hasNextPage: false } };
      },
    },
    Mutation: {
      withdraw: () => {
        throw clientError('INSUFFICIENT_FUNDS', 'The balance does not cover it.');
      },
      openAccount: (_: unknown, { input }: { input: { name: string } }, { identity }: RequestContext) => ({
        account: { ...accountOf('new', identity.ownerId, 0), name: input.name },
      }),
    },
    Subscription: {
      balanceChanged: {
        subscribe: (
          _: unknown,
          { accountId }: { accountId: string },
          { identity }: { identity: { ownerId: string } },
        ) => {
          if (accountId === 'denied') throw clientError('FORBIDDEN', 'Not yours.');
          return balances.subscribe({ balanceChanged: accountOf(accountId, identity.ownerId, 1) });
        },
      },
    },
    Account: {
      __resolveReference: ({ id }: { id: string }) => accountOf(id, 'alice', 1),
      balance: ({ version }: Account) => ({ amount: version * 100, version, asOf: null }),
      name: ({ name }: Account) => {
        if (name === 'throws') throw new Error('secret name server 10.0.0.1');
        return name;
      },
    },
  });
  const balance = host('balance', {
    Account: {
      ledger: ({ id, ownerId }: Account) => {
        control.ledgerFetches++;
        return {
          nodes: [
            { version: 1, amount: 1, balance: 1, time: 't', eventId: `${id}/${ownerId}`, eventType: 'deposited' },
          ],
          pageInfo: {},
        };
      },
      balanceAt: () => {
        throw new Error('secret ledger host 10.0.0.2');
      },
    },
  });
  const reporting = host('reporting', { Query: { statistics: () => [] }, Account: { statistics: () => [] } });
  const lake = host('lake', {
    Subscription: {
      eventStored: {
        subscribe: (_: unknown, { after }: { after?: number }) =>
          after === undefined ? stored.subscribe() : historyAfter(after),
      },
    },
    Query: { services: () => [] },
  });
  const transfer = host('transfer', { Query: { transfer: () => null } });
  // Services that were added are in the supergraph as well.
  const added = Object.fromEntries(serviceNames().map(name => [name, host(name, {})]));
  const subgraphs: Record<string, Subgraph> = { ...added, account, balance, reporting, lake, transfer };
  return { subgraphs, account, balances, stored, history, control, accountOf };
}

/** A gateway on a free port, over the fakes unless others are given. */
export async function startGateway(options: Partial<GatewayOptions> = {}) {
  const { log, lines } = recordingLog();
  const services = fakes(log);
  const gateway = await createGateway({
    supergraphSdl,
    subgraphs: services.subgraphs,
    tokens: tokenVerifier({ secret: SECRET }),
    identities,
    health: async () => ({ mongodb: { state: 'ok' } }),
    host: '127.0.0.1',
    port: 0,
    limits: { connections: 20, subscriptions: 50 },
    log,
    introspection: false,
    ...options,
  });
  return { gateway, lines, ...services };
}

export const tokenOf = (sub: string, expiresIn = '1h', roles: string[] = []) =>
  signToken(SECRET, { sub, roles, expiresIn });

/** Posts to /graphql; `body` is sent as JSON unless it is a string. */
export async function post(
  gateway: Gateway,
  body: unknown,
  headers: Record<string, string> = {},
  signal: AbortSignal | null = null,
) {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    signal,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await tokenOf('alice')}`, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: JSON.parse(text) };
}

/** A graphql-ws client of one identity, that does not connect again by itself. */
export function connect(
  gateway: { url: string },
  token: string,
  on: Parameters<typeof createClient>[0]['on'] = {},
): Client {
  return createClient({
    url: `${gateway.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${token}` },
    retryAttempts: 0,
    on,
  });
}

/** What `/metrics` says of a metric without labels. */
export async function metric(gateway: { url: string }, name: string): Promise<number> {
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}
