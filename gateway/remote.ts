import { type ExecutionResult, GraphQLError } from 'graphql';
import { createClient } from 'graphql-ws';
import type { Logger } from 'pino';
import { Pool } from 'undici';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { clientError } from '../schema/errors.ts';
import { IDENTITY_HEADER } from '../schema/identity.ts';
import type { Subgraph, SubgraphRequest } from '../subgraphs/host.ts';
import { FETCH_TIMEOUT_MS } from './datasource.ts';
import { mailbox } from './subscriptions/mailbox.ts';

/** A subgraph behind a socket, and the connections to it. */
export type RemoteSubgraph = Subgraph & {
  /** Closes the connections; what still runs on them fails. */
  stop(): Promise<void>;
};

export type RemoteOptions = {
  name: string;
  /** Where it answers GraphQL over HTTP, and graphql-transport-ws on the same path. */
  url: string;
  log: Logger;
};

const CONNECTIONS_MAX = 64;
const CONNECT_TIMEOUT_MS = 2_000;
const RESPONSE_BYTES_MAX = 16_000_000;
const PING_MS = 10_000;
const PONG_TIMEOUT_MS = 5_000;
/** The shared socket stays open this long after its last subscription. */
const LINGER_MS = 10_000;
/** Results that may wait on the socket for whoever reads the stream, who reads at once. */
const WAITING_MAX = 1_000;

/**
 * Reaches a subgraph in another process: queries and mutations over kept-alive HTTP connections, all subscriptions over
 * one socket, opened with the first. A stream that breaks rejects, also when there was nobody to connect to; whoever
 * reads it opens it again, with a new identity (see subscriptions/upstream.ts), so the client itself never retries.
 */
export function remoteSubgraph({ name, url, log }: RemoteOptions): RemoteSubgraph {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, {
    connections: CONNECTIONS_MAX,
    connectTimeout: CONNECT_TIMEOUT_MS,
    headersTimeout: FETCH_TIMEOUT_MS,
    bodyTimeout: FETCH_TIMEOUT_MS,
    maxResponseSize: RESPONSE_BYTES_MAX,
  });
  const socket = sharedSocket(url);

  async function fetch({ identity, ...body }: SubgraphRequest): Promise<ExecutionResult> {
    const headers = { 'content-type': 'application/json', ...(identity && { [IDENTITY_HEADER]: identity }) };
    const response = await pool.request({ method: 'POST', path: pathname, headers, body: JSON.stringify(body) });
    return revive(await response.body.json());
  }

  return {
    name,
    async execute(request) {
      try {
        return await fetch(request);
      } catch (error) {
        log.warn({ err: error, subgraph: name }, 'a subgraph is out of reach');
        return { errors: [outOfReach()] };
      }
    },
    async subscribe({ query, variables, operationName, identity }) {
      const extensions = { [IDENTITY_HEADER]: identity };
      const box = mailbox<ExecutionResult>({
        capacity: WAITING_MAX,
        fold: (_, newer) => newer,
        onReturn: () => leave(),
      });
      const leave = socket.subscribe<ExecutionResult['data']>(
        { query, variables, operationName, extensions },
        {
          next: result => box.push(revive(result)),
          error: reason => box.end(lost(reason)),
          complete: () => box.end(),
        },
      );
      return box.values;
    },
    async stop() {
      // With nobody connected there is nothing to dispose of, and graphql-ws says so by rejecting.
      await Promise.allSettled([socket.dispose(), pool.destroy()]);
    },
  };
}

/** graphql-ws takes a constructor and nothing to tell it, and ws alone waits for ever for a host that is silent. */
class BoundedSocket extends WebSocket {
  constructor(url: string, protocol: string) {
    super(url, protocol, { handshakeTimeout: CONNECT_TIMEOUT_MS, maxPayload: RESPONSE_BYTES_MAX });
  }
}

function sharedSocket(url: string) {
  let pong: NodeJS.Timeout | undefined;
  const socket = createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: BoundedSocket,
    lazyCloseTimeout: LINGER_MS,
    connectionAckWaitTimeout: CONNECT_TIMEOUT_MS,
    retryAttempts: 0,
    keepAlive: PING_MS,
    on: {
      // A half-open connection would else stay silent for ever.
      ping(received) {
        if (!received) pong = setTimeout(() => socket.terminate(), PONG_TIMEOUT_MS);
      },
      pong(received) {
        if (received) clearTimeout(pong);
      },
      closed: () => clearTimeout(pong),
    },
  });
  return socket;
}

const outOfReach = (): GraphQLError =>
  clientError('UNAVAILABLE', 'A part of the system cannot be reached right now. Try again.');

// A close event, or an error event of a socket that never opened.
const CLOSED = z.object({ code: z.number().optional(), message: z.string().optional() });

function lost(reason: unknown): Error {
  if (Array.isArray(reason)) return new Error('the subgraph ended the stream with an error', { cause: reason });
  if (reason instanceof Error) return reason;
  const closed = CLOSED.safeParse(reason).data;
  return new Error(`the socket to the subgraph closed: ${closed?.code ?? closed?.message ?? 'it is not known why'}`);
}

const RESPONSE = z
  .object({
    data: z.record(z.string(), z.unknown()).nullish(),
    errors: z
      .array(
        z.object({
          message: z.string(),
          path: z.array(z.union([z.string(), z.number()])).nullish(),
          extensions: z.record(z.string(), z.unknown()).nullish(),
        }),
      )
      .optional(),
    extensions: z.record(z.string(), z.unknown()).optional(),
  })
  .refine(({ data, errors }) => data !== undefined || errors !== undefined);

/** JSON of a response made a result again, with real errors. @throws when it is no GraphQL response. */
function revive(json: unknown): ExecutionResult {
  const { errors, ...result } = RESPONSE.parse(json);
  return errors ? { ...result, errors: errors.map(({ message, ...at }) => new GraphQLError(message, at)) } : result;
}
