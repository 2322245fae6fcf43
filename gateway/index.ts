import type { Router } from 'express';
import type { GraphQLError, GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Tracer } from '../events/tracing.ts';
import { untraced } from '../events/tracing.ts';
import type { IdentityCodec } from '../schema/identity.ts';
import type { Subgraph } from '../subgraphs/host.ts';
import type { SignIn } from './console/session.ts';
import { documentRules, type OperationReader, operationReader } from './documents/operations.ts';
import type { PersistedDocuments } from './documents/persisted.ts';
import { withScalars } from './documents/scalars.ts';
import { errorFormatter, formatAll, schemaReloaded } from './errors.ts';
import { type HealthCheck, healthRoutes } from './health.ts';
import { LAKE, lakeExport } from './http/export.ts';
import { fastLane } from './http/lane.ts';
import { lazyGraph } from './http/lazy.ts';
import { contextOf, GRAPHQL_PATH, gatewayApp, securityHeaders } from './http/server.ts';
import type { TokenVerifier } from './identity.ts';
import { type Limits, perMinute } from './limits.ts';
import { gatewayMetrics } from './metrics.ts';
import { outboxMetrics } from './outboxes.ts';
import { planRunner } from './plans/index.ts';
import { requestRecorder } from './requests.ts';
import { type DataSource, dataSource, type GatewayContext } from './services/datasource.ts';
import { type Execute, operationExecutor } from './services/execution.ts';
import { serveSockets } from './sockets/sockets.ts';
import { type Subscriptions, subscriptions } from './subscriptions/index.ts';
import { operationPlanner } from './subscriptions/plan.ts';
import type { Retry } from './subscriptions/upstream.ts';
import { tracePushes } from './tracing.ts';
import { listener, type Timeouts } from './wire/listener.ts';
import type { Heartbeat } from './wire/protocol.ts';

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
  /** The only documents that are executed; any when absent. */
  persisted?: PersistedDocuments | undefined;
  /** How long a client may take to send a request. */
  timeouts?: Timeouts;
  /** Whom the console may sign in by name, on this machine; nobody when absent. */
  signIn?: SignIn | undefined;
  /** More pages, after the gateway's own; their content security policy is `default-src 'self'` unless they set one. */
  pages?: Router;
  /** Where `/metrics` comes from, for others to register theirs; an own one when absent. */
  registry?: Registry;
  /** Who looks at traces; nobody when absent. */
  tracer?: Tracer | undefined;
  /** How often sockets are pinged, and how long one may be silent. Default: every 10 s, and 30 to 40 s. */
  heartbeat?: Heartbeat;
  /** How a lost stream of a subgraph is opened again. Default: 20 times, 0.1 s to 2 s apart. */
  retry?: Retry;
};

/** A gateway that answers. */
export type Gateway = {
  url: string;
  port: number;
  registry: Registry;
  /**
   * Takes another supergraph, and the subgraphs that it names, into use. Queries go on; subscriptions that run end with
   * SUBSCRIPTION_SCHEMA_RELOAD, so that their clients subscribe again to what the schema is now.
   *
   * @throws when the supergraph is not valid or a subgraph is missing; then everything stays as it was.
   */
  reload(supergraphSdl: string, subgraphs: Record<string, Subgraph>): void;
  /** Takes nothing new, finishes what runs, closes every socket (1001), within 10 s. May be called again. */
  stop(): Promise<void>;
};

/** The supergraph was made of services that are not those that there are. */
export class StaleSupergraph extends Error {
  override name = 'StaleSupergraph';
}

/** What is made of one supergraph. */
type Loaded = {
  subgraphs: Record<string, Subgraph>;
  sources: Record<string, DataSource>;
  schema: GraphQLSchema;
  read: OperationReader;
  execute: Execute;
  subscriptions: Subscriptions<GatewayContext>;
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
  const { supergraphSdl, subgraphs, tokens, identities, limits, introspection, pages, retry, heartbeat } = options;
  const { tracer = untraced } = options;
  const log = options.log.child({ service: 'gateway' });
  const metrics = gatewayMetrics(options.registry);
  outboxMetrics(metrics.registry, options.health);
  const rules = documentRules({ introspection, persisted: options.persisted });
  const formatError = errorFormatter({ log, suggestions: introspection, count: metrics.told });
  const record = requestRecorder(log, metrics);
  const pushes = tracePushes(tracer);
  let current = load(supergraphSdl, subgraphs);
  const graph = lazyGraph(
    {
      subgraphOf: name => current.subgraphs[name],
      ...{ identities, rules, introspection, formatError, contextOf, tracer, log },
    },
    supergraphSdl,
  );
  const read: OperationReader = request => current.read(request);
  const execute: Execute = (...asked) => current.execute(...asked);
  const allow = perMinute(limits.requestsPerMinute);
  const door = listener((request, response) => lane(request, response), options.timeouts);
  const health = healthRoutes(options.health, door.stopping);
  const app = gatewayApp({
    answer: graph.answer,
    tokens,
    allow,
    read,
    formatError,
    record,
    tracer,
    exportLake: lakeExport({ lake: () => current.sources[LAKE], log }),
    registry: metrics.registry,
    health,
    signIn: options.signIn,
    pages,
  });
  const lane = fastLane({
    ...{ tokens, allow, read, execute, formatError, record, tracer },
    path: GRAPHQL_PATH,
    headers: securityHeaders(),
    otherwise: app,
  });
  const sockets = serveSockets({
    server: door.server,
    path: GRAPHQL_PATH,
    schema: () => current.schema,
    subscribe: request => current.subscriptions.subscribe(request),
    ...{ tokens, allow, read, execute, formatError, record, metrics, limits, log, heartbeat, tracer, pushes },
  });

  /** @throws StaleSupergraph when it has a subgraph that was not given; else when it is not valid. */
  function load(sdl: string, given: Record<string, Subgraph>): Loaded {
    const planner = operationPlanner(sdl);
    const missing = planner.subgraphs.filter(name => !given[name]);
    if (missing.length > 0) {
      throw new StaleSupergraph(
        `The supergraph has services that are not there: ${missing.join(', ')}. Make it anew with: npm run compose`,
      );
    }
    const sources = Object.fromEntries(
      Object.entries(given).map(([name, subgraph]) => [name, dataSource(() => subgraph, identities, tracer)]),
    );
    const run = planRunner({ ...planner, sources });
    const format = (errors: readonly GraphQLError[], correlationId?: string) =>
      formatAll(formatError, errors, correlationId);
    return {
      subgraphs: given,
      sources,
      schema: planner.schema,
      read: operationReader(withScalars(planner.schema), rules),
      execute: operationExecutor({ planner, run, format }),
      subscriptions: subscriptions({
        ...{ planner, run, sources, format, log, retry },
        callerOf: ({ identity }) => JSON.stringify(identity),
        upstreams: metrics.upstreams,
        follow: pushes?.follow,
      }),
    };
  }

  function reload(sdl: string, given: Record<string, Subgraph>): void {
    const [before, next] = [current, load(sdl, given)];
    current = next;
    try {
      graph.update(sdl);
    } catch (error) {
      current = before;
      throw error;
    }
    before.subscriptions.end(schemaReloaded());
    log.info('a new supergraph is in use');
  }

  const { url, port } = await door.listen(options.host, options.port);
  log.debug({ url }, 'the gateway listens');

  async function stop(): Promise<void> {
    await Promise.all([door.stop(FINISH_REQUESTS_MS), sockets.stop(FINISH_SOCKETS_MS)]);
    await graph.stop();
  }

  let stopped: Promise<void> | undefined;
  return {
    url,
    port,
    registry: metrics.registry,
    reload,
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}
