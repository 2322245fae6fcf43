/** What must be true after what was acknowledged: the demo's own books, in memory only. */
import type { AccountName, Amount, TransactionType } from './plan.ts';

/** A transaction as the system answered it. */
export type Transaction = { id: string; type: TransactionType; amount: number; memo: string | null; time: string };

export type AccountFacts = { id: string; ownerId: string; name: string; currency: string };

export type AccountBook = AccountFacts & {
  /** All that was acknowledged, summed up. */
  amount: number;
  /** By id. */
  transactions: Map<string, Transaction>;
};

export type Refusal = { code: string; message: string };
/** What a request came to. */
export type Answer<Data> = { data: Data } | Refusal;

/** A move whose amount is known. */
export type Priced = { account: AccountName; type: TransactionType; amount: number; memo: string };

/** What the system has to answer; `either` where a race makes both right. */
export type Verdict = 'accepted' | 'refused' | 'either';

export const openBook = (facts: AccountFacts): AccountBook => ({ ...facts, amount: 0, transactions: new Map() });

export const nameOf = ({ name, ownerId }: AccountFacts): string => `${name} of ${ownerId}`;

/** @param amount what can be spent. */
export function price(amount: Amount, spendable: number): number {
  return 'minor' in amount ? amount.minor : Math.floor(spendable * amount.share);
}

/**
 * @param step all moves that are made at the same time, this one included.
 * @param spendable what the account has before them, pending transactions counted.
 */
export function verdictOf(move: Priced, step: readonly Priced[], spendable: number): Verdict {
  if (move.type === 'DEPOSIT') return 'accepted';
  const beside = (type: TransactionType) =>
    step
      .filter(other => other !== move && other.account === move.account && other.type === type)
      .reduce((sum, { amount }) => sum + amount, 0);
  if (move.amount <= spendable - beside('WITHDRAWAL')) return 'accepted';
  return move.amount > spendable + beside('DEPOSIT') ? 'refused' : 'either';
}

/**
 * Holds all answers to one move, which was sent under one key, to what they have to be.
 *
 * @returns what is wrong with them.
 */
export function judge(move: Priced, verdict: Verdict, answers: readonly Answer<Transaction>[]): string[] {
  const asked = `${move.type.toLowerCase()} of ${move.amount} (${move.memo})`;
  const accepted = answers.flatMap(answer => ('data' in answer ? [answer.data] : []));
  const ids = new Set(accepted.map(({ id }) => id));
  const wrong = answers.flatMap(answer => wrongWith(move, verdict, answer) ?? []);
  if (ids.size > 1) wrong.push(`one key made ${ids.size} transactions, ${[...ids].join(' and ')}`);
  return wrong.map(what => `${asked}: ${what}`);
}

function wrongWith(move: Priced, verdict: Verdict, answer: Answer<Transaction>): string | undefined {
  if ('code' in answer) {
    if (answer.code !== 'INSUFFICIENT_FUNDS') return `answered ${answer.code}, ${answer.message}`;
    return verdict === 'accepted' ? `refused although it was covered: ${answer.message}` : undefined;
  }
  const { type, amount, memo } = answer.data;
  if (verdict === 'refused') return `acknowledged although it was not covered`;
  const same = type === move.type && amount === move.amount && memo === move.memo;
  return same ? undefined : `answered with another transaction: ${type} of ${amount} (${memo})`;
}

/**
 * Enters what was acknowledged.
 *
 * @returns what is wrong with it: an id that another transaction has.
 */
export function enter(book: AccountBook, transaction: Transaction): string[] {
  if (book.transactions.has(transaction.id)) {
    return [`${nameOf(book)}: two keys were answered with the same transaction ${transaction.id}`];
  }
  book.transactions.set(transaction.id, transaction);
  book.amount += signed(transaction);
  return [];
}

export const signed = ({ type, amount }: Pick<Transaction, 'type' | 'amount'>): number =>
  type === 'WITHDRAWAL' ? -amount : amount;

export type Totals = {
  deposits: number;
  withdrawals: number;
  deposited: number;
  withdrawn: number;
  largest: number | null;
  accounts: number;
  currency: string;
};

export const noTotals = (currency: string): Totals => ({
  ...{ deposits: 0, withdrawals: 0, deposited: 0, withdrawn: 0 },
  ...{ largest: null, accounts: 0, currency },
});

export function totalsOf(book: AccountBook): Totals {
  const start = { ...noTotals(book.currency), accounts: 1 };
  return [...book.transactions.values()].reduce(
    (sum, transaction) => add(sum, effectOf(transaction, sum.currency)),
    start,
  );
}

export function effectOf({ type, amount }: Pick<Transaction, 'type' | 'amount'>, currency: string): Totals {
  const totals = { ...noTotals(currency), largest: amount };
  return type === 'DEPOSIT'
    ? { ...totals, deposits: 1, deposited: amount }
    : { ...totals, withdrawals: 1, withdrawn: amount };
}

/** Of one currency. */
export function add(a: Totals, b: Totals): Totals {
  return {
    deposits: a.deposits + b.deposits,
    withdrawals: a.withdrawals + b.withdrawals,
    deposited: a.deposited + b.deposited,
    withdrawn: a.withdrawn + b.withdrawn,
    largest: a.largest === null || b.largest === null ? (a.largest ?? b.largest) : Math.max(a.largest, b.largest),
    accounts: a.accounts + b.accounts,
    currency: a.currency,
  };
}

/** By currency. */
export function sumUp(all: readonly Totals[]): Map<string, Totals> {
  const sums = new Map<string, Totals>();
  for (const totals of all)
    sums.set(totals.currency, add(sums.get(totals.currency) ?? noTotals(totals.currency), totals));
  return sums;
}
