import { randomUUID } from 'node:crypto';
import type { GraphQLError, GraphQLFormattedError } from 'graphql';
import type { Logger } from 'pino';
import { z } from 'zod';
import { clientError } from '../schema/errors.ts';

/** The codes with which an error is meant for the client: ours, then those of Apollo's server and router. */
export const DELIBERATE: ReadonlySet<unknown> = new Set([
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'BAD_USER_INPUT',
  'INSUFFICIENT_FUNDS',
  'IDEMPOTENCY_KEY_REUSED',
  'NOT_FOUND',
  'TIMEOUT',
  'UNAVAILABLE',
  'TOO_MANY_SUBSCRIPTIONS',
  'SUBGRAPH_STREAM_LOST',
  'SUBSCRIPTION_SCHEMA_RELOAD',
  'TOO_MANY_REQUESTS',
  'BAD_REQUEST',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_SUPPORTED',
  'PERSISTED_QUERY_NOT_IN_LIST',
  'QUERY_NOT_IN_SAFELIST',
]);

/** The code of all others. */
export const UNEXPECTED = 'INTERNAL_SERVER_ERROR';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const SUGGESTIONS = / ?Did you mean .+\?$/;

/** Makes of an error what a client may see; the shape of Apollo Server's own `formatError`. */
export type FormatError = (
  formatted: GraphQLFormattedError,
  error: unknown,
  /** Of the request, for the log. */
  correlationId?: string,
) => GraphQLFormattedError;

/**
 * Only deliberate errors pass, and of them only message, place and code. Of any other the client gets an id: the one
 * under which the subgraph logged it, or a new one under which it is logged here.
 *
 * @param suggestions whether "Did you mean" may name parts of the schema.
 * @param count hears the code of each that is told.
 */
export function errorFormatter(options: {
  log: Logger;
  suggestions: boolean;
  count: (code: string) => void;
}): FormatError {
  const { log, suggestions, count } = options;
  return ({ message, locations, path, extensions }, error, correlationId) => {
    const at = { ...(locations && { locations }), ...(path && { path }) };
    const code = extensions?.code;
    const isDeliberate = DELIBERATE.has(code);
    count(isDeliberate ? String(code) : UNEXPECTED);
    if (isDeliberate) {
      return { message: suggestions ? message : message.replace(SUGGESTIONS, ''), ...at, extensions: { code } };
    }
    const errorId = loggedId(extensions?.errorId) ?? randomUUID();
    if (errorId !== extensions?.errorId) log.error({ err: error, errorId, path, correlationId }, 'unexpected error');
    return {
      message: `Unexpected error ${errorId}`,
      ...at,
      extensions: { code: UNEXPECTED, errorId },
    };
  };
}

const loggedId = (id: unknown): string | undefined => (typeof id === 'string' && UUID.test(id) ? id : undefined);

/** The same for errors that did not come through Apollo Server. */
export const formatAll = (
  format: FormatError,
  errors: readonly GraphQLError[],
  correlationId?: string,
): GraphQLFormattedError[] => errors.map(error => format(error.toJSON(), error, correlationId));

/** The caller asks more often than is allowed. */
export const tooManyRequests = (): GraphQLError =>
  clientError('TOO_MANY_REQUESTS', 'Too many requests. Wait a minute.');

/** The schema changed under a running subscription. */
export const schemaReloaded = (): GraphQLError =>
  clientError('SUBSCRIPTION_SCHEMA_RELOAD', 'The schema has changed. Subscribe again.');

// What Express's own middleware throws at a request that is wrong as HTTP, and what a route may throw likewise.
const HTTP_REFUSAL = z.object({
  status: z.number().min(400).max(499),
  message: z.string(),
  expose: z.literal(true),
});

/** The status and message of an error that says what is wrong with the request; undefined for any other error. */
export const httpRefusal = (error: unknown): { status: number; message: string } | undefined =>
  HTTP_REFUSAL.safeParse(error).data;
