import { executeQueryPlan, type GraphQLDataSource } from '@apollo/gateway';
import { type ExecutionResult, GraphQLError } from 'graphql';
import { getVariableValues } from 'graphql/execution/values.js';
import type { Logger } from 'pino';
import {
  EVENT_SERVICE,
  type OperationPlanner,
  type PlannedQuery,
  type SubscriptionPlan,
  type ValidOperation,
} from './plan.ts';

/** One event of a subscription, to be completed by the other subgraphs. */
export type EventRequest<Context> = {
  plan: SubscriptionPlan;
  variables: Record<string, unknown>;
  context: Context;
  event: ExecutionResult;
};

/** Makes of an event what its subscribers asked for. The event stays as it is. */
export type ExecuteEvent<Context> = (request: EventRequest<Context>) => Promise<ExecutionResult>;

export type ExecutionOptions<Context extends object> = {
  planner: OperationPlanner;
  /** Where the subgraphs are fetched from, by name. */
  sources: Record<string, GraphQLDataSource<Context>>;
  log: Logger;
};

/** Runs a query plan. */
export type RunPlan<Context extends object> = (
  planned: PlannedQuery,
  variables: Readonly<Record<string, unknown>>,
  context: Context,
  event?: GraphQLDataSource<Context>,
) => Promise<ExecutionResult>;

type PlanRequest = Parameters<typeof executeQueryPlan>[2];

/** Runs plans by Apollo's own `executeQueryPlan`. */
export function planRunner<Context extends object>(options: ExecutionOptions<Context>): RunPlan<Context> {
  const { planner, sources, log } = options;
  return ({ plan, context: operation }, variables, context, event) =>
    executeQueryPlan(
      plan,
      event ? { ...sources, [EVENT_SERVICE]: event } : sources,
      // What it reads of Apollo's much wider request; its types ask for all of it.
      { request: { variables }, context, metrics: {}, logger: log } as unknown as PlanRequest,
      operation,
      planner.supergraphSchema,
      planner.apiSchema,
    );
}

/**
 * Executes events over a plan whose first fetch is answered by the event. So entity fetches, aliases, fragments, null bubbling and
 * error paths are what they are in a query.
 */
export function eventExecutor<Context extends object>(options: ExecutionOptions<Context>): ExecuteEvent<Context> {
  const run = planRunner(options);
  return ({ plan, variables, context, event }) => {
    // What is fetched is merged into the data.
    const data = plan.fetches ? copied(event.data) : event.data;
    const source: GraphQLDataSource<Context> = { process: async () => ({ ...event, data }) };
    return run({ plan: plan.perEvent, context: plan.context }, variables, context, source);
  };
}

/** Why the variables do not fit the operation; undefined when they do. */
export function badVariables(
  { schema }: OperationPlanner,
  { definition }: ValidOperation,
  variables: Readonly<Record<string, unknown>>,
): GraphQLError[] | undefined {
  const { errors } = getVariableValues(schema, definition.variableDefinitions ?? [], variables);
  return errors?.map(
    ({ message, nodes }) => new GraphQLError(message, { nodes, extensions: { code: 'BAD_USER_INPUT' } }),
  );
}

/** A copy of JSON; structuredClone takes ten times as long. */
function copied<Json>(json: Json): Json {
  if (typeof json !== 'object' || json === null) return json;
  // Of the same shape, which the compiler cannot know.
  if (Array.isArray(json)) return json.map(copied) as Json;
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, copied(value)])) as Json;
}
