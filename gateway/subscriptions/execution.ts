import { type ExecutionResult, GraphQLError } from 'graphql';
import { getVariableValues } from 'graphql/execution/values.js';
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

/**
 * Runs a query plan.
 *
 * @param given answers that are there already, by the service that the plan fetches them from; they are merged into.
 */
export type RunPlan<Context> = (
  planned: PlannedQuery,
  variables: Readonly<Record<string, unknown>>,
  context: Context,
  given?: Readonly<Record<string, ExecutionResult>>,
) => Promise<ExecutionResult>;

/**
 * Executes events over a plan whose first fetch is answered by the event. So entity fetches, aliases, fragments, null bubbling and
 * error paths are what they are in a query.
 */
export function eventExecutor<Context>(run: RunPlan<Context>): ExecuteEvent<Context> {
  return ({ plan, variables, context, event }) => {
    // What is fetched is merged into the data.
    const data = plan.fetches ? copied(event.data) : event.data;
    const given = { [EVENT_SERVICE]: { data, errors: event.errors } };
    return run({ plan: plan.perEvent, asked: plan.asked }, variables, context, given);
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
  const copy = { ...json };
  for (const key of Object.keys(copy) as (keyof typeof copy)[]) copy[key] = copied(copy[key]);
  return copy;
}
