import type { GraphQLDataSource } from '@apollo/gateway';
import { type ExecutionResult, GraphQLError } from 'graphql';
import { clientError } from '../schema/errors.ts';
import type { Identity, IdentityCodec } from '../schema/identity.ts';
import type { Subgraph, SubgraphRequest } from '../subgraphs/host.ts';

/** What travels with an operation through the gateway. */
export type GatewayContext = { identity: Identity };

export type DataSource = GraphQLDataSource<GatewayContext>;

/** The longest that one fetch from a subgraph may take, wherever the subgraph runs. */
export const FETCH_TIMEOUT_MS = 30_000;
const TOO_LATE = 'A part of the system did not answer in time; the outcome is not known.';

/**
 * Lets Apollo's executor fetch from a subgraph, in the name of the caller: every fetch carries an identity signed
 * freshly, so that a subscription may last longer than one.
 */
export function dataSource(subgraph: Subgraph, identities: IdentityCodec): DataSource {
  return {
    async process({ request, context }) {
      const { query, variables, operationName } = request;
      if (!query) throw new Error('a fetch without a query');
      const identity = await identities.sign(identityOf(context));
      return await inTime(subgraph, { query, variables, operationName, identity });
    },
  };
}

function identityOf(context: Partial<GatewayContext>): Identity {
  if (!context.identity) throw new GraphQLError('an operation without an identity');
  return context.identity;
}

async function inTime(subgraph: Subgraph, request: SubgraphRequest): Promise<ExecutionResult> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<ExecutionResult>(resolve => {
    // Made only when it is needed: an error costs more than the rest of the fetch.
    timer = setTimeout(() => resolve({ errors: [clientError('TIMEOUT', TOO_LATE)] }), FETCH_TIMEOUT_MS);
  });
  try {
    return await Promise.race([subgraph.execute(request), late]);
  } finally {
    clearTimeout(timer);
  }
}
