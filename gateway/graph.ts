import { ApolloGateway } from '@apollo/gateway';
import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import type { Logger } from 'pino';
import type { IdentityCodec } from '../schema/identity.ts';
import type { Subgraph } from '../subgraphs/host.ts';
import { dataSource, type GatewayContext } from './datasource.ts';
import type { FormatError } from './errors.ts';
import type { DocumentRules } from './operations.ts';

export type GraphOptions = {
  supergraphSdl: string;
  subgraphs: Record<string, Subgraph>;
  identities: IdentityCodec;
  rules: DocumentRules;
  introspection: boolean;
  formatError: FormatError;
  log: Logger;
};

/**
 * Starts Apollo's server and gateway, which plan and execute queries and mutations.
 *
 * @throws when the supergraph is not valid or a subgraph of it was not handed in.
 */
export async function startGraph(options: GraphOptions): Promise<ApolloServer<GatewayContext>> {
  const { supergraphSdl, subgraphs, identities, rules, introspection, formatError } = options;
  const log = options.log.child({ part: 'apollo' }, { level: quieter(options.log.level) });
  // Without this, and there is no other switch, the gateway asks the cloud's metadata service where it runs and reports
  // to its maker every hour.
  process.env.APOLLO_TELEMETRY_DISABLED = 'true';
  const gateway = new ApolloGateway({
    supergraphSdl,
    logger: log,
    buildService({ name }) {
      const subgraph = subgraphs[name];
      if (!subgraph) throw new Error(`the supergraph has a subgraph "${name}" that the gateway was not given`);
      return dataSource(subgraph, identities);
    },
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
      statusOfOutage,
    ],
  });
  await server.start();
  return server;
}

// At info, Apollo tells of every schema that it loads.
const quieter = (level: string): string => (level === 'info' ? 'warn' : level);

/** HTTP 503 when nothing could be answered because a store or a subgraph is out of reach. */
const statusOfOutage: ApolloServerPlugin<GatewayContext> = {
  async requestDidStart() {
    return {
      async willSendResponse({ response }) {
        if (response.body.kind !== 'single') return;
        const { data, errors } = response.body.singleResult;
        const empty = !data || Object.values(data).every(value => value === null);
        if (empty && errors?.some(({ extensions }) => extensions?.code === 'UNAVAILABLE')) response.http.status = 503;
      },
    };
  },
};
