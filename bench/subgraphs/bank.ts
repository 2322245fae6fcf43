/** The accounts behind the subgraphs of a measurement: in memory, and all that they do is answer. */

import type { GraphQLResolverMap } from '@apollo/subgraph/dist/schema-helper/resolverMap.js';
import { type Mailbox, mailbox } from '../../gateway/subscriptions/mailbox.ts';

export const SUBGRAPHS = ['account', 'balance'] as const;
export type SubgraphName = (typeof SUBGRAPHS)[number];

type Account = { id: string; balance: { amount: number; version: number; asOf: string | null; emittedAt: number } };
type Watcher = Mailbox<{ balanceChanged: Account }>;

/** What is asked of the bank while it runs; what is left out stays as it was. */
export type Orders = {
  /** Changes of balances in a second over all accounts that change, in turn. */
  eventsPerSecond?: number;
  /** How many of the accounts change: `a1` to this one. */
  accounts?: number;
  /** This many changes at once, now. */
  burst?: number;
};

export type Bank = {
  resolvers: Record<SubgraphName, GraphQLResolverMap<unknown>>;
  order(orders: Orders): void;
  /** Streams that are open, and changes of balances so far. */
  state(): BankState;
};

export type BankState = { watchers: number; events: number };

const TICK_MS = 5;
/** A gateway that reads so slowly is shown the newest. */
const WAITING_MAX = 10_000;
const TIME = '2026-01-01T00:00:00.000Z';

/** Opens the accounts `a1`, `a2`, … */
export function createBank(accountCount: number): Bank {
  const accounts = new Map<string, Account>();
  const watchers = new Map<string, Set<Watcher>>();
  let [events, turn, due, changing, eventsPerSecond] = [0, 0, 0, accountCount, 0];
  let [clock, lastTickMs]: [NodeJS.Timeout | undefined, number] = [undefined, 0];
  for (let number = 1; number <= accountCount; number++) {
    const id = `a${number}`;
    accounts.set(id, { id, balance: { amount: 0, version: 0, asOf: null, emittedAt: nowMs() } });
  }

  function change(id: string, amount: number): Account | undefined {
    const before = accounts.get(id)?.balance;
    if (!before) return undefined;
    const balance = { amount: before.amount + amount, version: before.version + 1, asOf: TIME, emittedAt: nowMs() };
    const account = { id, balance };
    accounts.set(id, account);
    events++;
    for (const watcher of watchers.get(id) ?? []) watcher.push({ balanceChanged: account });
    return account;
  }

  function emit(count: number): void {
    for (let left = count; left > 0; left--) {
      turn = (turn % changing) + 1;
      change(`a${turn}`, 1);
    }
  }

  function tick(): void {
    const now = performance.now();
    due += ((now - lastTickMs) / 1000) * eventsPerSecond;
    lastTickMs = now;
    const whole = Math.floor(due);
    due -= whole;
    emit(whole);
  }

  function watch(id: string): AsyncIterableIterator<{ balanceChanged: Account }> {
    const account = accounts.get(id);
    if (!account) throw new Error(`no account ${id}`);
    const own = watchers.get(id) ?? new Set();
    watchers.set(id, own);
    const watcher: Watcher = mailbox({
      capacity: WAITING_MAX,
      fold: (_, newer) => newer,
      onReturn: () => own.delete(watcher),
    });
    own.add(watcher);
    watcher.push({ balanceChanged: account });
    return watcher.values;
  }

  return {
    resolvers: {
      account: {
        Query: {
          account: (_: unknown, { id }: { id: string }) => accounts.get(id) ?? null,
          accounts: (_: unknown, { first }: { first: number }) => [...accounts.values()].slice(0, first),
        },
        Mutation: {
          deposit: (_: unknown, { input }: { input: { accountId: string; amount: number } }) => {
            const account = change(input.accountId, input.amount);
            if (!account) throw new Error(`no account ${input.accountId}`);
            return { transaction: { id: `t${events}`, amount: input.amount, time: TIME }, account };
          },
        },
        Subscription: {
          balanceChanged: { subscribe: (_: unknown, args: { accountId: string }) => watch(args.accountId) },
        },
        Account: {
          __resolveReference: ({ id }: { id: string }) => accounts.get(id) ?? null,
          ownerId: () => 'alice',
          name: ({ id }: Account) => `Account ${id}`,
          currency: () => 'USD',
          openedAt: () => TIME,
        },
      },
      balance: {
        Account: {
          ledger: ({ id }: { id: string }, { first }: { first: number }) => ({ nodes: ledgerOf(id, first) }),
          statistics: () => [{ currency: 'USD', deposits: 3, deposited: 600 }],
        },
      },
    },
    order(orders) {
      changing = Math.min(orders.accounts ?? changing, accountCount);
      eventsPerSecond = orders.eventsPerSecond ?? eventsPerSecond;
      if (orders.burst) emit(orders.burst);
      clearInterval(clock);
      [due, lastTickMs] = [0, performance.now()];
      clock = eventsPerSecond > 0 ? setInterval(tick, TICK_MS) : undefined;
    },
    state: () => ({ events, watchers: [...watchers.values()].reduce((sum, { size }) => sum + size, 0) }),
  };
}

/** The same clock in every process of the machine. */
const nowMs = (): number => performance.timeOrigin + performance.now();

const ledgerOf = (id: string, first: number) =>
  Array.from({ length: first }, (_, index) => ({
    version: first - index,
    amount: 100,
    balance: (first - index) * 100,
    time: TIME,
    eventId: `${id}/${first - index}`,
    eventType: 'deposited',
  }));
