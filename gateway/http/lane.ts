import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { type FormattedExecutionResult, GraphQLError } from 'graphql';
import { z } from 'zod';
import { type Tracer, untraced } from '../../events/tracing.ts';
import { asGraphQLError } from '../../schema/errors.ts';
import type { OperationReader } from '../documents/operations.ts';
import { type FormatError, formatAll } from '../errors.ts';
import { bearer, type TokenVerifier } from '../identity.ts';
import type { Allow } from '../limits.ts';
import { type RecordRequest, recordVisit, type Visit } from '../requests.ts';
import type { GatewayContext } from '../services/datasource.ts';
import type { Execute } from '../services/execution.ts';
import { beginOperation } from '../tracing.ts';
import { atEndOfTurn } from '../wire/turn.ts';
import { statusOfFailure } from './status.ts';

export type LaneOptions = {
  path: string;
  tokens: TokenVerifier;
  allow: Allow;
  read: OperationReader;
  execute: Execute;
  formatError: FormatError;
  record: RecordRequest;
  tracer?: Tracer;
  /** What every answer has: names and values in turn, which node takes without looking each up. */
  headers: readonly string[];
  /** Answers every other request. */
  otherwise: RequestListener;
};

/** What a POST of a GraphQL request holds. */
export const BODY = z.object({
  query: z.string().nullish(),
  documentId: z.string().nullish(),
  operationName: z.string().nullish(),
  variables: z.record(z.string(), z.unknown()).nullish(),
  extensions: z.record(z.string(), z.unknown()).nullish(),
});

/** The largest body of a request. */
export const BODY_BYTES_MAX = 100_000;

const JSON_UTF_8 = 'application/json; charset=utf-8';
const JSON_TYPE = /^application\/json(; ?charset=utf-8)?$/i;
const ACCEPTS_JSON = /^(\*\/\*|application\/json)(; ?charset=utf-8)?$/i;

/**
 * Answers what nearly every request is: a small JSON body, posted by somebody who may, for an answer in JSON. The layers of
 * Express and Apollo Server cost several times what its execution does, so it goes without them; whatever is unusual about a
 * request or wrong with it before its body is read is theirs (server.ts). Both hold it to the same rules.
 */
export function fastLane(options: LaneOptions): RequestListener {
  const { path, tokens, allow, otherwise } = options;

  async function enter(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedMs = performance.now();
    const identity = await tokens(bearer(request.headers.authorization)).then(
      caller => caller.identity,
      () => undefined,
    );
    // It says no in its own way; that the limit counts this request twice then changes nothing.
    if (!identity || !allow(identity.ownerId)) return otherwise(request, response);
    try {
      await serve(options, { request, response, startedMs, context: { identity } });
    } catch (error) {
      // What a service answered cannot be written as JSON: nested beyond measure, say.
      if (response.headersSent) return void response.destroy();
      response.writeHead(500, [...options.headers, 'content-type', JSON_UTF_8]);
      response.end(JSON.stringify({ errors: formatAll(options.formatError, [asGraphQLError(error)]) }));
    }
  }

  return (request, response) => {
    if (isUsual(request, path)) void enter(request, response);
    else otherwise(request, response);
  };
}

function isUsual({ method, url, headers }: IncomingMessage, path: string): boolean {
  const length = Number(headers['content-length']);
  return (
    method === 'POST' &&
    url === path &&
    JSON_TYPE.test(headers['content-type'] ?? '') &&
    ACCEPTS_JSON.test(headers.accept ?? '*/*') &&
    length > 0 &&
    length <= BODY_BYTES_MAX &&
    headers['content-encoding'] === undefined &&
    headers.expect === undefined
  );
}

type Exchange = { request: IncomingMessage; response: ServerResponse; startedMs: number; context: GatewayContext };

async function serve(options: LaneOptions, { request, response, startedMs, context }: Exchange): Promise<void> {
  const { read, execute, record, tracer = untraced } = options;
  const visit = recordVisit(record, request, response, startedMs);
  visit.ownerId = context.identity.ownerId;
  const text = await textOf(request).catch(() => undefined);
  // The client went away before it had sent what it announced.
  if (text === undefined) return;
  const body = BODY.safeParse(jsonOf(text)).data;
  if (!body) return refuse(options, response, visit, [badRequest(NO_REQUEST)]);
  const operation = read(body);
  if (!('definition' in operation)) return refuse(options, response, visit, operation);
  visit.kind = operation.definition.operation;
  visit.operationName = operation.definition.name?.value;
  if (visit.kind === 'subscription') return refuse(options, response, visit, [badRequest(SUBSCRIPTIONS_ELSEWHERE)]);
  const span = beginOperation(tracer, { ...visit, transport: 'http', headers: request.headers });
  const { correlationId } = visit;
  const result = await execute(operation, body.variables ?? {}, { ...context, trace: span.place, correlationId });
  span.end(result.errors?.[0]);
  send(options, response, visit, statusOfFailure(result) ?? (result.data === undefined ? 500 : 200), result);
}

function refuse(options: LaneOptions, response: ServerResponse, visit: Visit, errors: readonly GraphQLError[]): void {
  send(options, response, visit, 400, { errors: formatAll(options.formatError, errors) });
}

function send(
  { headers }: LaneOptions,
  response: ServerResponse,
  { correlationId }: Visit,
  status: number,
  result: FormattedExecutionResult,
): void {
  const text = `${JSON.stringify(result)}\n`;
  response.writeHead(status, [
    ...headers,
    ...['content-type', JSON_UTF_8],
    ...['content-length', String(Buffer.byteLength(text))],
    ...['cache-control', 'no-store'],
    ...['x-correlation-id', correlationId],
  ]);
  atEndOfTurn(() => response.end(text));
}

export const NO_REQUEST = 'The body is no GraphQL request in JSON, or was not sent as content-type: application/json.';
export const SUBSCRIPTIONS_ELSEWHERE = 'Subscriptions are executed over the graphql-transport-ws protocol only.';

/** A request that is wrong as HTTP. */
export const badRequest = (message: string): GraphQLError =>
  new GraphQLError(message, { extensions: { code: 'BAD_REQUEST' } });

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const BYTE_ORDER_MARK = /^\uFEFF/;

/** The body; node itself holds it to the length that was announced. */
function textOf(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => resolve(Buffer.concat(chunks).toString().replace(BYTE_ORDER_MARK, '')));
    request.once('error', reject);
  });
}
