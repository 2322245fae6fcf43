import type { ExecutionArgs, FormattedExecutionResult, GraphQLError, GraphQLSchema } from 'graphql';
import type { ServerOptions, SubscribePayload } from 'graphql-ws';
import type { Extra } from 'graphql-ws/use/ws';
import { type Tracer, untraced } from '../../events/tracing.ts';
import { asGraphQLError, clientError } from '../../schema/errors.ts';
import type { Operation, OperationReader } from '../documents/operations.ts';
import { type FormatError, formatAll, tooManyRequests } from '../errors.ts';
import type { Caller } from '../identity.ts';
import type { Allow, Limits } from '../limits.ts';
import type { Metrics } from '../metrics.ts';
import { correlationIdFrom, type RecordRequest } from '../requests.ts';
import type { GatewayContext } from '../services/datasource.ts';
import type { Execute } from '../services/execution.ts';
import type { Subscribe } from '../subscriptions/index.ts';
import { beginOperation, type Pushes } from '../tracing.ts';
import type { ConnectionParams } from '../wire/protocol.ts';

/** What is known of one socket, once it has said who it is. */
export type SocketState = {
  caller: Caller;
  /**
   * Its subscriptions. Not by id: a client may use an id again before the stream that had it has ended, and each of them
   * must be left when the socket is.
   */
  streams: Set<Stream>;
  /** Subscriptions that are accepted and not open yet. */
  opening: Set<Work>;
  /** Its queries and mutations that are not answered yet. */
  running: Set<Work>;
  closed: boolean;
  /** Called when it is closed. */
  release(): void;
};

export type MessagesOptions = {
  execute: Execute;
  /** The schema as it is now. */
  schema(): GraphQLSchema;
  read: OperationReader;
  subscribe: Subscribe<GatewayContext>;
  formatError: FormatError;
  record: RecordRequest;
  metrics: Metrics;
  limits: Limits;
  allow: Allow;
  stopping(): boolean;
  tracer?: Tracer;
  pushes?: Pushes | undefined;
};

/** graphql-ws's options, and what it keeps for us with every socket. */
export type SocketOptions = ServerOptions<ConnectionParams, Extra & { state?: SocketState }>;

export type MessageHooks = Pick<SocketOptions, 'onSubscribe' | 'execute' | 'subscribe' | 'onNext' | 'onError'>;

/** The results of a subscription. */
type Stream = Exclude<ReturnType<Subscribe<GatewayContext>>, FormattedExecutionResult>;

/** One operation on a socket, from the message that asks for it to its end. */
type Work = {
  operation: Operation;
  payload: SubscribePayload;
  state: SocketState;
  startedMs: number;
  correlationId: string;
  /** The answer to a query or a mutation. */
  answer?: FormattedExecutionResult;
};

/**
 * Executes what is asked for over sockets by the rules that hold over HTTP: the same documents are valid, the same
 * errors pass. None of the hooks throws, for graphql-ws would close the socket with the message of what was thrown.
 */
export function messageHooks(options: MessagesOptions): MessageHooks {
  const { schema, formatError, metrics, pushes, tracer = untraced } = options;
  return {
    onSubscribe({ extra: { state } }, _id, payload) {
      const work = accept(options, state, payload);
      if (!('operation' in work)) return work;
      const { opening, running } = work.state;
      (work.operation.definition.operation === 'subscription' ? opening : running).add(work);
      const { document, name = null } = work.operation;
      return { schema: schema(), document, operationName: name, contextValue: work };
    },

    async execute(args) {
      const work = workOf(args);
      const { operation, payload, state, correlationId } = work;
      const { operation: kind, name: named } = operation.definition;
      const span = beginOperation(tracer, { kind, transport: 'ws', operationName: named?.value, correlationId });
      const context = { identity: state.caller.identity, trace: span.place, correlationId };
      work.answer = await options.execute(operation, payload.variables ?? {}, context);
      span.end(work.answer.errors?.[0]);
      work.state.running.delete(work);
      recordWork(options, work, Boolean(work.answer.errors));
      return {};
    },

    subscribe(args) {
      const work = workOf(args);
      const stream = start(options, work);
      work.state.opening.delete(work);
      recordWork(options, work, 'errors' in stream);
      return unformatted(isStream(stream) ? counted(work.state, metrics, stream) : stream);
    },

    onNext(_context, _id, _payload, args, result) {
      const { answer } = workOf(args);
      if (answer) return answer;
      metrics.delivered.inc();
      pushes?.framed(result);
      return result;
    },

    onError: (_context, _id, _payload, errors) => formatAll(formatError, errors),
  };
}

/** The work that a message asks for, or why it is refused. */
function accept(
  options: MessagesOptions,
  state: SocketState | undefined,
  payload: SubscribePayload,
): Work | readonly GraphQLError[] {
  const startedMs = performance.now();
  // Before the document is read: to refuse one costs as much as to accept it.
  const unwelcome = state ? refusal(options, state) : tokenExpired();
  const operation = unwelcome ? [unwelcome] : options.read(payload);
  const valid = state && 'definition' in operation;
  const busy = valid ? tooBusy(options, state, operation) : undefined;
  if (valid && !busy) {
    return { operation, payload, state, startedMs, correlationId: correlationIdFrom(payload.extensions) };
  }
  const durationMs = performance.now() - startedMs;
  const ownerId = state?.caller.identity.ownerId;
  options.record({ transport: 'ws', kind: 'none', status: 'error', durationMs, ownerId });
  return 'definition' in operation ? [busy ?? tokenExpired()] : operation;
}

function refusal({ allow, stopping }: MessagesOptions, { caller }: SocketState): GraphQLError | undefined {
  if (caller.expiresAtMs <= Date.now()) return tokenExpired();
  if (stopping()) return clientError('UNAVAILABLE', 'This server is stopping. Connect again.');
  return allow(caller.identity.ownerId) ? undefined : tooManyRequests();
}

function tooBusy({ limits }: MessagesOptions, state: SocketState, { definition }: Operation): GraphQLError | undefined {
  const busy = definition.operation === 'subscription' ? state.streams.size + state.opening.size : state.running.size;
  if (busy < limits.subscriptions) return undefined;
  return clientError(
    'TOO_MANY_SUBSCRIPTIONS',
    `A socket can have ${limits.subscriptions} operations of a kind at one time.`,
  );
}

const tokenExpired = (): GraphQLError => clientError('UNAUTHENTICATED', 'The token is not valid any longer.');

// Results are formatted when they are made, once for all who get them; onNext hands them on as they are. graphql-ws's types
// have place only for results that it would format itself.
const unformatted = (started: unknown): ReturnType<NonNullable<MessageHooks['subscribe']>> =>
  started as ReturnType<NonNullable<MessageHooks['subscribe']>>;

const isStream = (started: ReturnType<Subscribe<GatewayContext>>): started is Stream => Symbol.asyncIterator in started;

/** A stream that counts as long as it is open, whichever way it ends. */
function counted({ streams, closed }: SocketState, { subscriptions }: Metrics, stream: Stream): Stream {
  type Step = Awaited<ReturnType<Stream['next']>>;
  function taken(step: Step): Step {
    if (step.done) end();
    return step;
  }
  function failed(error: unknown): never {
    end();
    throw error;
  }
  const held: Stream = {
    next: () => stream.next().then(taken, failed),
    async return() {
      end();
      await stream.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
  function end(): void {
    if (streams.delete(held)) subscriptions.dec();
  }
  streams.add(held);
  subscriptions.inc();
  // The socket may have gone while this was being accepted.
  if (closed) void held.return?.();
  return held;
}

function start(
  { subscribe, formatError }: MessagesOptions,
  { operation, payload, state }: Work,
): ReturnType<Subscribe<GatewayContext>> {
  const { identity } = state.caller;
  try {
    return subscribe({ operation, variables: payload.variables ?? undefined, context: { identity } });
  } catch (error) {
    return { errors: formatAll(formatError, [asGraphQLError(error)]) };
  }
}

function recordWork({ record }: MessagesOptions, work: Work, failed: boolean): void {
  const { operation, state, startedMs, correlationId } = work;
  record({
    correlationId,
    transport: 'ws',
    kind: operation.definition.operation,
    operationName: operation.definition.name?.value,
    status: failed ? 'error' : 'ok',
    durationMs: performance.now() - startedMs,
    ownerId: state.caller.identity.ownerId,
  });
}

// onSubscribe made it, and graphql-ws hands it on as it is.
const workOf = ({ contextValue }: ExecutionArgs): Work => contextValue as Work;
