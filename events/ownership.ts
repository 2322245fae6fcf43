/**
 * Ownership: each process of a service says once a second, where the queues are, that it is there, sees who else is, and takes
 * from the queues that are its own by partition.ts. One that leaves in order says so; one that is killed or stands still is
 * not counted any more after 3 s. Whoever is told at once moves at once; the rest is a matter of a second.
 *
 * Guarantees: whatever is in some queue has an owner while a process runs and sees Redis. Does not guarantee that it has only
 * one: see partition.ts for what that means. While Redis is away each keeps what it has, as there is nothing to take.
 */
import type { Logger } from 'pino';
import { type Clock, createWake } from './clock.ts';
import type { Feed } from './feed.ts';
import { ownedBy } from './partition.ts';
import type { Roll, Transport } from './transport.ts';

/** The part that one process takes in its service's work. */
export type Ownership = {
  /** Somebody has come or left. */
  wake(): void;
  /** Leaves what it has to the others. */
  stop(): Promise<void>;
};

/** Who shares the work, and who takes a share. */
export type OwnershipOptions = {
  service: string;
  /** Queues at most. */
  limit: number;
  /** Names this process among those of the service. One that is started anew with a name takes its old place. */
  member: string;
  transport: Pick<Transport, 'announce' | 'leave'>;
  feed: Pick<Feed, 'publish'>;
  clock: Clock;
  log: Logger;
  /** The queues to take from, whenever it has looked. */
  attend(partitions: readonly number[]): void;
  /** What was seen, about once a second; not again before it has resolved. Does not reject. */
  onSeen?(seen: Roll): Promise<void>;
  /** How often it says that it is there. Default 1,000. */
  beatMs?: number;
};

/** On which the processes of a service tell each other to look. */
export const MEMBERS = 'members';

/** How often it looks while who is there has just changed, or there is something in queues that nobody sends to any more. */
const BUSY_MS = 250;
/** What relays know is a second old at most, and one more for a slow one. */
const UNSETTLED_MS = 2_000;

/** Takes part from now on, until it is stopped. */
export function startOwnership(options: OwnershipOptions): Ownership {
  const { service, limit, member, transport, feed, clock, log, attend, onSeen, beatMs = 1_000 } = options;
  const stopped = new AbortController();
  const looked = createWake(clock);
  let known = '';
  let owned: readonly number[] = [];
  let unsettledUntilMs = 0;
  let isObserving = false;

  const tell = () =>
    feed
      .publish([{ topic: `${MEMBERS}/${service}`, message: 1 }])
      .catch(error => log.debug({ err: error }, 'the others will see'));

  async function look(): Promise<void> {
    const seen = await transport.announce(service, member);
    const { members, holding } = seen;
    if (stopped.signal.aborted) return;
    const before = owned;
    owned = ownedBy(member, { members, holding, limit });
    // Who has had a queue so far finishes what it has at hand of it: they would only meet at the same rows.
    const now = members.length === 1 ? owned : owned.filter(partition => before.includes(partition));
    attend(now);
    if (now.length < owned.length) unsettledUntilMs = clock.monotonic() + UNSETTLED_MS;
    const all = members.join('\n');
    if (all !== known) {
      log.debug({ members }, 'who shares the work');
      unsettledUntilMs = clock.monotonic() + UNSETTLED_MS;
      if (known === '' && members.length > 1) void tell();
      known = all;
    }
    // It may wait for MongoDB; being there does not.
    if (!onSeen || isObserving) return;
    isObserving = true;
    void onSeen(seen).finally(() => {
      isObserving = false;
    });
  }

  const running = (async () => {
    while (!stopped.signal.aborted) {
      await look().catch(error => log.debug({ err: error }, 'not known who shares the work'));
      const isUnsettled = clock.monotonic() < unsettledUntilMs;
      await looked.wait(isUnsettled ? Math.min(beatMs, BUSY_MS) : beatMs, stopped.signal);
    }
  })();

  return {
    wake: looked.notify,
    async stop() {
      stopped.abort();
      await running;
      await transport.leave(service, member).catch(error => log.debug({ err: error }, 'the others will see'));
      void tell();
    },
  };
}
