import { useEffect } from 'preact/hooks';
import { gql } from '../client.ts';
import { textOf } from '../failure.ts';
import { Branches } from '../lake/branches.tsx';
import { Copy } from '../lake/copying.tsx';
import { Json } from '../lake/json.tsx';
import { Kind } from '../lake/kind.tsx';
import { asCloudEvent, asGraphql, type Whole } from '../lake/writing.ts';
import { Card, PageHead } from '../parts/card.tsx';
import { Empty, Failed, Notice, Skeleton } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';
import { useQuery } from '../query.ts';
import { addressOf } from '../router.ts';
import { formatCount, formatSeconds } from '../time.ts';

type Shown = Whole & { storedAt: string; traceId: string | null; traceUrl: string | null };

const SELECTION = `id type source subject time data
    correlationId causationId traceId traceUrl
    position storedAt hash`;

export const EVENT = gql<{ event: Shown | null }, { id: string }>(/* GraphQL */ `
  query Event($id: ID!) { event(id: $id) { ${SELECTION} } }
`);

/** What the copied query asks for beyond that. */
const AROUND_SELECTION = `${SELECTION}
    causes { id type position }
    caused(first: 20) { totalCount nodes { id type position } }`;

const BACK = { to: '/events', label: 'Events' };

/** One event: what it says, where it stands in the lake, and what it belongs to. */
export function Event({ id }: { id: string }) {
  const { data, failure, reload } = useQuery(EVENT, { id });
  if (data?.event) return <Sheet event={data.event} problem={failure && textOf(failure)} />;
  return (
    <>
      <PageHead title={data ? 'No such event' : 'Event'} back={BACK} />
      {data ? (
        <Empty
          icon="events"
          title="The lake has no event with this id."
          action={<a href="/events">Go to all events</a>}
        >
          <code>{id}</code> may be mistyped, or not stored yet: an event reaches the lake within a moment.
        </Empty>
      ) : failure ? (
        <Failed failure={failure} reload={reload} />
      ) : (
        <Skeleton rows={8} label="Loading the event" />
      )}
    </>
  );
}

function Sheet({ event, problem }: { event: Shown; problem: string | undefined }) {
  const { id, type, position, time, subject, correlationId, data } = event;
  useEffect(() => {
    document.title = `${type} ${formatCount(position)} · Tributary`;
  }, [id]);
  return (
    <>
      <PageHead
        title={type}
        back={BACK}
        note={
          <>
            Event {formatCount(position)} of the lake · <Time at={time} as="full" />
          </>
        }
        action={
          <>
            <Copy said="Copied as JSON" text={() => asCloudEvent(event)}>
              Copy as JSON
            </Copy>
            <Copy said="Copied as a GraphQL query" text={() => asGraphql('event', { id }, AROUND_SELECTION)}>
              Copy as GraphQL
            </Copy>
          </>
        }
      />
      {problem && <Notice>{problem}</Notice>}
      <div class="event-grid">
        <div class="stack">
          <Card
            title="Causes and effects"
            action={
              correlationId && (
                <a href={addressOf('events', undefined, { correlation: correlationId, order: 'oldest' })}>
                  All of its correlation
                </a>
              )
            }
          >
            <Branches here={{ id, position, correlationId, subject }} />
          </Card>
          <Card title="Data" flush>
            <Json value={data ?? null} />
          </Card>
        </div>
        <Envelope event={event} />
      </div>
    </>
  );
}

function Envelope({ event }: { event: Shown }) {
  const { id, type, source, subject, time, correlationId, causationId, position, storedAt, hash } = event;
  const { traceId, traceUrl } = event;
  const lateSeconds = (Date.parse(storedAt) - Date.parse(time)) / 1_000;
  return (
    <Card title="Envelope">
      <dl class="sheet">
        <dt>Id</dt>
        <dd class="mono">{id}</dd>
        <dt>Type</dt>
        <dd>
          <a href={addressOf('events', undefined, { types: type })} title="All events of this type">
            <Kind type={type} />
          </a>
        </dd>
        <dt>Source</dt>
        <dd>
          <a class="mono" href={addressOf('events', undefined, { source })} title="All events of this source">
            {source}
          </a>
        </dd>
        <dt>Subject</dt>
        <dd>{subject === null ? <span class="faint">none</span> : <Subject subject={subject} />}</dd>
        <dt>Happened</dt>
        <dd>
          <Time at={time} as="full" />
        </dd>
        <dt>Stored</dt>
        <dd>
          <Time at={storedAt} as="full" />
          {lateSeconds >= 0 && <span class="faint"> · {formatSeconds(lateSeconds)} later</span>}
        </dd>
        <dt>Correlation</dt>
        <dd class="mono">
          {correlationId === null ? (
            <span class="faint">none</span>
          ) : (
            <a href={addressOf('events', undefined, { correlation: correlationId, order: 'oldest' })}>
              {correlationId}
            </a>
          )}
        </dd>
        <dt>Cause</dt>
        <dd class="mono">
          {causationId === null ? (
            <span class="faint">none: a story begins here</span>
          ) : (
            <a href={addressOf('events', causationId)}>{causationId}</a>
          )}
        </dd>
        {traceId && (
          <>
            <dt>Trace</dt>
            <dd>
              <span class="mono">{traceId}</span>
              {traceUrl && (
                <span class="links">
                  <a href={traceUrl} target="_blank" rel="noreferrer">
                    Look at its trace
                  </a>
                </span>
              )}
            </dd>
          </>
        )}
        <dt>Position</dt>
        <dd>{formatCount(position)}</dd>
        <dt>Hash</dt>
        <dd class="mono">{hash}</dd>
      </dl>
    </Card>
  );
}

function Subject({ subject }: { subject: string }) {
  return (
    <>
      <span class="mono">{subject}</span>
      <span class="links">
        <a href={addressOf('accounts', subject)}>Account</a>
        <a href={addressOf('events', undefined, { subject })}>All its events</a>
        <a href={addressOf('replays', 'new', { subject })}>Replay it</a>
      </span>
    </>
  );
}
