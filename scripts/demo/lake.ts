/** Compares the lake with the books: pure. */
import { type AccountBook, effectOf, nameOf, noTotals, signed, type Totals } from './books.ts';
import { eventTypeOf, type Finding, type LedgerEntry, lists } from './compare.ts';

export type LakeEvent = {
  id: string;
  type: string;
  subject: string | null;
  position: number;
  data: Record<string, unknown> | null;
};

/**
 * The events of one account: itself, each acknowledged transaction, for each of these one `balance-updated`, for each
 * withdrawal below zero one `overdrawn`, and nothing else.
 *
 * @param seen all events of which the account is the subject. @param ledger compared with the books elsewhere.
 */
export function compareEvents(
  book: AccountBook,
  seen: readonly LakeEvent[],
  totalCount: number,
  ledger: readonly LedgerEntry[],
): Finding {
  const transactions = [...book.transactions.values()];
  const expected = [
    line('account-opened', book.id, book.name),
    ...transactions.map(transaction => line(eventTypeOf(transaction), transaction.id, transaction.amount)),
    ...transactions.map(({ id, ...rest }) => {
      const entry = ledger.find(({ eventId }) => eventId === id);
      return line('balance-updated', `for ${id}`, entry?.version, signed(rest), entry?.balance);
    }),
    ...overdrafts(ledger).map(({ eventId, version, balance }) => line('overdrawn', `for ${eventId}`, version, balance)),
  ];
  const differences = lists('event', expected, seen.map(lineOf));
  if (totalCount !== seen.length) differences.push(`totalCount is ${totalCount}, but there are ${seen.length} events`);
  return {
    compared: Math.max(seen.length, expected.length),
    differences: differences.map(what => `${nameOf(book)}: ${what}`),
  };
}

const overdrafts = (ledger: readonly LedgerEntry[]) =>
  ledger.filter(({ amount, balance }) => amount < 0 && balance < 0);

/** An event, and as much of its data as the books know. */
const line = (type: string, ...facts: unknown[]) => [type, ...facts].join(' ');

function lineOf({ id, type, data }: LakeEvent): string {
  const of = (name: string) => data?.[name];
  switch (type) {
    case 'account-opened':
      return line(type, id, of('name'));
    case 'deposited':
    case 'withdrawn':
      return line(type, id, of('amountMinor'));
    case 'balance-updated':
      return line(type, `for ${of('eventId')}`, of('version'), of('amountMinor'), of('balanceMinor'));
    case 'overdrawn':
      return line(type, `for ${of('eventId')}`, of('version'), of('balanceMinor'));
    default:
      return line(type, id);
  }
}

/** Positions from one to another: each once, and no event twice. @param seen newest first. */
export function comparePositions(seen: readonly LakeEvent[], before: number, newest: number): Finding {
  const differences: string[] = [];
  let expected = before + 1;
  for (const { position } of [...seen].reverse()) {
    if (position !== expected) differences.push(`position ${position} instead of ${expected}`);
    expected = position + 1;
  }
  if (expected !== newest + 1) differences.push(`ends at position ${expected - 1} instead of ${newest}`);
  const ids = seen.map(({ id }) => id);
  differences.push(...lists('event', [...new Set(ids)], ids));
  return { compared: seen.length, differences };
}

/** How many events of the books' accounts there are in the whole lake since the beginning. */
export function compareCount(
  books: readonly AccountBook[],
  ledgers: ReadonlyMap<string, readonly LedgerEntry[]>,
  seen: readonly LakeEvent[],
): Finding {
  const overdrawn = [...ledgers.values()].reduce((sum, ledger) => sum + overdrafts(ledger).length, 0);
  const expected = books.reduce((sum, { transactions }) => sum + 1 + 2 * transactions.size, overdrawn);
  const mine = seen.length - foreign(books, seen).length;
  return { compared: mine, differences: mine === expected ? [] : [`${mine} events instead of ${expected}`] };
}

/** What others did meanwhile. */
export function foreign(books: readonly AccountBook[], seen: readonly LakeEvent[]): LakeEvent[] {
  const own = new Set(books.map(({ id }) => id));
  return seen.filter(({ subject }) => subject === null || !own.has(subject));
}

/** What an event adds to the statistics. */
export function totalsOfEvent({ type, data }: LakeEvent): Totals[] {
  const { currency, amountMinor } = { currency: '', amountMinor: 0, ...data } as {
    currency: string;
    amountMinor: number;
  };
  if (type === 'account-opened') return [{ ...noTotals(currency), accounts: 1 }];
  if (type === 'deposited') return [effectOf({ type: 'DEPOSIT', amount: amountMinor }, currency)];
  return type === 'withdrawn' ? [effectOf({ type: 'WITHDRAWAL', amount: amountMinor }, currency)] : [];
}
