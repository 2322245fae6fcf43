/**
 * The bank test: amounts are moved between some accounts, and nothing else is done with these. Whatever is killed, emptied or
 * cut meanwhile, at each quiet moment they have together what they had at first.
 * https://github.com/jepsen-io/jepsen/blob/main/jepsen/src/jepsen/tests/bank.clj
 */
import { setTimeout as delay } from 'node:timers/promises';
import { serviceNames } from '../../../subgraphs/catalog.ts';
import { operatorClient, transfersOf } from '../../evidence.ts';
import { transferKeepsMoney } from '../../invariants.ts';
import { AUTH_SECRET, TRANSFER } from '../../system.ts';
import type { Cluster } from '../cluster.ts';
import type { Account, Bank } from '../load.ts';
import type { Context, Row } from '../row.ts';
import { rest } from '../verdict.ts';

const OWNERS = ['ann', 'ben', 'cem'];
const ACCOUNTS = 6;
const EACH_MINOR = 1_000;
const CLIENTS = 6;
const PAUSE_MS = 20;
const TRIES_MAX = 400;
const TRY_AGAIN_MS = 300;
/** Transfers that are asked for before anything goes wrong. */
const UNDER_WAY = 80;
const WARM_UP_MAX_MS = 30_000;
const AFTER_FAULT_MS = 2_500;
const CUT_MS = 4_000;
const REST_WITHIN_MS = 90_000;

/** One thing that goes wrong, and is over when it resolves. */
export type Disturbance = { what: string; act(cluster: Cluster): Promise<void> };

export const killed = (service: string): Disturbance => ({
  what: `kill -9 ${service}`,
  act: cluster => cluster.first(service).kill(),
});

export const flushed: Disturbance = {
  what: 'FLUSHALL',
  act: async cluster => void (await cluster.looker.flushall()),
};

export const serverKilled = (server: 'mongodb' | 'redis'): Disturbance => ({
  what: `kill -9 ${server}`,
  act: cluster => cluster[server].kill(),
});

/** @param service is among the proxied ones. */
export const cut = (service: string, server: 'mongodb' | 'redis'): Disturbance => ({
  what: `${service} cut off from ${server}`,
  async act(cluster) {
    const link = cluster.first(service)[server];
    if (!link) throw new Error(`there is no proxy between ${service} and ${server}`);
    link.cut();
    await delay(CUT_MS);
    link.heal();
  },
});

type Transfers = { asked: number; acknowledged: number; unknown: number };

/** Opens accounts for the test alone, with the same amount in each. */
async function openAccounts({ bank }: Context): Promise<Account[]> {
  const number = bank.accounts.length;
  const accounts: Account[] = [];
  for (let index = 0; index < ACCOUNTS; index++) {
    const account = await bank.open(OWNERS[index % OWNERS.length] ?? 'ann', `transfers ${number + index}`);
    await bank.transact(account, 'deposit', EACH_MINOR, `transfers ${number + index}`);
    accounts.push(account);
  }
  return accounts;
}

/** Moves amounts between the accounts until it is stopped; what was not answered is asked for again. */
function startTransfers(bank: Bank, accounts: readonly Account[], name: string) {
  const counts: Transfers = { asked: 0, acknowledged: 0, unknown: 0 };
  let stopped = false;

  async function ask(owner: string, input: object): Promise<void> {
    counts.asked += 1;
    for (let tries = 1; tries <= TRIES_MAX; tries++) {
      const answer = await bank
        .clientOf(owner)
        .ask<{ transfer?: { transfer: { id: string } } } | null>(TRANSFER, { input })
        .catch(() => undefined);
      if (answer?.data?.transfer) {
        counts.acknowledged += 1;
        return;
      }
      if (tries === 1) counts.unknown += 1;
      await delay(TRY_AGAIN_MS);
    }
  }

  async function client(number: number): Promise<void> {
    for (let turn = 0; !stopped; turn++) {
      const from = accounts[(number + turn) % accounts.length];
      const to = accounts[(number + 5 * turn + 1) % accounts.length];
      if (!from || !to) return;
      // Some go to nobody, some are more than there is, some hardly have the time.
      const toAccountId = turn % 9 === 8 || to === from ? 'nobody' : to.id;
      const amount = 1 + ((number * 131 + turn * 37) % (turn % 7 === 6 ? 3 * EACH_MINOR : 300));
      const expiresInSeconds = 1 + 3 * ((number + turn) % 20);
      const idempotencyKey = `${name} ${number} ${turn}`;
      await ask(from.owner, { fromAccountId: from.id, toAccountId, amount, expiresInSeconds, idempotencyKey });
      await delay(PAUSE_MS);
    }
  }

  let running = Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
  return {
    counts,
    async stop() {
      stopped = true;
      await running;
      running = Promise.resolve([]);
    },
  };
}

/** All is answered and nothing moves: now the accounts have together what they had, and no transfer is on its way. */
async function lookAround(
  context: Context,
  accounts: readonly Account[],
  after: string,
): Promise<Record<string, number>> {
  const { cluster, bank, violated } = context;
  await cluster.ready();
  for (const left of await rest(cluster, REST_WITHIN_MS)) violated(`after ${after}: ${left}`);
  let total = 0;
  for (const { id, owner } of accounts) {
    const { account } = await bank
      .clientOf(owner)
      .get<{ account: { balance: { amount: number } } }>(
        'query ($id: ID!) { account(id: $id) { balance { amount } } }',
        { id },
      );
    total += account.balance.amount;
  }
  const right = accounts.length * EACH_MINOR;
  if (total !== right) violated(`after ${after}: the accounts have ${total} together, ${right} would be right`);
  const operator = await operatorClient(cluster.url, AUTH_SECRET);
  const statuses: Record<string, number> = {};
  for await (const transfer of transfersOf(operator)) {
    statuses[transfer.status] = (statuses[transfer.status] ?? 0) + 1;
    for (const violation of transferKeepsMoney(transfer)) violated(`after ${after}: ${violation}`);
  }
  return statuses;
}

/** @param groups of disturbances, one after the other; after each group comes a quiet moment. */
export function transferRow(
  groups: readonly (readonly Disturbance[])[],
  row: Pick<Row, 'name' | 'what' | 'arrangement'>,
): Row {
  return {
    ...row,
    load: { clients: 0 },
    async fault(context) {
      const { cluster, bank, say, note, violated } = context;
      const accounts = await openAccounts(context);
      const sum: Transfers = { asked: 0, acknowledged: 0, unknown: 0 };
      let statuses: Record<string, number> = {};
      for (const [index, group] of groups.entries()) {
        const transfers = startTransfers(bank, accounts, `${row.name} ${accounts[0]?.id} ${index}`);
        // Some of each kind are under way, or over.
        const deadlineMs = performance.now() + WARM_UP_MAX_MS;
        while (transfers.counts.acknowledged < UNDER_WAY && performance.now() < deadlineMs) await delay(50);
        for (const { what, act } of group) {
          say(what);
          await act(cluster);
          await delay(AFTER_FAULT_MS);
        }
        await cluster.ready();
        await transfers.stop();
        const { counts } = transfers;
        for (const name of ['asked', 'acknowledged', 'unknown'] as const) sum[name] += counts[name];
        const after = group.map(({ what }) => what).join(', ');
        if (counts.acknowledged < counts.asked)
          violated(`after ${after}: ${counts.asked - counts.acknowledged} unanswered`);
        statuses = await lookAround(context, accounts, after);
      }
      if (!statuses.COMPLETED || !statuses.COMPENSATED) violated('nothing was completed, or nothing came back');
      const told = Object.entries(statuses).map(([status, count]) => `${count} ${status.toLowerCase()}`);
      note(
        `${sum.acknowledged} transfers, ${sum.unknown} asked again: ${told.join(', ')}; the same total ${groups.length} times`,
      );
    },
  };
}

/** What every process and every connection of a transfer may meet. */
export const transferRows: readonly Row[] = [
  transferRow(
    [
      ...['gateway', ...serviceNames()].map(service => [killed(service)]),
      [flushed, killed('transfer'), flushed, killed('account')],
      [serverKilled('mongodb')],
      [serverKilled('redis')],
      ...['account', 'transfer', 'balance'].map(service => [cut(service, 'redis'), cut(service, 'mongodb')]),
      [killed('account'), killed('transfer'), killed('balance'), flushed],
    ],
    {
      name: 'transfers',
      what: 'amounts are moved between accounts while each process is killed (`kill -9`), Redis emptied, servers killed and connections cut, in turn: the total stays the same',
      arrangement: { proxied: ['account', 'transfer', 'balance'] },
    },
  ),
];
