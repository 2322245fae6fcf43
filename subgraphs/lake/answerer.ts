/**
 * The answerer: tells services which of their events the lake lacks. One process of the lake answers, by lease.
 *
 * Guarantees: what it calls present is durably stored, or was set aside by the lake as a fault that holds the original. Does
 * not guarantee an answer: of many questions at a time some are left out, and whoever asked asks again.
 */
import type { Collection } from 'mongodb';
import type { Logger } from 'pino';
import { fault } from '../../events/fault.ts';
import type { Feed } from '../../events/feed.ts';
import type { Lease } from '../../events/lease.ts';
import { type Answer, answersTo, LAKE, QUESTION_MAX, QUESTIONS, type Question } from '../../events/reconciler.ts';
import type { LakeRow } from './store.ts';

export type Answerer = { stop(): Promise<void> };

/** Questions that wait; they are answered one by one. */
const WAITING_MAX = 16;

export function startAnswerer(options: {
  rows: Collection<LakeRow>;
  feed: Feed;
  lease: Pick<Lease, 'fence'>;
  log: Logger;
}): Answerer {
  const { rows, feed, lease, log } = options;
  let waiting = 0;
  let last = Promise.resolve();

  /** Which of these events are neither stored nor set aside. */
  async function lackingOf(eventIds: readonly string[]): Promise<string[]> {
    const ids = eventIds.slice(0, QUESTION_MAX);
    const found = await rows
      .find({ _id: { $in: ids } }, { projection: { _id: 1 }, batchSize: ids.length + 1 })
      .toArray();
    const stored = new Set(found.map(({ _id }) => _id));
    const missing = ids.filter(id => !stored.has(id));
    if (missing.length === 0) return [];
    const refused = { 'event.type': fault.type, 'event.data.service': LAKE, 'event.data.eventId': { $in: missing } };
    const faults = await rows.find(refused).limit(QUESTION_MAX).toArray();
    const setAside = new Set(faults.map(({ event }) => (event.data as { eventId?: unknown }).eventId));
    return missing.filter(id => !setAside.has(id));
  }

  async function answer({ id, service, eventIds }: Question): Promise<void> {
    const message: Answer = { id, lacking: await lackingOf(eventIds) };
    await feed.publish([{ topic: answersTo(service), message }]);
  }

  const leave = feed.listen<Question>(QUESTIONS, question => {
    if (lease.fence() === undefined || waiting >= WAITING_MAX) return;
    waiting += 1;
    last = last
      .then(() => answer(question))
      .catch(error => log.debug({ err: error }, 'a question stays without an answer'))
      .finally(() => {
        waiting -= 1;
      });
  });
  return {
    async stop() {
      leave();
      await last;
    },
  };
}
