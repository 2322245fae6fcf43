/** What the tests of a consumer share: jobs for one, rules that remember what they applied, and a store that is away. */
import { type Clock, systemClock } from './clock.ts';
import type { Event } from './event.ts';
import { connected, createSystem, happened, idsOf, ORIGIN, type System, useServers } from './fixture.ts';
import { rule } from './rule.ts';

/** A system, and how jobs get into the queue of "a". */
export async function started() {
  const system = createSystem(useServers());
  await connected(system.transport);
  return { system, send: sender(system) };
}

/** @returns what queues jobs for "a": each list of events is one. */
export const sender =
  ({ transport }: System) =>
  (...jobs: unknown[][]) =>
    transport.send(jobs.map(events => ({ service: 'a', partition: 0, source: ORIGIN, events })));

/** A rule that remembers what it applied; `refuse` may throw for an event of the batch. */
export function remembering(refuse: (event: Event) => void = () => undefined) {
  const batches: string[][] = [];
  const remember = rule([happened], async events => {
    for (const event of events) refuse(event);
    batches.push(idsOf(events));
  });
  return { rule: remember, batches, applied: () => batches.flat() };
}

/** Whether nothing is left of the jobs for "a". */
export const empty = async ({ transport }: System) =>
  (await transport.queue('a', 0).getJobCountByTypes('waiting', 'active', 'delayed', 'prioritized', 'failed')) === 0;

class Unavailable extends Error {
  override name = 'MongoNetworkError';
}

/** Throws as a store does that is out of reach. */
export const away = (): never => {
  throw new Unavailable('the store is away');
};

/** A clock by which one waits a tenth as long as one should. */
export const impatient: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms / 10, signal),
};
