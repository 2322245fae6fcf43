/** Reads back everything that the system shows, page by page. */
import type { AccountBook, AccountFacts, Totals } from './books.ts';
import type { Client } from './client.ts';
import type { Balance, LedgerEntry, ListedTransaction } from './compare.ts';
import type { LakeEvent } from './lake.ts';

/** What is shown of one account; lists newest first, events oldest first. */
export type AccountSeen = {
  balance: Balance;
  past: Balance | null;
  statistics: Totals[];
  ledger: LedgerEntry[];
  transactions: ListedTransaction[];
  events: LakeEvent[];
  eventsTotal: number;
};

/** Small enough that an account has several pages. */
const PAGE = 25;
const EVENT_PAGE = 50;
const LAKE_PAGE = 100;

const TOTALS = 'deposits withdrawals deposited withdrawn largest accounts currency';
const EVENT = 'id type subject position data';
const MORE = 'pageInfo { hasNextPage endCursor }';

const ACCOUNTS = 'query Accounts { accounts(first: 100) { nodes { id ownerId name currency } } }';
const OVERVIEW = `query Overview($id: ID!, $version: Int!) { account(id: $id) {
  balance { amount version asOf } past: balanceAt(version: $version) { amount version asOf }
  statistics(interval: ALL) { ${TOTALS} } } }`;
const LEDGER = `query Ledger($id: ID!, $first: Int!, $after: String) { account(id: $id) {
  page: ledger(first: $first, after: $after) {
    nodes { version amount balance time eventId eventType } ${MORE} } } }`;
const TRANSACTIONS = `query Transactions($id: ID!, $first: Int!, $after: String) { account(id: $id) {
  page: transactions(first: $first, after: $after) { nodes { id type amount memo time status } ${MORE} } } }`;
const EVENTS = `query Events($id: ID!, $first: Int!, $after: String) {
  page: events(filter: { subject: $id }, first: $first, after: $after) { totalCount nodes { ${EVENT} } ${MORE} } }`;
const LAKE = `query Lake($first: Int!, $after: String) {
  page: events(first: $first, after: $after, order: NEWEST_FIRST) { nodes { ${EVENT} } ${MORE} } }`;
const NEWEST = 'query Newest { events(first: 1, order: NEWEST_FIRST) { nodes { position } } }';
const STATISTICS = `query Overall { statistics(interval: ALL) { ${TOTALS} } }`;
const VERIFY = 'query Verify { verifyLake { valid events firstBadPosition } }';
const FAULTS = 'query Faults { faults(first: 100) { nodes { id service error eventId } } }';
const LAG = 'query Lag { services { name lagEvents } }';

type Page<Node> = { nodes: Node[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
export type Verification = { valid: boolean; events: number; firstBadPosition: number | null };
export type Fault = { id: string; service: string; error: string; eventId: string };

/** All pages of a list, up to the first page that `enough` says so of. */
async function pages<Node, Of extends Page<Node>>(
  load: (after: string | null) => Promise<Of>,
  enough: (page: Of) => boolean = () => false,
): Promise<Of[]> {
  const all: Of[] = [];
  let after: string | null = null;
  for (;;) {
    const page: Of = await load(after);
    all.push(page);
    const { hasNextPage, endCursor } = page.pageInfo;
    if (!hasNextPage || enough(page)) return all;
    if (endCursor === after || page.nodes.length === 0) throw new Error('a list whose pages do not end');
    after = endCursor;
  }
}

/** What an owner sees of the account, and the operator of its events. */
export async function readAccount(
  client: Client,
  tokens: { owner: string; operator: string },
  book: AccountBook,
): Promise<AccountSeen> {
  const { id } = book;
  const ask = <Data>(query: string, variables: Record<string, unknown>, token = tokens.owner) =>
    client.get<Data>({ token, query, variables: { id, ...variables } });
  type Overview = Pick<AccountSeen, 'balance' | 'past' | 'statistics'>;
  const list = <Node>(query: string) =>
    pages<Node, Page<Node>>(
      async after => (await ask<{ account: { page: Page<Node> } }>(query, { first: PAGE, after })).account.page,
    );
  type Events = Page<LakeEvent> & { totalCount: number };
  const [{ account }, ledger, transactions, events] = await Promise.all([
    ask<{ account: Overview }>(OVERVIEW, { version: middleOf(book) }),
    list<LedgerEntry>(LEDGER),
    list<ListedTransaction>(TRANSACTIONS),
    pages<LakeEvent, Events>(
      async after => (await ask<{ page: Events }>(EVENTS, { first: EVENT_PAGE, after }, tokens.operator)).page,
    ),
  ]);
  return {
    ...account,
    ledger: ledger.flatMap(({ nodes }) => nodes),
    transactions: transactions.flatMap(({ nodes }) => nodes),
    events: events.flatMap(({ nodes }) => nodes),
    eventsTotal: events.at(-1)?.totalCount ?? 0,
  };
}

/** The version whose balance is asked for as one of the past. */
export const middleOf = ({ transactions }: AccountBook): number => Math.floor(transactions.size / 2);

export async function readAccounts(client: Client, token: string): Promise<AccountFacts[]> {
  return (await client.get<{ accounts: { nodes: AccountFacts[] } }>({ token, query: ACCOUNTS })).accounts.nodes;
}

/** What an operator sees of the whole. */
export function overall(client: Client, token: string) {
  const get = <Data>(query: string, variables: Record<string, unknown> = {}) =>
    client.get<Data>({ token, query, variables });
  return {
    statistics: async () => (await get<{ statistics: Totals[] }>(STATISTICS)).statistics,
    faults: async () => (await get<{ faults: { nodes: Fault[] } }>(FAULTS)).faults.nodes,
    verifyLake: async () => (await get<{ verifyLake: Verification }>(VERIFY)).verifyLake,
    /** 0 when the lake is empty. */
    newest: async () =>
      (await get<{ events: { nodes: { position: number }[] } }>(NEWEST)).events.nodes[0]?.position ?? 0,
    /** Events that wait for any service. */
    async lag() {
      const { services } = await get<{ services: { lagEvents: number }[] }>(LAG);
      return services.reduce((sum, { lagEvents }) => sum + lagEvents, 0);
    },

    /** The events behind a position, newest first. */
    async lakeSince(position: number, onPage: (events: number) => void): Promise<LakeEvent[]> {
      const isPast = (event: LakeEvent) => event.position <= position;
      const all = await pages<LakeEvent, Page<LakeEvent>>(
        async after => {
          const { page } = await get<{ page: Page<LakeEvent> }>(LAKE, { first: LAKE_PAGE, after });
          onPage(page.nodes.filter(event => !isPast(event)).length);
          return page;
        },
        ({ nodes }) => nodes.some(isPast),
      );
      return all.flatMap(({ nodes }) => nodes).filter(event => !isPast(event));
    },
  };
}

export type Overall = ReturnType<typeof overall>;
