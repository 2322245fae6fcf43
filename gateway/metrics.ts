import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What the gateway counts and measures of itself. */
export type Metrics = {
  registry: Registry;
  /** A finished operation. */
  operation(labels: OperationLabels, seconds: number): void;
  /** Open sockets, live subscriptions, the streams open at subgraphs for them, and results sent to subscriptions. */
  sockets: Gauge;
  subscriptions: Gauge;
  upstreams: Gauge;
  delivered: Counter;
};

/** Few values each, all of them ours: a client cannot make new time series. */
export type OperationLabels = {
  kind: 'query' | 'mutation' | 'subscription' | 'none';
  transport: 'http' | 'ws';
  status: string;
};

const BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/**
 * Registers the gateway's metrics.
 *
 * @param registry where others register theirs too; metrics already there are used, not registered twice.
 */
export function gatewayMetrics(registry: Registry = new Registry()): Metrics {
  processMetrics(registry);
  const operations = once(
    registry,
    'gateway_operation_duration_seconds',
    name =>
      new Histogram({
        name,
        help: 'Operations that clients asked for, by kind, transport and status.',
        labelNames: ['kind', 'transport', 'status'],
        buckets: BUCKETS_SECONDS,
        registers: [registry],
      }),
  );
  return {
    registry,
    operation: (labels, seconds) => operations.observe(labels, seconds),
    sockets: gauge(registry, 'gateway_sockets', 'Open sockets of clients.'),
    subscriptions: gauge(registry, 'gateway_subscriptions', 'Live subscriptions.'),
    upstreams: gauge(registry, 'gateway_upstreams', 'Streams of subgraphs that subscriptions share.'),
    delivered: once(
      registry,
      'gateway_subscription_results_total',
      name => new Counter({ name, help: 'Results sent to subscriptions.', registers: [registry] }),
    ),
  };
}

/** Node's and the process's own metrics, the delay of the event loop among them. Does nothing the second time. */
export function processMetrics(registry: Registry): void {
  if (!registry.getSingleMetric('process_start_time_seconds')) collectDefaultMetrics({ register: registry });
}

const gauge = (registry: Registry, name: string, help: string): Gauge =>
  once(registry, name, () => new Gauge({ name, help, registers: [registry] }));

/** The metric of that name in the registry, made and registered when there is none. */
export function once<T extends Counter | Gauge | Histogram>(
  registry: Registry,
  name: string,
  make: (name: string) => T,
): T {
  // Whoever registered the name did it with the `make` of the same line.
  return (registry.getSingleMetric(name) as T | undefined) ?? make(name);
}
