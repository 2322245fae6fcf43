/** What the tests of a relay share: one with its consumers' bindings, what it touches outside, and the end of its turns. */
import type { Collection } from 'mongodb';
import { type Clock, systemClock } from './clock.ts';
import { connected, createSystem, origin, type System, useServers } from './fixture.ts';
import type { OutboxEntry } from './outbox.ts';
import type { RelayOptions } from './relay.ts';

/** An outbox that is to be relayed, and services that are bound to what it emits. */
export async function started(...services: string[]) {
  const system = createSystem(useServers());
  await connected(system.transport);
  for (const service of services) await system.bind(service);
  return { system, ...(await origin(system)) };
}

type Surroundings = Pick<RelayOptions, 'collection' | 'transport' | 'bindings'>;

/** What a relay touches outside, with something done before each step that it takes there. */
export function watched(
  system: System,
  events: Collection<OutboxEntry>,
  before: (step: string, at: number) => Promise<void>,
): Surroundings {
  let at = 0;
  const asking =
    <Args extends unknown[], Answer>(name: string, ask: (...args: Args) => Promise<Answer>) =>
    async (...args: Args): Promise<Answer> => {
      await before(name, at++);
      return ask(...args);
    };
  const { send, mark, look, resetMark } = system.transport;
  const collection = {
    updateMany: asking('updateMany', events.updateMany.bind(events)),
    find(filter: object) {
      const cursor = events.find(filter);
      cursor.toArray = asking('find', cursor.toArray.bind(cursor));
      return cursor;
    },
  } as unknown as Collection<OutboxEntry>;
  return {
    collection: () => collection,
    transport: {
      ...system.transport,
      send: asking('send', send),
      mark: asking('mark', mark),
      look: asking('look', look),
      resetMark: asking('resetMark', resetMark),
    },
    bindings: {
      ...system.bindings,
      all: asking('bindings', system.bindings.all),
      find: asking('binding', system.bindings.find),
    },
  };
}

/** A clock, and how often somebody has begun to rest by it: a relay does when its turn is over. */
export function resting() {
  let rests = 0;
  const clock: Clock = {
    ...systemClock,
    sleep(ms, signal) {
      rests += 1;
      return systemClock.sleep(ms, signal);
    },
  };
  return { clock, rests: () => rests };
}

/** A lease that its holder has until it is told otherwise. */
export const leaseOf = (fence: number) => ({ fence: () => fence });
