import express, {
  type ErrorRequestHandler,
  type Express,
  type RequestHandler,
  type Response,
  type Router,
} from 'express';
import { type DocumentNode, type GraphQLSchema, getOperationAST, parse } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { type Histogram, Registry } from 'prom-client';
import { z } from 'zod';
import { clientError } from '../../schema/errors.ts';
import { IDENTITY_HEADER, type IdentityCodec } from '../../schema/identity.ts';
import { histogramOf } from '../../schema/metrics.ts';
import { CORRELATION_HEADER, type Subgraph, TRACE_HEADER } from '../../subgraphs/host.ts';
import { httpRefusal } from '../errors.ts';
import { type HealthCheck, healthRoutes } from '../health.ts';
import { processMetrics } from '../metrics.ts';
import { listener } from '../wire/listener.ts';
import { serveSubgraphSockets, textIn } from './sockets.ts';

export type ServeOptions = {
  /** As `hostSubgraph` made it. */
  subgraph: Subgraph & { schema: GraphQLSchema };
  /** Checks who opens a socket; every request on it is checked by the subgraph itself. */
  identities: IdentityCodec;
  /** What `/health/ready` answers. */
  health: HealthCheck;
  host: string;
  /** 0 for any free one. */
  port: number;
  log: Logger;
  /** Where `/metrics` comes from, for others to register theirs; an own one when absent. */
  registry?: Registry;
};

export type ServedSubgraph = {
  url: string;
  port: number;
  /** Closes the sockets (1001), finishes the requests that run, within 10 s. May be called again. */
  stop(): Promise<void>;
};

const GRAPHQL_PATH = '/graphql';
/** Entity representations of a whole page travel in one body. */
const BODY_BYTES_MAX = 4_000_000;
const FINISH_MS = 8_000;
const CACHED_DOCUMENTS_MAX = 1_000;

/**
 * Serves one subgraph as a process of its own: GraphQL over HTTP POST and graphql-transport-ws on `/graphql`, and
 * `/health/live`, `/health/ready`, `/metrics`. It answers whoever brings a signed identity, in the header
 * IDENTITY_HEADER or, over a socket, under that name in a subscription's `extensions`, the connection's parameters or
 * the headers of its handshake. The gateway shares sockets among its callers, so the subscription's own comes first, and
 * a socket itself may be opened with an identity of the gateway (`signConnection`).
 */
export async function serveSubgraph(options: ServeOptions): Promise<ServedSubgraph> {
  const { subgraph, log, host, registry = new Registry() } = options;
  const documentOf = documentReader();
  const door = listener((request, response) => app(request, response));
  const health = healthRoutes(options.health, door.stopping);
  const app = routes({ subgraph, registry, health, documentOf, log });
  const duration = requestDuration(registry);
  const sockets = serveSubgraphSockets({ door, path: GRAPHQL_PATH, documentOf, duration, ...options });
  const { url, port } = await door.listen(host, options.port);
  log.debug({ url, service: subgraph.name }, 'the subgraph listens');
  let stopped: Promise<unknown> | undefined;
  return {
    url,
    port,
    async stop() {
      stopped ??= Promise.all([door.stop(FINISH_MS), sockets.stop(FINISH_MS)]);
      await stopped;
    },
  };
}

/** Parses documents, and keeps them. @throws GraphQLError. */
export type DocumentReader = (query: string) => DocumentNode;

function documentReader(): DocumentReader {
  const documents = new LRUCache<string, DocumentNode>({ max: CACHED_DOCUMENTS_MAX });
  return query => {
    const document = documents.get(query) ?? parse(query);
    documents.set(query, document);
    return document;
  };
}

type RoutesOptions = {
  subgraph: Subgraph;
  registry: Registry;
  health: Router;
  documentOf: DocumentReader;
  log: Logger;
};

function routes({ subgraph, registry, health, documentOf, log }: RoutesOptions): Express {
  processMetrics(registry);
  const app = express();
  app.disable('x-powered-by');
  app.use(health);
  app.get('/metrics', async (_request, response) => {
    response.type(registry.contentType).send(await registry.metrics());
  });
  app.use(GRAPHQL_PATH, measured(registry, subgraph.name));
  app.post(GRAPHQL_PATH, identified, express.json({ limit: BODY_BYTES_MAX }), answered(subgraph, documentOf));
  app.use((_request, response) => fail(response, 404, 'There is nothing here.'));
  app.use(lastResort(log));
  return app;
}

const identified: RequestHandler = (request, response, next) => {
  if (request.get(IDENTITY_HEADER)) return next();
  const error = clientError('UNAUTHENTICATED', 'This service answers the gateway only.');
  response.status(401).json({ errors: [error] });
};

const BODY = z.object({
  query: z.string(),
  variables: z.record(z.string(), z.unknown()).nullish(),
  operationName: z.string().nullish(),
});

const answered =
  (subgraph: Subgraph, documentOf: DocumentReader): RequestHandler =>
  async (request, response) => {
    const body = BODY.safeParse(request.body).data;
    if (!body) return fail(response, 400, 'The body is no GraphQL request in JSON.');
    const { query, variables, operationName } = body;
    if (isSubscription(documentOf, query, operationName)) {
      return fail(response, 400, 'Subscriptions are executed over the graphql-transport-ws protocol only.');
    }
    const result = await subgraph.execute({
      query,
      variables: variables ?? undefined,
      operationName: operationName ?? undefined,
      identity: request.get(IDENTITY_HEADER),
      traceparent: textIn(request.get(TRACE_HEADER)),
      correlationId: textIn(request.get(CORRELATION_HEADER)),
    });
    const refused = result.errors?.[0]?.extensions.code === 'UNAUTHENTICATED' && !result.data;
    response.status(refused ? 401 : 200);
    response.type(request.accepts(['application/json', 'application/graphql-response+json']) || 'application/json');
    response.send(JSON.stringify(result));
  };

function isSubscription(documentOf: DocumentReader, query: string, operationName: string | null | undefined): boolean {
  try {
    return getOperationAST(documentOf(query), operationName)?.operation === 'subscription';
  } catch {
    // What cannot be parsed, the subgraph itself refuses.
    return false;
  }
}

function measured(registry: Registry, subgraph: string): RequestHandler {
  const durations = requestDuration(registry);
  return (_request, response, next) => {
    const end = durations.startTimer({ subgraph, transport: 'http' });
    response.once('close', () => end({ status: String(response.statusCode) }));
    next();
  };
}

const requestDuration = (registry: Registry): Histogram => histogramOf(registry, 'subgraph_request_duration_seconds');

const lastResort =
  (log: Logger): ErrorRequestHandler =>
  (error, _request, response, next) => {
    if (response.headersSent) return next(error);
    const refused = httpRefusal(error);
    if (refused) return fail(response, refused.status, refused.message);
    log.error({ err: error }, 'unexpected error');
    fail(response, 500, 'Unexpected error', 'INTERNAL_SERVER_ERROR');
  };

function fail(response: Response, status: number, message: string, code = 'BAD_REQUEST'): void {
  response.status(status).json({ errors: [{ message, extensions: { code } }] });
}
