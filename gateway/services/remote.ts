import { type ExecutionResult, type FormattedExecutionResult, GraphQLError } from 'graphql';
import { type Client, createClient, type Sink } from 'graphql-ws';
import type { Logger } from 'pino';
import { z } from 'zod';
import { outOfReach } from '../../schema/errors.ts';
import { IDENTITY_HEADER, type IdentityCodec } from '../../schema/identity.ts';
import { CORRELATION_HEADER, type Subgraph, type SubgraphRequest, TRACE_HEADER } from '../../subgraphs/host.ts';
import { mailbox } from '../subscriptions/mailbox.ts';
import { CorkedSocket } from '../wire/corking.ts';

/** A subgraph behind a socket, and the connections to it. */
export type RemoteSubgraph = Subgraph & {
  /** Closes the connections; what still runs on them fails. */
  stop(): Promise<void>;
};

export type RemoteOptions = {
  name: string;
  /** Where it answers GraphQL over HTTP, and graphql-transport-ws on the same path. */
  url: string;
  /** Signs what the socket is opened with. */
  identities: IdentityCodec;
  log: Logger;
};

/** Sockets to one service: several reach several processes of it, when a balancer stands before them. */
const SOCKETS = 4;
const CONNECT_TIMEOUT_MS = 2_000;
const RESPONSE_BYTES_MAX = 16_000_000;
const PING_MS = 10_000;
const PONG_TIMEOUT_MS = 5_000;
/** A socket stays open this long after its last operation. */
const LINGER_MS = 60_000;
/** Results that may wait on the socket for whoever reads the stream, who reads at once. */
const WAITING_MAX = 1_000;

/**
 * Reaches a subgraph in another process over a few graphql-transport-ws sockets, opened when they are needed and shared by all
 * callers: a query costs a message each way, and those of one turn share a system call. All streams come over the first of them,
 * so that events that belong together arrive together. The gateway opens them in its own name,
 * and each operation brings its caller's identity.
 *
 * What runs on a socket that breaks fails, also when there was nobody to connect to: queries and mutations with
 * UNAVAILABLE, and a stream rejects. Whoever reads it opens it again, with a new identity (see subscriptions/upstream.ts), so
 * the client itself never retries.
 */
export function remoteSubgraph({ name, url, identities, log }: RemoteOptions): RemoteSubgraph {
  const sockets = Array.from({ length: SOCKETS }, () => sharedSocket(url, identities));
  const [streams] = sockets;
  let turn = 0;
  let turning = false;

  /** The same within one turn of the event loop, so that what is asked then leaves together. */
  function next(): Client | undefined {
    if (!turning) {
      turning = true;
      turn++;
      process.nextTick(() => {
        turning = false;
      });
    }
    return sockets[turn % SOCKETS];
  }

  function send(socket: Client | undefined, request: SubgraphRequest, sink: Sink<Result>) {
    if (!socket) throw new Error('no socket');
    const { identity, traceparent, correlationId, ...operation } = request;
    const extensions = {
      [IDENTITY_HEADER]: identity,
      [TRACE_HEADER]: traceparent,
      [CORRELATION_HEADER]: correlationId,
    };
    return socket.subscribe<Record<string, unknown>, Record<string, unknown>>({ ...operation, extensions }, sink);
  }

  return {
    name,
    execute: request =>
      new Promise(resolve => {
        let answered = false;
        send(next(), request, {
          next(result) {
            answered = true;
            resolve(revive(result));
          },
          error(reason) {
            if (isRefusal(reason)) return resolve(revive({ errors: reason }));
            const { correlationId } = request;
            log.warn({ err: lost(reason), subgraph: name, correlationId }, 'a subgraph is out of reach');
            resolve({ errors: [outOfReach()] });
          },
          // An answer is completed too, and to make an error costs more than the rest of the fetch.
          complete: () => answered || resolve({ errors: [outOfReach()] }),
        });
      }),
    async subscribe(request) {
      const box = mailbox<ExecutionResult>({
        capacity: WAITING_MAX,
        fold: (_, newer) => newer,
        onReturn: () => leave(),
      });
      const leave = send(streams, request, {
        next: result => box.push(revive(result)),
        error: reason => box.end(lost(reason)),
        complete: () => box.end(),
      });
      return box.values;
    },
    async stop() {
      // With nobody connected there is nothing to dispose of, and graphql-ws says so by rejecting.
      await Promise.allSettled(sockets.map(async socket => socket.dispose()));
    },
  };
}

/** graphql-ws takes a constructor and nothing to tell it, and ws alone waits for ever for a host that is silent. */
class BoundedSocket extends CorkedSocket {
  constructor(url: string, protocol: string) {
    super(url, protocol, { handshakeTimeout: CONNECT_TIMEOUT_MS, maxPayload: RESPONSE_BYTES_MAX });
    this.once('upgrade', ({ socket }) => this.cork(socket));
  }
}

function sharedSocket(url: string, identities: IdentityCodec) {
  let pong: NodeJS.Timeout | undefined;
  let made = 0;
  const socket = createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: BoundedSocket,
    connectionParams: async () => ({ [IDENTITY_HEADER]: await identities.signConnection() }),
    lazyCloseTimeout: LINGER_MS,
    connectionAckWaitTimeout: CONNECT_TIMEOUT_MS,
    retryAttempts: 0,
    // Unique on the socket, which is all that is asked of it; the default makes a UUID.
    generateID: () => String(made++),
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

// A close event, or an error event of a socket that never opened.
const CLOSED = z.object({ code: z.number().optional(), message: z.string().optional() });

function lost(reason: unknown): Error {
  if (Array.isArray(reason)) return new Error('the subgraph ended the stream with an error', { cause: reason });
  if (reason instanceof Error) return reason;
  const closed = CLOSED.safeParse(reason).data;
  return new Error(`the socket to the subgraph closed: ${closed?.code ?? closed?.message ?? 'it is not known why'}`);
}

type Result = FormattedExecutionResult<Record<string, unknown>, Record<string, unknown>>;

const ERRORS = z.array(
  z.object({
    message: z.string(),
    path: z.array(z.union([z.string(), z.number()])).nullish(),
    extensions: z.record(z.string(), z.unknown()).nullish(),
  }),
);

/** graphql-ws's client has checked the message; what it cannot make is real errors. */
function revive({ errors, ...result }: Omit<Result, 'errors'> & { errors?: unknown }): ExecutionResult {
  if (errors === undefined) return result;
  const parsed = ERRORS.safeParse(errors).data;
  if (!parsed) return { errors: [outOfReach()] };
  return { ...result, errors: parsed.map(({ message, ...at }) => new GraphQLError(message, at)) };
}

/** An `error` message: the operation was refused before it ran. */
const isRefusal = (reason: unknown): reason is unknown[] => Array.isArray(reason);
