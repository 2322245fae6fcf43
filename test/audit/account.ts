/** Reads everything that is shown of one account. */
import { PAGE_MAX } from '../../schema/paging.ts';
import type { AccountEvidence, LakeEvent, LedgerEntry, Totals, Transaction } from '../invariants.ts';
import { type EvidenceClient, Refused } from './client.ts';
import { collect, MORE, nodesOf, type Page } from './pages.ts';

type ShownTransaction = {
  id: string;
  type: 'DEPOSIT' | 'WITHDRAWAL';
  amount: number;
  memo: string | null;
  status: 'PENDING' | 'SETTLED';
  transferId: string | null;
};
type ShownEntry = { version: number; amount: number; balance: number; eventId: string; eventType: string };
type ShownEvent = Omit<LakeEvent, 'data'> & { data: LakeEvent['data'] | null };
type ShownStatistic = {
  accounts: number;
  deposits: number;
  withdrawals: number;
  deposited: number;
  withdrawn: number;
  largest: number | null;
};
type ShownAccount = {
  id: string;
  ownerId: string;
  balance: { version: number; amount: number };
  statistics: ShownStatistic[];
  transactions: Page<ShownTransaction>;
  ledger: Page<ShownEntry>;
};

const TRANSACTIONS = `transactions(first: $first, after: $after) { nodes { id type amount memo status transferId } ${MORE} }`;
const LEDGER = `ledger(first: $first, after: $after) { nodes { version amount balance eventId eventType } ${MORE} }`;
const EVENTS = `events(filter: { subject: $id }, first: $first, after: $after) {
  nodes { id type position data } ${MORE} }`;
const PARAMETERS = '($id: ID!, $first: Int!, $after: String)';
const ACCOUNT_QUERY = `query Account${PARAMETERS} { ${EVENTS} account(id: $id) {
  id ownerId balance { version amount } ${TRANSACTIONS} ${LEDGER}
  statistics(interval: ALL) { accounts deposits withdrawals deposited withdrawn largest } } }`;
const TRANSACTIONS_QUERY = `query Transactions${PARAMETERS} { account(id: $id) { ${TRANSACTIONS} } }`;
const LEDGER_QUERY = `query Ledger${PARAMETERS} { account(id: $id) { ${LEDGER} } }`;
const EVENTS_QUERY = `query Events${PARAMETERS} { ${EVENTS} }`;

/** @throws Refused, which says of which account, when a part of it cannot be shown. */
export async function accountOf(
  client: EvidenceClient,
  id: string,
  onEvents: (count: number) => void = () => undefined,
): Promise<AccountEvidence> {
  try {
    return await readAccount(client, id, onEvents);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw new Refused(error.code, `account ${id} cannot be read: ${error.message}`);
  }
}

async function readAccount(client: EvidenceClient, id: string, onEvents: (count: number) => void) {
  type Events = { events: Page<ShownEvent> };
  const variables = (after: string | null) => ({ id, first: PAGE_MAX, after });
  // Most accounts are shown whole by the first answer.
  const shown = await client.get<Events & { account: ShownAccount | null }>(ACCOUNT_QUERY, variables(null));
  const account = existing(shown.account);
  const ask = async <Part>(query: string, after: string | null) =>
    existing((await client.get<{ account: Part | null }>(query, variables(after))).account);
  const events = async (after: string | null) => {
    const page = after === null ? shown.events : (await client.get<Events>(EVENTS_QUERY, variables(after))).events;
    onEvents(page.nodes.length);
    return page;
  };
  const [transactions, ledger, lake] = await Promise.all([
    collect(
      nodesOf<ShownTransaction>(async after =>
        after === null
          ? account.transactions
          : (await ask<Pick<ShownAccount, 'transactions'>>(TRANSACTIONS_QUERY, after)).transactions,
      ),
      transactionOf,
    ),
    collect(
      nodesOf<ShownEntry>(async after =>
        after === null ? account.ledger : (await ask<Pick<ShownAccount, 'ledger'>>(LEDGER_QUERY, after)).ledger,
      ),
      entryOf,
    ),
    collect(nodesOf<ShownEvent>(events), ({ data, ...event }): LakeEvent => ({ ...event, data: data ?? {} })),
  ]);
  const { ownerId: owner, balance, statistics } = account;
  return {
    id,
    owner,
    balance: { version: balance.version, amountMinor: balance.amount },
    // Both are shown newest first.
    transactions: transactions.reverse(),
    ledger: ledger.reverse(),
    lake,
    statistics: totalsIn(statistics),
  };
}

function existing<Value>(account: Value | null): Value {
  if (account === null) throw new Refused('NOT_FOUND', 'it is listed, and not there');
  return account;
}

const transactionOf = ({ id, type, amount, memo, status, transferId }: ShownTransaction): Transaction => ({
  id,
  type: type === 'WITHDRAWAL' ? 'withdrawn' : 'deposited',
  amountMinor: amount,
  memo,
  settled: status === 'SETTLED',
  ...(transferId !== null && { transferId }),
});

const entryOf = ({ version, amount, balance, eventId, eventType }: ShownEntry): LedgerEntry => ({
  version,
  amountMinor: amount,
  balanceMinor: balance,
  eventId,
  eventType,
});

/** An account has one currency, so at most one row; without any, nothing was counted. */
function totalsIn(rows: readonly ShownStatistic[]): Totals {
  const sum = (of: (row: ShownStatistic) => number) => rows.reduce((total, row) => total + of(row), 0);
  return {
    accounts: sum(({ accounts }) => accounts),
    deposits: sum(({ deposits }) => deposits),
    withdrawals: sum(({ withdrawals }) => withdrawals),
    depositedMinor: sum(({ deposited }) => deposited),
    withdrawnMinor: sum(({ withdrawn }) => withdrawn),
    largestMinor: Math.max(0, ...rows.map(({ largest }) => largest ?? 0)),
  };
}
