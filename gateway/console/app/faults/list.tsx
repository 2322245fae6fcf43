import { useEffect, useRef } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';
import { addressOf } from '../router.ts';
import { formatCount } from '../time.ts';
import { briefOf, type FaultRow, shortOf } from './facts.ts';
import { StateBadge } from './state.tsx';

type ListProps = {
  rows: readonly FaultRow[];
  chosen: ReadonlySet<string>;
  choose: (chosen: ReadonlySet<string>) => void;
  resubmit: (row: FaultRow) => void;
};

/** The faults of a page, of which those that are open can be chosen. */
export function FaultList({ rows, chosen, choose, resubmit }: ListProps) {
  const columns: Column<FaultRow>[] = [
    {
      head: 'Choose',
      cell: ({ id, state, eventId }) =>
        state !== 'OPEN' ? null : (
          <input
            type="checkbox"
            aria-label={`Choose the fault of event ${eventId}`}
            checked={chosen.has(id)}
            onChange={({ currentTarget: { checked } }) => {
              const next = new Set(chosen);
              if (checked) next.add(id);
              else next.delete(id);
              choose(next);
            }}
          />
        ),
    },
    {
      head: 'Error',
      heads: true,
      cell: row => (
        <span class="what">
          <a class="fault-error" href={addressOf('faults', row.id)}>
            {briefOf(row)}
          </a>
          <span class="what-kind">
            {row.service}
            <span class="narrow-only">, {row.eventType ?? 'not an event'}</span>
          </span>
        </span>
      ),
    },
    { head: 'Event', wide: true, cell: row => <EventOf {...row} /> },
    { head: 'Deliveries', end: true, wide: true, cell: ({ deliveries }) => formatCount(deliveries) },
    { head: 'Time', wide: true, cell: ({ time }) => <Time at={time} as="relative" /> },
    {
      head: 'State',
      cell: row =>
        row.state !== 'OPEN' ? (
          <StateBadge state={row.state} />
        ) : (
          <Button kind="plain" label={`Resubmit the fault of event ${row.eventId}`} onClick={() => resubmit(row)}>
            Resubmit
          </Button>
        ),
    },
  ];
  return (
    <div class="faults">
      <Table
        caption="Faults, newest first"
        columns={columns}
        rows={rows}
        keyOf={({ id }) => id}
        classOf={({ id }) => (chosen.has(id) ? 'chosen' : undefined)}
      />
    </div>
  );
}

/** The event that could not be handled. One that the lake does not have leads nowhere. */
function EventOf({ event, eventId, eventType, subject }: FaultRow) {
  return (
    <span class="what">
      <span>{eventType ?? 'not an event'}</span>
      <span class="what-kind mono">
        {event ? (
          <a href={addressOf('events', eventId)} title={eventId}>
            {shortOf(eventId)}
          </a>
        ) : (
          <span title={eventId}>{shortOf(eventId)}</span>
        )}
      </span>
      {subject && (
        <span class="what-kind mono" title={subject}>
          of {shortOf(subject)}
        </span>
      )}
    </span>
  );
}

/** A box that is half checked while some are chosen. */
export function ChooseAll({ rows, chosen, choose }: Pick<ListProps, 'rows' | 'chosen' | 'choose'>) {
  const box = useRef<HTMLInputElement>(null);
  const open = rows.filter(({ state }) => state === 'OPEN');
  const count = open.filter(({ id }) => chosen.has(id)).length;
  useEffect(() => {
    if (box.current) box.current.indeterminate = count > 0 && count < open.length;
  }, [count, open.length]);
  if (open.length === 0) return null;
  return (
    <label class="check">
      <input
        ref={box}
        type="checkbox"
        checked={count === open.length}
        onChange={({ currentTarget: { checked } }) => choose(new Set(checked ? open.map(({ id }) => id) : []))}
      />
      <span>Choose all on this page</span>
    </label>
  );
}
