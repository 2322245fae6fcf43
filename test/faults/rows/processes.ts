/** Processes that die, freeze, or have a wrong clock; connections that are cut; deliveries that are repeated and mixed. */
import { setTimeout as delay } from 'node:timers/promises';
import { serviceNames } from '../../../subgraphs/catalog.ts';
import type { Cluster, Member } from '../cluster.ts';
import type { Context, Row } from '../row.ts';

/** Longer than a job's lock (5 s) and the time until it is seen that it is gone (2.5 s more). */
const LOCK_MS = 12_000;
/** Longer than a relay's lease (3 s) and the others' tick (1 s). */
const LEASE_MS = 8_000;
const CUT_MS = 8_000;
const MIXED_MS = 10_000;
const BETWEEN_KILLS_MS = 2_500;
const HOUR_MS = 3_600_000;

/** Stops processes for a while: they know nothing of it. */
async function stopFor(members: readonly Member[], ms: number): Promise<void> {
  for (const member of members) member.signal('SIGSTOP');
  await delay(ms);
  for (const member of members) member.signal('SIGCONT');
}

/** The process that holds a service's lease to relay, and that lease's fence. */
async function relayOf(cluster: Cluster, service: string): Promise<{ member: Member; fence: number }> {
  const lease = await cluster
    .database(service)
    .collection<{ _id: string; holder: string | null; fence: number }>('leases')
    .findOne({ _id: 'relay' });
  const pid = Number(lease?.holder?.split(' ')[1]);
  const member = cluster.all(service).find(each => each.pid() === pid);
  if (!member || !lease) throw new Error(`nobody relays for ${service}: ${JSON.stringify(lease)}`);
  return { member, fence: lease.fence };
}

async function stopRelays(context: Context): Promise<void> {
  const { cluster, note, violated, say } = context;
  for (const service of serviceNames()) {
    const before = await relayOf(cluster, service);
    say(`the relay of ${service} is stopped`);
    await stopFor([before.member], LEASE_MS);
    const after = await relayOf(cluster, service);
    if (after.member === before.member) violated(`nobody took the relay of ${service} over`);
    note(`${service}: fence ${before.fence} → ${after.fence}`);
  }
}

async function killInTurn({ cluster, say }: Context, members: readonly Member[]): Promise<void> {
  for (const member of members) {
    say(`kill -9 ${member.name}`);
    await member.kill();
    await delay(BETWEEN_KILLS_MS);
  }
  await cluster.ready();
}

const clockOff = (offsetMs: number) => ({ preload: ['clock'], env: { CLOCK_OFFSET_MS: String(offsetMs) } });

function clockRow(name: string, what: string, offsetMs: number): Row {
  return {
    name,
    what,
    arrangement: {
      copies: 2,
      extras: Object.fromEntries(serviceNames().map(service => [`${service} 2`, clockOff(offsetMs)])),
    },
    async fault(context) {
      await delay(3_000);
      // Those with the right time go, so that those with the wrong one take over, and back again.
      const { members } = context.cluster;
      await killInTurn(
        context,
        members.filter(each => each.service !== 'gateway' && !each.name.endsWith(' 2')),
      );
      await killInTurn(
        context,
        members.filter(each => each.name.endsWith(' 2')),
      );
    },
  };
}

/** Cuts some of one service's connections for a while, then of the next service. */
function cutRow(name: string, what: string, links: (member: Member) => (Member['redis'] | undefined)[]): Row {
  return {
    name,
    what,
    arrangement: { proxied: serviceNames() },
    async fault({ cluster, say }) {
      for (const service of serviceNames()) {
        say(`${service} is cut off`);
        const cut = links(cluster.first(service));
        for (const link of cut) link?.cut();
        await delay(CUT_MS);
        for (const link of cut) link?.heal();
      }
    },
  };
}

export const processRows: readonly Row[] = [
  {
    name: 'kill-each',
    what: 'every process, the gateway too, is killed (`kill -9`) in turn; one of each',
    fault: context => killInTurn(context, context.cluster.members),
  },
  {
    name: 'kill-all',
    what: 'all processes and both servers are killed (`kill -9`) at once',
    async fault({ cluster }) {
      await Promise.all([cluster.mongodb, cluster.redis, ...cluster.members].map(each => each.kill()));
      await cluster.ready();
    },
  },
  {
    name: 'kill-one-of-two',
    what: 'two processes of every service; one of each is killed (`kill -9`) in turn, then the other',
    arrangement: { copies: 2 },
    async fault(context) {
      const members = context.cluster.members.filter(({ service }) => service !== 'gateway');
      await killInTurn(
        context,
        members.filter((_, index) => index % 2 === 0),
      );
      await killInTurn(
        context,
        members.filter((_, index) => index % 2 === 1),
      );
    },
  },
  {
    name: 'stop-consumer',
    what: 'balance, reporting and lake are stopped (SIGSTOP) for 12 s, longer than their locks; a second one of each runs on',
    arrangement: { copies: 2 },
    fault: ({ cluster }) => stopFor(['balance', 'reporting', 'lake'].map(cluster.first), LOCK_MS),
  },
  {
    name: 'stop-alone',
    what: 'balance, reporting and lake, one of each, are stopped (SIGSTOP) for 12 s',
    fault: ({ cluster }) => stopFor(['balance', 'reporting', 'lake'].map(cluster.first), LOCK_MS),
  },
  {
    name: 'stop-relay',
    what: "each service's active relay is stopped (SIGSTOP) for 8 s; the second one takes over; it comes back late",
    arrangement: { copies: 2 },
    fault: stopRelays,
  },
  cutRow('cut-redis', 'each service in turn is cut off from Redis for 8 s', ({ redis }) => [redis]),
  cutRow('cut-mongodb', 'each service in turn is cut off from MongoDB for 8 s', ({ mongodb }) => [mongodb]),
  cutRow('cut-both', 'each service in turn is cut off from both for 8 s', ({ mongodb, redis }) => [mongodb, redis]),
  {
    name: 'freeze-both',
    what: 'the connections of all services to both servers pass nothing on for 8 s, and stay open',
    arrangement: { proxied: serviceNames() },
    async fault({ cluster }) {
      const links = cluster.members.flatMap(({ mongodb, redis }) => [mongodb, redis].flatMap(link => link ?? []));
      for (const link of links) link.freeze();
      await delay(CUT_MS);
      for (const link of links) link.heal();
    },
  },
  {
    name: 'cut-gateway',
    what: 'the gateway is cut off from account for 8 s',
    arrangement: { proxied: ['gateway'] },
    async fault({ cluster }) {
      cluster.toAccount?.cut();
      await delay(CUT_MS);
      cluster.toAccount?.heal();
    },
  },
  {
    name: 'mixed',
    what: 'every service sends everything twice, shuffled, up to 1.5 s late',
    arrangement: {
      extras: Object.fromEntries(serviceNames().map(service => [service, { preload: ['delivery'] }])),
    },
    fault: () => delay(MIXED_MS),
  },
  clockRow(
    'clock-ahead',
    'the second process of every service has a clock that is an hour fast; each takes over',
    HOUR_MS,
  ),
  clockRow(
    'clock-behind',
    'the second process of every service has a clock that is an hour slow; each takes over',
    -HOUR_MS,
  ),
  {
    name: 'clock-account',
    what: 'the account process that clients reach has a clock that is an hour slow',
    arrangement: { extras: { account: clockOff(-HOUR_MS) } },
    fault: () => delay(5_000),
  },
];
