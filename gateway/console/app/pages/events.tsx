import { gql } from '../client.ts';
import { textOf } from '../failure.ts';
import { Copy } from '../lake/copying.tsx';
import { type EventFilter, type Filter, filterOf, inputOf, NO_FILTER, paramsOf } from '../lake/filter.ts';
import { ActiveConditions, Filters } from '../lake/filters.tsx';
import { type First, useFirst } from '../lake/first.ts';
import { type EventRow, useTail } from '../lake/following.ts';
import { useEventTypes } from '../lake/kinds.ts';
import { EventRows } from '../lake/rows.tsx';
import { ROWS_MAX } from '../lake/tail.ts';
import { asGraphql } from '../lake/writing.ts';
import { Button } from '../parts/button.tsx';
import { PageHead } from '../parts/card.tsx';
import { Paging } from '../parts/paging.tsx';
import { Empty, Failed, Notice, Skeleton } from '../parts/states.tsx';
import { addressOf, location, setQuery } from '../router.ts';
import { formatCount } from '../time.ts';

type Order = 'NEWEST_FIRST' | 'OLDEST_FIRST';
type Listed = {
  events: { nodes: EventRow[]; pageInfo: { hasNextPage: boolean; endCursor: string | null }; totalCount: number };
};
type Asked = { filter: EventFilter | null; first: number; after: string | null; order: Order };

const PAGE = 50;
/** So many events a second are a rush, in which so many rows are drawn. */
const RUSH_PER_SECOND = 50;
const RUSH_ROWS = 100;
const SELECTION = `nodes { id type source subject time position data }
    pageInfo { hasNextPage endCursor }
    totalCount`;

export const EVENTS = gql<Listed, Asked>(/* GraphQL */ `
  query Events($filter: EventFilter, $first: Int!, $after: String, $order: EventOrder!) {
    events(filter: $filter, first: $first, after: $after, order: $order) { ${SELECTION} }
  }
`);

const changeFilter = (filter: Filter) => setQuery({ ...paramsOf(filter), after: null });

/** The lake: every event of the system, filtered, and followed as it grows. */
export function Events() {
  const { query } = location.value;
  const filter = filterOf(query);
  const order: Order = query.get('order') === 'oldest' ? 'OLDEST_FIRST' : 'NEWEST_FIRST';
  const asked = { filter: inputOf(filter), first: PAGE, after: query.get('after'), order };
  const { first, failure, loading, reload } = useFirst(EVENTS, asked);
  const types = useEventTypes();
  return (
    <>
      <PageHead title="Events" note="Everything that has happened, in the order in which the lake stored it." />
      <Filters filter={filter} change={changeFilter} types={types} />
      <ActiveConditions filter={filter} change={changeFilter} />
      {failure && first && <Notice>{textOf(failure)}</Notice>}
      {first ? (
        <Results key={first.number} first={first} loading={loading} reload={reload} />
      ) : failure ? (
        <Failed failure={failure} reload={reload} />
      ) : (
        <section class="card">
          <Skeleton rows={12} label="Loading events" />
        </section>
      )}
    </>
  );
}

type ResultsProps = { first: First<Listed, Asked>; loading: boolean; reload: () => void };

function Results({ first: { data, variables }, loading, reload }: ResultsProps) {
  const { nodes, pageInfo, totalCount } = data.events;
  const newest = variables.order === 'NEWEST_FIRST';
  const on = newest && variables.after === null;
  const paused = location.value.query.get('live') === 'paused';
  const { tail, rate, failure } = useTail(nodes, variables.filter, { on, paused });
  const total = totalCount + tail.arrived;
  // Nobody reads far down what moves so fast; and the page is to have time for its reader.
  const rows = !paused && rate > RUSH_PER_SECOND ? tail.rows.slice(0, RUSH_ROWS) : tail.rows;
  return (
    <section class={`card flush ${loading ? 'stale' : ''}`} aria-labelledby="found" aria-busy={loading}>
      <header class="card-head">
        <h2 id="found">
          {formatCount(total)} {total === 1 ? 'event' : 'events'}
        </h2>
        <div class="actions">
          {on && <LiveSwitch paused={paused} waiting={tail.heldCount} rate={rate} />}
          <OrderSwitch newest={newest} />
          <Copy said="Copied as a GraphQL query" text={() => queryOf(variables)}>
            Copy as GraphQL
          </Copy>
        </div>
      </header>
      <div class="card-body">
        {failure && (
          <Notice>
            {textOf(failure)} <Button onClick={reload}>Load the newest</Button>
          </Notice>
        )}
        {rows.length > 0 ? (
          <EventRows rows={rows} caption={newest ? 'Events, newest first' : 'Events, oldest first'} />
        ) : (
          <Nothing isFiltered={variables.filter !== null} isBeyond={variables.after !== null} />
        )}
      </div>
      {tail.isCut ? (
        <Cut reload={reload} />
      ) : (
        <Paging pageInfo={pageInfo} next={newest ? 'Older' : 'Newer'} first={newest ? 'Newest' : 'Oldest'} />
      )}
    </section>
  );
}

const queryOf = ({ filter, first, after, order }: Asked) =>
  asGraphql('events', { filter, first, after, order: { enum: order } }, SELECTION);

function LiveSwitch({ paused, waiting, rate }: { paused: boolean; waiting: number; rate: number }) {
  const speed = rate === 0 ? '' : rate < 10 ? rate.toFixed(1) : formatCount(Math.round(rate));
  return (
    <>
      <span class={`live ${paused ? 'paused' : ''}`}>
        <span class="dot" aria-hidden="true" />
        <span>{paused ? 'Paused' : 'Live'}</span>
        {speed && <span class="live-rate">{speed}/s</span>}
      </span>
      <Button
        icon={paused ? 'play' : 'pause'}
        kind={paused && waiting > 0 ? 'primary' : 'plain'}
        onClick={() => setQuery({ live: paused ? null : 'paused' }, { replace: true })}
      >
        {!paused ? 'Pause' : waiting > 0 ? `Show ${formatCount(waiting)} new` : 'Resume'}
      </Button>
    </>
  );
}

function OrderSwitch({ newest }: { newest: boolean }) {
  const to = (order: string) => {
    const { query } = location.value;
    const search = Object.fromEntries([...query].filter(([name]) => name !== 'after' && name !== 'order'));
    return addressOf('events', undefined, { ...search, order });
  };
  return (
    <nav class="segments" aria-label="Order">
      <a href={to('')} aria-current={newest ? 'true' : undefined}>
        Newest first
      </a>
      <a href={to('oldest')} aria-current={newest ? undefined : 'true'}>
        Oldest first
      </a>
    </nav>
  );
}

/** Where rows at the end have made room for new ones, a page of the newest is where one goes on from. */
function Cut({ reload }: { reload: () => void }) {
  return (
    <div class="cut-note">
      <span>The newest {ROWS_MAX} are kept here while events arrive.</span>
      <Button
        onClick={() => {
          setQuery({ live: 'paused' }, { replace: true });
          reload();
        }}
      >
        Stop here, and page through all
      </Button>
    </div>
  );
}

function Nothing({ isFiltered, isBeyond }: { isFiltered: boolean; isBeyond: boolean }) {
  if (isBeyond)
    return (
      <Empty icon="events" title="Nothing lies beyond this page." action={<a href="/events">Back to the newest</a>} />
    );
  if (!isFiltered) {
    return (
      <Empty icon="events" title="The lake is empty.">
        Open an account or make a deposit: its events show here by themselves.
      </Empty>
    );
  }
  return (
    <Empty
      icon="events"
      title="No event is like this."
      action={<Button onClick={() => changeFilter(NO_FILTER)}>Clear the filter</Button>}
    >
      Take a condition out, or wait: one that comes shows here by itself.
    </Empty>
  );
}
