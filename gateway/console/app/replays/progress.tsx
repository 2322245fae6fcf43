import { Badge } from '../parts/badge.tsx';
import { formatCount, formatSeconds } from '../time.ts';
import { shareOf } from './estimate.ts';
import { isOver, type Replay, STATUSES, titleOf } from './facts.ts';

export function StatusBadge({ status }: Pick<Replay, 'status'>) {
  const { label, kind } = STATUSES[status];
  return <Badge kind={kind}>{label}</Badge>;
}

/** How far a replay has come, how fast it is and how long it still takes. */
export function Progress({ replay }: { replay: Replay }) {
  const { total, applied, eventsPerSecond, secondsLeft, status } = replay;
  const share = shareOf(replay);
  return (
    <div class="progress">
      <progress max={1} aria-label={`Progress of: ${titleOf(replay)}`} {...(share !== undefined && { value: share })} />
      <div class="progress-line">
        <strong>{share === undefined ? '–' : `${Math.floor(share * 100)}%`}</strong>
        <span>
          {formatCount(applied)} of {formatCount(total)} events
        </span>
        {status === 'RUNNING' && eventsPerSecond !== null && eventsPerSecond > 0 && (
          <span>{formatCount(Math.round(eventsPerSecond))} a second</span>
        )}
        <span class="progress-end">{isOver(replay) ? '' : remaining(replay, secondsLeft)}</span>
      </div>
    </div>
  );
}

function remaining({ status, total, applied, mode }: Replay, secondsLeft: number | null): string {
  if (status === 'PLANNED') return 'Waits for its turn: one replay at a time for each service';
  if (applied < total) return secondsLeft === null ? '' : `${formatSeconds(Math.max(1, Math.round(secondsLeft)))} left`;
  return mode === 'REPAIR' ? 'Nearly done' : 'All sent; the service compares now';
}
