import type { VNode } from 'preact';
import { Time } from '../parts/time.tsx';
import { addressOf } from '../router.ts';
import { formatCount } from '../time.ts';
import type { EventRow } from './following.ts';
import { Kind } from './kind.tsx';
import { digestOf } from './writing.ts';

/** Events in a table. It stays as cheap as what is new in it: a row that was drawn once is not looked at again. */
export function EventRows({ rows, caption }: { rows: readonly EventRow[]; caption: string }) {
  return (
    <table class="events">
      <caption class="unseen">{caption}</caption>
      <thead>
        <tr>
          <th scope="col" class="events-position end">
            Position
          </th>
          <th scope="col" class="events-type">
            Type
          </th>
          <th scope="col" class="events-time wide">
            Time
          </th>
          <th scope="col" class="events-subject wide">
            Subject
          </th>
          <th scope="col" class="events-source wide">
            Source
          </th>
          <th scope="col" class="events-data wide">
            Data
          </th>
        </tr>
      </thead>
      <tbody>{rows.map(drawn)}</tbody>
    </table>
  );
}

const known = new WeakMap<EventRow, VNode>();

function drawn(row: EventRow): VNode {
  const before = known.get(row);
  if (before) return before;
  const made = <Row key={row.id} row={row} />;
  known.set(row, made);
  return made;
}

function Row({ row: { id, type, source, subject, time, position, data } }: { row: EventRow }) {
  const place = formatCount(position);
  return (
    <tr>
      <td class="end faint">{place}</td>
      <th scope="row">
        <a href={addressOf('events', id)} aria-label={`${type}, event ${place}`}>
          <Kind type={type} />
        </a>
        <span class="narrow cut">
          <Time at={time} />
          {subject && <span class="mono"> {subject}</span>}
        </span>
      </th>
      <td class="wide">
        <Time at={time} />
      </td>
      <td class="wide mono cut">
        {subject && (
          <a class="inner" href={addressOf('events', undefined, { subject })} title={`All events of ${subject}`}>
            {subject}
          </a>
        )}
      </td>
      <td class="wide mono cut faint">{source}</td>
      <td class="wide cut faint">{digestOf(data)}</td>
    </tr>
  );
}
