/**
 * One service, alone, on a store in memory: without queues, servers and other services. For scenarios of its rules, and for
 * whatever else is about what it makes of events and not about how they reach it.
 */
import { pino } from 'pino';
import type { Clock } from '../events/clock.ts';
import type { ServiceContext, ServiceDefinition, ServiceParts } from '../events/definition.ts';
import { parseEnvelope } from '../events/event.ts';
import { unmeasured } from '../events/measures.ts';
import { createOutbox } from '../events/outbox.ts';
import type { Alone } from '../events/scenario.ts';
import { noTrail } from '../events/tracing.ts';
import type { Doc } from './simulation/documents.ts';
import { connectTo, createStore, type Store } from './simulation/mongo.ts';
import { atOnce, newProcess } from './simulation/world.ts';

const PREFIX = 'alone';
const START_MS = Date.parse('2026-01-31T10:30:00.000Z');
const silent = pino({ level: 'silent' });

/** A service on a store, without queues: what it emits stays in its outbox. */
export function open<Resolvers>(
  definition: ServiceDefinition<Resolvers>,
  store: Store,
  clock: Clock,
): ServiceParts<Resolvers> {
  const mongo = connectTo(store, { io: atOnce }, newProcess(definition.name), PREFIX);
  const collection: ServiceContext['collection'] = name => mongo.db(`${PREFIX}-${definition.name}`).collection(name);
  let ids = 0;
  const context = {
    name: definition.name,
    collection,
    outbox: createOutbox({
      ...{ collection: collection('events'), emits: definition.emits, clock, wake: () => undefined },
    }),
    feed: { publish: async () => undefined, watch: () => unused('feed'), close: () => undefined },
    lease: () => ({ fence: () => undefined, release: async () => undefined }),
    clock,
    ids: { next: () => `${definition.name}-${++ids}` },
    log: silent,
    trail: noTrail,
    measures: unmeasured,
  };
  // Rules neither send nor look at bindings.
  return definition.create(context as unknown as ServiceContext);
}

function unused(what: string): never {
  throw new Error(`the ${what} is not there`);
}

/** Makes the indexes of a service. */
export async function prepare(definition: ServiceDefinition, store: Store): Promise<void> {
  for (const [name, indexes] of Object.entries(definition.indexes)) {
    for (const { key, unique, sparse } of indexes) {
      store.of(`${definition.name}.${name}`).createIndex({
        key: key as Record<string, unknown>,
        ...(unique !== undefined && { unique }),
        ...(sparse !== undefined && { sparse }),
      });
    }
  }
}

/** A service as `ruleScenarios` takes it, with nothing in its store; and its rows, to look at. */
export async function alone<Resolvers>(
  definition: ServiceDefinition<Resolvers>,
): Promise<Alone & ServiceParts<Resolvers> & { rows(collection: string): Doc[] }> {
  const store = createStore();
  const clock = { now: () => START_MS, monotonic: () => START_MS, sleep: async () => undefined };
  await prepare(definition, store);
  const rows = (collection: string) => store.rows(`${definition.name}.${collection}`);
  const events = () => rows('events').flatMap(({ event }) => (event === undefined ? [] : parseEnvelope(event)));
  return { ...open(definition, store, clock), rows, emitted: async () => events() };
}
