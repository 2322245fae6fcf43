import { useEffect, useState } from 'preact/hooks';
import { useSubscription } from '../query.ts';
import { PROGRESS } from './asking.ts';
import { isOver, type Replay } from './facts.ts';

/** A replay as it stands now: watched until it is over. What is over stays so, whatever comes late. */
export function useWatched(given: Replay): Replay {
  const [newest, setNewest] = useState(given);
  const take = (replay: Replay) => setNewest(before => (isOver(before) && !isOver(replay) ? before : replay));
  useEffect(() => take(given), [given]);
  useSubscription(PROGRESS, { id: given.id }, ({ replayProgress }) => take(replayProgress), { paused: isOver(newest) });
  return newest;
}
