import { executeQueryPlan } from '@apollo/gateway';
import { type FormattedExecutionResult, GraphQLError, type GraphQLFormattedError } from 'graphql';
import { getVariableValues } from 'graphql/execution/values.js';
import type { Logger } from 'pino';
import type { DataSource, GatewayContext } from './datasource.ts';
import type { Operation } from './operations.ts';
import type { SubscriptionPlanner } from './subscriptions/plan.ts';

/** Executes a valid query or mutation. Never rejects: what goes wrong is in `errors`, as clients may see it. */
export type Execute = (
  operation: Operation,
  variables: Readonly<Record<string, unknown>>,
  context: GatewayContext,
) => Promise<FormattedExecutionResult>;

export type ExecutionOptions = {
  planner: SubscriptionPlanner;
  sources: Record<string, DataSource>;
  format(errors: readonly GraphQLError[]): GraphQLFormattedError[];
  log: Logger;
};

type PlanRequest = Parameters<typeof executeQueryPlan>[2];

/**
 * Executes by Apollo's planner and executor alone. Apollo Server around them parses, validates and formats again what the
 * gateway has done for sockets and subscriptions anyway, and costs as much as all the rest.
 */
export function operationExecutor({ planner, sources, format, log }: ExecutionOptions): Execute {
  return async (operation, variables, context) => {
    try {
      const { variableDefinitions = [] } = operation.definition;
      const { errors: refused } = getVariableValues(planner.schema, variableDefinitions, variables);
      if (refused) return { errors: format(refused.map(badInput)) };
      const planned = planner.planQuery(operation);
      // What executeQueryPlan reads of Apollo's much wider request; its types ask for all of it.
      const planRequest = { request: { variables }, context, metrics: {}, logger: log } as unknown as PlanRequest;
      const { errors, ...result } = await executeQueryPlan(
        planned.plan,
        sources,
        planRequest,
        planned.context,
        planner.supergraphSchema,
        planner.apiSchema,
      );
      return errors ? { errors: format(errors), ...result } : result;
    } catch (error) {
      return { errors: format([asGraphQLError(error)]) };
    }
  };
}

const badInput = ({ message, nodes }: GraphQLError): GraphQLError =>
  new GraphQLError(message, { nodes, extensions: { code: 'BAD_USER_INPUT' } });

function asGraphQLError(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const originalError = error instanceof Error ? error : new Error(String(error));
  return new GraphQLError(originalError.message, { originalError });
}
