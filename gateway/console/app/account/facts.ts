/** What the console asks about an account, and how answers from different moments become one. */
import { gql } from '../client.ts';

export type Balance = { amount: number; version: number; asOf: string | null };
export type Transaction = {
  id: string;
  type: 'DEPOSIT' | 'WITHDRAWAL';
  amount: number;
  memo: string | null;
  time: string;
  status: 'PENDING' | 'SETTLED';
  /** The transfer that it is a part of. */
  transferId: string | null;
};
export type Entry = {
  version: number;
  amount: number;
  balance: number;
  time: string;
  eventId: string;
  eventType: string;
};
export type Page<Node> = { nodes: Node[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };

/** An account as far as it has been asked for; lists are the newest first. */
export type AccountView = {
  id: string;
  ownerId: string;
  name: string;
  currency: string;
  openedAt: string;
  balance: Balance;
  transactions: Page<Transaction>;
  ledger: Page<Entry>;
};

export const ACCOUNT = gql<{ account: AccountView | null }, { id: string }>(/* GraphQL */ `
  query Account($id: ID!) {
    account(id: $id) {
      id ownerId name currency openedAt
      balance { amount version asOf }
      transactions(first: 20) {
        nodes { id type amount memo time status transferId }
        pageInfo { hasNextPage endCursor }
      }
      ledger(first: 100) {
        nodes { version amount balance time eventId eventType }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`);

export const BALANCE_CHANGED = gql<{ balanceChanged: AccountView }, { id: string }>(/* GraphQL */ `
  subscription BalanceChanged($id: ID!) {
    balanceChanged(accountId: $id) {
      id ownerId name currency openedAt
      balance { amount version asOf }
      transactions(first: 20) {
        nodes { id type amount memo time status transferId }
        pageInfo { hasNextPage endCursor }
      }
      ledger(first: 20) {
        nodes { version amount balance time eventId eventType }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`);

export const TRANSACTIONS = gql<
  { account: { transactions: Page<Transaction> } | null },
  { id: string; first: number; after: string | null }
>(/* GraphQL */ `
  query Transactions($id: ID!, $first: Int!, $after: String) {
    account(id: $id) {
      transactions(first: $first, after: $after) {
        nodes { id type amount memo time status transferId }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`);

export const LEDGER = gql<
  { account: { ledger: Page<Entry> } | null },
  { id: string; after: string | null }
>(/* GraphQL */ `
  query Ledger($id: ID!, $after: String) {
    account(id: $id) {
      ledger(first: 100, after: $after) {
        nodes { version amount balance time eventId eventType }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`);

/** How the nodes of a list are told apart, and which comes first. */
type Kind<Node> = {
  keyOf(node: Node): string | number;
  compare(a: Node, b: Node): number;
  newer(a: Node, b: Node): Node;
};

const byTime: Kind<Transaction> = {
  keyOf: ({ id }) => id,
  compare: (a, b) => b.time.localeCompare(a.time) || (a.id < b.id ? 1 : -1),
  // What has settled stays settled.
  newer: (a, b) => (a.status === 'SETTLED' ? a : b),
};
const byVersion: Kind<Entry> = {
  keyOf: ({ version }) => version,
  compare: (a, b) => b.version - a.version,
  newer: a => a,
};

/**
 * Puts the newest page of a list over what was known of it. Answers may come in another order than they were given; and where
 * there may be a gap between the two, what lies beyond it is left out and can be asked for again.
 */
function renew<Node>(known: Page<Node>, page: Page<Node>, kind: Kind<Node>): Page<Node> {
  const merged = union(known.nodes, page.nodes, kind);
  if (!page.pageInfo.hasNextPage) return { nodes: merged, pageInfo: page.pageInfo };
  const keys = new Set(known.nodes.map(kind.keyOf));
  return page.nodes.some(node => keys.has(kind.keyOf(node))) ? { nodes: merged, pageInfo: known.pageInfo } : page;
}

function union<Node>(known: readonly Node[], more: readonly Node[], kind: Kind<Node>): Node[] {
  const nodes = new Map(known.map(node => [kind.keyOf(node), node]));
  for (const node of more) {
    const before = nodes.get(kind.keyOf(node));
    nodes.set(kind.keyOf(node), before ? kind.newer(before, node) : node);
  }
  return [...nodes.values()].sort(kind.compare);
}

/** What is known after an answer about the account as it is now. */
export function renewed(known: AccountView | undefined, answer: AccountView): AccountView {
  if (!known) return answer;
  return {
    ...answer,
    balance: answer.balance.version >= known.balance.version ? answer.balance : known.balance,
    transactions: renew(known.transactions, answer.transactions, byTime),
    ledger: renew(known.ledger, answer.ledger, byVersion),
  };
}

/** With one transaction that has just been acknowledged. */
export function withTransaction(known: AccountView, transaction: Transaction): AccountView {
  const nodes = union(known.transactions.nodes, [transaction], byTime);
  return { ...known, transactions: { ...known.transactions, nodes } };
}

/** With the page of transactions that follows those that are known. */
export function withOlder(known: AccountView, page: Page<Transaction>): AccountView {
  return { ...known, transactions: { ...page, nodes: union(known.transactions.nodes, page.nodes, byTime) } };
}

/** With the page of the ledger that follows what is known of it. */
export function withEarlier(known: AccountView, page: Page<Entry>): AccountView {
  return { ...known, ledger: { ...page, nodes: union(known.ledger.nodes, page.nodes, byVersion) } };
}

/** Transactions that no answer about the newest ones will say more about: they are asked for by themselves. */
export const forgottenPending = (known: AccountView, newest: number): boolean =>
  known.transactions.nodes.slice(newest).some(({ status }) => status === 'PENDING');
