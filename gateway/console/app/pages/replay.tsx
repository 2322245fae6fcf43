import { useEffect } from 'preact/hooks';
import { textOf } from '../failure.ts';
import { Badge } from '../parts/badge.tsx';
import { Card, PageHead } from '../parts/card.tsx';
import { Empty, Failed, Notice, Skeleton } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';
import { useQuery } from '../query.ts';
import { REPLAY, SPEEDS } from '../replays/asking.ts';
import { Details } from '../replays/details.tsx';
import { estimate } from '../replays/estimate.ts';
import { isOver, type Replay as Replayed, titleOf } from '../replays/facts.ts';
import { NewReplay } from '../replays/form.tsx';
import { Forecast, Outcome, Unfinished } from '../replays/outcome.tsx';
import { Progress, StatusBadge } from '../replays/progress.tsx';
import { Cancel, Start } from '../replays/starting.tsx';
import { useWatched } from '../replays/watched.ts';

const BACK = { to: '/replays', label: 'Replays' };

/** One replay, or `new`: the form for one. */
export function Replay({ id }: { id: string }) {
  return id === 'new' ? <NewReplay /> : <One id={id} />;
}

function One({ id }: { id: string }) {
  const { data, failure, reload } = useQuery(REPLAY, { id });
  if (data?.replay) return <Shown given={data.replay} problem={failure && textOf(failure)} />;
  return (
    <>
      <PageHead title={data ? 'No such replay' : 'Replay'} back={BACK} />
      {data ? (
        <Empty
          icon="replays"
          title="There is no replay with this id."
          action={<a href="/replays">Go to all replays</a>}
        >
          <code>{id}</code> may be mistyped.
        </Empty>
      ) : failure ? (
        <Failed failure={failure} reload={reload} />
      ) : (
        <Skeleton rows={6} label="Loading the replay" />
      )}
    </>
  );
}

function Shown({ given, problem }: { given: Replayed; problem: string | undefined }) {
  const replay = useWatched(given);
  const { dryRun, status, requestedBy, createdAt } = replay;
  useEffect(() => {
    document.title = `${titleOf(replay)} · Tributary`;
  }, [replay.id]);
  return (
    <>
      <PageHead
        title={titleOf(replay)}
        back={BACK}
        note={
          <span class="head-line">
            {dryRun && <Badge kind="plain">Dry run</Badge>} <StatusBadge status={status} /> asked for by {requestedBy},{' '}
            <Time at={createdAt} as="relative" />
          </span>
        }
        action={!isOver(replay) && <Cancel replay={replay} />}
      />
      {problem && <Notice>{problem}</Notice>}
      <div class="event-grid">
        <div class="stack">
          <State replay={replay} />
        </div>
        <Details replay={replay} />
      </div>
    </>
  );
}

function State({ replay }: { replay: Replayed }) {
  const { status, dryRun } = replay;
  if (!isOver(replay)) {
    return (
      <Card title={status === 'PLANNED' ? 'Waiting' : dryRun ? 'Trying it out' : 'Running'}>
        <Progress replay={replay} />
      </Card>
    );
  }
  if (status !== 'COMPLETED') {
    return (
      <>
        <Unfinished replay={replay} />
        <Card title="How far it came">
          <Progress replay={replay} />
        </Card>
      </>
    );
  }
  if (dryRun) return <Tried replay={replay} />;
  return (
    <>
      <Card title="Completed">
        <Progress replay={replay} />
      </Card>
      <Outcome replay={replay} />
    </>
  );
}

function Tried({ replay }: { replay: Replayed }) {
  const { data } = useQuery(SPEEDS, {});
  const seconds = estimate(replay, data?.replays.nodes ?? []);
  if (!data) return <Skeleton rows={4} label="Estimating" />;
  return (
    <>
      <Forecast replay={replay} seconds={seconds} />
      {replay.total === 0 ? (
        <Notice title="There is nothing to send.">
          No event that the service consumes is like this. <a href="/replays/new">Prepare another</a>
        </Notice>
      ) : (
        <Start replay={replay} />
      )}
    </>
  );
}
