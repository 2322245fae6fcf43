/**
 * A service on one generation of its data: its parts, its outbox and its collections. One is served; while a rebuild goes on there
 * is another beside it, which is fed by the same events and tells nobody anything.
 */
import type { Db, Document } from 'mongodb';
import type { ServiceContext, ServiceDefinition, ServiceParts } from './definition.ts';
import type { Event } from './event.ts';
import type { GenerationState } from './generation.ts';
import { unmeasured } from './measures.ts';
import { createOutbox, type Outbox, outboxIndexes } from './outbox.ts';
import { type Generation, rulesOfCopy } from './rebuild.ts';
import { noTrail } from './tracing.ts';

/** What it keeps in memory lives as long as it does. */
export type Instance<Resolvers> = Generation & {
  /** See `GenerationState`. */
  restarts: number;
  parts: ServiceParts<Resolvers>;
  outbox: Outbox;
};

/** Those that a process has at the moment. */
export type Instances<Resolvers> = {
  served(): Instance<Resolvers>;
  /** What is being built beside it. */
  copy(): Instance<Resolvers> | undefined;
  /** One of any generation, which tells nobody anything. */
  of(generation: number): Instance<Resolvers>;
  /** Serves and builds what the state says. */
  goBy(state: GenerationState): void;
};

/**
 * Begins with the first generation.
 *
 * @param options `wake` is told of what is stored; `lent` is what every instance gets, but for what is its own; `onReplaced` is called
 *   when another one is served.
 */
export function createInstances<Resolvers>(
  definition: ServiceDefinition<Resolvers>,
  options: {
    database: Db;
    wake(events?: readonly Event[]): void;
    lent: Omit<ServiceContext, 'name' | 'collection' | 'outbox'>;
    onReplaced(): void;
  },
): Instances<Resolvers> {
  const { database, wake, lent, onReplaced } = options;
  const { name, emits, derived = {} } = definition;
  const { clock, log, trail, measures, feed } = lent;

  /** @param kind what is beside the one that is served tells nobody anything; `returned`: it was served before. */
  function instanceOf(
    generation: number,
    restarts: number,
    kind: 'served' | 'beside' | 'returned',
  ): Instance<Resolvers> {
    const isBeside = kind !== 'served';
    const named = <Row extends Document>(of: string) =>
      database.collection<Row>(of in derived && generation > 1 ? `${of}-${generation}` : of);
    const outbox = createOutbox({
      ...{ collection: named('events'), emits, clock, log },
      // What a copy is made of has happened long ago.
      ...(isBeside ? { wake: () => undefined } : { wake, trail, measures }),
    });
    const silent = { feed: { ...feed, publish: async () => undefined }, trail: noTrail, measures: unmeasured };
    const parts = definition.create({ ...lent, ...(isBeside && silent), name, collection: named, outbox });
    const { rebuilding } = parts;
    return {
      ...{ number: generation, restarts, parts, outbox, events: named('events'), collection: named },
      rules: rulesOfCopy(parts, { isReturned: kind === 'returned' }),
      adopt: async subject => rebuilding?.adopt?.(subject) ?? new Map(),
    };
  }

  let served = instanceOf(1, 0, 'served');
  let copy: Instance<Resolvers> | undefined;

  return {
    served: () => served,
    copy: () => copy,
    of: generation => instanceOf(generation, 0, 'beside'),
    goBy({ active, previous, restarts, building }) {
      if (building === null) copy = undefined;
      else if (copy?.number !== building) {
        copy = instanceOf(building, 0, building === previous ? 'returned' : 'beside');
      }
      if (served.number === active && served.restarts === restarts) return;
      served = instanceOf(active, restarts, 'served');
      onReplaced();
    },
  };
}

/** Makes the indexes of a generation's collections. */
export async function createIndexes(
  { indexes }: Pick<ServiceDefinition, 'indexes'>,
  { collection }: Pick<Generation, 'collection'>,
): Promise<void> {
  const all = { ...indexes, events: [...(indexes.events ?? []), ...outboxIndexes] };
  for (const [of, wanted] of Object.entries(all)) {
    if (wanted.length > 0) await collection(of).createIndexes([...wanted]);
  }
}
