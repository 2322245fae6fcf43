/** Compares what the system shows of accounts with the books: pure. */
import {
  type AccountBook,
  type AccountFacts,
  nameOf,
  signed,
  type Totals,
  type Transaction,
  totalsOf,
} from './books.ts';

/** How much was compared, and what differs. */
export type Finding = { compared: number; differences: string[] };

export type Balance = { amount: number; version: number; asOf: string | null };
export type LedgerEntry = {
  version: number;
  amount: number;
  balance: number;
  time: string;
  eventId: string;
  eventType: string;
};
export type ListedTransaction = Transaction & { status: 'PENDING' | 'SETTLED' };

const EVENT_TYPES = { DEPOSIT: 'deposited', WITHDRAWAL: 'withdrawn' } as const;

export const eventTypeOf = ({ type }: Pick<Transaction, 'type'>): string => EVENT_TYPES[type];

/** What an owner's `accounts` list, in any order. */
export function compareAccounts(books: readonly AccountBook[], seen: readonly AccountFacts[]): Finding {
  const differences = lists(
    'account',
    books.map(({ id }) => id),
    seen.map(({ id }) => id),
  );
  for (const book of books) {
    const found = seen.find(({ id }) => id === book.id);
    if (found) differences.push(...fields(found, book, ['ownerId', 'name', 'currency']));
  }
  const owner = books[0]?.ownerId ?? 'an owner';
  return { compared: books.length, differences: differences.map(what => `${owner}: ${what}`) };
}

/** @param ledger newest first; its first entry explains the balance. */
export function compareBalance(book: AccountBook, seen: Balance, ledger: readonly LedgerEntry[]): Finding {
  const expected = { amount: book.amount, version: book.transactions.size, asOf: ledger[0]?.time ?? null };
  return of(book, 1, fields(seen, expected, ['amount', 'version', 'asOf']));
}

/** `balanceAt` a version, against the ledger. */
export function comparePast(book: AccountBook, seen: Balance | null, version: number, ledger: readonly LedgerEntry[]) {
  const entry = ledger.find(row => row.version === version);
  const expected = { amount: entry?.balance ?? 0, version, asOf: entry?.time ?? null };
  const differences = seen ? fields(seen, expected, ['amount', 'version', 'asOf']) : ['is null'];
  return of(
    book,
    1,
    differences.map(what => `balance at version ${version}: ${what}`),
  );
}

/** @param ledger newest first, all of it. */
export function compareLedger(book: AccountBook, ledger: readonly LedgerEntry[]): Finding {
  const differences = lists(
    'ledger entry for transaction',
    [...book.transactions.keys()],
    ledger.map(({ eventId }) => eventId),
  );
  let before = { version: 0, balance: 0 };
  for (const entry of [...ledger].reverse()) {
    const expected = { version: before.version + 1, balance: before.balance + entry.amount };
    const transaction = book.transactions.get(entry.eventId);
    const facts = transaction && {
      amount: signed(transaction),
      eventType: eventTypeOf(transaction),
      time: transaction.time,
    };
    const wrong = [
      ...fields(entry, expected, ['version', 'balance']),
      ...(facts ? fields(entry, facts, ['amount', 'eventType', 'time']) : []),
    ];
    differences.push(...wrong.map(what => `ledger entry ${entry.version}: ${what}`));
    before = entry;
  }
  return of(book, Math.max(ledger.length, book.transactions.size), differences);
}

export function compareTransactions(book: AccountBook, seen: readonly ListedTransaction[]): Finding {
  const differences = lists(
    'transaction',
    [...book.transactions.keys()],
    seen.map(({ id }) => id),
  );
  for (const found of seen) {
    const expected = book.transactions.get(found.id);
    const wrong = expected ? fields(found, { ...expected, status: 'SETTLED' }, LISTED_FIELDS) : [];
    differences.push(...wrong.map(what => `transaction ${found.id}: ${what}`));
  }
  return of(book, Math.max(seen.length, book.transactions.size), differences);
}

const LISTED_FIELDS = ['type', 'amount', 'memo', 'time', 'status'] as const;
const TOTALS_FIELDS = ['deposits', 'withdrawals', 'deposited', 'withdrawn', 'largest', 'accounts', 'currency'] as const;

/** @param seen for the interval ALL. */
export function compareStatistics(book: AccountBook, seen: readonly Totals[]): Finding {
  const [found] = seen;
  if (!found || seen.length > 1) return of(book, 1, [`${seen.length} statistics instead of 1`]);
  return of(book, 1, fields(found, totalsOf(book), TOTALS_FIELDS));
}

/** By currency. */
export function compareOverall(expected: ReadonlyMap<string, Totals>, seen: ReadonlyMap<string, Totals>): Finding {
  const currencies = new Set([...expected.keys(), ...seen.keys()]);
  const differences = [...currencies].flatMap(currency => {
    const [should, is] = [expected.get(currency), seen.get(currency)];
    const wrong = should && is ? fields(is, should, TOTALS_FIELDS) : [is ? 'is not expected' : 'is missing'];
    return wrong.map(what => `${currency}: ${what}`);
  });
  return { compared: currencies.size, differences };
}

/** What a subscription was sent. `fresh`: the first after the connection was made, or resumed. */
export type SeenBalance = { amount: number; version: number; fresh: boolean };

export function compareStream(
  book: AccountBook,
  seen: readonly SeenBalance[],
  ledger: readonly LedgerEntry[],
): Finding {
  const balances = new Map(ledger.map(({ version, balance }) => [version, balance]));
  balances.set(0, 0);
  const differences: string[] = [];
  let before = -1;
  for (const { amount, version, fresh } of seen) {
    // A client that comes back is told the present state again.
    if (version < before || (version === before && !fresh)) differences.push(`version ${version} after ${before}`);
    if (balances.get(version) !== amount) {
      differences.push(`version ${version}: ${amount} instead of ${balances.get(version)}`);
    }
    before = version;
  }
  const last = book.transactions.size;
  if (before !== last) differences.push(`ended at version ${before} instead of ${last}`);
  return of(book, seen.length, differences);
}

export function merge(findings: readonly Finding[]): Finding {
  return {
    compared: findings.reduce((sum, { compared }) => sum + compared, 0),
    differences: findings.flatMap(({ differences }) => differences),
  };
}

/** @returns what is missing, more than once, or not expected. */
export function lists(what: string, expected: readonly string[], seen: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const id of seen) counts.set(id, (counts.get(id) ?? 0) + 1);
  const known = new Set(expected);
  return [
    ...expected.filter(id => !counts.has(id)).map(id => `${what} ${id} is missing`),
    ...[...counts].filter(([id]) => !known.has(id)).map(([id]) => `${what} ${id} is not expected`),
    ...[...counts].filter(([, count]) => count > 1).map(([id, count]) => `${what} ${id} is there ${count} times`),
  ];
}

function fields<Name extends string>(
  seen: Record<Name, unknown>,
  expected: Record<NoInfer<Name>, unknown>,
  names: readonly Name[],
): string[] {
  return names
    .filter(name => seen[name] !== expected[name])
    .map(name => `${name} is ${seen[name]} instead of ${expected[name]}`);
}

const of = (book: AccountBook, compared: number, differences: readonly string[]): Finding => ({
  compared,
  differences: differences.map(what => `${nameOf(book)}: ${what}`),
});
