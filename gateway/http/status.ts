import type { ApolloServerPlugin } from '@apollo/server';
import type { FormattedExecutionResult } from 'graphql';
import type { GatewayContext } from '../services/datasource.ts';

/**
 * The HTTP status of an answer in which there is nothing but errors: 503 when a store or a subgraph is out of reach, 400 when
 * it is what the client sent. Undefined for any other: it stays 200, as GraphQL over HTTP has it for application/json.
 */
export function statusOfFailure({ data, errors = [] }: FormattedExecutionResult): number | undefined {
  const codes = errors.map(({ extensions }) => extensions?.code);
  const empty = !data || Object.values(data).every(value => value === null);
  if (!empty || codes.length === 0) return undefined;
  if (codes.includes('UNAVAILABLE')) return 503;
  return codes.every(code => code === 'BAD_USER_INPUT') ? 400 : undefined;
}

/** Sets that status, where Apollo's server knows no other. */
export const failureStatus: ApolloServerPlugin<GatewayContext> = {
  async requestDidStart() {
    return {
      async willSendResponse({ response }) {
        if (response.body.kind !== 'single') return;
        const status = statusOfFailure(response.body.singleResult);
        if (status) response.http.status = status;
      },
    };
  },
};
