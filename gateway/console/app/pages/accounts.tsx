import { useState } from 'preact/hooks';
import { OpenAccount } from '../account/opening.tsx';
import { gql } from '../client.ts';
import { textOf } from '../failure.ts';
import { Amount } from '../parts/amount.tsx';
import { Button } from '../parts/button.tsx';
import { PageHead } from '../parts/card.tsx';
import { Field } from '../parts/field.tsx';
import { Paging } from '../parts/paging.tsx';
import { Empty, Failed, Notice, Skeleton } from '../parts/states.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';
import { useQuery } from '../query.ts';
import { addressOf, location, navigate } from '../router.ts';
import { session } from '../session.ts';

type Row = {
  id: string;
  ownerId: string;
  name: string;
  currency: string;
  openedAt: string;
  balance: { amount: number; version: number; asOf: string | null };
};

export const ACCOUNTS = gql<
  { accounts: { nodes: Row[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } } },
  { first: number; after: string | null; ownerId: string | null }
>(/* GraphQL */ `
  query Accounts($first: Int!, $after: String, $ownerId: ID) {
    accounts(first: $first, after: $after, ownerId: $ownerId) {
      nodes { id ownerId name currency openedAt balance { amount version asOf } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const PAGE = 25;
/** Balances on a list have no subscription of their own. */
const LOOK_AGAIN_MS = 5_000;

/** The reader's accounts; an operator's: everybody's, to be found by id or owner. */
export function Accounts() {
  const { operator = false } = session.value ?? {};
  const { query } = location.value;
  const [opening, setOpening] = useState(false);
  const ownerId = operator ? query.get('owner') : null;
  const variables = { first: PAGE, after: query.get('after'), ownerId };
  const { data, failure, reload } = useQuery(ACCOUNTS, variables, { everyMs: LOOK_AGAIN_MS });
  const open = (
    <Button kind="primary" icon="plus" onClick={() => setOpening(true)}>
      Open an account
    </Button>
  );
  return (
    <>
      <PageHead
        title="Accounts"
        note={operator ? 'Of all owners, the oldest first.' : undefined}
        action={!operator && open}
      />
      {operator && <Finder owner={ownerId ?? ''} />}
      {failure && data && <Notice>{textOf(failure)}</Notice>}
      <div class="card flush">
        {!data && failure && <Failed failure={failure} reload={reload} />}
        {!data && !failure && <Skeleton />}
        {data?.accounts.nodes.length === 0 && <None operator={operator} owner={ownerId} open={open} />}
        {data && data.accounts.nodes.length > 0 && (
          <Table caption="Accounts" columns={operator ? ALL : OWN} rows={data.accounts.nodes} keyOf={({ id }) => id} />
        )}
      </div>
      {data && <Paging pageInfo={data.accounts.pageInfo} />}
      {opening && <OpenAccount close={() => setOpening(false)} />}
    </>
  );
}

const NAME: Column<Row> = {
  head: 'Name',
  heads: true,
  cell: ({ id, name }) => <a href={addressOf('accounts', id)}>{name}</a>,
};
const REST: Column<Row>[] = [
  { head: 'Currency', wide: true, cell: ({ currency }) => currency },
  { head: 'Opened', wide: true, cell: ({ openedAt }) => <Time at={openedAt} as="day" /> },
  {
    head: 'Last change',
    wide: true,
    cell: ({ balance: { asOf } }) => (asOf ? <Time at={asOf} as="relative" /> : <span class="faint">none yet</span>),
  },
  {
    head: 'Balance',
    end: true,
    cell: ({ balance, currency }) => <Amount minor={balance.amount} currency={currency} />,
  },
];
const OWN = [NAME, ...REST];
const ALL = [NAME, { head: 'Owner', cell: ({ ownerId }: Row) => ownerId }, ...REST];

function None({ operator, owner, open }: { operator: boolean; owner: string | null; open: preact.ComponentChildren }) {
  if (operator && owner)
    return (
      <Empty icon="accounts" title={`${owner} has no accounts`} action={<a href="/accounts">Show all accounts</a>} />
    );
  if (operator) {
    return (
      <Empty icon="accounts" title="Nobody has opened an account yet">
        As soon as an owner does, it shows here.
      </Empty>
    );
  }
  return (
    <Empty icon="accounts" title="You have no accounts yet" action={open}>
      Open one, put something in, and watch the balance move.
    </Empty>
  );
}

/** Finds an account by its id, or those of an owner. */
function Finder({ owner }: { owner: string }) {
  const [id, setId] = useState('');
  const [whose, setWhose] = useState(owner);
  return (
    <div class="filters">
      <form
        onSubmit={event => {
          event.preventDefault();
          if (id.trim()) navigate(addressOf('accounts', id.trim()));
        }}
      >
        <Field label="Account id">
          {control => (
            <input
              {...control}
              class="mono"
              value={id}
              autocomplete="off"
              spellcheck={false}
              maxLength={200}
              onInput={event => setId(event.currentTarget.value)}
            />
          )}
        </Field>
        <Button type="submit">Go to it</Button>
      </form>
      <form
        onSubmit={event => {
          event.preventDefault();
          navigate(addressOf('accounts', undefined, { owner: whose.trim() }));
        }}
      >
        <Field label="Owner">
          {control => (
            <input
              {...control}
              value={whose}
              autocomplete="off"
              spellcheck={false}
              maxLength={200}
              onInput={event => setWhose(event.currentTarget.value)}
            />
          )}
        </Field>
        <Button type="submit">Show theirs</Button>
      </form>
      {owner && (
        <a class="button quiet" href="/accounts" onClick={() => setWhose('')}>
          Show all
        </a>
      )}
    </div>
  );
}
