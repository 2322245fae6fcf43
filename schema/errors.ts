import { randomUUID } from 'node:crypto';
import { GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import { isUnavailable } from '../events/errors.ts';
import type { Identity } from './identity.ts';

/** The codes a client can meet in `extensions.code`, besides Apollo's own for parsing and validation. */
export type ErrorCode =
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'BAD_USER_INPUT'
  | 'INSUFFICIENT_FUNDS'
  | 'IDEMPOTENCY_KEY_REUSED'
  | 'NOT_FOUND'
  | 'TIMEOUT'
  | 'UNAVAILABLE'
  | 'TOO_MANY_SUBSCRIPTIONS'
  | 'TOO_MANY_REQUESTS'
  | 'SUBGRAPH_STREAM_LOST'
  | 'SUBSCRIPTION_SCHEMA_RELOAD'
  | 'INTERNAL_SERVER_ERROR';

/** A deliberate error: its message is written for the client and reaches it as it is. */
export function clientError(code: ErrorCode, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } });
}

/** What was thrown, as GraphQL knows errors: as it is, or wrapped. It says nothing to clients until it is masked. */
export function asGraphQLError(thrown: unknown): GraphQLError {
  if (thrown instanceof GraphQLError) return thrown;
  const originalError = thrown instanceof Error ? thrown : new Error(String(thrown));
  return new GraphQLError(originalError.message, { originalError });
}

/**
 * Lets an owner pass to what is their own, and an operator to everything. The account service has checked the caller
 * before the gateway asks another service about an account; this is so that no service has to trust that.
 */
export function assertOwner(ownerId: string | undefined, identity: Identity): void {
  if (identity.operator || (ownerId !== undefined && ownerId === identity.ownerId)) return;
  throw clientError('FORBIDDEN', 'This is not your account.');
}

/** @throws FORBIDDEN for everybody but operators. */
export function assertOperator({ operator }: Identity): void {
  if (!operator) throw clientError('FORBIDDEN', 'Only operators may do this.');
}

/** Whether a write was made that nobody could say was made is not known: so a mutation is tried again, and counts once. */
export const outOfReach = (): GraphQLError =>
  clientError(
    'UNAVAILABLE',
    'A part of the system cannot be reached right now. Try again; a mutation with the same idempotencyKey, for it may have happened.',
  );

/**
 * What a client may see of an error that a resolver threw. Deliberate errors and GraphQL's own pass; a store or queue
 * that cannot be reached becomes UNAVAILABLE; anything else is logged under an id, and the client gets only the id.
 */
export function maskError(error: GraphQLError, log: Logger): GraphQLError {
  const cause = error.originalError;
  if (!cause || cause instanceof GraphQLError) return error;
  const at = { nodes: error.nodes, path: error.path };
  if (isUnavailable(cause)) {
    // Where it was thrown says nothing about a server that is away.
    log.warn({ reason: cause.message, path: error.path }, 'a store or the queue is out of reach');
    const { message, extensions } = outOfReach();
    return new GraphQLError(message, { ...at, extensions });
  }
  const errorId = randomUUID();
  log.error({ err: cause, errorId, path: error.path }, 'unexpected error');
  return new GraphQLError(`Unexpected error ${errorId}`, {
    ...at,
    extensions: { code: 'INTERNAL_SERVER_ERROR', errorId },
  });
}
