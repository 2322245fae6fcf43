import { executeQueryPlan, type GraphQLDataSource } from '@apollo/gateway';
import type { ExecutionResult } from 'graphql';
import type { Logger } from 'pino';
import { EVENT_SERVICE, type SubscriptionPlan, type SubscriptionPlanner } from './plan.ts';

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
  planner: SubscriptionPlanner;
  /** Where the other subgraphs are fetched from, by name. */
  sources: Record<string, GraphQLDataSource<Context>>;
  log: Logger;
};

type PlanRequest = Parameters<typeof executeQueryPlan>[2];

/**
 * Executes events by Apollo's own `executeQueryPlan`, over a plan whose first fetch is answered by the event. So entity
 * fetches, aliases, fragments, null bubbling and error paths are what they are in a query.
 */
export function eventExecutor<Context extends object>(options: ExecutionOptions<Context>): ExecuteEvent<Context> {
  const { planner, sources, log } = options;
  return async ({ plan, variables, context, event }) => {
    // What is fetched is merged into the data.
    const data = plan.fetches ? copied(event.data) : event.data;
    const eventSource: GraphQLDataSource<Context> = { process: async () => ({ ...event, data }) };
    // What executeQueryPlan reads of Apollo's much wider request; its types ask for all of it.
    const planRequest = { request: { variables }, context, metrics: {}, logger: log } as unknown as PlanRequest;
    return executeQueryPlan(
      plan.perEvent,
      { ...sources, [EVENT_SERVICE]: eventSource },
      planRequest,
      plan.context,
      planner.supergraphSchema,
      planner.apiSchema,
    );
  };
}

/** A copy of JSON; structuredClone takes ten times as long. */
function copied<Json>(json: Json): Json {
  if (typeof json !== 'object' || json === null) return json;
  // Of the same shape, which the compiler cannot know.
  if (Array.isArray(json)) return json.map(copied) as Json;
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, copied(value)])) as Json;
}
