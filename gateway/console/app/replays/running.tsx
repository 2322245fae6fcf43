import { useEffect } from 'preact/hooks';
import { Badge } from '../parts/badge.tsx';
import { addressOf } from '../router.ts';
import { isOver, type Replay, titleOf } from './facts.ts';
import { Progress } from './progress.tsx';
import { Cancel } from './starting.tsx';
import { useWatched } from './watched.ts';

/** Replays that go on, each with how far it has come and a way to end it. @param over called when one has ended. */
export function RunningReplays({ replays, over }: { replays: readonly Replay[]; over: () => void }) {
  return (
    <ul class="running">
      {replays.map(replay => (
        <Running key={replay.id} given={replay} over={over} />
      ))}
    </ul>
  );
}

function Running({ given, over }: { given: Replay; over: () => void }) {
  const replay = useWatched(given);
  const ended = isOver(replay);
  useEffect(() => {
    if (ended) over();
  }, [ended]);
  return (
    <li>
      <div class="running-head">
        <a href={addressOf('replays', replay.id)}>{titleOf(replay)}</a>
        {replay.dryRun && <Badge kind="plain">Dry run</Badge>}
        <span class="faint">by {replay.requestedBy}</span>
        {!ended && <Cancel replay={replay} />}
      </div>
      <Progress replay={replay} />
    </li>
  );
}
