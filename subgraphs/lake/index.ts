import { z } from 'zod';
import type { ServiceDefinition } from '../../events/definition.ts';
import type { Resolvers } from '../host.ts';
import { type Answerer, startAnswerer } from './answerer.ts';
import { createCheckpoints } from './checkpoint.ts';
import { createFaults, indexes as faultIndexes } from './faults.ts';
import { createFlows } from './flows.ts';
import { createReplays, indexes as replayIndexes } from './replay.ts';
import { type Replayer, startReplayer } from './replayer.ts';
import { createReplaying } from './replaying.ts';
import { createResolvers } from './resolvers.ts';
import { createRetired } from './retired.ts';
import { sampleLake } from './samples.ts';
import { createSchedules, indexes as scheduleIndexes } from './schedule.ts';
import { type Seeder, startSeeder } from './seeder.ts';
import { createLake, indexes, type LakeRow } from './store.ts';
import { createSummaries } from './summaries.ts';
import { createSystemWatch } from './system.ts';

/**
 * The lake: keeps every event of the system for ever, known type or not, in one order, and sends them again to a service
 * that is to be repaired. It emits nothing.
 */
export const service: ServiceDefinition<Resolvers> = {
  name: 'lake',
  consumes: 'everything',
  emits: [],
  unhurried: 'everything',
  // One chain, which one process is fastest at.
  partitions: 1,
  indexes: { ...indexes, ...faultIndexes, ...replayIndexes, ...scheduleIndexes },
  create({ collection, feed, bindings, transport, lease, runTask, clock, ids, log, trail, measures }) {
    const rows = collection<LakeRow>('lake');
    const summaries = createSummaries({ collection: collection('summaries'), rows });
    const checkpoints = createCheckpoints({
      ...{ collection: collection('checkpoints'), keys: collection('keys'), system: rows.dbName, clock },
    });
    const flows = createFlows({ feed, clock, ids });
    const lake = createLake({ rows, feed, clock, summaries, checkpoints, flows });
    // Named when to resubmit was all that could be done about one.
    const faults = createFaults({ lake, answers: collection('resubmissions'), transport, bindings, clock });
    const replays = createReplays({ rows: collection('replays'), lake, bindings, feed, clock, ids });
    const replaying = createReplaying({ replays, lake, bindings, transport, clock, log });
    const schedules = createSchedules({ rows: collection('schedules'), replays, clock });
    const retired = createRetired({ rows: collection('retired') });
    const system = createSystemWatch({ lake, flows, faults, bindings, transport, feed, clock });
    let leaveSystem: (() => void) | undefined;
    let replayer: Replayer | undefined;
    const stopped = new AbortController();
    let answerer: Answerer | undefined;
    let seeder: Seeder | undefined;
    const wake = () => replayer?.wake();
    return {
      rules: [{ on: 'everything', handle: lake.store }],
      resolvers: createResolvers({
        lake,
        faults,
        replays,
        schedules,
        checkpoints,
        retired,
        system,
        bindings,
        transport,
        feed,
        clock,
        wake,
        addressOf: trail.tracer.addressOf,
      }),
      tasks: {
        replay: (input, signal) => {
          const { id, fence } = z.object({ id: z.string(), fence: z.number() }).parse(input);
          return replaying(id, fence, signal);
        },
      },
      start() {
        sampleLake({ lake, faults, replays, bindings, measures });
        const onError = (error: unknown) => log.debug({ err: error }, 'no checkpoint recorded; the next look will');
        void checkpoints.keepRecording(lake.head, stopped.signal, onError);
        leaveSystem = system.listen();
        const held = lease('replayer', wake);
        replayer = startReplayer({
          ...{ replays, schedules, lease: held, bindings, clock, log },
          replaying: ({ _id: id, total }, fence, signal) => runTask('replay', { id, fence }, total, signal),
        });
        seeder = startSeeder({ replays, lake, bindings, lease: held, wake, clock, log });
        answerer = startAnswerer({ rows: lake.rows, feed, lease: held, log });
      },
      async stop() {
        stopped.abort();
        leaveSystem?.();
        await answerer?.stop();
        await seeder?.stop();
        await replayer?.stop();
      },
    };
  },
};
