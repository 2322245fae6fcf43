/** Waits for the system to come to rest. */
import { setTimeout as delay } from 'node:timers/promises';
import type { EvidenceClient } from './client.ts';
import { outboxesIn } from './system.ts';

const LOOK = 'query Look { services { name lagEvents lagSeconds } events(first: 1) { totalCount } }';
const LOOK_AGAIN_MS = 200;

/** Something that keeps the system from being at rest, and for how long the oldest of it has waited. */
export type Waiting = { what: string; oldestSeconds: number };

/** What still waits: nothing when the system is at rest. And how many events the lake has. */
export type Rest = { waiting: Waiting[]; events: number };

/**
 * Waits until nothing is in an outbox or a queue, and the lake does not grow, at two looks in a row.
 *
 * @returns what waited at the last look, when time was up before. Does not throw while the system is out of reach.
 */
export async function settled(client: EvidenceClient, withinMs: number): Promise<Rest> {
  const deadlineMs = performance.now() + withinMs;
  let before = await look(client);
  for (;;) {
    await delay(LOOK_AGAIN_MS);
    const rest = await look(client);
    const empty = before.waiting.length + rest.waiting.length === 0;
    if (empty && before.events === rest.events) return rest;
    const late = performance.now() > deadlineMs;
    if (late && rest.waiting.length > 0) return rest;
    if (late && before.waiting.length === 0) return { ...rest, waiting: [GROWING] };
    before = rest;
  }
}

const GROWING = { what: 'events keep coming', oldestSeconds: 0 };

type Look = { services: { name: string; lagEvents: number; lagSeconds: number }[]; events: { totalCount: number } };

/** In the order in which events move, so that none is overlooked on its way. */
async function look(client: EvidenceClient): Promise<Rest> {
  try {
    const parts = await client.parts();
    const { services, events } = await client.once<Look>(LOOK);
    const unwell = Object.entries(parts).filter(([, { state }]) => state !== 'ok');
    const kept = outboxesIn(parts).filter(({ pending }) => pending > 0);
    const lagging = services.filter(({ lagEvents }) => lagEvents > 0);
    const waiting = [
      ...unwell.map(([name, { state }]) => ({ what: `${name} is ${state}`, oldestSeconds: 0 })),
      ...kept.map(({ service, pending, oldestSeconds }) => ({
        what: `${pending} in the outbox of ${service}, the oldest for ${Math.round(oldestSeconds)} s`,
        oldestSeconds,
      })),
      ...lagging.map(({ name, lagEvents, lagSeconds }) => ({
        what: `${lagEvents} in the queue of ${name}, the oldest for ${Math.round(lagSeconds)} s`,
        oldestSeconds: lagSeconds,
      })),
    ];
    return { waiting, events: events.totalCount };
  } catch (error) {
    return { waiting: [{ what: (error as Error).message, oldestSeconds: 0 }], events: -1 };
  }
}
