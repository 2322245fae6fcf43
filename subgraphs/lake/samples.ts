/** What the lake counts for whoever watches the system: its size, open faults, and replays. */
import type { Bindings } from '../../events/binding.ts';
import type { Measures, Reading } from '../../events/measures.ts';
import type { Faults } from './faults.ts';
import type { Replays } from './replay.ts';
import type { Lake } from './store.ts';

/** Replays that are looked at: one runs a service, and the others wait. */
const REPLAYS_MAX = 100;

/** Asked whenever the metrics are: a few counts by index each. */
export function sampleLake(options: {
  lake: Pick<Lake, 'size'>;
  faults: Pick<Faults, 'open'>;
  replays: Pick<Replays, 'rows'>;
  bindings: Pick<Bindings, 'all'>;
  measures: Measures;
}): void {
  const { lake, faults, replays, bindings, measures } = options;

  const unfinished = () =>
    replays.rows
      .find({ status: { $in: ['PLANNED', 'RUNNING'] } })
      .limit(REPLAYS_MAX)
      .toArray();

  measures.sample('lake_events', async () => [{ value: await lake.size() }]);
  measures.sample('lake_open_faults', async () => {
    const bound = await bindings.all();
    return Promise.all(
      bound.map(
        async ({ _id: service }): Promise<Reading> => ({
          labels: { service },
          value: await faults.open(service),
        }),
      ),
    );
  });
  measures.sample('lake_replays', async () => {
    const [bound, rows] = await Promise.all([bindings.all(), unfinished()]);
    const counts = new Map<string, { labels: Record<string, string>; value: number }>();
    // None is something to say too, or an alert would have nothing to compare with.
    const zero = bound.map(({ _id: service }) => ({ service, mode: 'REPAIR', status: 'RUNNING' }));
    for (const labels of zero) counts.set(JSON.stringify(labels), { labels, value: 0 });
    for (const { service, mode, status } of rows) {
      const labels = { service, mode, status };
      const key = JSON.stringify(labels);
      counts.set(key, { labels, value: (counts.get(key)?.value ?? 0) + 1 });
    }
    return [...counts.values()];
  });
  measures.sample('lake_replay_left_events', async () => {
    const [bound, rows] = await Promise.all([bindings.all(), unfinished()]);
    const left = new Map<string, number>(bound.map(({ _id }) => [_id, 0]));
    for (const { service, status, total, applied } of rows) {
      if (status === 'RUNNING') left.set(service, (left.get(service) ?? 0) + Math.max(0, total - applied));
    }
    return [...left].map(([service, value]) => ({ labels: { service }, value }));
  });
}
