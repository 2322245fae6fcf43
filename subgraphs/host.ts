import { buildSubgraphSchema } from '@apollo/subgraph';
import type { GraphQLResolverMap } from '@apollo/subgraph/dist/schema-helper/resolverMap.js';
import {
  type DocumentNode,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  parse,
  subscribe,
  validate,
} from 'graphql';
import type { Logger } from 'pino';
import { createCache } from '../events/cache.ts';
import { asGraphQLError, clientError, maskError } from '../schema/errors.ts';
import type { Identity, IdentityCodec } from '../schema/identity.ts';

/** What a resolver is given besides its arguments. */
export type RequestContext = { identity: Identity };

/** A service's resolvers: by type, by field. */
export type Resolvers = GraphQLResolverMap<RequestContext>;

/** One operation on one subgraph, as the gateway plans it. */
export type SubgraphRequest = {
  query: string;
  variables?: Record<string, unknown> | undefined;
  operationName?: string | undefined;
  /** The caller, as `IdentityCodec.sign` made it. */
  identity: string | undefined;
};

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
};

const CACHED_DOCUMENTS_MAX = 1_000;

/** Makes a service's SDL and resolvers an executable subgraph that answers nobody without a signed identity. */
export function hostSubgraph({
  name,
  sdl,
  resolvers,
  identities,
  log,
}: HostOptions): Subgraph & { schema: GraphQLSchema } {
  const schema = buildSubgraphSchema([{ typeDefs: parse(sdl), resolvers }]);
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

  async function argumentsOf(request: SubgraphRequest) {
    const identity = await identities.verify(request.identity).catch(() => {
      throw clientError('UNAUTHENTICATED', 'This service answers the gateway only.');
    });
    return {
      schema,
      document: documentOf(request.query),
      variableValues: request.variables ?? null,
      operationName: request.operationName ?? null,
      contextValue: { identity } satisfies RequestContext,
    };
  }

  const masked = (result: ExecutionResult): ExecutionResult =>
    result.errors ? { ...result, errors: result.errors.map(error => maskError(coded(error), log)) } : result;

  function refused(error: unknown): ExecutionResult {
    if (error instanceof GraphQLError) return { errors: [error] };
    return { errors: [maskError(asGraphQLError(error), log)] };
  }

  return {
    name,
    schema,
    async execute(request) {
      try {
        return masked(await execute(await argumentsOf(request)));
      } catch (error) {
        return refused(error);
      }
    },
    async subscribe(request) {
      try {
        const stream = await subscribe(await argumentsOf(request));
        return Symbol.asyncIterator in stream ? mapResults(stream, masked) : masked(stream);
      } catch (error) {
        return refused(error);
      }
    },
  };
}

/** Without a path nothing ran: GraphQL itself has refused the variables, and gives most of such errors no code. */
function coded(error: GraphQLError): GraphQLError {
  if (error.path || error.extensions.code) return error;
  const { message, nodes, extensions } = error;
  return new GraphQLError(message, { nodes, extensions: { ...extensions, code: 'BAD_USER_INPUT' } });
}

// By hand and not an async generator, whose return() waits behind a pending next() and would never reach the source.
function mapResults(
  source: AsyncGenerator<ExecutionResult, void, void>,
  map: (result: ExecutionResult) => ExecutionResult,
): AsyncIterableIterator<ExecutionResult> {
  const mapped = ({ done, value }: IteratorResult<ExecutionResult, void>): IteratorResult<ExecutionResult> =>
    done ? { done: true, value: undefined } : { done: false, value: map(value) };
  return {
    next: async () => mapped(await source.next()),
    return: async () => mapped(await source.return()),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
