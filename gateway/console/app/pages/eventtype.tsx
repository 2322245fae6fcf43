import { CATALOGUE, type EventType, type EventVersion, type FieldRow, fieldsOf } from '../catalogue/facts.ts';
import { LastMinute, Names, PerSecond, useFlows } from '../catalogue/parts.tsx';
import { Copy } from '../lake/copying.tsx';
import { Json } from '../lake/json.tsx';
import { eventsAddress } from '../overview/facts.ts';
import { Badge } from '../parts/badge.tsx';
import { Card, PageHead } from '../parts/card.tsx';
import { Empty, Failed, Skeleton } from '../parts/states.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { useQuery } from '../query.ts';
import { location, setQuery } from '../router.ts';

const BACK = { to: '/catalogue', label: 'Catalogue' };

/** One type of event: what each of its versions says, with an example. */
export function OneEventType({ id }: { id: string }) {
  const { data, failure, reload } = useQuery(CATALOGUE, {});
  const found = data?.eventTypes.find(({ type }) => type === id);
  if (found) return <Shown of={found} />;
  return (
    <>
      <PageHead title={id} back={BACK} />
      {data ? (
        <Empty
          icon="catalogue"
          title="There is no such type of event"
          action={<a href="/catalogue">See all there are</a>}
        >
          No contract, and no service, knows of it.
        </Empty>
      ) : failure ? (
        <Failed failure={failure} reload={reload} />
      ) : (
        <Skeleton rows={8} />
      )}
    </>
  );
}

function Shown({ of }: { of: EventType }) {
  const { type, versions } = of;
  const asked = Number(location.value.query.get('version'));
  const shown = versions.find(({ version }) => version === asked) ?? versions[0];
  return (
    <>
      <PageHead
        title={type}
        back={BACK}
        note={shown?.description ?? 'No contract of it is known to the lake: the service that emits it came later.'}
        action={
          <a class="button plain" href={eventsAddress({ type })}>
            Its events in the lake
          </a>
        }
      />
      {versions.length > 1 && shown && <Versions of={versions} shown={shown} />}
      <div class="event-grid">
        <div class="stack">
          {shown ? (
            <Promised of={shown} />
          ) : (
            <Empty icon="catalogue" title="Nothing is known of what it says">
              Start the lake again once the contract stands in its copy of schema/events/.
            </Empty>
          )}
        </div>
        <Who of={of} />
      </div>
    </>
  );
}

function Versions({ of, shown }: { of: readonly EventVersion[]; shown: EventVersion }) {
  return (
    <fieldset class="choice states versions">
      <legend class="unseen">Version</legend>
      {of.map(({ version }, at) => (
        <label key={version}>
          <input
            type="radio"
            name="version"
            value={version}
            checked={version === shown.version}
            onChange={() => setQuery({ version: at === 0 ? null : String(version) })}
          />
          <span>Version {version}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Promised({ of: { schema, example, version } }: { of: EventVersion }) {
  const columns: Column<FieldRow>[] = [
    {
      head: 'Field',
      heads: true,
      cell: ({ name, required }) => (
        <span class="field-name">
          <span class="mono">{name}</span>
          {!required && <Badge kind="plain">optional</Badge>}
        </span>
      ),
    },
    {
      head: 'What it is',
      cell: ({ kind, description }) => (
        <span class="field-kind">
          <span>{description || kind}</span>
          {description && <span class="faint">{kind}</span>}
        </span>
      ),
    },
  ];
  return (
    <>
      <Card
        title="Data"
        note={`What version ${version} says, and will for ever.`}
        action={
          <Copy said="Copied as JSON Schema" text={() => JSON.stringify(schema, null, 2)}>
            Copy as JSON Schema
          </Copy>
        }
        flush
      >
        <Table caption="Fields of the data" columns={columns} rows={fieldsOf(schema)} keyOf={({ name }) => name} />
        <details class="as-table in-flush">
          <summary>As JSON Schema</summary>
          <Json value={schema} />
        </details>
      </Card>
      <Card title="Example" flush>
        <Json value={example} />
      </Card>
    </>
  );
}

/** Where there are several, one is written, and all are read. */
function useOf({ version, written }: EventVersion, _: number, all: readonly EventVersion[]): string {
  return all.length > 1 && written ? `${version} (is written)` : String(version);
}

function Who({ of: { type, emittedBy, consumedBy, versions } }: { of: EventType }) {
  const flows = useFlows();
  return (
    <Card title="Who and how often">
      <dl class="sheet">
        <dt>Emitted by</dt>
        <dd>
          <Names of={emittedBy} link={{ type }} />
        </dd>
        <dt>Consumed by</dt>
        <dd>
          <Names of={consumedBy} />
        </dd>
        <dt>Per second</dt>
        <dd>
          <PerSecond flows={flows} type={type} />
        </dd>
        <dt>Last minute</dt>
        <dd>
          <LastMinute flows={flows} type={type} />
        </dd>
        <dt>Versions</dt>
        <dd>{versions.length > 0 ? versions.map(useOf).join(', ') : <span class="faint">none known</span>}</dd>
      </dl>
    </Card>
  );
}
