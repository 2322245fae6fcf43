/**
 * The live tail: every event of a filter that the lake stores after a position, in its order, none left out and none
 * twice. The feed only says that there is more; what there is, is read from the lake, as fast as the watcher takes it.
 */
import type { Feed } from '../../events/feed.ts';
import { clientError } from '../../schema/errors.ts';
import { type EventFilter, type Lake, type LakeRow, TOPIC } from './store.ts';

const READ_AHEAD = 100;

/**
 * @param after the position after which a tail begins; 0 is before the first event. The lake as it is now when absent.
 * @returns the same. @throws BAD_USER_INPUT for one that the lake has not reached.
 */
export async function startOf(lake: Pick<Lake, 'size'>, after: number | null | undefined): Promise<number> {
  const size = await lake.size();
  const start = after ?? size;
  if (start >= 0 && start <= size) return start;
  throw clientError('BAD_USER_INPUT', `after: must be a position from 0 to ${size}, where the lake is now.`);
}

export function tail<Value>(
  options: { lake: Lake; feed: Feed; filter: EventFilter | null | undefined; from: number },
  toValue: (row: LakeRow) => Value,
): AsyncIterableIterator<Value> {
  const { lake, feed, filter } = options;
  const hints = feed.watch(TOPIC);
  let position = options.from;
  let ahead: LakeRow[] = [];
  return {
    async next() {
      for (;;) {
        const row = ahead.shift();
        if (row) {
          position = row.version;
          return { done: false, value: toValue(row) };
        }
        ahead = await lake.after(position, filter, READ_AHEAD);
        if (ahead.length > 0) continue;
        if ((await hints.next()).done) return { done: true, value: undefined };
      }
    },
    async return() {
      ahead = [];
      await hints.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
