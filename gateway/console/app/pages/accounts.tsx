import { gql } from '../client.ts';
import { textOf } from '../failure.ts';
import { Amount } from '../parts/amount.tsx';
import { PageHead } from '../parts/card.tsx';
import { Paging } from '../parts/paging.tsx';
import { Failed, Notice, Skeleton } from '../parts/states.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';
import { useQuery } from '../query.ts';
import { addressOf, location } from '../router.ts';

type Row = {
  id: string;
  ownerId: string;
  name: string;
  currency: string;
  openedAt: string;
  balance: { amount: number; asOf: string | null };
};

export const ACCOUNTS = gql<
  { accounts: { nodes: Row[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } } },
  { first: number; after: string | null }
>(/* GraphQL */ `
  query Accounts($first: Int!, $after: String) {
    accounts(first: $first, after: $after) {
      nodes { id ownerId name currency openedAt balance { amount asOf } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const PAGE = 25;

/** The reader's accounts; an operator's: everybody's. */
export function Accounts() {
  const { data, failure, reload } = useQuery(ACCOUNTS, { first: PAGE, after: location.value.query.get('after') });
  return (
    <>
      <PageHead title="Accounts" />
      {failure && data && <Notice>{textOf(failure)}</Notice>}
      {data ? (
        <Table caption="Accounts" columns={COLUMNS} rows={data.accounts.nodes} keyOf={({ id }) => id} />
      ) : failure ? (
        <Failed failure={failure} reload={reload} />
      ) : (
        <Skeleton />
      )}
      {data && <Paging pageInfo={data.accounts.pageInfo} />}
    </>
  );
}

const COLUMNS: Column<Row>[] = [
  { head: 'Name', heads: true, cell: ({ id, name }) => <a href={addressOf('accounts', id)}>{name}</a> },
  { head: 'Opened', wide: true, cell: ({ openedAt }) => <Time at={openedAt} as="day" /> },
  {
    head: 'Balance',
    end: true,
    cell: ({ balance, currency }) => <Amount minor={balance.amount} currency={currency} />,
  },
];
