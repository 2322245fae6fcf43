/** What the tests of replays share: a lake of deposits, a service beside it, and replayers that may be told how. */
import { createHash } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { systemIds } from '../../events/clock.ts';
import { createEvent } from '../../events/contract.ts';
import { consuming, createSystem, isReady, silent, TIME, until, useServers } from '../../events/fixture.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { service as reporting } from '../reporting/index.ts';
import { createReplays, type ReplayRow } from './replay.ts';
import { type Replayer, startReplayer } from './replayer.ts';
import { createReplaying, type ReplayingOptions } from './replaying.ts';
import { createLake, indexes, type LakeRow } from './store.ts';

/** As many deposits as asked for, named d0, d1, d2, ..., on seven accounts. */
export const deposits = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    createEvent(deposited, {
      id: `d${index}`,
      source: '/account',
      subject: `account ${index % 7}`,
      time: TIME,
      data: { amountMinor: index + 1, currency: 'EUR', channel: 'ACCOUNT' },
    }),
  );

/** A lake, and a service beside it that is not running yet. */
export async function started() {
  const system = createSystem(useServers());
  await Promise.all([isReady(system.transport.redis), isReady(system.subscriber)]);
  const rows = system.collection<LakeRow>('lake', 'rows');
  await rows.createIndexes([...(Object.values(indexes)[0] ?? [])]);
  const lake = createLake({ summaries: undefined, rows, feed: system.feed, clock: system.clock });
  const replays = createReplays({
    ...system,
    rows: system.collection<ReplayRow>('lake', 'replays'),
    lake,
    ids: systemIds,
  });
  await system.bind('reporting', { consumes: [deposited.type] });

  const context = system.context('reporting');
  for (const [name, wanted] of Object.entries(reporting.indexes))
    await context.collection(name).createIndexes([...wanted]);
  const { rules } = reporting.create(context);
  const running: Replayer[] = [];
  return {
    system,
    lake,
    replays,
    context,
    rules,
    replayer(options: Partial<Pick<Parameters<typeof startReplayer>[0], 'lease'> & ReplayingOptions> = {}) {
      const { transport, clock, bindings } = system;
      const { lease = { fence: () => 1 }, ...others } = options;
      const shared = { replays, lake, bindings, transport, clock, log: silent, ...others };
      const replaying = createReplaying(shared);
      const replayer = startReplayer({ ...shared, lease, replaying: ({ _id }, ...how) => replaying(_id, ...how) });
      onTestFinished(() => replayer.stop());
      running.push(replayer);
      return replayer;
    },
    runService: () => consuming(system, 'reporting', { rules }),
    async request(input: object = {}) {
      const row = await replays.request({ service: 'reporting', ...input }, 'olga');
      for (const replayer of running) replayer.wake();
      return row;
    },
    completed: (id: string) => until(async () => (await replays.find(id)).status === 'COMPLETED'),
    /** All data of the service, as one hash. */
    async state(): Promise<string> {
      const hash = createHash('sha256');
      for (const name of ['store', 'statistics'])
        hash.update(JSON.stringify(await context.collection(name).find().sort({ _id: 1 }).toArray()));
      return hash.digest('hex');
    },
  };
}

export type Started = Awaited<ReturnType<typeof started>>;

/** A lake of deposits that the service has counted. */
export async function counted(count: number): Promise<Started> {
  const all = await started();
  const events = deposits(count);
  for (let at = 0; at < count; at += 500) await all.lake.store(events.slice(at, at + 500));
  for (const { handle } of all.rules) await handle(events, { replay: false });
  return all;
}
