import { CATALOGUE, type EventType } from '../catalogue/facts.ts';
import { LastMinute, Names, PerSecond, useFlows } from '../catalogue/parts.tsx';
import { textOf } from '../failure.ts';
import { Kind } from '../lake/kind.tsx';
import { PageHead } from '../parts/card.tsx';
import { Failed, Notice, Skeleton } from '../parts/states.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { useQuery } from '../query.ts';
import { addressOf } from '../router.ts';

/** Services come and go. */
const EVERY_MS = 10_000;

/** Every type of event: who emits it, who consumes it, and how much of it flows. */
export function Catalogue() {
  const { data, failure, reload } = useQuery(CATALOGUE, {}, { everyMs: EVERY_MS });
  return (
    <>
      <PageHead
        title="Catalogue"
        note="What the services tell each other: every type of event, and what it promises."
      />
      {failure && data && <Notice>{textOf(failure)}</Notice>}
      {data ? <Types types={data.eventTypes} /> : failure ? <Failed failure={failure} reload={reload} /> : <Skeleton />}
    </>
  );
}

function Types({ types }: { types: readonly EventType[] }) {
  const flows = useFlows();
  const columns: Column<EventType>[] = [
    {
      head: 'Event',
      heads: true,
      cell: ({ type, versions, emittedBy, consumedBy }) => (
        <span class="event-type">
          <a href={addressOf('catalogue', type)}>
            <Kind type={type} />
          </a>
          <span class="faint">{versions[0]?.description ?? 'No contract of it is known here.'}</span>
          <span class="narrow">
            {emittedBy.join(', ') || 'nobody'} → {consumedBy.join(', ') || 'nobody'}
          </span>
        </span>
      ),
    },
    { head: 'From', wide: true, cell: ({ emittedBy }) => <Names of={emittedBy} /> },
    { head: 'To', wide: true, cell: ({ consumedBy }) => <Names of={consumedBy} /> },
    {
      head: 'Version',
      end: true,
      wide: true,
      cell: ({ versions }) => versions[0]?.version ?? <span class="faint">–</span>,
    },
    { head: 'Per second', end: true, cell: ({ type }) => <PerSecond flows={flows} type={type} /> },
    { head: 'Last minute', end: true, wide: true, cell: ({ type }) => <LastMinute flows={flows} type={type} /> },
  ];
  return (
    <section class="card flush catalogue" aria-label="Types of events">
      <Table
        caption="Types of events: who emits them, who consumes them, and how many there are"
        columns={columns}
        rows={types}
        keyOf={({ type }) => type}
      />
    </section>
  );
}
