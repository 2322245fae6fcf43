import type { FormattedExecutionResult, GraphQLError, GraphQLFormattedError } from 'graphql';
import { asGraphQLError } from '../../schema/errors.ts';
import type { Operation } from '../documents/operations.ts';
import { badVariables, type RunPlan } from '../subscriptions/execution.ts';
import type { OperationPlanner } from '../subscriptions/plan.ts';
import type { GatewayContext } from './datasource.ts';

/** Executes a valid query or mutation. Never rejects: what goes wrong is in `errors`, as clients may see it. */
export type Execute = (
  operation: Operation,
  variables: Readonly<Record<string, unknown>>,
  context: GatewayContext,
) => Promise<FormattedExecutionResult>;

export type ExecutionOptions = {
  planner: OperationPlanner;
  run: RunPlan<GatewayContext>;
  format(errors: readonly GraphQLError[], correlationId?: string): GraphQLFormattedError[];
};

/**
 * Executes by Apollo's planner alone. Apollo Server and its gateway parse, validate and format again what the gateway has done
 * for sockets and subscriptions anyway, and cost several times as much as all the rest.
 */
export function operationExecutor({ planner, run, format }: ExecutionOptions): Execute {
  return async (operation, variables, context) => {
    try {
      const refused = badVariables(planner, operation, variables);
      if (refused) return { errors: format(refused) };
      const result = await run(planner.planQuery(operation), variables, context);
      return result.errors ? { ...result, errors: format(result.errors, context.correlationId) } : result;
    } catch (error) {
      return { errors: format([asGraphQLError(error)], context.correlationId) };
    }
  };
}
