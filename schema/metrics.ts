/**
 * The metrics of the system: every name, what it says, and its labels. Whoever counts takes them from here, dashboards and alerts
 * are held to them, and docs/METRICS.md is made of them. Labels have few values, all of them ours: a client cannot make new
 * time series.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export type Metric = {
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  labels: readonly string[];
  /** Upper bounds, in the metric's unit. */
  buckets?: readonly number[];
  /** Whose process shows it: the gateway's, every service's, the lake's. `npm start` is all of them. */
  shown: 'gateway' | 'service' | 'lake';
};

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;
const AGES = [...SECONDS, 60, 300, 1_800, 3_600] as const;

export const METRICS = {
  gateway_operation_duration_seconds: {
    type: 'histogram',
    help: 'Operations that clients asked for, by kind, transport and status.',
    labels: ['kind', 'transport', 'status'],
    buckets: SECONDS,
    shown: 'gateway',
  },
  gateway_errors_total: {
    type: 'counter',
    help: 'Errors that clients were told, over HTTP and sockets, by code; one answer may have several. INTERNAL_SERVER_ERROR is none that was meant.',
    labels: ['code'],
    shown: 'gateway',
  },
  gateway_sockets: { type: 'gauge', help: 'Open sockets of clients.', labels: [], shown: 'gateway' },
  gateway_subscriptions: { type: 'gauge', help: 'Live subscriptions.', labels: [], shown: 'gateway' },
  gateway_upstreams: {
    type: 'gauge',
    help: 'Streams of subgraphs that subscriptions share.',
    labels: [],
    shown: 'gateway',
  },
  gateway_subscription_results_total: {
    type: 'counter',
    help: 'Results sent to subscriptions.',
    labels: [],
    shown: 'gateway',
  },
  outbox_events: {
    type: 'gauge',
    help: 'Events in outboxes: not relayed yet; relayed and not known to be in the lake (1,000 stands for as many or more); sent again for lack in the lake, ever.',
    labels: ['service', 'state'],
    shown: 'gateway',
  },
  outbox_oldest_seconds: {
    type: 'gauge',
    help: 'Age of the oldest event in an outbox that is acknowledged and not relayed yet; 0 when none is.',
    labels: ['service'],
    shown: 'gateway',
  },
  subgraph_request_duration_seconds: {
    type: 'histogram',
    help: 'Queries and mutations at a subgraph, by transport and status.',
    labels: ['subgraph', 'transport', 'status'],
    buckets: SECONDS,
    shown: 'service',
  },
  outbox_stored_events_total: {
    type: 'counter',
    help: 'Events that a service has stored in its outbox, that is acknowledged, by type.',
    labels: ['service', 'type'],
    shown: 'service',
  },
  relay_active: {
    type: 'gauge',
    help: 'Whether this process relays for the service: 1 in exactly one of its processes.',
    labels: ['service'],
    shown: 'service',
  },
  relay_events_total: {
    type: 'counter',
    help: 'Events sent on from the outbox to whoever consumes them: handed over or queued.',
    labels: ['service'],
    shown: 'service',
  },
  relay_flush_duration_seconds: {
    type: 'histogram',
    help: 'How long a flush takes: handled or queued, marked, cleared.',
    labels: ['service'],
    buckets: SECONDS,
    shown: 'service',
  },
  relay_wait_seconds: {
    type: 'histogram',
    help: 'By flush, how long its oldest event had been in the outbox when it was sent on.',
    labels: ['service'],
    buckets: AGES,
    shown: 'service',
  },
  relay_recovered_events_total: {
    type: 'counter',
    help: 'Events made pending again because a queue had lost them, or was new.',
    labels: ['service'],
    shown: 'service',
  },
  queue_events: {
    type: 'gauge',
    help: 'Lag: events that wait in the queues of a service, or are being handled. Each service’s process tells it of every service.',
    labels: ['service'],
    shown: 'service',
  },
  queue_oldest_seconds: {
    type: 'gauge',
    help: 'Lag: age of the oldest job that waits in the queues of a service; 0 when none does.',
    labels: ['service'],
    shown: 'service',
  },
  queue_paused: {
    type: 'gauge',
    help: 'Queues of a service that an operator has paused: nothing is taken from them.',
    labels: ['service'],
    shown: 'service',
  },
  bullmq_job_count: {
    type: 'gauge',
    help: 'Jobs of a queue by state, as BullMQ exports them; a job carries many events. One that failed is handled by nobody.',
    labels: ['queue', 'state'],
    shown: 'service',
  },
  consumer_events_total: {
    type: 'counter',
    help: 'Events handled: live as they happen; repair, copy and trial are from replays.',
    labels: ['service', 'kind'],
    shown: 'service',
  },
  consumer_batch_duration_seconds: {
    type: 'histogram',
    help: 'How long a batch of events takes to be handled.',
    labels: ['service', 'kind'],
    buckets: SECONDS,
    shown: 'service',
  },
  consumer_event_age_seconds: {
    type: 'histogram',
    help: 'By batch of live events, from when its oldest event happened until it was handled.',
    labels: ['service'],
    buckets: AGES,
    shown: 'service',
  },
  consumer_batch_failures_total: {
    type: 'counter',
    help: 'Batches that failed, so that their events went one by one.',
    labels: ['service'],
    shown: 'service',
  },
  consumer_partitions: {
    type: 'gauge',
    help: '1 for each queue of the service that this process takes from; in all its processes together, once for each.',
    labels: ['service', 'partition'],
    shown: 'service',
  },
  consumer_faults_total: {
    type: 'counter',
    help: 'Events set aside: they broke their contract, or could not be handled.',
    labels: ['service', 'reason'],
    shown: 'service',
  },
  lake_events: { type: 'gauge', help: 'Events that the lake holds.', labels: [], shown: 'lake' },
  lake_open_faults: {
    type: 'gauge',
    help: 'Faults that nobody has resubmitted or dismissed.',
    labels: ['service'],
    shown: 'lake',
  },
  lake_replays: {
    type: 'gauge',
    help: 'Replays that wait or run.',
    labels: ['service', 'mode', 'status'],
    shown: 'lake',
  },
  lake_replay_left_events: {
    type: 'gauge',
    help: 'Events that a running replay has still to send and see handled.',
    labels: ['service'],
    shown: 'lake',
  },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof METRICS;
type NamesOf<Type> = { [Name in MetricName]: (typeof METRICS)[Name]['type'] extends Type ? Name : never }[MetricName];

/** What every process shows as well: Node's and the process's own, by prom-client. The more telling ones. */
export const PROCESS_METRICS: Readonly<Record<string, string>> = {
  process_cpu_seconds_total: 'CPU time, user and system.',
  process_resident_memory_bytes: 'Memory that is resident.',
  nodejs_eventloop_lag_p50_seconds: 'Delay of the event loop since the last look, median.',
  nodejs_eventloop_lag_p99_seconds: 'Delay of the event loop since the last look, 99th percentile.',
  nodejs_gc_duration_seconds: 'Garbage collection, by kind.',
};

export const counterOf = (registry: Registry, name: NamesOf<'counter'>): Counter =>
  once(registry, name, settings => new Counter(settings));

/** @param collect sets the values, asked whenever the metrics are. */
export function gaugeOf(registry: Registry, name: NamesOf<'gauge'>, collect?: (gauge: Gauge) => Promise<void>): Gauge {
  return once(
    registry,
    name,
    settings =>
      new Gauge({
        ...settings,
        ...(collect && {
          async collect() {
            await collect(this);
          },
        }),
      }),
  );
}

export const histogramOf = (registry: Registry, name: NamesOf<'histogram'>): Histogram =>
  once(registry, name, settings => new Histogram(settings));

type Settings = { name: string; help: string; labelNames: string[]; registers: Registry[]; buckets?: number[] };

/** The metric of that name in the registry, made when there is none. */
function once<Made extends Counter | Gauge | Histogram>(
  registry: Registry,
  name: MetricName,
  make: (settings: Settings) => Made,
): Made {
  const { help, labels, buckets }: Metric = METRICS[name];
  // The name says of which type it is.
  const known = registry.getSingleMetric(name) as Made | undefined;
  return (
    known ??
    make({ name, help, labelNames: [...labels], registers: [registry], ...(buckets && { buckets: [...buckets] }) })
  );
}
