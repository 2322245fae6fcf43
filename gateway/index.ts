import type { Router } from 'express';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { IdentityCodec } from '../schema/identity.ts';
import type { Subgraph } from '../subgraphs/host.ts';
import { errorFormatter } from './errors.ts';
import { startGraph } from './graph.ts';
import { type HealthCheck, healthRoutes } from './health.ts';
import type { TokenVerifier } from './identity.ts';
import { type Limits, perMinute } from './limits.ts';
import { listener } from './listener.ts';
import { gatewayMetrics } from './metrics.ts';
import { documentRules, operationReader } from './operations.ts';
import { requestRecorder } from './requests.ts';
import { GRAPHQL_PATH, gatewayApp } from './server.ts';
import { serveSockets } from './sockets.ts';
import { subscriptions } from './subscriptions/index.ts';
import { subscriptionPlanner } from './subscriptions/plan.ts';
import type { Retry } from './subscriptions/upstream.ts';

export type GatewayOptions = {
  /** The composed supergraph. */
  supergraphSdl: string;
  /** Every subgraph that the supergraph names, in this process or behind a socket (`remoteSubgraph`). */
  subgraphs: Record<string, Subgraph>;
  /** Checks the clients' tokens. */
  tokens: TokenVerifier;
  /** Signs the identity that goes to the subgraphs. */
  identities: IdentityCodec;
  /** What `/health/ready` answers; shown to anyone. */
  health: HealthCheck;
  host: string;
  /** 0 for any free one. */
  port: number;
  limits: Limits;
  log: Logger;
  /** Whether clients may read the schema. */
  introspection: boolean;
  /** More pages, after the gateway's own; their content security policy is `default-src 'self'` unless they set one. */
  pages?: Router;
  /** Where `/metrics` comes from, for others to register theirs; an own one when absent. */
  registry?: Registry;
  /** How a lost stream of a subgraph is opened again. Default: 20 times, 0.1 s to 2 s apart. */
  retry?: Retry;
};

/** A gateway that answers. */
export type Gateway = {
  url: string;
  port: number;
  registry: Registry;
  /** Takes nothing new, finishes what runs, closes every socket (1001), within 10 s. May be called again. */
  stop(): Promise<void>;
};

const FINISH_SOCKETS_MS = 6_000;
const FINISH_REQUESTS_MS = 8_000;

/**
 * Opens the only door of the system: queries and mutations over HTTP POST and graphql-transport-ws, subscriptions over
 * the latter, on one path; health, metrics and pages beside it.
 *
 * @throws when the supergraph is not valid, a subgraph is missing or the port is taken.
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { supergraphSdl, subgraphs, tokens, identities, limits, introspection, pages, retry } = options;
  const log = options.log.child({ service: 'gateway' });
  const metrics = gatewayMetrics(options.registry);
  const rules = documentRules({ introspection });
  const formatError = errorFormatter({ log, suggestions: introspection });
  const record = requestRecorder(log, metrics);
  const planner = subscriptionPlanner(supergraphSdl);
  const apollo = await startGraph({ supergraphSdl, subgraphs, identities, rules, introspection, formatError, log });
  const read = operationReader(planner.schema, rules);
  const allow = perMinute(limits.requestsPerMinute);
  const door = listener((request, response) => app(request, response));
  const health = healthRoutes(options.health, door.stopping);
  const app = gatewayApp({
    apollo,
    tokens,
    allow,
    read,
    formatError,
    record,
    registry: metrics.registry,
    health,
    pages,
  });
  const sockets = serveSockets({
    server: door.server,
    path: GRAPHQL_PATH,
    schema: planner.schema,
    subscribe: subscriptions({ planner, subgraphs, identities, log, retry }),
    ...{ apollo, tokens, allow, read, formatError, record, metrics, limits, log },
  });
  const { url, port } = await door.listen(options.host, options.port);
  log.debug({ url }, 'the gateway listens');

  async function stop(): Promise<void> {
    await Promise.all([door.stop(FINISH_REQUESTS_MS), sockets.stop(FINISH_SOCKETS_MS)]);
    await apollo.stop();
  }

  let stopped: Promise<void> | undefined;
  return {
    url,
    port,
    registry: metrics.registry,
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}
