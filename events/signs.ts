/**
 * Signs of life: where a service holds its relay lease it says every two seconds that it runs, and notes in its binding what
 * waits in its outbox, so that others can tell without reading its data. The first goes over the feed and is forgotten at
 * once; the second is kept, because an outbox fills up when Redis is away.
 *
 * Costs, whatever is deposited: one query in 2 s, which finds nothing as long as events are sent on at once; and a write in
 * 2 s while some wait. Guarantees nothing: what is said is some seconds old.
 */
import type { Collection } from 'mongodb';
import type { Logger } from 'pino';
import type { Bindings } from './binding.ts';
import type { Clock } from './clock.ts';
import type { Feed } from './feed.ts';
import type { Lease } from './lease.ts';
import type { OutboxEntry } from './outbox.ts';

/** Where services say that they run. */
export const SIGNS = 'signs';
/** That a service runs in some process. */
export type Sign = { service: string };

/** How often. Whoever has said nothing for three times as long does not run. */
export const SIGN_MS = 2_000;
/** An entry that is younger is on its way. */
const WAITS_AFTER_MS = 500;
/** Entries that are counted; as many stand for more. */
export const WAITING_MAX = 1_000;

/** What is said, and over what. */
export type SignsOptions = {
  service: string;
  /** The outbox, as of now. */
  collection: () => Collection<OutboxEntry>;
  /** The relay's. */
  lease: Pick<Lease, 'fence'>;
  bindings: Pick<Bindings, 'note'>;
  feed: Pick<Feed, 'publish'>;
  clock: Clock;
  log: Logger;
};

/** Says that a service runs, and notes what waits for it, until it is stopped. */
export function startSigns(options: SignsOptions): { stop(): Promise<void> } {
  const { service, collection, lease, bindings, feed, clock, log } = options;
  const stopped = new AbortController();
  // Of a tenure before nothing is known, so the first look is noted in any case.
  let isNoted = true;

  async function note(): Promise<void> {
    const rows = await collection()
      .find({ pending: { $lt: clock.now() - WAITS_AFTER_MS } }, { projection: { _id: 0, pending: 1 } })
      .sort({ pending: 1 })
      .limit(WAITING_MAX)
      .batchSize(WAITING_MAX)
      .toArray();
    if (rows.length === 0 && !isNoted) return;
    await bindings.note(service, { events: rows.length, oldestMs: rows[0]?.pending ?? null, notedMs: clock.now() });
    isNoted = rows.length > 0;
  }

  async function turn(): Promise<void> {
    if (lease.fence() === undefined) {
      isNoted = true;
      return;
    }
    const said = feed.publish([{ topic: SIGNS, message: { service } satisfies Sign }]);
    await Promise.allSettled([said, note()]).then(results => {
      for (const result of results) {
        if (result.status === 'rejected') log.debug({ err: result.reason }, 'no sign of life this time');
      }
    });
  }

  const running = (async () => {
    while (!stopped.signal.aborted) {
      await turn();
      await clock.sleep(SIGN_MS, stopped.signal);
    }
  })();

  return {
    async stop() {
      stopped.abort();
      await running;
    },
  };
}
