import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Metrics, OperationLabels } from './metrics.ts';

/** What is remembered of one operation: for the log and the metrics, and nothing that is the client's own business. */
export type RequestRecord = {
  transport: OperationLabels['transport'];
  kind: OperationLabels['kind'];
  /** HTTP status, or over a socket `ok` or `error`. */
  status: number | 'ok' | 'error';
  durationMs: number;
  correlationId?: string | undefined;
  operationName?: string | undefined;
  ownerId?: string | undefined;
};

/** Writes one log line and one measurement for every operation; never tokens, documents or variables. */
export type RecordRequest = (record: RequestRecord) => void;

const OPERATION_NAME_CHARS_MAX = 100;
const CORRELATION_ID = /^[\w.:-]{1,100}$/;

/** nginx's status for a client that did not wait for the answer. */
const CLIENT_LEFT = 499;

/** What becomes known of an HTTP request while it is answered. */
export type Visit = { correlationId: string } & Pick<RequestRecord, 'kind' | 'operationName' | 'ownerId'>;

/** Records a request once, with what is known of it by then, when the answer has left or the client has. */
export function recordVisit(
  record: RecordRequest,
  request: IncomingMessage,
  response: ServerResponse,
  startedMs = performance.now(),
): Visit {
  const visit: Visit = { correlationId: correlationIdFrom(request.headers), kind: 'none' };
  // `writableFinished` will not do: it is true as soon as the connection is gone. Both events come once only.
  let left = false;
  response.on('finish', () => {
    left = true;
  });
  if (response.destroyed) recordEnd(record, visit, CLIENT_LEFT, startedMs);
  else response.on('close', () => recordEnd(record, visit, left ? response.statusCode : CLIENT_LEFT, startedMs));
  return visit;
}

function recordEnd(record: RecordRequest, visit: Visit, status: number, startedMs: number): void {
  const { correlationId, kind, operationName, ownerId } = visit;
  const durationMs = performance.now() - startedMs;
  record({ transport: 'http', kind, status, durationMs, correlationId, operationName, ownerId });
}

/** What the client calls the request, in a header or a message's extensions; or a new id when it calls it nothing that is fit for a header. */
export function correlationIdFrom(named: Readonly<Record<string, unknown>> | null | undefined): string {
  const asked = named?.['x-correlation-id'];
  return typeof asked === 'string' && CORRELATION_ID.test(asked) ? asked : randomUUID();
}

/** @returns what writes the log line at `info` and always takes the measurement. */
export function requestRecorder(log: Logger, metrics: Metrics): RecordRequest {
  return record => {
    const { kind, transport, status, durationMs } = record;
    metrics.operation({ kind, transport, status: String(status) }, durationMs / 1000);
    if (!log.isLevelEnabled('info')) return;
    const operationName = record.operationName?.slice(0, OPERATION_NAME_CHARS_MAX);
    log.info({ ...record, operationName, durationMs: Math.round(durationMs * 10) / 10 }, 'request');
  };
}
