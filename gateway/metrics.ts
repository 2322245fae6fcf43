import { type Counter, collectDefaultMetrics, type Gauge, Registry } from 'prom-client';
import { counterOf, gaugeOf, histogramOf } from '../schema/metrics.ts';
import { UNEXPECTED } from './errors.ts';

/** What the gateway counts and measures of itself. */
export type Metrics = {
  registry: Registry;
  /** A finished operation. */
  operation(labels: OperationLabels, seconds: number): void;
  /** An error that a client is told, by its code. */
  told(code: string): void;
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

/**
 * Registers the gateway's metrics.
 *
 * @param registry where others register theirs too; metrics already there are used, not registered twice.
 */
export function gatewayMetrics(registry: Registry = new Registry()): Metrics {
  processMetrics(registry);
  const operations = histogramOf(registry, 'gateway_operation_duration_seconds');
  const errors = counterOf(registry, 'gateway_errors_total');
  // There from the beginning, so that a rate sees the first one.
  errors.inc({ code: UNEXPECTED }, 0);
  return {
    registry,
    told: code => errors.inc({ code }),
    operation: (labels, seconds) => operations.observe(labels, seconds),
    sockets: gaugeOf(registry, 'gateway_sockets'),
    subscriptions: gaugeOf(registry, 'gateway_subscriptions'),
    upstreams: gaugeOf(registry, 'gateway_upstreams'),
    delivered: counterOf(registry, 'gateway_subscription_results_total'),
  };
}

/** Node's and the process's own metrics, the delay of the event loop among them. Does nothing the second time. */
export function processMetrics(registry: Registry): void {
  if (!registry.getSingleMetric('process_start_time_seconds')) collectDefaultMetrics({ register: registry });
}
