import { useState } from 'preact/hooks';
import { ask, type DataOf, gql } from '../client.ts';
import { asFailure, textOf } from '../failure.ts';
import { Badge } from '../parts/badge.tsx';
import { Button } from '../parts/button.tsx';
import { Card } from '../parts/card.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Empty, Failed, Notice, Skeleton } from '../parts/states.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';
import { toast } from '../parts/toast.tsx';
import { useQuery } from '../query.ts';
import { addressOf } from '../router.ts';
import { formatCount } from '../time.ts';
import { RECONCILE, Reconcile } from './reconcile.tsx';

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
      title="Is what the services made of the events right?"
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
        <Empty icon="replays" title="No service is reconciled by itself">
          Have one reconciled every so many hours, and it shows here with when it is next due. What came of each time is
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
