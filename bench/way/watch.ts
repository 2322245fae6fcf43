/** Subscriptions to the balances of accounts: how long after a deposit was due the balance that contains it is pushed. */
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { times } from './histogram.ts';

const WATCH = 'subscription ($id: ID!) { balanceChanged(accountId: $id) { balance { version } } }';
const PER_SOCKET = 50;
const STARTS_WITHIN_MS = 20_000;
const POLL_MS = 20;

type Watched = { version: number | undefined; due: number[] };
type Push = { balanceChanged: { balance: { version: number } } };

export type Watch = {
  pushed: ReturnType<typeof times>;
  /** A deposit into an account is about to be sent. */
  due(account: string, dueMs: number): void;
  /** Deposits whose balance was not pushed yet. */
  waiting(): number;
  close(): Promise<void>;
};

const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

/** Subscribes, and waits until every subscription has said what the balance is now. */
export async function watch(
  { url, token }: { url: string; token: string },
  accounts: readonly string[],
): Promise<Watch> {
  const pushed = times();
  const watched = new Map<string, Watched>(accounts.map(id => [id, { version: undefined, due: [] }]));
  const clients = Array.from({ length: Math.ceil(accounts.length / PER_SOCKET) }, () =>
    createClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${token}` },
    }),
  );

  /** The nth deposit of an account that was sent is in its nth balance, or in a later one that was pushed in its place. */
  function hear(of: Watched, version: number): void {
    const nowMs = performance.now();
    const news = version - (of.version ?? version);
    of.version = version;
    for (const dueMs of of.due.splice(0, news)) pushed.add(nowMs - dueMs);
  }

  let failure: unknown;
  accounts.forEach((id, index) => {
    const of = watched.get(id);
    if (!of) return;
    clients[Math.floor(index / PER_SOCKET)]?.subscribe<Push>(
      { query: WATCH, variables: { id } },
      {
        next({ data, errors }) {
          if (data) hear(of, data.balanceChanged.balance.version);
          else failure ??= new Error(JSON.stringify(errors));
        },
        error(error) {
          failure ??= error;
        },
        complete: () => undefined,
      },
    );
  });
  const deadlineMs = performance.now() + STARTS_WITHIN_MS;
  while ([...watched.values()].some(({ version }) => version === undefined)) {
    if (failure) throw failure;
    if (performance.now() > deadlineMs) throw new Error('a subscription has not begun');
    await sleep(POLL_MS);
  }

  return {
    pushed,
    due: (account, dueMs) => void watched.get(account)?.due.push(dueMs),
    waiting: () => [...watched.values()].reduce((all, { due }) => all + due.length, 0),
    async close() {
      await Promise.all(clients.map(client => client.dispose()));
    },
  };
}
