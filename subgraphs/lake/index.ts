import type { ServiceDefinition } from '../../events/service.ts';
import type { Resolvers } from '../host.ts';
import { createFaults, indexes as faultIndexes } from './faults.ts';
import { createReplays, indexes as replayIndexes } from './replay.ts';
import { type Replayer, startReplayer } from './replayer.ts';
import { createResolvers } from './resolvers.ts';
import { createSchedules, indexes as scheduleIndexes } from './schedule.ts';
import { createLake, indexes } from './store.ts';

/**
 * The lake: keeps every event of the system for ever, known type or not, in one order, and sends them again to a service
 * that is to be repaired. It emits nothing.
 */
export const service: ServiceDefinition<Resolvers> = {
  name: 'lake',
  consumes: 'everything',
  emits: [],
  gatherMs: 50,
  indexes: { ...indexes, ...faultIndexes, ...replayIndexes, ...scheduleIndexes },
  create({ collection, feed, bindings, transport, lease, clock, ids, log }) {
    const lake = createLake({ rows: collection('lake'), feed, clock });
    const faults = createFaults({ lake, resubmissions: collection('resubmissions'), transport, bindings, clock });
    const replays = createReplays({ rows: collection('replays'), lake, bindings, feed, clock, ids });
    const schedules = createSchedules({ rows: collection('schedules'), replays, clock });
    let replayer: Replayer | undefined;
    return {
      rules: [{ on: 'everything', handle: lake.store }],
      resolvers: createResolvers({
        lake,
        faults,
        replays,
        schedules,
        bindings,
        transport,
        feed,
        clock,
        wake: () => replayer?.wake(),
      }),
      start() {
        const held = lease('replayer', () => replayer?.wake());
        replayer = startReplayer({ replays, schedules, lake, lease: held, bindings, transport, clock, log });
      },
      stop: async () => replayer?.stop(),
    };
  },
};
