/** Where traces begin, at the door, and where they end, at the frame that a subscriber gets. */
import type { ExecutionResult, FormattedExecutionResult } from 'graphql';
import type { Span, Tracer } from '../events/tracing.ts';
import type { OperationLabels } from './metrics.ts';

/** The headers that a trace has to do with. */
type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

export type Entrance = {
  kind: OperationLabels['kind'];
  transport: OperationLabels['transport'];
  operationName?: string | undefined;
  correlationId?: string | undefined;
  /** Of the client's request: its own trace is linked to. It decides neither where ours belongs nor whether it is kept. */
  headers?: Headers | undefined;
};

/** Begins the trace of an operation that a client asks for. */
export function beginOperation(tracer: Tracer, entrance: Entrance): Span {
  const { kind, transport, operationName, correlationId, headers } = entrance;
  const client = headers?.traceparent;
  return tracer.begin(operationName ? `${kind} ${operationName}` : kind, {
    kind: 'server',
    links: typeof client === 'string' ? [client] : [],
    attributes: { 'graphql.operation.type': kind, 'network.protocol.name': transport, 'correlation.id': correlationId },
  });
}

/** What becomes of the results of subscriptions. */
export type Pushes = {
  /** Told of an event before its subscribers' result is made. @returns what is told of the result. */
  follow(event: ExecutionResult): ((result: FormattedExecutionResult) => void) | undefined;
  /** A subscriber's socket was given the result. */
  framed(result: object): void;
};

/** Frames of one result that have a span; what a thousand subscribers get is made once. */
const FRAMES_MAX = 10;

/** @returns undefined when nobody looks. */
export function tracePushes(tracer: Tracer): Pushes | undefined {
  if (!tracer.active) return undefined;
  const known = new WeakSet<ExecutionResult>();
  const places = new WeakMap<object, { place: string | undefined; left: number }>();
  return {
    follow(event) {
      const parent = event.extensions?.traceparent;
      // Whoever comes later gets the same event again, and is no part of its story.
      if (typeof parent !== 'string' || known.has(event)) return undefined;
      known.add(event);
      const span = tracer.begin('push', { parent });
      return result => {
        places.set(result, { place: span.place, left: FRAMES_MAX });
        span.end(result.errors?.[0]);
      };
    },
    framed(result) {
      const pushed = places.get(result);
      if (!pushed || pushed.left === 0) return;
      pushed.left -= 1;
      tracer.begin('frame', { kind: 'producer', parent: pushed.place }).end();
    },
  };
}
