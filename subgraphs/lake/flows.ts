/**
 * What flows into the lake: how many events of each source and type it has stored in the last minute. Counted as they are
 * stored, in memory, and shared by all processes of the lake over the feed: no query, and one message a second from a process
 * that has stored some. A process that has just started knows nothing of before.
 */
import type { Clock, Ids } from '../../events/clock.ts';
import type { Event } from '../../events/event.ts';
import type { Feed } from '../../events/feed.ts';

/** `eventsPerSecond`: over the last ten seconds. `eventsLastMinute`: in the last sixty. */
export type Flow = { source: string; type: string; eventsPerSecond: number; eventsLastMinute: number };

export const FLOWS = 'lake/flows';
const SHARE_MS = 1_000;
const MINUTE_SECONDS = 60;
const RATE_SECONDS = 10;
/** Kinds of events that are told apart: anybody may emit any type. More of them within a minute are not counted. */
const KINDS_MAX = 200;

type Count = [source: string, type: string, events: number];
type Message = { from: string; counts: Count[] };
type Kind = { source: string; type: string; seconds: Map<number, number> };

export type Flows = ReturnType<typeof createFlows>;

export function createFlows({ feed, clock, ids }: { feed: Pick<Feed, 'publish' | 'listen'>; clock: Clock; ids: Ids }) {
  const from = ids.next();
  const kinds = new Map<string, Kind>();
  let unshared = new Map<string, Count>();
  let sharing = false;
  const second = () => Math.floor(clock.monotonic() / 1_000);

  function add(source: string, type: string, events: number): void {
    const now = second();
    const key = keyOf(source, type);
    let kind = kinds.get(key);
    if (!kind) {
      if (kinds.size >= KINDS_MAX) forget(now);
      if (kinds.size >= KINDS_MAX) return;
      kind = { source, type, seconds: new Map() };
      kinds.set(key, kind);
    }
    kind.seconds.set(now, (kind.seconds.get(now) ?? 0) + events);
    for (const old of kind.seconds.keys()) if (old < now - MINUTE_SECONDS) kind.seconds.delete(old);
  }

  /** Kinds of which nothing has come for a minute. */
  function forget(now: number): void {
    for (const [key, { seconds }] of kinds) {
      if ([...seconds.keys()].every(at => at < now - MINUTE_SECONDS)) kinds.delete(key);
    }
  }

  async function share(): Promise<void> {
    if (sharing) return;
    sharing = true;
    await clock.sleep(SHARE_MS);
    sharing = false;
    const counts = [...unshared.values()];
    unshared = new Map();
    // Whoever does not hear it shows less for a minute.
    await feed.publish([{ topic: FLOWS, message: { from, counts } satisfies Message }]).catch(() => undefined);
  }

  return {
    /** Counts what this process has stored. */
    count(events: readonly Event[]): void {
      if (events.length === 0) return;
      for (const { source, type } of events) {
        const key = keyOf(source, type);
        const count = unshared.get(key) ?? [source, type, 0];
        if (!unshared.has(key) && unshared.size >= KINDS_MAX) continue;
        count[2] += 1;
        unshared.set(key, count);
      }
      for (const { source, type } of events) add(source, type, 1);
      void share();
    },

    /** Counts what the other processes say they have stored, from now on. @returns how to stop. */
    listen: (): (() => void) =>
      feed.listen<Message>(FLOWS, message => {
        if (message.from === from) return;
        for (const [source, type, events] of message.counts) add(source, type, events);
      }),

    /** What has come in the last minute, the busiest first. */
    current(): Flow[] {
      const now = second();
      forget(now);
      const sum = (seconds: Kind['seconds'], within: number) =>
        // Seconds that are over: the one that has begun would always count for too little.
        [...seconds].reduce((all, [at, events]) => (at < now && at >= now - within ? all + events : all), 0);
      return [...kinds.values()]
        .map(({ source, type, seconds }) => ({
          source,
          type,
          eventsPerSecond: sum(seconds, RATE_SECONDS) / RATE_SECONDS,
          eventsLastMinute: sum(seconds, MINUTE_SECONDS),
        }))
        .filter(({ eventsLastMinute }) => eventsLastMinute > 0)
        .sort(
          (a, b) =>
            b.eventsLastMinute - a.eventsLastMinute || (keyOf(a.source, a.type) < keyOf(b.source, b.type) ? -1 : 1),
        );
    },
  };
}

const keyOf = (source: string, type: string) => `${source} ${type}`;
