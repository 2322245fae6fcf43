/**
 * What somebody waits for does not wait for a flush: it is handed over or queued at once, by whoever has just stored it, whatever
 * the relay does meanwhile. The next flush, which gathers for a while, sends the rest, leaves the marks and clears. A process that
 * has hardly time for anything else lets a few more go together: all that goes at once costs about as much as one.
 *
 * Guarantees: what was neither handled nor queued, and what was queued before a loss, does not count as sent, so that a flush
 * sends it. A process that dies meanwhile leaves it pending.
 */
import type { Logger } from 'pino';
import { type Clock, createWake } from './clock.ts';
import type { Event } from './event.ts';
import { canWait, consumersOf } from './letters.ts';
import type { Sender } from './sending.ts';
import type { Tenure } from './tenure.ts';

/** Sends what somebody waits for until it is stopped. */
export type Hurry = {
  /** @param events new ones, stored by this process. */
  send(events: readonly Event[]): void;
  /** Finishes what it has at hand. */
  stop(): Promise<void>;
};

/** Lies between two sendings: the first goes at once, and what comes soon after it goes together. */
const GAP_MS = 5;
/** The same where the process has time for nothing else. */
const GAP_BUSY_MS = 40;
/** Of its time, from where on a process is busy, and where it is so altogether. */
const BUSY = { from: 0.6, to: 0.8 };
/** Any number: what is handed over wakes it. */
const REST_MS = 60_000;

/** @param utilization of the process's time, 0 to 1. @returns ms that have to lie between two sendings. */
function gapMsAt(utilization: number): number {
  const busy = (utilization - BUSY.from) / (BUSY.to - BUSY.from);
  return GAP_MS + (GAP_BUSY_MS - GAP_MS) * Math.min(1, Math.max(0, busy));
}

/** What of a tenure it looks at and changes. */
type Relaying = Pick<Tenure, 'bindings' | 'members' | 'gathered' | 'hurried' | 'sending' | 'found' | 'dueMs'>;

/** Hurries for one relay. */
export function startHurry(options: {
  /** While this process relays. */
  tenure(): Relaying | undefined;
  sender: Pick<Sender, 'lettersFor' | 'send'>;
  /** Events that may be gathered until the flush; what is more it has to look for. */
  gatheredMax: number;
  gatherMs: number;
  /** Something is gathered for a flush; `looks`: or has to be looked for. */
  onGathered(how: { looks: boolean }): void;
  /** See `Resources`. */
  utilization(): number;
  clock: Clock;
  log: Logger;
}): Hurry {
  const { sender, gatheredMax, gatherMs, onGathered, utilization, clock, log } = options;
  const stopped = new AbortController();
  const wake = createWake(clock);
  let handed: Event[] = [];
  let sentMs = Number.NEGATIVE_INFINITY;
  const atHand = new Set<Promise<void>>();

  async function send(tenure: Relaying, stored: readonly Event[]): Promise<void> {
    const { hurried, gathered, found, sending } = tenure;
    const events = stored.filter(({ id }) => !found.has(id));
    const letters = sender.lettersFor(tenure, events, (binding, { type }) => !canWait(binding, type));
    if (letters.length > 0) {
      const consumers = consumersOf(tenure.bindings);
      for (const { id } of events) sending.add(id);
      sentMs = clock.monotonic();
      try {
        const connection = await sender.send({ relay: events }, { first: letters });
        for (const { id } of events) hurried.set(id, { connection, consumers });
      } finally {
        for (const { id } of events) sending.delete(id);
      }
    }
    for (const event of events) gathered.set(event.id, event);
    if (gathered.size === 0 || tenure.dueMs !== undefined) return;
    tenure.dueMs = clock.monotonic() + gatherMs;
    onGathered({ looks: false });
  }

  async function sendOrLeave(events: readonly Event[]): Promise<void> {
    const tenure = options.tenure();
    const room = gatheredMax - (tenure ? tenure.gathered.size + tenure.sending.size : gatheredMax);
    if (!tenure || events.length > room) return onGathered({ looks: true });
    try {
      await send(tenure, events);
    } catch (error) {
      log.debug({ err: error }, 'a flush has to send what was neither handled nor queued at once');
      onGathered({ looks: true });
    }
  }

  const running = (async () => {
    while (!stopped.signal.aborted) {
      await wake.wait(REST_MS, stopped.signal);
      const waitMs = sentMs + gapMsAt(utilization()) - clock.monotonic();
      if (waitMs > 0) await clock.sleep(waitMs, stopped.signal);
      const events = handed;
      handed = [];
      if (events.length === 0) continue;
      const work = sendOrLeave(events);
      atHand.add(work);
      void work.then(() => atHand.delete(work));
    }
    await Promise.all(atHand);
  })();

  return {
    send(events) {
      if (handed.length + events.length > gatheredMax) return onGathered({ looks: true });
      handed.push(...events);
      wake.notify();
    },
    async stop() {
      stopped.abort();
      await running;
    },
  };
}
