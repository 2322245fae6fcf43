import { setTimeout as delay } from 'node:timers/promises';
import { type ExecutionArgs, type ExecutionResult, GraphQLError, type GraphQLSchema } from 'graphql';
import type { Extra } from 'graphql-ws/use/ws';
import type { Logger } from 'pino';
import type { Histogram } from 'prom-client';
import { WebSocketServer } from 'ws';
import { clientError, maskError } from '../../schema/errors.ts';
import { IDENTITY_HEADER, type IdentityCodec } from '../../schema/identity.ts';
import { CORRELATION_HEADER, type Subgraph, type SubgraphRequest, TRACE_HEADER } from '../../subgraphs/host.ts';
import { CorkedSocket } from '../wire/corking.ts';
import type { Listener } from '../wire/listener.ts';
import { serveProtocol } from '../wire/protocol.ts';
import type { DocumentReader } from './subgraph.ts';

export type SubgraphSocketsOptions = {
  door: Listener;
  path: string;
  subgraph: Subgraph & { schema: GraphQLSchema };
  identities: IdentityCodec;
  documentOf: DocumentReader;
  duration: Histogram;
  log: Logger;
};

/** The representations of a whole page travel in one message. */
const MESSAGE_BYTES_MAX = 4_000_000;
const POLL_MS = 20;

/**
 * Serves a subgraph over sockets, each of which carries the operations of many callers.
 *
 * @returns what refuses new operations, lets those that run finish, and then closes every socket with 1001.
 */
export function serveSubgraphSockets(options: SubgraphSocketsOptions): { stop(timeoutMs: number): Promise<void> } {
  const { door, path, subgraph, identities, documentOf, duration, log } = options;
  const sockets = new WebSocketServer({
    server: door.server,
    path,
    WebSocket: CorkedSocket,
    maxPayload: MESSAGE_BYTES_MAX,
  });
  let running = 0;

  async function answer(request: SubgraphRequest): Promise<ExecutionResult> {
    const end = duration.startTimer({ subgraph: subgraph.name, transport: 'ws' });
    running++;
    try {
      const result = await subgraph.execute(request);
      end({ status: result.errors ? 'error' : 'ok' });
      return result;
    } finally {
      running--;
    }
  }

  const close = serveProtocol(
    {
      // Refused, a connection is closed with 4403.
      onConnect: ({ extra, connectionParams }) =>
        identities.verifyConnection(firstIdentity(connectionParams, headersOf(extra))).then(
          () => true,
          () => false,
        ),
      onSubscribe({ extra, connectionParams }, _id, { query, variables, operationName, extensions }) {
        if (door.stopping()) return [clientError('UNAVAILABLE', 'This service is stopping. Ask again.')];
        const contextValue: SubgraphRequest = {
          query,
          variables: variables ?? undefined,
          operationName: operationName ?? undefined,
          identity: firstIdentity(extensions, connectionParams, headersOf(extra)),
          traceparent: textIn(extensions?.[TRACE_HEADER]),
          correlationId: textIn(extensions?.[CORRELATION_HEADER]),
        };
        const { schema } = subgraph;
        try {
          return { schema, document: documentOf(query), operationName: operationName ?? null, contextValue };
        } catch (error) {
          return [
            error instanceof GraphQLError ? error : clientError('BAD_USER_INPUT', 'The document cannot be read.'),
          ];
        }
      },
      execute: args => answer(requestOf(args)),
      subscribe: args => subgraph.subscribe(requestOf(args)),
      onError: (_context, _id, _payload, errors) => errors.map(error => maskError(error, log).toJSON()),
    },
    sockets,
    { log },
  );

  return {
    async stop(timeoutMs) {
      for (const endMs = Date.now() + timeoutMs; running > 0 && Date.now() < endMs; ) await delay(POLL_MS);
      await close();
    },
  };
}

// onSubscribe made it, and graphql-ws hands it on as it is.
const requestOf = ({ contextValue }: ExecutionArgs): SubgraphRequest => contextValue as SubgraphRequest;

const TEXT_CHARS_MAX = 100;
/** What is only told to logs and traces. */
export const textIn = (value: unknown): string | undefined =>
  typeof value === 'string' && value.length <= TEXT_CHARS_MAX ? value : undefined;

const headersOf = ({ request }: Extra): Record<string, unknown> => request.headers;

function firstIdentity(...places: (Record<string, unknown> | null | undefined)[]): string | undefined {
  return places.map(place => place?.[IDENTITY_HEADER]).find(identity => typeof identity === 'string');
}
