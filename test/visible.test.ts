/** What operators see of the real system, each service a process of its own: traces, metrics, logs. */
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Servers, startServers } from '../embedded/index.ts';
import { freePort } from '../embedded/port.ts';
import { signToken } from '../gateway/identity.ts';
import { serviceNames } from '../subgraphs/catalog.ts';
import { type CollectedSpan, type Collector, startCollector } from './collector.ts';
import {
  AUTH_SECRET,
  type Client,
  clientOf,
  DEPOSIT,
  eventually,
  launch,
  openAccount,
  type Process,
  stopAll,
  temporaryFolder,
} from './system.ts';

const folder = temporaryFolder();
const running = new Map<string, Process>();
const ports = new Map<string, number>();
let servers: Servers;
let collector: Collector;
let url: string;
let alice: Client;
let olga: Client;

const NAMES = ['gateway', ...serviceNames()];

beforeAll(async () => {
  collector = await startCollector();
  servers = await startServers({
    dataDir: folder.path,
    mongodbUrl: process.env.MONGODB_URL && new URL(`/test-visible-${process.pid}`, process.env.MONGODB_URL).href,
    redisUrl: process.env.REDIS_URL,
    log: pino({ level: 'silent' }),
  });
  for (const name of NAMES) ports.set(name, await freePort());
  const env = {
    MONGODB_URL: servers.mongodbUrl,
    REDIS_URL: servers.redisUrl,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_TRACE_URL: 'http://traces.example/trace/{traceId}',
    LOG_LEVEL: 'info',
    ...Object.fromEntries(
      serviceNames().map(name => [`${name.toUpperCase()}_URL`, `http://127.0.0.1:${ports.get(name)}/graphql`]),
    ),
  };
  await Promise.all(
    NAMES.map(async name =>
      running.set(name, await launch('service.ts', [name], { ...env, PORT: String(ports.get(name)) }, /is ready/)),
    ),
  );
  url = `http://127.0.0.1:${ports.get('gateway')}`;
  [alice, olga] = await Promise.all([clientOf(url, 'alice'), clientOf(url, 'olga', ['operator'])]);
}, 60_000);

afterAll(async () => {
  await stopAll();
  await servers?.stop();
  await collector?.stop();
  folder.remove();
});

type Deposited = { deposit: { transaction: { id: string } } };
type Traced = { event: { traceId: string | null; traceUrl: string | null } | null };

const NAMED_DEPOSIT = DEPOSIT.replace('mutation', 'mutation Deposit');
const EVENT = 'query ($id: ID!) { event(id: $id) { traceId traceUrl } }';

describe('a deposit that somebody watches', () => {
  let depositId: string;
  let trace: readonly CollectedSpan[];
  let all: readonly CollectedSpan[];

  const named = (service: string, name: string) =>
    trace.filter(span => span.service === service && span.name === name);
  function the(service: string, name: string): CollectedSpan {
    const [span, ...more] = named(service, name);
    if (!span || more.length > 0) {
      const there = trace.map(each => `${each.service}: ${each.name}`).join('\n  ');
      throw new Error(`${more.length + (span ? 1 : 0)} spans "${name}" of ${service} among\n  ${there}`);
    }
    return span;
  }
  const parentOf = ({ parentSpanId }: CollectedSpan) => {
    const parent = trace.find(({ spanId }) => spanId === parentSpanId);
    return parent && `${parent.service}: ${parent.name}`;
  };
  /** The spans of other traces that one is linked to. */
  const linksOf = ({ links }: CollectedSpan) =>
    links.map(link => {
      const linked = all.find(({ traceId, spanId }) => traceId === link.traceId && spanId === link.spanId);
      return linked && `${linked.service}: ${linked.name}`;
    });

  beforeAll(async () => {
    const id = await openAccount(alice);
    const socket = alice.socket();
    const stream = socket.iterate<{ balanceChanged: { balance: { version: number } } }>({
      query: `subscription { balanceChanged(accountId: "${id}") { balance { version } } }`,
    });
    await stream.next();
    const { deposit } = await alice.get<Deposited>(NAMED_DEPOSIT, { input: { accountId: id, amount: 100 } });
    depositId = deposit.transaction.id;
    expect((await stream.next()).value).toEqual({ data: { balanceChanged: { balance: { version: 1 } } } });
    await socket.dispose();
    const { event } = await eventually(
      () => olga.get<Traced>(EVENT, { id: depositId }),
      ({ event }) => event !== null,
    );
    // Each process sends what it has once a second.
    const ends = ['gateway: frame', 'reporting: consume deposited', 'lake: consume deposited'].concat(
      ['lake', 'account', 'balance'].map(name => `${name}: consume balance-updated`),
    );
    trace = await eventually(
      async () => collector.spans().filter(({ traceId }) => traceId === event?.traceId),
      spans => {
        const there = new Set(spans.map(({ service, name }) => `${service}: ${name}`));
        return ends.every(end => there.has(end));
      },
    );
    // Also the jobs' own, which are sent with them.
    all = await eventually(
      async () => collector.spans(),
      spans => trace.every(({ links }) => links.every(link => spans.some(({ spanId }) => spanId === link.spanId))),
    );
  });

  it('is one trace from the request to the pushed frame, each hop beneath the one before', () => {
    const way = [
      ['gateway', 'ask account', 'gateway: mutation Deposit'],
      ['account', 'answer Deposit__account__0', 'gateway: ask account'],
      ['account', 'outbox deposited', 'account: answer Deposit__account__0'],
      ['account', 'relay deposited', 'account: outbox deposited'],
      ['balance', 'consume deposited', 'account: relay deposited'],
      ['balance', 'ledger balance-updated', 'balance: consume deposited'],
      ['balance', 'relay balance-updated', 'balance: ledger balance-updated'],
      ['account', 'consume balance-updated', 'balance: relay balance-updated'],
      ['account', 'view balance-updated', 'account: consume balance-updated'],
      ['gateway', 'push', 'account: view balance-updated'],
      ['gateway', 'frame', 'gateway: push'],
    ] as const;
    expect(way.map(([service, name]) => [service, name, parentOf(the(service, name))])).toEqual(way);
    const [root] = named('gateway', 'mutation Deposit');
    expect(root?.parentSpanId).toBeUndefined();
  });

  it('has the side streams in it: the lake, reporting, and the ledger that hears itself', () => {
    for (const service of ['lake', 'reporting']) {
      expect(parentOf(the(service, 'consume deposited'))).toBe('account: relay deposited');
    }
    for (const service of ['lake', 'balance']) {
      expect(parentOf(the(service, 'consume balance-updated'))).toBe('balance: relay balance-updated');
    }
  });

  it('is linked to the jobs that carried it, which are traces of their own, as they carry others too', () => {
    const consumed = the('balance', 'consume deposited');
    expect(linksOf(consumed)).toEqual(['balance: job balance']);
    const job = all.find(({ spanId }) => spanId === consumed.links[0]?.spanId);
    const sent = all.find(({ spanId }) => spanId === job?.parentSpanId);
    expect([job?.traceId === consumed.traceId, sent?.name, sent?.service]).toEqual([false, 'send job balance', 'account']);
    const relayed = the('account', 'relay deposited');
    expect(sent?.links).toContainEqual({ traceId: relayed.traceId, spanId: relayed.spanId });
  });

  it('takes its time in the order of its hops, and fails nowhere', () => {
    const hops = [
      the('gateway', 'mutation Deposit'),
      the('account', 'outbox deposited'),
      the('account', 'relay deposited'),
      the('balance', 'consume deposited'),
      the('account', 'view balance-updated'),
      the('gateway', 'frame'),
    ];
    const started = hops.map(({ startedMs }) => startedMs);
    expect(started).toEqual([...started].sort((one, other) => one - other));
    expect(trace.filter(({ failed }) => failed)).toEqual([]);
    expect(trace.every(({ startedMs, endedMs }) => endedMs >= startedMs)).toBe(true);
  });

  it('names its events, and is found from the lake, with the address to look at', async () => {
    expect(the('account', 'outbox deposited').attributes['event.id']).toBe(depositId);
    const { event } = await olga.get<Traced>(EVENT, { id: depositId });
    const traceId = trace[0]?.traceId;
    expect(event).toEqual({ traceId, traceUrl: `http://traces.example/trace/${traceId}` });
  });

  it('shows the client nothing of it, and takes no trace from the client', async () => {
    const theirs = '4bf92f3577b34da6a3ce929d0e0e4736';
    const answer = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${await signToken(AUTH_SECRET, { sub: 'alice', roles: [], expiresIn: '1h' })}`,
        traceparent: `00-${theirs}-00f067aa0ba902b7-01`,
      },
      body: JSON.stringify({ query: 'query Mine { accounts { nodes { id } } }' }),
    });
    expect(Object.keys((await answer.json()) as object)).toEqual(['data']);
    const spans = await eventually(
      async () => collector.spans().filter(({ name }) => name === 'query Mine'),
      found => found.length > 0,
    );
    expect(spans.map(({ traceId, links }) => [traceId === theirs, links.map(link => link.traceId)])).toEqual([
      [false, [theirs]],
    ]);
  });
});
