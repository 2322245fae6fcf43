/** Waits, with a bound, until everything that was acknowledged is everywhere. Says nothing about whether it is right. */
import { setTimeout as delay } from 'node:timers/promises';
import type { AccountBook } from './books.ts';
import type { Client } from './client.ts';
import type { Owner } from './owners.ts';
import type { Overall } from './read.ts';

const LOOK_AGAIN_MS = 50;
const BALANCES = 'query Balances { accounts(first: 100) { nodes { id balance { version } } } }';

type Options = {
  client: Client;
  overall: Overall;
  owners: readonly Owner[];
  /** The newest position of the lake before. */
  position: number;
  /** Transactions that the statistics contained before. */
  transactions: number;
  timeoutMs: number;
  /** Transactions that are in a balance. */
  onProgress: (done: number) => void;
};

/** @returns what was still missing when time was up. */
export async function settle({ timeoutMs, ...options }: Options): Promise<string[]> {
  const deadlineMs = performance.now() + timeoutMs;
  const steps = [() => balances(options), () => lakeAndStatistics(options), () => lag(options)];
  for (const step of steps) {
    for (;;) {
      const missing = await step();
      if (missing === undefined) break;
      if (performance.now() > deadlineMs) return [missing];
      await delay(LOOK_AGAIN_MS);
    }
  }
  return [];
}

const booksOf = (owners: readonly Owner[]): AccountBook[] => owners.flatMap(({ accounts }) => Object.values(accounts));
const transactionsIn = (books: readonly AccountBook[]) => books.reduce((sum, book) => sum + book.transactions.size, 0);

/** One look at the balances. @returns what is missing. */
async function balances({ client, owners, onProgress }: Omit<Options, 'timeoutMs'>): Promise<string | undefined> {
  let [done, unsettled] = [0, 0];
  await Promise.all(
    owners.map(async ({ token, accounts }) => {
      type Data = { accounts: { nodes: { id: string; balance: { version: number } }[] } };
      const { nodes } = (await client.get<Data>({ token, query: BALANCES })).accounts;
      for (const book of Object.values(accounts)) {
        const version = nodes.find(({ id }) => id === book.id)?.balance.version ?? 0;
        done += Math.min(version, book.transactions.size);
        if (version < book.transactions.size) unsettled += 1;
      }
    }),
  );
  onProgress(done);
  return unsettled === 0 ? undefined : `${unsettled} balances do not contain all transactions`;
}

async function lakeAndStatistics({ overall, owners, position, transactions }: Omit<Options, 'timeoutMs'>) {
  const books = booksOf(owners);
  const [newest, statistics] = await Promise.all([overall.newest(), overall.statistics()]);
  const events = newest - position;
  const expected = books.length + 2 * transactionsIn(books);
  if (events < expected) return `the lake has ${events} events of ${expected}`;
  const counted = statistics.reduce((sum, { deposits, withdrawals }) => sum + deposits + withdrawals, -transactions);
  const made = transactionsIn(books);
  return counted < made ? `the statistics have ${counted} transactions of ${made}` : undefined;
}

async function lag({ overall }: Omit<Options, 'timeoutMs'>): Promise<string | undefined> {
  const waiting = await overall.lag();
  return waiting === 0 ? undefined : `${waiting} events wait for a service`;
}
