/** What operators see of the real system, each service a process of its own: traces, metrics, logs. */
import { readFileSync } from 'node:fs';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import type { Servers } from '../embedded/index.ts';
import { freePort } from '../embedded/port.ts';
import { signToken } from '../gateway/identity.ts';
import { METRICS, type Metric, PROCESS_METRICS } from '../schema/metrics.ts';
import { prefixOf } from '../scripts/config.ts';
import { metricsFile, metricsPage } from '../scripts/metrics.ts';
import { serviceNames } from '../subgraphs/catalog.ts';
import { type CollectedSpan, type Collector, startCollector } from './collector.ts';
import { type Exposed, readExposed, unknownIn } from './promql.ts';
import {
  AUTH_SECRET,
  type Client,
  clientOf,
  DEPOSIT,
  eventually,
  launch,
  openAccount,
  type Process,
  sharedServers,
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
/** Those that have something to do here. */
const USED = ['account', 'balance', 'lake', 'reporting', 'transfer'];

beforeAll(async () => {
  collector = await startCollector();
  servers = await sharedServers(folder.path, `test-visible-${process.pid}`);
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
  await allJoined(servers.mongodbUrl);
});

/** What was relayed before a relay knew of a consumer comes to it from the lake, which is no part of a trace. */
async function allJoined(mongodbUrl: string): Promise<void> {
  const mongo = await MongoClient.connect(mongodbUrl);
  const bindings = mongo.db(`${prefixOf(mongodbUrl)}-registry`).collection('bindings');
  try {
    const seeding = () => bindings.countDocuments({ seeding: { $exists: true } });
    await eventually(seeding, count => count === 0);
    expect(await bindings.countDocuments()).toBe(serviceNames().length);
  } finally {
    await mongo.close();
  }
}

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

  const named = (service: string, name: string) => trace.filter(span => span.service === service && span.name === name);
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
        // What goes on beside another may end, and be sent, before it; and children before what they are part of.
        const known = new Set(spans.map(({ spanId }) => spanId));
        const isWhole = spans.every(({ parentSpanId }) => parentSpanId === undefined || known.has(parentSpanId));
        return isWhole && ends.every(end => there.has(end));
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
    // What nobody waits for is mostly sent by the flush that comes after, and that clears.
    const sent = (service: string, type: string) => [`${service}: flush ${type}`, `${service}: relay ${type}`];
    for (const service of ['lake', 'reporting']) {
      expect(sent('account', 'deposited')).toContain(parentOf(the(service, 'consume deposited')));
    }
    for (const service of ['lake', 'balance']) {
      expect(sent('balance', 'balance-updated')).toContain(parentOf(the(service, 'consume balance-updated')));
    }
    for (const flush of trace.filter(({ name }) => name.startsWith('flush '))) {
      expect(parentOf(flush)).toBe(`${flush.service}: ${flush.name.replace('flush', 'relay')}`);
    }
  });

  it('is linked to the jobs that carried it, which are traces of their own, as they carry others too', () => {
    const consumed = the('balance', 'consume deposited');
    expect(linksOf(consumed)).toEqual(['balance: job balance']);
    const job = all.find(({ spanId }) => spanId === consumed.links[0]?.spanId);
    const sent = all.find(({ spanId }) => spanId === job?.parentSpanId);
    expect([job?.traceId === consumed.traceId, sent?.name, sent?.service]).toEqual([
      false,
      'send job balance',
      'account',
    ]);
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

const project = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

describe('metrics', () => {
  let exposed: Exposed;
  let byProcess: Map<string, Exposed>;

  beforeAll(async () => {
    const pages = await Promise.all(
      NAMES.map(
        async name => [name, await (await fetch(`http://127.0.0.1:${ports.get(name)}/metrics`)).text()] as const,
      ),
    );
    exposed = readExposed(pages.map(([, page]) => page));
    byProcess = new Map(pages.map(([name, page]) => [name, readExposed([page])]));
  });

  /** A histogram is exposed under three names. */
  const shownAs = (name: string, { type }: Metric) => (type === 'histogram' ? `${name}_count` : name);

  it.each(Object.entries<Metric>(METRICS))('%s is there, with its labels', (name, metric) => {
    expect([name, [...(exposed.get(shownAs(name, metric))?.keys() ?? ['nothing'])].sort()]).toEqual([
      name,
      [...metric.labels].sort(),
    ]);
  });

  it('are there in every process, the delay of its event loop among them', () => {
    for (const [process, shown] of byProcess) {
      // Of garbage collection there may have been none yet.
      const missing = Object.keys(PROCESS_METRICS).filter(name => !shown.has(name) && !name.includes('_gc_'));
      expect([process, missing]).toEqual([process, []]);
      // To a service that was added nothing may have happened here.
      if (!USED.includes(process)) continue;
      const own = Object.entries<Metric>(METRICS).filter(([, metric]) => metric.shown === 'service');
      // What has not happened in a process yet has no labels to be shown with.
      const seldom = [
        'subgraph_request_duration_seconds',
        'relay_flush_duration_seconds',
        'relay_wait_seconds',
        'outbox_stored_events_total',
      ];
      const lacking = own.filter(([name, metric]) => !shown.has(shownAs(name, metric)) && !seldom.includes(name));
      expect([process, lacking.map(([name]) => name)]).toEqual([process, []]);
    }
  });

  it('have no other names than those of the catalogue, and Node’s and the process’s own', () => {
    const known = (name: string) =>
      Object.entries<Metric>(METRICS).some(([metric, { type }]) =>
        type === 'histogram'
          ? [`${metric}_bucket`, `${metric}_sum`, `${metric}_count`].includes(name)
          : metric === name,
      );
    expect([...exposed.keys()].filter(name => !known(name) && !/^(process|nodejs)_/.test(name))).toEqual([]);
  });

  it('count what has happened: events stored, relayed and handled, without faults', async () => {
    const RELAYED = /^relay_events_total\{service="balance"\} (\d+)$/m;
    const QUEUED = /^queue_events\{service="balance"\} (\d+)$/m;
    const numberIn = (page: string, line: RegExp) => Number(line.exec(page)?.[1] ?? Number.NaN);
    // What was sent is counted with the flush that comes after.
    const page = await eventually(
      async () => (await fetch(`http://127.0.0.1:${ports.get('balance')}/metrics`)).text(),
      text => numberIn(text, RELAYED) === 1 && numberIn(text, QUEUED) === 0,
    );
    expect(numberIn(page, /^outbox_stored_events_total\{service="balance",type="balance-updated"\} (\d+)$/m)).toBe(1);
    expect(numberIn(page, RELAYED)).toBe(1);
    // The deposit, and its own event as a snapshot.
    expect(numberIn(page, /^consumer_events_total\{service="balance",kind="live"\} (\d+)$/m)).toBe(2);
    expect(numberIn(page, /^consumer_faults_total\{service="balance",reason="handling"\} (\d+)$/m)).toBe(0);
    expect(numberIn(page, QUEUED)).toBe(0);
    expect(numberIn(page, /^relay_active\{service="balance"\} (\d+)$/m)).toBe(1);
  });

  it('are described in docs/METRICS.md as the catalogue has them: else run `npm run metrics`', () => {
    expect(readFileSync(metricsFile, 'utf8')).toBe(metricsPage());
  });

  /** Nobody has made a withdrawal here. */
  const NOT_YET = ['withdrawn'];

  it('are all that the dashboard asks for, values of labels among them', () => {
    const dashboard = DASHBOARD.parse(JSON.parse(project('deploy/grafana/tributary.json')));
    const targets = dashboard.panels.flatMap(panel => panel.targets.map(target => ({ ...target, title: panel.title })));
    expect(targets.length).toBeGreaterThan(30);
    expect(
      targets.flatMap(({ title, expr }) =>
        unknownIn(expr.replaceAll('$__rate_interval', '1m'), exposed, NOT_YET).map(unknown => `${title}: ${unknown}`),
      ),
    ).toEqual([]);
    // What a legend names has to be what the results are grouped by.
    expect(
      targets.flatMap(({ title, expr, legendFormat }) =>
        [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)]
          .filter(([, label]) => !new RegExp(`by \\([^)]*\\b${label}\\b`).test(expr))
          .map(([, label]) => `${title}: ${label}`),
      ),
    ).toEqual([]);
  });

  it('are all that the alerts ask for, and each alert says where what to do is written', () => {
    const { groups } = ALERTS.parse(parseYaml(project('deploy/prometheus/alerts.yml')));
    const rules = groups.flatMap(group => group.rules);
    expect(rules.length).toBeGreaterThan(10);
    expect(
      rules.flatMap(({ alert, expr }) => unknownIn(expr, exposed, NOT_YET).map(unknown => `${alert}: ${unknown}`)),
    ).toEqual([]);
    expect(rules.map(({ alert }) => alert)).toEqual([...new Set(rules.map(({ alert }) => alert))]);
    for (const { alert, annotations, expr } of rules) {
      const [file = '', anchor = ''] = annotations.runbook.split('#');
      const headings = [...project(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
        heading
          .toLowerCase()
          .replaceAll(/[^a-z0-9 -]/g, '')
          .replaceAll(' ', '-'),
      );
      expect([alert, headings]).toEqual([alert, expect.arrayContaining([anchor])]);
      const labels = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label);
      const missing = labels.filter(label => label !== 'instance' && !new RegExp(`by \\([^)]*\\b${label}`).test(expr));
      expect([alert, missing]).toEqual([alert, []]);
    }
  });
});

const DASHBOARD = z.object({
  panels: z.array(
    z.object({
      title: z.string(),
      targets: z.array(z.object({ expr: z.string(), legendFormat: z.string() })).default([]),
    }),
  ),
});

const ALERTS = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          alert: z.string(),
          expr: z.string(),
          labels: z.object({ severity: z.enum(['page', 'ticket']) }),
          annotations: z.object({ summary: z.string(), runbook: z.string() }),
        }),
      ),
    }),
  ),
});

describe('the log', () => {
  type Line = { level: number; msg: string } & Record<string, unknown>;
  const linesOf = (name: string): Line[] =>
    (running.get(name)?.output() ?? '').split('\n').flatMap(line => (line.startsWith('{') ? [JSON.parse(line)] : []));
  const lineOf = (name: string, wished: (line: Line) => boolean) =>
    eventually(
      async () => linesOf(name).find(wished),
      line => line !== undefined,
    );

  it('gets louder by SIGUSR1, of one process, all its parts and at once; and quieter again', async () => {
    const account = running.get('account');
    const signal = async (level: string) => {
      account?.kill('SIGUSR1');
      await lineOf('account', ({ msg }) => msg === `SIGUSR1: the log is at ${level} now`);
    };
    const stored = () => linesOf('account').filter(({ msg }) => msg === 'stored').length;
    expect(stored()).toBe(0);
    await signal('debug');
    await openAccount(alice);
    await lineOf('account', ({ msg }) => msg === 'stored');
    expect(stored()).toBe(1);
    await signal('trace');
    await signal('info');
    await openAccount(alice);
    expect(stored()).toBe(1);
    expect(linesOf('balance').filter(({ msg }) => msg.startsWith('SIGUSR1'))).toEqual([]);
    expect(account?.output()).not.toContain('Debugger listening');
  });

  it('leads from a request, by what the client calls it, to its event, and to wherever that was handled', async () => {
    for (const name of ['account', 'balance']) {
      const changes = () => linesOf(name).filter(({ msg }) => msg.startsWith('SIGUSR1')).length;
      const before = changes();
      running.get(name)?.kill('SIGUSR1');
      await eventually(
        async () => changes(),
        count => count > before,
      );
    }
    const id = await openAccount(alice);
    const answer = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-correlation-id': 'case-4711',
        authorization: `Bearer ${await signToken(AUTH_SECRET, { sub: 'alice', roles: [], expiresIn: '1h' })}`,
      },
      body: JSON.stringify({ query: NAMED_DEPOSIT, variables: { input: { accountId: id, amount: 5 } } }),
    });
    const { data } = (await answer.json()) as { data: Deposited };
    const eventId = data.deposit.transaction.id;
    expect(await lineOf('gateway', ({ correlationId }) => correlationId === 'case-4711')).toMatchObject({
      msg: 'request',
      operationName: 'Deposit',
    });
    expect(await lineOf('account', ({ correlationId }) => correlationId === 'case-4711')).toMatchObject({
      msg: 'stored',
      eventId,
      type: 'deposited',
    });
    const handled = await lineOf('balance', ({ eventIds }) => Array.isArray(eventIds) && eventIds.includes(eventId));
    expect(handled).toMatchObject({ msg: 'handled', kind: 'live', service: 'balance' });
  });
});

it('a transfer is one trace too, over both accounts', async () => {
  const [from, to] = await Promise.all([openAccount(alice), openAccount(alice)]);
  const { deposit } = await alice.get<Deposited>(DEPOSIT, { input: { accountId: from, amount: 100 } });
  await alice.get('query ($id: ID!, $after: ID) { account(id: $id) { balance(after: $after) { amount } } }', {
    id: from,
    after: deposit.transaction.id,
  });
  const input = { fromAccountId: from, toAccountId: to, amount: 40 };
  await alice.get('mutation Transfer($input: TransferInput!) { transfer(input: $input) { transfer { id } } }', {
    input,
  });
  const ends = [
    'transfer: outbox transfer-requested',
    'balance: ledger balance-updated',
    'lake: consume transfer-completed',
  ];
  await eventually(
    async () => {
      const root = collector.spans().find(({ name }) => name === 'mutation Transfer');
      return collector.spans().filter(({ traceId }) => traceId === root?.traceId);
    },
    spans => {
      const names = spans.map(({ service, name }) => `${service}: ${name}`);
      const balances = spans.filter(({ name }) => name === 'ledger balance-updated');
      return ends.every(end => names.includes(end)) && balances.length === 2;
    },
  );
});
