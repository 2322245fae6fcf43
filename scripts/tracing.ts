/**
 * Traces for an OpenTelemetry collector, over OTLP/HTTP. Its libraries are loaded only where an endpoint is set: a process that is
 * not looked at pays for none of it. Contexts are handed on by hand, from place to place, and not by OpenTelemetry's context
 * manager, which would cost every promise something.
 */
import type { Link, SpanKind as OtelKind, SpanContext } from '@opentelemetry/api';
import type { Logger } from 'pino';
import { readPlace, type Span, type SpanKind, type SpanOptions, type Tracer, untraced } from '../events/tracing.ts';
import type { Config } from './config.ts';

export type Tracing = {
  /** Spans of this service, or of the gateway; in a trace each has its own name. */
  tracerOf(service: string): Tracer;
  /** Sends what is left, within 2 s. */
  stop(): Promise<void>;
};

const STOP_WITHIN_MS = 2_000;
const SEND_EVERY_MS = 1_000;
/** Spans that wait to be sent; more are dropped, and nobody waits. */
const WAITING_MAX = 8_192;

/** By the endpoint and the share of traces that are set; without an endpoint nobody looks. */
export async function startTracing(config: Config, log: Logger): Promise<Tracing> {
  const endpoint = config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? tracesOf(config.OTEL_EXPORTER_OTLP_ENDPOINT);
  if (!endpoint) return { tracerOf: () => untraced, stop: async () => undefined };
  const [api, sdk, { OTLPTraceExporter }, { defaultResource, resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  // What goes wrong with sending is told there, and is no reason for anything else.
  const tell = (message: string) => log.debug({ message }, 'traces cannot be sent');
  api.diag.setLogger(
    { error: tell, warn: tell, info: () => undefined, debug: () => undefined, verbose: () => undefined },
    api.DiagLogLevel.WARN,
  );
  const processor = new sdk.BatchSpanProcessor({
    exporter: new OTLPTraceExporter({ url: endpoint, timeoutMillis: 5_000 }),
    ...{ maxQueueSize: WAITING_MAX, scheduledDelayMillis: SEND_EVERY_MS, exportTimeoutMillis: 5_000 },
  });
  const sampler = new sdk.ParentBasedSampler({
    root: new sdk.TraceIdRatioBasedSampler(config.OTEL_TRACES_SAMPLER_ARG),
  });
  const kinds: Record<SpanKind, OtelKind> = {
    server: api.SpanKind.SERVER,
    client: api.SpanKind.CLIENT,
    producer: api.SpanKind.PRODUCER,
    consumer: api.SpanKind.CONSUMER,
    internal: api.SpanKind.INTERNAL,
  };

  function contextOf(place: string | undefined): SpanContext | undefined {
    const ids = readPlace(place);
    return ids && { ...ids, traceFlags: api.TraceFlags.SAMPLED, isRemote: true };
  }

  function tracerOf(service: string): Tracer {
    const resource = defaultResource().merge(
      resourceFromAttributes({ 'service.name': service, 'service.namespace': 'tributary', 'process.pid': process.pid }),
    );
    const tracer = new sdk.TracerProvider({ resource, sampler, spanProcessors: [processor] }).getTracer('tributary');
    function begin(name: string, options: SpanOptions = {}): Span {
      const { kind = 'internal', parent, links = [], attributes = {}, startedMs } = options;
      const parentContext = contextOf(parent);
      // Of a trace that is not kept, nothing is.
      if (parent !== undefined && !parentContext) return untraced.begin(name);
      const root = api.ROOT_CONTEXT;
      const context = parentContext ? api.trace.setSpanContext(root, parentContext) : root;
      const linked = links.flatMap((place): Link[] => {
        const linkedContext = contextOf(place);
        return linkedContext ? [{ context: linkedContext }] : [];
      });
      const span = tracer.startSpan(
        name,
        { kind: kinds[kind], attributes, links: linked, ...(startedMs !== undefined && { startTime: startedMs }) },
        context,
      );
      if (!span.isRecording()) return untraced.begin(name);
      const { traceId, spanId } = span.spanContext();
      return {
        place: `00-${traceId}-${spanId}-01`,
        end(error) {
          if (error !== undefined) {
            const message = error instanceof Error ? error.message : String(error);
            span.setStatus({ code: api.SpanStatusCode.ERROR, message });
          }
          span.end();
        },
      };
    }
    return {
      active: true,
      begin,
      addressOf: traceId => config.OTEL_TRACE_URL?.replaceAll('{traceId}', traceId),
    };
  }

  const tracers = new Map<string, Tracer>();
  log.info({ endpoint: new URL(endpoint).origin, share: config.OTEL_TRACES_SAMPLER_ARG }, 'traces are sent');
  return {
    tracerOf(service) {
      const tracer = tracers.get(service) ?? tracerOf(service);
      tracers.set(service, tracer);
      return tracer;
    },
    async stop() {
      const late = new Promise<void>(resolve => setTimeout(resolve, STOP_WITHIN_MS).unref());
      await Promise.race([processor.shutdown().catch(() => undefined), late]);
    },
  };
}

/** The endpoint stands for all signals; traces go to a place beneath it (OTLP 1.0). */
const tracesOf = (endpoint: string | undefined): string | undefined =>
  endpoint && `${endpoint.replace(/\/$/, '')}/v1/traces`;
