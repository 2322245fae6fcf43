/** What services count of themselves, as Prometheus metrics. */
import type { Gauge, Registry } from 'prom-client';
import type { Bindings } from '../events/binding.ts';
import type { Measures, Reading } from '../events/measures.ts';
import type { QueueTransport } from '../events/queue.ts';
import type { RunningService } from '../events/service.ts';
import type { Backlog } from '../events/transport.ts';
import { counterOf, gaugeOf, histogramOf, METRICS, type MetricName } from '../schema/metrics.ts';
import { inTime } from './intime.ts';

/** A service's measures, beside those of others in the same registry. */
export function measuresOf(registry: Registry, service: string): Measures {
  const of = { service };
  const stored = counterOf(registry, 'outbox_stored_events_total');
  const relayed = counterOf(registry, 'relay_events_total').labels(of);
  const flushes = histogramOf(registry, 'relay_flush_duration_seconds').labels(of);
  const waits = histogramOf(registry, 'relay_wait_seconds').labels(of);
  const recovered = counterOf(registry, 'relay_recovered_events_total').labels(of);
  const handled = counterOf(registry, 'consumer_events_total');
  const batches = histogramOf(registry, 'consumer_batch_duration_seconds');
  const ages = histogramOf(registry, 'consumer_event_age_seconds').labels(of);
  const failures = counterOf(registry, 'consumer_batch_failures_total').labels(of);
  const faults = counterOf(registry, 'consumer_faults_total');
  // There from the beginning, so that a rate sees the first one.
  for (const reason of ['contract', 'handling']) faults.inc({ service, reason }, 0);
  for (const kind of ['live', 'repair', 'copy', 'trial']) handled.inc({ service, kind }, 0);
  batches.zero({ service, kind: 'live' });
  for (const counter of [relayed, recovered, failures]) counter.inc(0);
  return {
    stored: (type, events) => stored.inc({ service, type }, events),
    relayed(events, seconds, waitedSeconds) {
      relayed.inc(events);
      flushes.observe(seconds);
      waits.observe(waitedSeconds);
    },
    recovered: events => recovered.inc(events),
    handled(kind, events, seconds, ageSeconds) {
      handled.inc({ service, kind }, events);
      batches.observe({ service, kind }, seconds);
      if (kind === 'live') ages.observe(ageSeconds);
    },
    batchFailed: () => failures.inc(),
    setAside: reason => faults.inc({ service, reason }),
    sample: (name, read) => void gaugeOf(registry, gaugeNamed(name), gauge => show(gauge, read)),
  };
}

type GaugeName = Parameters<typeof gaugeOf>[1];

/** @throws when the catalogue has no such gauge. */
function gaugeNamed(name: string): GaugeName {
  if (Object.hasOwn(METRICS, name) && METRICS[name as MetricName].type === 'gauge') return name as GaugeName;
  throw new Error(`there is no gauge ${name} in schema/metrics.ts`);
}

/** What cannot be known in time is not shown: a gauge that stands still looks like one that is well. */
async function show(gauge: Gauge, read: () => Promise<readonly Reading[]>): Promise<void> {
  const readings = await inTime(read());
  gauge.reset();
  // Of a gauge without labels that leaves a 0, which would say something.
  gauge.remove({});
  for (const { labels = {}, value } of readings ?? []) gauge.set(labels, value);
}

type Measured = Pick<RunningService<unknown>, 'definition' | 'isRelaying' | 'partitionsOwned'>;

/**
 * What the process's own services do, and what waits in the queues of all that are bound: of one that does not run, nobody else would
 * tell. Asked of Redis, and of MongoDB who is bound, whenever the metrics are.
 */
export function queueMetrics(
  registry: Registry,
  services: readonly Measured[],
  { transport, bindings }: { transport: QueueTransport; bindings: Pick<Bindings, 'all'> },
): void {
  let names = services.map(({ definition }) => definition.name);
  const look = shared(async () => {
    const all = await inTime(bindings.all());
    if (all) names = all.map(({ _id }) => _id);
  });
  /** Who was bound at the last look: MongoDB may be away, or slow, while the queues are not. */
  const bound = (): readonly string[] => {
    void look();
    return names;
  };
  void look();
  const backlogs = shared(() =>
    Promise.all(
      bound().map(async name => {
        const backlog = await inTime(transport.backlog(name));
        return { labels: { service: name }, backlog };
      }),
    ),
  );
  const shown: [GaugeName, (backlog: Backlog) => number][] = [
    ['queue_events', ({ events }) => events],
    ['queue_oldest_seconds', ({ oldestMs }) => secondsSince(oldestMs)],
    ['queue_paused', ({ paused }) => paused],
  ];
  for (const [gaugeName, numberIn] of shown) {
    gaugeOf(registry, gaugeName, gauge =>
      show(gauge, async () =>
        (await backlogs()).flatMap(({ labels, backlog }) => (backlog ? [{ labels, value: numberIn(backlog) }] : [])),
      ),
    );
  }
  gaugeOf(registry, 'relay_active', gauge =>
    show(gauge, async () =>
      services.map(service => ({ labels: { service: service.definition.name }, value: Number(service.isRelaying()) })),
    ),
  );
  gaugeOf(registry, 'consumer_partitions', gauge =>
    show(gauge, async () =>
      services.flatMap(({ definition: { name }, partitionsOwned }) =>
        partitionsOwned().map(partition => ({ labels: { service: name, partition: String(partition) }, value: 1 })),
      ),
    ),
  );
  gaugeOf(registry, 'bullmq_job_count', gauge =>
    show(gauge, async () => {
      const queues = await Promise.all(bound().map(name => transport.inUse(name)));
      const exports = await Promise.all(queues.flat().map(queue => queue.exportPrometheusMetrics()));
      return exports.flatMap(jobCounts);
    }),
  );
}

const secondsSince = (ms: number | undefined): number => (ms === undefined ? 0 : Math.max(0, Date.now() - ms) / 1_000);

/**
 * The counts of BullMQ's own export, which is a whole page for each queue and cannot be put behind another. Its totals are left
 * out: they are of metrics that would be kept in Redis for each job, and are not.
 */
export function jobCounts(page: string): Reading[] {
  return [...page.matchAll(/^bullmq_job_count\{queue="([^"]*)", state="([^"]*)"\} (\d+)$/gm)].map(
    ([, queue = '', state = '', count]) => ({ labels: { queue, state }, value: Number(count) }),
  );
}

/** One question for all who ask while it is on its way. */
function shared<Value>(ask: () => Promise<Value>): () => Promise<Value> {
  let asking: Promise<Value> | undefined;
  return () => {
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}

/** What waits in the outbox of a service in a process of its own. Where the gateway is, it shows those of all. */
export function outboxGauges(registry: Registry, service: Pick<RunningService<unknown>, 'definition' | 'outboxState'>) {
  const { name } = service.definition;
  const state = shared(() => service.outboxState());
  gaugeOf(registry, 'outbox_events', gauge =>
    show(gauge, async () => {
      const { pending, unconfirmed, resent } = await state();
      return Object.entries({ pending, unconfirmed, resent }).map(([state, value]) => ({
        labels: { service: name, state },
        value,
      }));
    }),
  );
  gaugeOf(registry, 'outbox_oldest_seconds', gauge =>
    show(gauge, async () => [{ labels: { service: name }, value: (await state()).oldestSeconds }]),
  );
}
