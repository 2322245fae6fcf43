/** Watches balances as clients do: graphql-transport-ws, one socket an owner, connected again when it is lost. */
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { AccountBook } from './books.ts';
import type { SeenBalance } from './compare.ts';

export type Watch = {
  book: AccountBook;
  seen: SeenBalance[];
  /** What the stream was ended with, other than by being lost. */
  errors: string[];
  stop(): void;
};

const RETRY_MS = 250;
const RETRIES_MAX = 400;
const SUBSCRIPTION = 'subscription Watch($id: ID!) { balanceChanged(accountId: $id) { balance { amount version } } }';
/** Ends a stream that a client asks for again. */
const AGAIN_CODES = new Set<unknown>(['SUBGRAPH_STREAM_LOST', 'SUBSCRIPTION_SCHEMA_RELOAD', 'UNAVAILABLE']);

type Data = { balanceChanged: { balance: { amount: number; version: number } } };

/** @param url of the system, such as `http://127.0.0.1:4000`. */
export function watchBalance(url: string, { token, book }: { token: string; book: AccountBook }): Watch {
  const seen: SeenBalance[] = [];
  const errors: string[] = [];
  let fresh = true;
  let stopped = false;
  const report = (what: string) => {
    if (!stopped) errors.push(what);
  };
  const endpoint = new URL('/graphql', url);
  endpoint.protocol = endpoint.protocol === 'https:' ? 'wss:' : 'ws:';
  const client = createClient({
    url: endpoint.href,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${token}` },
    retryAttempts: RETRIES_MAX,
    // graphql-ws takes a refused connection for final; a server that is started again refuses it at first.
    shouldRetry: () => !stopped,
    retryWait: () => delay(RETRY_MS),
    keepAlive: 10_000,
    on: {
      connected: () => {
        fresh = true;
      },
    },
  });

  async function follow(): Promise<'again' | 'over'> {
    for await (const { data, errors: failed, extensions } of client.iterate<Data, { resumed?: boolean }>({
      query: SUBSCRIPTION,
      variables: { id: book.id },
    })) {
      for (const { message } of failed ?? []) report(message);
      if (!data) continue;
      seen.push({ ...data.balanceChanged.balance, fresh: fresh || Boolean(extensions?.resumed) });
      fresh = false;
    }
    report('the stream was completed');
    return 'over';
  }

  async function run(): Promise<void> {
    for (let attempt = 0; attempt < RETRIES_MAX && !stopped; attempt += 1) {
      const next = await follow().catch((error: unknown) => {
        if (isLost(error)) return 'again';
        report(error instanceof Error ? error.message : JSON.stringify(error));
        return 'over';
      });
      if (next === 'over') return;
      fresh = true;
      await delay(RETRY_MS);
    }
  }
  void run();

  return {
    book,
    seen,
    errors,
    stop() {
      stopped = true;
      void client.dispose();
    },
  };
}

const isLost = (error: unknown): boolean =>
  Array.isArray(error) && error.some(({ extensions }) => AGAIN_CODES.has(extensions?.code));
