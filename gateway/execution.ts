import type { FormattedExecutionResult, GraphQLError, GraphQLFormattedError } from 'graphql';
import type { Logger } from 'pino';
import { asGraphQLError } from '../schema/errors.ts';
import type { DataSource, GatewayContext } from './datasource.ts';
import type { Operation } from './operations.ts';
import { badVariables, planRunner } from './subscriptions/execution.ts';
import type { OperationPlanner } from './subscriptions/plan.ts';

/** Executes a valid query or mutation. Never rejects: what goes wrong is in `errors`, as clients may see it. */
export type Execute = (
  operation: Operation,
  variables: Readonly<Record<string, unknown>>,
  context: GatewayContext,
) => Promise<FormattedExecutionResult>;

export type ExecutionOptions = {
  planner: OperationPlanner;
  sources: Record<string, DataSource>;
  format(errors: readonly GraphQLError[]): GraphQLFormattedError[];
  log: Logger;
};

/**
 * Executes by Apollo's planner and executor alone. Apollo Server around them parses, validates and formats again what the
 * gateway has done for sockets and subscriptions anyway, and costs as much as all the rest.
 */
export function operationExecutor({ planner, sources, format, log }: ExecutionOptions): Execute {
  const run = planRunner({ planner, sources, log });
  return async (operation, variables, context) => {
    try {
      const refused = badVariables(planner, operation, variables);
      if (refused) return { errors: format(refused) };
      const { errors, ...result } = await run(planner.planQuery(operation), variables, context);
      return errors ? { errors: format(errors), ...result } : result;
    } catch (error) {
      return { errors: format([asGraphQLError(error)]) };
    }
  };
}
