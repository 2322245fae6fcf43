import { ApolloGateway } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { expressMiddleware } from '@as-integrations/express5';
import type { RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import type { Tracer } from '../../events/tracing.ts';
import type { IdentityCodec } from '../../schema/identity.ts';
import type { Subgraph } from '../../subgraphs/host.ts';
import type { DocumentRules } from '../documents/operations.ts';
import type { FormatError } from '../errors.ts';
import { dataSource, type GatewayContext } from '../services/datasource.ts';
import { failureStatus } from './status.ts';

export type GraphOptions = {
  supergraphSdl: string;
  /** The subgraph of a name, as it is now; undefined when there is none. */
  subgraphOf(name: string): Subgraph | undefined;
  identities: IdentityCodec;
  rules: DocumentRules;
  introspection: boolean;
  formatError: FormatError;
  /** Who asks, as the handlers before have found out. */
  contextOf(response: Response): GatewayContext;
  tracer?: Tracer | undefined;
  log: Logger;
};

/** Apollo's server, over a supergraph that may be replaced while it runs. */
export type Graph = {
  /** Answers a request whose body has been read. */
  answer: RequestHandler;
  /** Plans by another supergraph from now on. @throws when Apollo does not take it; then the one before it stays. */
  update(supergraphSdl: string): void;
  stop(): Promise<void>;
};

/**
 * Starts Apollo's server and gateway, for the requests that do not go by the lane (lane.ts).
 *
 * @param options `supergraphSdl`: a valid one, as the gateway's own planner has found it.
 */
export async function startGraph(options: GraphOptions): Promise<Graph> {
  const { supergraphSdl, subgraphOf, identities, rules, introspection, formatError, tracer } = options;
  const log = options.log.child({ part: 'apollo' }, { level: quieter(options.log.level) });
  // Without this, and there is no other switch, the gateway asks the cloud's metadata service where it runs and reports
  // to its maker every hour.
  process.env.APOLLO_TELEMETRY_DISABLED = 'true';
  let update: Graph['update'] = () => undefined;
  const gateway = new ApolloGateway({
    async supergraphSdl(manager) {
      update = manager.update;
      return { supergraphSdl };
    },
    logger: log,
    buildService: ({ name }) => dataSource(() => subgraphOf(name), identities, tracer),
    // The gateway's own planner has done it.
    validateSupergraph: false,
    __exposeQueryPlanExperimental: false,
  });
  const server = new ApolloServer<GatewayContext>({
    gateway,
    introspection,
    formatError,
    logger: log,
    nodeEnv: 'production',
    parseOptions: { maxTokens: rules.maxTokens },
    validationRules: [...rules.validationRules],
    includeStacktraceInErrorResponses: false,
    persistedQueries: false,
    stopOnTerminationSignals: false,
    plugins: [
      ApolloServerPluginUsageReportingDisabled(),
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      failureStatus,
    ],
  });
  await server.start();
  const context = async ({ res }: { res: Response }) => options.contextOf(res);
  return { answer: expressMiddleware(server, { context }), update: sdl => update(sdl), stop: () => server.stop() };
}

// At info, Apollo tells of every schema that it loads.
const quieter = (level: string): string => (level === 'info' ? 'warn' : level);
