import { buildSubgraphSchema } from '@apollo/subgraph';
import type { GraphQLResolverMap } from '@apollo/subgraph/dist/schema-helper/resolverMap.js';
import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLScalarType,
  type GraphQLSchema,
  isScalarType,
  parse,
  validate,
} from 'graphql';
import type { Logger } from 'pino';
import { createCache } from '../events/cache.ts';
import type { Origin } from '../events/outbox.ts';
import { type Tracer, untraced } from '../events/tracing.ts';
import { asGraphQLError, clientError, maskError } from '../schema/errors.ts';
import type { Identity, IdentityCodec } from '../schema/identity.ts';

/** What a resolver is given besides its arguments: who asks, and for whatever follows, where the question came from. */
export type RequestContext = Origin & { identity: Identity };

/** What a subscription's resolver may say beside an event: the place in its trace. It goes along with the result. */
export type Traced = { traceparent?: string | undefined };

/** A service's resolvers: by type, by field. What each takes and gives is in the service's own `generated.ts`. */
export type Resolvers = Readonly<Record<string, GraphQLScalarType | Readonly<Record<string, unknown>> | undefined>>;

/** One operation on one subgraph, as the gateway plans it. */
export type SubgraphRequest = {
  query: string;
  variables?: Record<string, unknown> | undefined;
  operationName?: string | undefined;
  /** The caller, as `IdentityCodec.sign` made it. */
  identity: string | undefined;
  /** The place in the caller's trace, and what the caller calls the request. */
  traceparent?: string | undefined;
  correlationId?: string | undefined;
};

/** The names of the last two, as headers and as a message's extensions. */
export const TRACE_HEADER = 'traceparent';
export const CORRELATION_HEADER = 'x-correlation-id';

/** A subgraph to whoever plans over it: the same whether it runs in this process or behind a socket. */
export type Subgraph = {
  name: string;
  /** Never rejects: what goes wrong is in `errors`, masked. */
  execute(request: SubgraphRequest): Promise<ExecutionResult>;
  /** Results until the stream ends; or one result with `errors` when it could not start. */
  subscribe(request: SubgraphRequest): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult>;
};

export type HostOptions = {
  name: string;
  /** The service's SDL, a Federation 2 subgraph. */
  sdl: string;
  resolvers: Resolvers;
  identities: IdentityCodec;
  log: Logger;
  tracer?: Tracer;
};

/** What a service shows of itself to whoever hosts it: its resolvers change when its data are replaced. */
export type Hosted = { readonly resolvers: Resolvers; onReplaced(listener: () => void): void };

/**
 * Resolvers that lead to those that the service has when they are called. Streams begun before its data were replaced end
 * with an error, so that whoever reads them opens them again.
 */
export function resolversOf(service: Hosted): Resolvers {
  const streams = new Set<AbortController>();
  service.onReplaced(() => {
    for (const stream of streams) stream.abort();
  });
  type Call = (...args: unknown[]) => unknown;
  type Fields = Record<string, Call | { subscribe: Call } | undefined>;
  // GraphQL's own types say nothing of the arguments of each field.
  const fieldsOf = (type: string) => service.resolvers[type] as unknown as Fields;

  function callOf(type: string, field: string): Call {
    return (...args) => (fieldsOf(type)[field] as Call)(...args);
  }

  function subscribeOf(type: string, field: string): Call {
    return async (...args) => {
      const { subscribe } = fieldsOf(type)[field] as { subscribe: Call };
      const source = (await subscribe(...args)) as AsyncIterableIterator<unknown>;
      const replaced = new AbortController();
      streams.add(replaced);
      return until(replaced.signal, source, () => streams.delete(replaced));
    };
  }

  const types = Object.entries(service.resolvers).map(([type, fields]) => {
    if (isScalarType(fields)) return [type, fields];
    const led = Object.entries(fields as unknown as Fields).map(([field, value]) => {
      if (typeof value === 'function') return [field, callOf(type, field)];
      return [field, value && 'subscribe' in value ? { ...value, subscribe: subscribeOf(type, field) } : value];
    });
    return [type, Object.fromEntries(led)];
  });
  return Object.fromEntries(types);
}

/** What a source says until a signal is given; then it is left, and whoever waits gets an error. */
function until<Value>(
  signal: AbortSignal,
  source: AsyncIterableIterator<Value>,
  onEnd: () => void,
): AsyncIterableIterator<Value> {
  const replaced = () => new Error('the data behind the stream were replaced');
  let fail: (error: Error) => void = () => undefined;
  async function leave(): Promise<IteratorResult<Value>> {
    onEnd();
    await source.return?.();
    return { done: true, value: undefined };
  }
  signal.addEventListener('abort', () => {
    fail(replaced());
    void leave();
  });
  return {
    // Not Promise.race: whatever raced against a promise that stays open is kept as long as that is.
    next: () =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(replaced());
        fail = reject;
        source.next().then(step => {
          if (step.done) onEnd();
          resolve(step);
        }, reject);
      }),
    return: leave,
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

const CACHED_DOCUMENTS_MAX = 1_000;

/** Makes a service's SDL and resolvers an executable subgraph that answers nobody without a signed identity. */
export function hostSubgraph({
  name,
  sdl,
  resolvers,
  identities,
  log,
  tracer = untraced,
}: HostOptions): Subgraph & { schema: GraphQLSchema } {
  // Apollo's type knows neither fields without a resolver nor the arguments of those that have one.
  const schema = buildSubgraphSchema([{ typeDefs: parse(sdl), resolvers: resolvers as GraphQLResolverMap<unknown> }]);
  const documents = createCache<DocumentNode>(CACHED_DOCUMENTS_MAX);

  function documentOf(query: string): DocumentNode {
    const known = documents.get(query);
    if (known) return known;
    const document = parse(query);
    const errors = validate(schema, document);
    if (errors[0]) throw errors[0];
    documents.set(query, document);
    return document;
  }

  async function argumentsOf(request: SubgraphRequest, trace?: string) {
    const identity = await identities.verify(request.identity).catch(() => {
      throw clientError('UNAUTHENTICATED', 'This service answers the gateway only.');
    });
    return {
      schema,
      document: documentOf(request.query),
      variableValues: request.variables ?? null,
      operationName: request.operationName ?? null,
      contextValue: { identity, trace, correlationId: request.correlationId } satisfies RequestContext,
    };
  }

  /** Its lines say which request they belong to. */
  const logOf = ({ correlationId }: SubgraphRequest): Logger => (correlationId ? log.child({ correlationId }) : log);

  function masked(request: SubgraphRequest, result: ExecutionResult): ExecutionResult {
    if (!result.errors) return result;
    const own = logOf(request);
    return { ...result, errors: result.errors.map(error => maskError(coded(error), own)) };
  }

  function refused(request: SubgraphRequest, error: unknown): ExecutionResult {
    if (error instanceof GraphQLError) return { errors: [error] };
    return { errors: [maskError(asGraphQLError(error), logOf(request))] };
  }

  async function answer(request: SubgraphRequest, trace?: string): Promise<ExecutionResult> {
    try {
      return masked(request, await execute(await argumentsOf(request, trace)));
    } catch (error) {
      return refused(request, error);
    }
  }

  async function resultOf(request: SubgraphRequest, given: ExecutionArgs, event: unknown): Promise<ExecutionResult> {
    const result = masked(request, await execute({ ...given, rootValue: event }));
    const { traceparent } = (event ?? {}) as Traced;
    return traceparent ? { ...result, extensions: { ...result.extensions, [TRACE_HEADER]: traceparent } } : result;
  }

  return {
    name,
    schema,
    async execute(request) {
      if (!tracer.active || !request.traceparent) return answer(request);
      const { operationName, traceparent: parent } = request;
      const span = tracer.begin(`answer ${operationName ?? 'a query'}`, { kind: 'server', parent });
      const result = await answer(request, span.place);
      span.end(result.errors?.[0]);
      return result;
    },
    async subscribe(request) {
      try {
        const given = await argumentsOf(request);
        const stream = await createSourceEventStream(given);
        // What GraphQL's own `subscribe` does, and each result goes with the place of its event.
        if (!isStream(stream)) return masked(request, stream);
        return mapEvents(stream, event => resultOf(request, given, event));
      } catch (error) {
        return refused(request, error);
      }
    },
  };
}

const isStream = (started: AsyncIterable<unknown> | ExecutionResult): started is AsyncIterable<unknown> =>
  Symbol.asyncIterator in started;

/** Without a path nothing ran: GraphQL itself has refused the variables, and gives most of such errors no code. */
function coded(error: GraphQLError): GraphQLError {
  if (error.path || error.extensions.code) return error;
  const { message, nodes, extensions } = error;
  return new GraphQLError(message, { nodes, extensions: { ...extensions, code: 'BAD_USER_INPUT' } });
}

// By hand and not an async generator, whose return() waits behind a pending next() and would never reach the source.
function mapEvents(
  stream: AsyncIterable<unknown>,
  map: (event: unknown) => Promise<ExecutionResult>,
): AsyncIterableIterator<ExecutionResult> {
  const source = stream[Symbol.asyncIterator]();
  return {
    async next() {
      const { done, value } = await source.next();
      return done ? { done: true, value: undefined } : { done: false, value: await map(value) };
    },
    async return() {
      await source.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
