/** Holds the system to the invariants after a fault, over its public API; and measures beside it how soon it recovered. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Document } from 'mongodb';
import { UNSETTLED } from '../../subgraphs/account/view.ts';
import { serviceNames } from '../../subgraphs/catalog.ts';
import { accountsOf, emittedTypes, noCounts, operatorClient, settled, systemOf } from '../evidence.ts';
import {
  type AccountEvidence,
  accountsOnce,
  acknowledgedOnce,
  auditAccount,
  auditSystem,
  ownDataOnly,
  refusedNever,
  type Sight,
  sameKeySameEvent,
  type Violations,
  watchesRise,
} from '../invariants.ts';
import { AUTH_SECRET, type Client, DEPOSIT, eventually } from '../system.ts';
import type { Cluster } from './cluster.ts';
import { acknowledged, type Bank, STRANGER } from './load.ts';
import type { Watching } from './watching.ts';

/** Documents that are waited for: the ids that are not as they should be yet. */
type Awaited = { service: string; of: string; right: Document; left: string[] };

const POLL_MS = 200;
const AT_ONCE = 1_000;
const OLDEST_SECONDS_MAX = 10;

/** Which of the ids are not yet among a collection's documents that are as they should be. */
async function missing(cluster: Cluster, service: string, of: string, ids: readonly string[], right: Document) {
  const left = new Set(ids);
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const some = ids.slice(at, at + AT_ONCE);
    const rows = await cluster
      .database(service)
      .collection<{ _id: string }>(of)
      .find({ _id: { $in: some }, ...right }, { projection: { _id: 1 } })
      .toArray();
    for (const { _id } of rows) left.delete(_id);
  }
  return [...left];
}

async function pendingIds(cluster: Cluster, service: string): Promise<string[]> {
  const rows = await cluster
    .database(service)
    .collection<{ _id: string }>('events')
    .find({ pending: { $exists: true } }, { projection: { _id: 1 } })
    .toArray();
  return rows.map(({ _id }) => _id);
}

/**
 * How long it takes until all that is acknowledged by now is in the balances, in the statistics and in the lake, and all
 * that is in an outbox by now is relayed, whatever else goes on meanwhile.
 *
 * @param except events that a row has poisoned.
 * @returns undefined when it is not within `withinMs`.
 */
export async function recovery(
  cluster: Cluster,
  bank: Bank,
  except: ReadonlySet<string>,
  withinMs: number,
): Promise<number | undefined> {
  const startedMs = performance.now();
  const ids = [...acknowledged(bank)].filter(id => !except.has(id));
  const kinds: Awaited[] = [
    { service: 'account', of: 'events', right: { settled: { $lt: UNSETTLED } }, left: ids },
    { service: 'reporting', of: 'store', right: {}, left: ids },
    { service: 'lake', of: 'lake', right: {}, left: ids },
  ];
  const relayed = { pending: { $exists: false } };
  let outboxes: Awaited[] | undefined;
  while (performance.now() - startedMs < withinMs) {
    try {
      outboxes ??= await Promise.all(
        serviceNames().map(async service => ({
          service,
          of: 'events',
          right: relayed,
          left: await pendingIds(cluster, service),
        })),
      );
      const all = [...kinds, ...outboxes];
      for (const kind of all) kind.left = await missing(cluster, kind.service, kind.of, kind.left, kind.right);
      if (all.every(({ left }) => left.length === 0)) return performance.now() - startedMs;
    } catch {
      // A server that is away is looked at again.
    }
    await delay(POLL_MS);
  }
  return undefined;
}

/** Waits until nothing moves any more. @returns what still waits when it does not within `withinMs`. */
export async function rest(cluster: Cluster, withinMs: number): Promise<Violations> {
  const deadlineMs = performance.now() + withinMs;
  const operator = await operatorClient(cluster.url, AUTH_SECRET);
  for (;;) {
    const { waiting } = await settled(operator, Math.max(0, deadlineMs - performance.now()));
    const counts = await Promise.all(
      serviceNames().map(async service => ({ service, ids: await pendingIds(cluster, service).catch(() => ['?']) })),
    );
    const outboxes = counts.filter(({ ids }) => ids.length > 0);
    if (waiting.length + outboxes.length === 0) return [];
    if (performance.now() > deadlineMs) {
      return [
        ...waiting.map(({ what }) => `not at rest: ${what}`),
        ...outboxes.map(({ service, ids }) => `not at rest: ${ids.length} in the outbox of ${service}`),
      ];
    }
  }
}

export type Expectation = {
  /** Events that the row has poisoned: their faults are no news, and what breaks a contract counts for nothing. */
  poisoned: ReadonlySet<string>;
  /** Types that the row has made up. */
  types: readonly string[];
};

export type Verdict = { lost: number; double: number; violations: Violations };

/** @param watching its subscriptions are still open. */
export async function judge(
  cluster: Cluster,
  bank: Bank,
  watching: Watching,
  { poisoned, types }: Expectation,
): Promise<Verdict> {
  const operator = await operatorClient(cluster.url, AUTH_SECRET);
  const told = await emittedTypes(operator);
  const lastVersion = new Map<string, number>();
  const known: { id: string; owner: string }[] = [];
  const violations: Violations = [];
  let lost = 0;
  let double = 0;
  for await (const whole of accountsOf(operator)) {
    const account = without(whole, poisoned);
    known.push({ id: account.id, owner: account.owner });
    lastVersion.set(account.id, account.balance.version);
    lost += lostIn(account, bank);
    double += doubleIn(account);
    violations.push(
      ...auditAccount(account, told),
      ...acknowledgedOnce(account, bank.history),
      ...refusedNever(account, bank.history),
    );
  }
  const [shown, emitted] = await Promise.all([systemOf(operator, noCounts()), emittedBy(cluster)]);
  const made = await Promise.all(types.map(async type => [type, await countInLake(cluster, type)] as const));
  violations.push(
    ...accountsOnce(known, bank.history),
    ...sameKeySameEvent(bank.history),
    ...watchesRise(watching.watches(), lastVersion),
    ...auditSystem(
      {
        ...shown,
        lakeTypes: { ...shown.lakeTypes, ...Object.fromEntries(made) },
        emitted,
        faults: shown.faults.filter(({ eventId }) => !poisoned.has(eventId)),
      },
      OLDEST_SECONDS_MAX,
    ),
    ...bank.improper,
  );
  return { lost, double, violations };
}

const ACCOUNT = 'query ($id: ID!) { account(id: $id) { id ownerId name balance { amount } } }';
const LEDGER = 'query ($id: ID!) { account(id: $id) { ledger { nodes { eventId amount } } } }';

/**
 * A stranger asks for an account, for its ledger and to deposit into it. Its owner asks for the first two as well: what
 * shows nothing to anybody would prove nothing.
 */
export async function othersSeeNothing(bank: Pick<Bank, 'accounts' | 'clientOf' | 'stranger'>): Promise<Violations> {
  const [account] = bank.accounts;
  if (!account) return ['the bank has no account that a stranger could ask for'];
  const { id, owner } = account;
  const input = { accountId: id, amount: 1, memo: 'a gift', idempotencyKey: 'a gift' };
  const sights: Sight[] = [];

  /** @returns whether anything came back. */
  async function look(asker: string, client: Client, query: string, variables: object): Promise<boolean> {
    const answer = await client.ask<Record<string, unknown> | null>(query, { ...variables });
    const seen = Object.values(answer.data ?? {}).some(value => value !== null);
    if (seen) sights.push({ asker, operator: false, account: id, owner });
    return seen;
  }

  for (const query of [ACCOUNT, LEDGER]) {
    await eventually(() => look(owner, bank.clientOf(owner), query, { id }), Boolean);
    await look(STRANGER, bank.stranger, query, { id });
  }
  await look(STRANGER, bank.stranger, DEPOSIT, { input });
  return ownDataOnly(sights);
}

function without(account: AccountEvidence, poisoned: ReadonlySet<string>): AccountEvidence {
  const own = new Set(account.transactions.map(({ id }) => id));
  // What was put into an outbox past the API; all else that a service set aside is still an event.
  const derived = new Set(['account-opened', 'balance-updated', 'overdrawn']);
  const stray = (id: string, type: string) => poisoned.has(id) && !own.has(id) && !derived.has(type);
  const ofFault = (data: AccountEvidence['lake'][number]['data']) => poisoned.has(String(data.eventId));
  return {
    ...account,
    lake: account.lake.filter(({ id, type, data }) => !stray(id, type) && !(type === 'fault' && ofFault(data))),
  };
}

/** Acknowledged transactions that are not everywhere. */
function lostIn(account: AccountEvidence, bank: Bank): number {
  const places = [
    new Set(account.transactions.map(({ id }) => id)),
    new Set(account.ledger.map(({ eventId }) => eventId)),
    new Set(account.lake.map(({ id }) => id)),
  ];
  const ids = new Set(
    bank.history
      .filter(each => each.kind !== 'open' && each.account === account.id && each.outcome === 'ok')
      .map(({ eventId = '' }) => eventId),
  );
  return [...ids].filter(id => places.some(place => !place.has(id))).length;
}

/** Requests that are there twice, and events that were applied twice. */
function doubleIn({ transactions, ledger, lake }: AccountEvidence): number {
  const repeated = (keys: readonly unknown[]) => keys.length - new Set(keys).size;
  return (
    repeated(transactions.filter(({ transferId }) => transferId === undefined).map(({ memo }) => memo)) +
    repeated(ledger.map(({ eventId }) => eventId)) +
    repeated(lake.map(({ id }) => id))
  );
}

/** What the outboxes hold, by type: not shown by the API, so it is looked up. */
async function emittedBy(cluster: Cluster): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const service of serviceNames()) {
    const rows = await cluster
      .database(service)
      .collection('events')
      .aggregate<{ _id: string; count: number }>([{ $group: { _id: '$event.type', count: { $sum: 1 } } }])
      .toArray();
    for (const { _id, count } of rows) counts[_id] = (counts[_id] ?? 0) + count;
  }
  return counts;
}

const countInLake = (cluster: Cluster, type: string) =>
  cluster.database('lake').collection('lake').countDocuments({ 'event.type': type });
