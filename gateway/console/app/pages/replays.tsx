import { textOf } from '../failure.ts';
import { conditionsOf, filterFrom } from '../lake/filter.ts';
import { Badge } from '../parts/badge.tsx';
import { Card, PageHead } from '../parts/card.tsx';
import { Icon } from '../parts/icon.tsx';
import { Paging } from '../parts/paging.tsx';
import { Empty, Failed, Notice, Skeleton } from '../parts/states.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';
import { useQuery } from '../query.ts';
import { REPLAYS, REPLAYS_AGAIN_MS } from '../replays/asking.ts';
import { isOver, type Replay, titleOf } from '../replays/facts.ts';
import { StatusBadge } from '../replays/progress.tsx';
import { RunningReplays } from '../replays/running.tsx';
import { addressOf, location } from '../router.ts';
import { formatCount } from '../time.ts';

const PAGE = 20;

/** Replays: those that go on now, and all there ever were. */
export function Replays() {
  const after = location.value.query.get('after');
  const { data, failure, reload } = useQuery(REPLAYS, { first: PAGE, after }, { everyMs: REPLAYS_AGAIN_MS });
  return (
    <>
      <PageHead
        title="Replays"
        note="Events of the lake, sent to one service again: to repair its data, to rebuild them, or to compare."
        action={
          <a class="button primary" href={addressOf('replays', 'new')}>
            <Icon name="plus" />
            <span>New replay</span>
          </a>
        }
      />
      {failure && data && <Notice>{textOf(failure)}</Notice>}
      {data ? (
        <Listed replays={data.replays.nodes} reload={reload} />
      ) : failure ? (
        <Failed failure={failure} reload={reload} />
      ) : (
        <Skeleton rows={8} label="Loading replays" />
      )}
      {data && <Paging pageInfo={data.replays.pageInfo} next="Older" first="Newest" />}
    </>
  );
}

function Listed({ replays, reload }: { replays: Replay[]; reload: () => void }) {
  const active = replays.filter(replay => !isOver(replay));
  if (replays.length === 0) {
    return (
      <section class="card">
        <Empty
          icon="replays"
          title="Nothing was replayed yet."
          action={<a href={addressOf('replays', 'new')}>Prepare a replay</a>}
        >
          Whatever goes wrong in a service can be put right from the lake: a dry run shows what would happen, and
          changes nothing.
        </Empty>
      </section>
    );
  }
  return (
    <>
      {active.length > 0 && (
        <Card title="Now">
          <RunningReplays replays={active} over={reload} />
        </Card>
      )}
      <Card title="History" flush>
        <Table caption="Replays, newest first" columns={COLUMNS} rows={replays} keyOf={({ id }) => id} />
      </Card>
    </>
  );
}

const COLUMNS: Column<Replay>[] = [
  {
    head: 'Replay',
    heads: true,
    cell: replay => (
      <>
        <a href={addressOf('replays', replay.id)}>{titleOf(replay)}</a>
        {replay.dryRun && (
          <>
            {' '}
            <Badge kind="plain">Dry run</Badge>
          </>
        )}
        <Of replay={replay} />
        <span class="narrow">
          <Time at={replay.createdAt} as="relative" /> by {replay.requestedBy}
        </span>
      </>
    ),
  },
  { head: 'When', wide: true, cell: ({ createdAt }) => <Time at={createdAt} as="relative" /> },
  { head: 'Who', wide: true, cell: ({ requestedBy }) => requestedBy },
  { head: 'Why', wide: true, cell: ({ reason }) => <span class="why">{reason ?? ''}</span> },
  { head: 'Events', end: true, wide: true, cell: ({ total }) => formatCount(total) },
  {
    head: 'Differences',
    end: true,
    wide: true,
    cell: ({ differences }) => (differences === null ? '–' : formatCount(differences)),
  },
  { head: 'Status', cell: ({ status }) => <StatusBadge status={status} /> },
];

function Of({ replay: { filter } }: { replay: Replay }) {
  const values = conditionsOf(filterFrom(filter)).map(({ value }) => value);
  return values.length > 0 ? <span class="hint cut of">{values.join(', ')}</span> : null;
}
