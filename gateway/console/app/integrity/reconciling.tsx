import { useState } from 'preact/hooks';
import { ask, type DataOf, gql } from '../client.ts';
import { asFailure, textOf } from '../failure.ts';
import { Badge } from '../parts/badge.tsx';
import { Button } from '../parts/button.tsx';
import { Card } from '../parts/card.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Field } from '../parts/field.tsx';
import { Empty, Failed, Notice, Skeleton } from '../parts/states.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';
import { toast } from '../parts/toast.tsx';
import { useQuery } from '../query.ts';
import { addressOf, navigate } from '../router.ts';
import { formatCount } from '../time.ts';

export const SCHEDULES = gql<{
  services: { name: string }[];
  schedules: {
    service: string;
    everyHours: number;
    ratePerSecond: number;
    dryRun: boolean;
    requestedBy: string;
    dueAt: string;
  }[];
}>(/* GraphQL */ `
  query Schedules {
    services { name }
    schedules { service everyHours ratePerSecond dryRun requestedBy dueAt }
  }
`);

type Input = {
  service: string;
  dryRun: boolean;
  everyHours?: number;
  ratePerSecond?: number;
  reason?: string;
};

export const RECONCILE = gql<{ reconcile: { id: string } }, { input: Input }>(/* GraphQL */ `
  mutation Reconcile($input: ReconcileInput!) { reconcile(input: $input) { id } }
`);

type Schedule = DataOf<typeof SCHEDULES>['schedules'][number];
/** It keeps everything itself: there is nothing to compare it with. */
const LAKE = 'lake';

/** Whether what the services have made of the events is what the events come to. */
export function Reconciling() {
  const { data, failure, reload } = useQuery(SCHEDULES, {});
  const [asked, setAsked] = useState(false);
  const [ending, setEnding] = useState<Schedule | undefined>(undefined);
  const services = (data?.services ?? []).map(({ name }) => name).filter(name => name !== LAKE);
  const columns: Column<Schedule>[] = [
    { head: 'Service', heads: true, cell: ({ service }) => service },
    { head: 'Every', cell: ({ everyHours }) => hoursOf(everyHours) },
    {
      head: 'What',
      cell: ({ dryRun }) =>
        dryRun ? <Badge kind="plain">compares only</Badge> : <Badge kind="info">puts right</Badge>,
    },
    { head: 'At most', wide: true, end: true, cell: ({ ratePerSecond }) => `${formatCount(ratePerSecond)}/s` },
    { head: 'Asked for by', wide: true, cell: ({ requestedBy }) => requestedBy },
    { head: 'Next', cell: ({ dueAt }) => <Time at={dueAt} as="relative" /> },
    {
      head: 'End',
      end: true,
      cell: schedule => (
        <Button kind="quiet" label={`End the schedule of ${schedule.service}`} onClick={() => setEnding(schedule)}>
          End
        </Button>
      ),
    },
  ];
  return (
    <Card
      title="Is what the services made of them right?"
      note="Reconciling builds a service’s data anew from the lake, beside it, compares, and puts right what differs."
      action={
        services.length > 0 && (
          <Button kind="primary" icon="replays" onClick={() => setAsked(true)}>
            Reconcile a service
          </Button>
        )
      }
      flush
    >
      {failure && data && <Notice>{textOf(failure)}</Notice>}
      {!data && (failure ? <Failed failure={failure} reload={reload} /> : <Skeleton rows={3} />)}
      {data?.schedules.length === 0 && (
        <Empty icon="replays" title="Nothing comes round by itself">
          Reconcile a service every so many hours, and it shows here with when it is next due. What came of each is
          among the <a href={addressOf('replays')}>replays</a>.
        </Empty>
      )}
      {data && data.schedules.length > 0 && (
        <Table
          caption="Reconciliations that come round by themselves"
          columns={columns}
          rows={data.schedules}
          keyOf={({ service }) => service}
        />
      )}
      {asked && <Reconcile services={services} close={() => setAsked(false)} />}
      {ending && (
        <End
          schedule={ending}
          close={() => {
            setEnding(undefined);
            reload();
          }}
        />
      )}
    </Card>
  );
}

const hoursOf = (hours: number): string =>
  hours === 1 ? 'hour' : hours % 24 === 0 ? (hours === 24 ? 'day' : `${hours / 24} days`) : `${hours} hours`;

function Reconcile({ services, close }: { services: readonly string[]; close: () => void }) {
  const [service, setService] = useState(services[0] ?? '');
  const [dryRun, setDryRun] = useState(true);
  const [every, setEvery] = useState('');
  const [rate, setRate] = useState('');
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const wrongEvery = wholeProblem(every, 8_760);
  const wrongRate = wholeProblem(rate, 100_000);

  async function submit(): Promise<void> {
    if (wrongEvery || wrongRate) return;
    setBusy(true);
    setProblem(undefined);
    try {
      const input = {
        ...{ service, dryRun },
        ...(every && { everyHours: Number(every) }),
        ...(rate && { ratePerSecond: Number(rate) }),
        ...(reason.trim() && { reason: reason.trim() }),
      };
      const { id } = (await ask(RECONCILE, { input })).reconcile;
      close();
      toast(dryRun ? `${service} is being compared with the lake.` : `${service} is being reconciled with the lake.`);
      navigate(addressOf('replays', id));
    } catch (thrown) {
      setProblem(textOf(asFailure(thrown)));
      setBusy(false);
    }
  }

  return (
    <Dialog title="Reconcile a service" close={close}>
      <form
        class="form"
        noValidate
        onSubmit={event => {
          event.preventDefault();
          void submit();
        }}
      >
        <Field label="Service">
          {control => (
            <select {...control} value={service} onChange={({ currentTarget: { value } }) => setService(value)}>
              {services.map(name => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </Field>
        <label class="check">
          <input type="checkbox" checked={dryRun} onChange={({ currentTarget: { checked } }) => setDryRun(checked)} />
          <span>
            Dry run: compare, and change nothing
            <span class="hint">
              {dryRun
                ? 'Says which accounts differ. Reads and live events go on meanwhile.'
                : 'What differs is replaced, account by account, by what the lake’s events come to.'}
            </span>
          </span>
        </label>
        <div class="pair-of-fields">
          <Field label="Again every … hours" problem={wrongEvery} hint="Once, when empty.">
            {control => (
              <input
                {...control}
                inputMode="numeric"
                autocomplete="off"
                value={every}
                onInput={({ currentTarget: { value } }) => setEvery(value.trim())}
              />
            )}
          </Field>
          <Field label="Events a second" problem={wrongRate} hint="As fast as it can, when empty.">
            {control => (
              <input
                {...control}
                inputMode="numeric"
                autocomplete="off"
                value={rate}
                onInput={({ currentTarget: { value } }) => setRate(value.trim())}
              />
            )}
          </Field>
        </div>
        <Field label="Why" hint="Kept with it.">
          {control => (
            <input
              {...control}
              maxLength={500}
              autocomplete="off"
              value={reason}
              onInput={({ currentTarget: { value } }) => setReason(value)}
            />
          )}
        </Field>
        {problem && <Notice kind="error">{problem}</Notice>}
        <div class="actions">
          <Button type="submit" kind={dryRun ? 'primary' : 'danger'} busy={busy}>
            {dryRun ? 'Compare' : 'Compare and put right'}
          </Button>
          <Button onClick={close}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}

/** @returns what is wrong with a whole number from 1 on; nothing is right as well. */
function wholeProblem(text: string, max: number): string | undefined {
  if (text === '') return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= max) return undefined;
  return `A whole number from 1 to ${formatCount(max)}.`;
}

function End({ schedule: { service, everyHours }, close }: { schedule: Schedule; close: () => void }) {
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  async function end(): Promise<void> {
    setBusy(true);
    try {
      await ask(RECONCILE, { input: { service, dryRun: true, everyHours: 0, reason: 'the schedule ends' } });
      toast(`${service} is not reconciled by itself any more.`);
      close();
    } catch (thrown) {
      setProblem(textOf(asFailure(thrown)));
      setBusy(false);
    }
  }
  return (
    <Dialog title={`End the schedule of ${service}?`} close={close}>
      <div class="form">
        <p>
          {service} is then not reconciled every {hoursOf(everyHours)} any more. It is compared with the lake once more
          now, which changes nothing.
        </p>
        {problem && <Notice kind="error">{problem}</Notice>}
        <div class="actions">
          <Button kind="danger" busy={busy} onClick={() => void end()}>
            End it
          </Button>
          <Button onClick={close}>Keep it</Button>
        </div>
      </div>
    </Dialog>
  );
}
