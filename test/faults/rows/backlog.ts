/** A backlog: many events are in account's outbox before any service runs. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock, timestamp } from '../../../events/clock.ts';
import type { Event } from '../../../events/event.ts';
import { createOutbox } from '../../../events/outbox.ts';
import { deposit } from '../../../subgraphs/account/decide.ts';
import { UNSETTLED } from '../../../subgraphs/account/view.ts';
import type { Cluster } from '../cluster.ts';
import type { Answered } from '../load.ts';
import type { Context, Row } from '../row.ts';
import type { Verdict } from '../verdict.ts';

const BATCH = 1_000;
const LOOK_MS = 1_000;
/** As many may be on their way just then: clients go on. */
const LIVE_MAX = 20;
/** No slower than this, or it counts as stuck. */
const EVENTS_PER_SECOND_MIN = 50;

/** More are not read over the API, page by page. */
const READ_MAX = 50_000;

/** Fills the outbox with deposits, spread over the bank's accounts, as if each had been asked for and acknowledged. */
async function fill({ cluster, bank, say }: Context, events: number): Promise<void> {
  const collection = cluster.database('account').collection('events');
  const outbox = createOutbox({ collection, clock: systemClock, wake: () => undefined });
  for (let done = 0; done < events; done += BATCH) {
    const documents = Array.from({ length: Math.min(BATCH, events - done) }, (_, index) => {
      const { id, owner } = bank.accounts[(done + index) % bank.accounts.length] ?? { id: '', owner: '' };
      const facts = { id, ownerId: owner, name: 'Everyday', currency: 'USD', openedAt: '' };
      const circumstances = { time: timestamp(systemClock.now()), newId: randomUUID() };
      const [amount, memo] = [1 + (index % 500), `backlog ${done + index}`];
      const event = deposit(facts, { accountId: id, amount, memo }, circumstances);
      if (events <= READ_MAX) bank.history.push(asked(event, owner, memo, amount));
      return { ...outbox.entry(event), account: id, time: event.time, settled: UNSETTLED };
    });
    await collection.insertMany(documents as unknown as Parameters<typeof collection.insertMany>[0], {
      ordered: false,
    });
    if (done % (50 * BATCH) === 0) say(`${done} of ${events} in the outbox`);
  }
}

const asked = ({ id: eventId, subject }: Event, owner: string, key: string, amountMinor: number): Answered => ({
  kind: 'deposit',
  outcome: 'ok',
  atMs: 0,
  account: subject ?? '',
  owner,
  key,
  amountMinor,
  eventId,
});

const megabytesOf = (pid: number | undefined): number => {
  const status = pid === undefined ? '' : readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024);
};

function rssOf(cluster: Cluster, most: Map<string, number>): void {
  for (const kept of [...cluster.members, cluster.redis, cluster.mongodb]) {
    try {
      most.set(kept.name, Math.max(most.get(kept.name) ?? 0, megabytesOf(kept.pid())));
    } catch {
      // Other machines keep this elsewhere.
    }
  }
}

/** What each place holds: of everything, because counting what matches would keep the small MongoDB from its work. */
async function sizes({ cluster }: Context) {
  const views = await cluster.database('account').collection<{ version: number }>('accounts').find().toArray();
  const size = (service: string, of: string) => cluster.database(service).collection(of).estimatedDocumentCount();
  return {
    account: views.reduce((sum, { version }) => sum + version, 0),
    reporting: await size('reporting', 'store'),
    // Each deposit and its balance.
    lake: Math.floor((await size('lake', 'lake')) / 2),
  };
}

type Sizes = Awaited<ReturnType<typeof sizes>>;

async function drain(context: Context, events: number, before: Sizes): Promise<void> {
  const { cluster, bank, say, note, violated } = context;
  const startedMs = performance.now();
  const most = new Map<string, number>();
  const live: number[] = [];
  const [account] = bank.accounts;
  for (let look = 0; ; look++) {
    if (account && look % 5 === 0) {
      const askedMs = performance.now();
      const { outcome } = await bank.transact(account, 'deposit', 1, `live ${look}`);
      if (outcome === 'ok') live.push(performance.now() - askedMs);
      else violated(`a live deposit was answered ${outcome}`);
    }
    rssOf(cluster, most);
    const elapsedMs = performance.now() - startedMs;
    const now = await sizes(context);
    const behind = (['account', 'reporting', 'lake'] as const).map(of => events + live.length - now[of] + before[of]);
    if (look % 10 === 0) say(`behind: account ${behind[0]}, reporting ${behind[1]}, lake ${behind[2]}`);
    if (Math.max(...behind) <= LIVE_MAX) break;
    if (elapsedMs > 60_000 + (events / EVENTS_PER_SECOND_MIN) * 1_000) return violated('it does not drain');
    await delay(LOOK_MS);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const slowest = Math.max(...live).toFixed(0);
  note(`${events} events drained in ${seconds.toFixed(0)} s, ${(events / seconds).toFixed(0)} a second`);
  note(`${live.length} live deposits acknowledged meanwhile, the slowest in ${slowest} ms`);
  note(`at most ${[...most].map(([name, megabytes]) => `${name} ${megabytes} MB`).join(', ')}`);
}

type Sums = { _id: string; count: number; versions: number; amounts: number; last: number };

/** Counts and sums by account, in the databases: the ledger's unique indexes see to it that nothing is in it twice. */
async function judgeSums({ cluster }: Context): Promise<Verdict> {
  const count = (service: string, of: string, type: string) =>
    cluster.database(service).collection(of).countDocuments({ 'event.type': type });
  const ledger = await cluster
    .database('balance')
    .collection('events')
    .aggregate<Sums>([
      { $match: { chain: { $exists: true } } },
      { $sort: { chain: 1, version: 1 } },
      {
        $group: {
          _id: '$chain',
          count: { $sum: 1 },
          versions: { $max: '$version' },
          amounts: { $sum: '$event.data.amountMinor' },
          last: { $last: '$event.data.balanceMinor' },
        },
      },
    ])
    .toArray();
  const kinds = ['deposited', 'withdrawn'];
  const sum = async (service: string, of: string) =>
    (await Promise.all(kinds.map(kind => count(service, of, kind)))).reduce((all, each) => all + each, 0);
  const [made, inLake, counted, updates] = await Promise.all([
    sum('account', 'events'),
    sum('lake', 'lake'),
    sum('reporting', 'store'),
    count('lake', 'lake', 'balance-updated'),
  ]);
  const rows = ledger.reduce((all, each) => all + each.count, 0);
  const places = { inLake, counted, updates, rows };
  const gaps = ledger.filter(each => each.versions !== each.count || each.amounts !== each.last);
  return {
    lost: Math.max(0, made - Math.min(...Object.values(places))),
    double: Math.max(0, Math.max(...Object.values(places)) - made),
    violations: [
      ...gaps.map(each => `account ${each._id}: the ledger is ${JSON.stringify(each)}`),
      ...Object.entries(places)
        .filter(([, found]) => found !== made)
        .map(([place, found]) => `${made} transactions, ${place}: ${found}`),
    ],
  };
}

export const backlogRow = (events: number): Row => ({
  name: 'backlog',
  what: `${new Intl.NumberFormat('en-US').format(events)} events wait in the outbox when the services start`,
  byNameOnly: true,
  load: { clients: 1, pauseMs: 1_000 },
  ...(events > READ_MAX && { judge: judgeSums }),
  async fault(context) {
    const { cluster, say } = context;
    const services = cluster.members.filter(({ service }) => service !== 'gateway');
    const before = await sizes(context);
    await Promise.all(services.map(each => each.hold()));
    await fill(context, events);
    say('the services start');
    await Promise.all(services.map(each => each.release()));
    await drain(context, events, before);
  },
});
