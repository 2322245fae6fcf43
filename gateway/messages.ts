import type { ApolloServer } from '@apollo/server';
import { type ExecutionArgs, type FormattedExecutionResult, GraphQLError, type GraphQLSchema } from 'graphql';
import type { ServerOptions, SubscribePayload } from 'graphql-ws';
import type { Extra } from 'graphql-ws/use/ws';
import { clientError } from '../schema/errors.ts';
import type { GatewayContext } from './datasource.ts';
import { type FormatError, formatAll } from './errors.ts';
import type { Caller } from './identity.ts';
import type { Metrics } from './metrics.ts';
import type { Operation, OperationReader } from './operations.ts';
import type { RecordRequest } from './requests.ts';
import type { Subscribe } from './subscriptions/index.ts';

/** What is known of one socket, once it has said who it is. */
export type SocketState = {
  caller: Caller;
  /** The ids of its subscriptions. */
  streams: Set<string>;
  /** Its queries and mutations that are not answered yet. */
  running: Set<Promise<unknown>>;
};

export type MessagesOptions = {
  apollo: ApolloServer<GatewayContext>;
  schema: GraphQLSchema;
  read: OperationReader;
  subscribe: Subscribe;
  formatError: FormatError;
  record: RecordRequest;
  metrics: Metrics;
  /** Subscriptions of one socket, and apart from them its queries and mutations at one time. */
  subscriptionsMax: number;
  stopping(): boolean;
};

/** graphql-ws's options, and what it keeps for us with every socket. */
export type SocketOptions = ServerOptions<Record<string, unknown> | undefined, Extra & { state?: SocketState }>;

export type MessageHooks = Pick<
  SocketOptions,
  'onSubscribe' | 'execute' | 'subscribe' | 'onNext' | 'onError' | 'onComplete'
>;

/** One operation on a socket, from the message that asks for it to its end. */
type Work = {
  operation: Operation;
  payload: SubscribePayload;
  state: SocketState;
  startedMs: number;
  /** Apollo's answer, which is formatted already. */
  answer?: FormattedExecutionResult;
};

/**
 * Executes what is asked for over sockets by the rules that hold over HTTP: the same documents are valid, the same
 * errors pass. None of the hooks throws, for graphql-ws would close the socket with the message of what was thrown.
 */
export function messageHooks(options: MessagesOptions): MessageHooks {
  const { apollo, schema, read, subscribe, formatError, record, metrics } = options;

  function recordWork({ operation, state, startedMs }: Work, failed: boolean): void {
    record({
      transport: 'ws',
      kind: operation.definition.operation,
      operationName: operation.definition.name?.value,
      status: failed ? 'error' : 'ok',
      durationMs: performance.now() - startedMs,
      ownerId: state.caller.identity.ownerId,
    });
  }

  async function ask({ payload, state }: Work): Promise<FormattedExecutionResult> {
    const { query, variables, operationName } = payload;
    const { body } = await apollo.executeOperation(
      { query, ...(variables && { variables }), ...(operationName && { operationName }) },
      { contextValue: { identity: state.caller.identity } },
    );
    if (body.kind !== 'single') throw new Error('an answer in parts');
    return body.singleResult;
  }

  return {
    onSubscribe({ extra: { state } }, id, payload) {
      const startedMs = performance.now();
      const operation = state ? read(payload.query, payload.operationName) : [tokenExpired()];
      const refused = state && 'definition' in operation ? refusal(options, state, operation) : undefined;
      if (!state || refused || !('definition' in operation)) {
        const ownerId = state?.caller.identity.ownerId;
        record({ transport: 'ws', kind: 'none', status: 'error', durationMs: performance.now() - startedMs, ownerId });
        return refused ? [refused] : 'definition' in operation ? [tokenExpired()] : operation;
      }
      if (operation.definition.operation === 'subscription') {
        state.streams.add(id);
        metrics.subscriptions.inc();
      }
      const contextValue: Work = { operation, payload, state, startedMs };
      return { schema, document: operation.document, operationName: operation.name ?? null, contextValue };
    },

    async execute(args) {
      const work = workOf(args);
      const running = ask(work).catch(error => ({ errors: formatAll(formatError, [unexpected(error)]) }));
      work.state.running.add(running);
      work.answer = await running;
      work.state.running.delete(running);
      recordWork(work, Boolean(work.answer.errors));
      return {};
    },

    subscribe(args) {
      const work = workOf(args);
      const { operation, payload, state } = work;
      let stream: ReturnType<Subscribe>;
      try {
        const { identity } = state.caller;
        stream = subscribe({ operation, variables: payload.variables ?? undefined, context: { identity } });
      } catch (error) {
        stream = { errors: [unexpected(error)] };
      }
      recordWork(work, 'errors' in stream);
      return stream;
    },

    onNext(_context, _id, _payload, args, { errors, ...result }) {
      const { answer } = workOf(args);
      if (answer) return answer;
      metrics.delivered.inc();
      return errors ? { ...result, errors: formatAll(formatError, errors) } : result;
    },

    onError: (_context, _id, _payload, errors) => formatAll(formatError, errors),

    onComplete({ extra: { state } }, id) {
      if (state?.streams.delete(id)) metrics.subscriptions.dec();
    },
  };
}

function refusal(options: MessagesOptions, state: SocketState, { definition }: Operation): GraphQLError | undefined {
  const { subscriptionsMax, stopping } = options;
  if (state.caller.expiresAtMs <= Date.now()) return tokenExpired();
  if (stopping()) return clientError('UNAVAILABLE', 'This server is stopping. Connect again.');
  const busy = definition.operation === 'subscription' ? state.streams.size : state.running.size;
  if (busy < subscriptionsMax) return undefined;
  return clientError('TOO_MANY_SUBSCRIPTIONS', `A socket can have ${subscriptionsMax} of them at one time.`);
}

const tokenExpired = (): GraphQLError => clientError('UNAUTHENTICATED', 'The token is not valid any longer.');

// onSubscribe made it, and graphql-ws hands it on as it is.
const workOf = ({ contextValue }: ExecutionArgs): Work => contextValue as Work;

function unexpected(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const originalError = error instanceof Error ? error : new Error(String(error));
  return new GraphQLError(originalError.message, { originalError });
}
