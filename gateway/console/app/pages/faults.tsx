import { useEffect, useState } from 'preact/hooks';
import { textOf } from '../failure.ts';
import { Dismiss } from '../faults/dismiss.tsx';
import { FAULTS, type FaultRow, type FaultState, STATES } from '../faults/facts.ts';
import { ChooseAll, FaultList } from '../faults/list.tsx';
import type { Chosen } from '../faults/resubmission.ts';
import { Resubmit } from '../faults/resubmit.tsx';
import { Button } from '../parts/button.tsx';
import { PageHead } from '../parts/card.tsx';
import { Field } from '../parts/field.tsx';
import { Paging } from '../parts/paging.tsx';
import { Empty, Failed, Notice, Skeleton } from '../parts/states.tsx';
import { useQuery } from '../query.ts';
import { location, setQuery } from '../router.ts';
import { formatCount } from '../time.ts';

const PAGE = 25;
/** New faults come by themselves. */
const EVERY_MS = 5_000;

type Asked = { chosen: Chosen; count: number };

/** What services could not handle and set aside: to be looked at, and sent again. */
export function Faults() {
  const { query } = location.value;
  const service = query.get('service');
  const state = stateShown(query.get('state'));
  const after = query.get('after');
  const { data, failure, reload } = useQuery(FAULTS, { first: PAGE, after, service, state }, { everyMs: EVERY_MS });
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState<Asked | undefined>(undefined);
  const [dismissed, setDismissed] = useState<readonly string[] | undefined>(undefined);
  useEffect(() => setChosen(new Set()), [service, state, after]);

  const open = openOf(data?.services ?? [], service);
  return (
    <>
      <PageHead
        title="Faults"
        note="Events that a service could not handle. They were set aside, and the service went on with the rest."
        action={
          open > 0 && (
            <Button onClick={() => setAsked({ chosen: { service }, count: open })}>
              Resubmit all {formatCount(open)} open{service ? ` of ${service}` : ''}
            </Button>
          )
        }
      />
      {failure && data && <Notice>{textOf(failure)}</Notice>}
      <Filters services={data?.services ?? []} />
      {data ? (
        <Found
          rows={data.faults.nodes}
          chosen={chosen}
          choose={setChosen}
          ask={setAsked}
          dismiss={setDismissed}
          more={data.faults.pageInfo.hasNextPage}
        />
      ) : failure ? (
        <Failed failure={failure} reload={reload} />
      ) : (
        <Skeleton />
      )}
      {data && <Paging pageInfo={data.faults.pageInfo} next="Older" first="Newest" />}
      {asked && (
        <Resubmit
          {...asked}
          close={sent => {
            setAsked(undefined);
            if (sent === 0) return;
            setChosen(new Set());
            reload();
          }}
        />
      )}
      {dismissed && (
        <Dismiss
          ids={dismissed}
          close={isDone => {
            setDismissed(undefined);
            if (!isDone) return;
            setChosen(new Set());
            reload();
          }}
        />
      )}
    </>
  );
}

/** Open faults unless the address says otherwise. */
function stateShown(text: string | null): FaultState | null {
  const known = STATES.find(({ shown }) => shown === text);
  return known ? known.state : 'OPEN';
}

type Services = readonly { name: string; faults: number }[];

const openOf = (services: Services, service: string | null): number =>
  services.reduce((all, { name, faults }) => (service === null || name === service ? all + faults : all), 0);

function Filters({ services }: { services: Services }) {
  const { query } = location.value;
  const service = query.get('service') ?? '';
  const names = [...new Set([...services.map(({ name }) => name), ...(service ? [service] : [])])];
  const shown = STATES.find(known => known.shown === query.get('state'))?.shown ?? 'open';
  return (
    <div class="filters">
      <Field label="Service">
        {control => (
          <select
            {...control}
            value={service}
            onChange={({ currentTarget: { value } }) => setQuery({ service: value || null, after: null })}
          >
            <option value="">All services</option>
            {names.map(name => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        )}
      </Field>
      <fieldset class="choice states">
        <legend class="unseen">State</legend>
        {STATES.map(({ shown: value, label }) => (
          <label key={value}>
            <input
              type="radio"
              name="state"
              value={value}
              checked={shown === value}
              onChange={() => setQuery({ state: value === 'open' ? null : value, after: null })}
            />
            <span>{label}</span>
          </label>
        ))}
      </fieldset>
    </div>
  );
}

type FoundProps = {
  rows: FaultRow[];
  chosen: ReadonlySet<string>;
  choose: (chosen: ReadonlySet<string>) => void;
  ask: (asked: Asked) => void;
  dismiss: (ids: readonly string[]) => void;
  more: boolean;
};

function Found({ rows, chosen, choose, ask, dismiss, more }: FoundProps) {
  if (rows.length === 0) return more ? <NoneHere /> : <None />;
  const ids = rows.filter(({ id, state }) => chosen.has(id) && state === 'OPEN').map(({ id }) => id);
  return (
    <section class="card flush" aria-label="Faults">
      <div class="selection">
        <ChooseAll rows={rows} chosen={chosen} choose={choose} />
        {ids.length > 0 && (
          <div class="actions">
            <Button kind="primary" onClick={() => ask({ chosen: { ids }, count: ids.length })}>
              Resubmit {formatCount(ids.length)} chosen
            </Button>
            <Button onClick={() => dismiss(ids)}>Dismiss {formatCount(ids.length)} chosen</Button>
          </div>
        )}
      </div>
      <FaultList
        rows={rows}
        chosen={chosen}
        choose={choose}
        resubmit={({ id }) => ask({ chosen: { ids: [id] }, count: 1 })}
      />
    </section>
  );
}

/** Far back, where a filter finds few. */
function NoneHere() {
  return <Empty title="None in this part of the list">There may be more among the older ones.</Empty>;
}

function None() {
  const { query } = location.value;
  const service = query.get('service');
  const state = query.get('state');
  const all = <a href="/faults?state=all">See all faults there have been</a>;
  const of = service ? ` of ${service}` : '';
  if (state === 'resubmitted') {
    return (
      <Empty icon="faults" title={`No fault${of} was resubmitted`} action={all}>
        Those that were sent again are listed here.
      </Empty>
    );
  }
  if (state === 'dismissed') {
    return (
      <Empty icon="faults" title={`No fault${of} was dismissed`} action={all}>
        Those of which nothing was to become are listed here, with why.
      </Empty>
    );
  }
  if (state === 'all') {
    return (
      <Empty icon="check" title={`There has never been a fault${of}`}>
        Should a service be given an event that it cannot handle, the event is set aside and shows here; the rest goes
        on.
      </Empty>
    );
  }
  return (
    <Empty icon="check" title={`No open faults${of}`} action={all}>
      Every event has been handled. Should a service be given one that it cannot handle, it is set aside and shows here;
      the rest goes on.
    </Empty>
  );
}
