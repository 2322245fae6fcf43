import { executeQueryPlan } from '@apollo/gateway';
import { type ExecutionResult, GraphQLError } from 'graphql';
import { getVariableValues } from 'graphql/execution/values.js';
import type { Logger } from 'pino';
import type { IdentityCodec } from '../../schema/identity.ts';
import type { Subgraph } from '../../subgraphs/host.ts';
import { type DataSource, dataSource, type GatewayContext } from '../datasource.ts';
import type { Operation } from '../operations.ts';
import { EVENT_SERVICE, type SubscriptionPlan, type SubscriptionPlanner } from './plan.ts';
import { RETRY, type Retry, type StreamEvent, upstream } from './upstream.ts';

export type SubscriptionsOptions = {
  planner: SubscriptionPlanner;
  subgraphs: Record<string, Subgraph>;
  identities: IdentityCodec;
  log: Logger;
  /** How a lost stream is opened again. Default: 20 times, 0.1 s to 2 s apart. */
  retry?: Retry | undefined;
};

export type SubscriptionRequest = {
  operation: Operation;
  variables: Record<string, unknown> | undefined;
  context: GatewayContext;
};

/** Starts a subscription: its results until it ends, or one result with errors when it cannot start. */
export type Subscribe = (request: SubscriptionRequest) => AsyncIterableIterator<ExecutionResult> | ExecutionResult;

type PlanRequest = Parameters<typeof executeQueryPlan>[2];

/**
 * Executes subscriptions over the supergraph, which Apollo's gateway refuses to do. The root field is subscribed to at
 * the subgraph that owns it; with every event, Apollo's own `executeQueryPlan` runs over a plan whose first fetch is
 * answered by the event. So entity fetches from other subgraphs, aliases, fragments, null bubbling and error paths are
 * what they are in a query.
 */
export function subscriptions({ planner, subgraphs, identities, log, retry = RETRY }: SubscriptionsOptions): Subscribe {
  const sources = Object.fromEntries(
    Object.entries(subgraphs).map(([name, subgraph]) => [name, dataSource(subgraph, identities)]),
  );

  function open(plan: SubscriptionPlan, { variables = {}, context }: SubscriptionRequest) {
    const { primary } = plan;
    const subgraph = subgraphs[primary.serviceName];
    if (!subgraph) throw new Error(`no subgraph ${primary.serviceName}`);
    const used = (primary.variableUsages ?? []).filter(name => variables[name] !== undefined);
    return upstream({
      state: plan.state,
      retry,
      log: log.child({ subgraph: subgraph.name }),
      open: async () =>
        subgraph.subscribe({
          query: primary.operation,
          operationName: primary.operationName,
          variables: Object.fromEntries(used.map(name => [name, variables[name]])),
          identity: await identities.sign(context.identity),
        }),
    });
  }

  async function execute(plan: SubscriptionPlan, request: SubscriptionRequest, event: StreamEvent) {
    const { variables = {}, context } = request;
    const eventSource: DataSource = { process: async () => event.result };
    // What executeQueryPlan reads of Apollo's much wider request; its types ask for all of it.
    const planRequest = { request: { variables }, context, metrics: {}, logger: log } as unknown as PlanRequest;
    const result = await executeQueryPlan(
      plan.perEvent,
      { ...sources, [EVENT_SERVICE]: eventSource },
      planRequest,
      plan.context,
      planner.supergraphSchema,
      planner.apiSchema,
    );
    return mark(result, event);
  }

  return request => {
    const { definition } = request.operation;
    const { errors } = getVariableValues(planner.schema, definition.variableDefinitions ?? [], request.variables ?? {});
    if (errors) return { errors: errors.map(badInput) };
    const plan = planner.plan(request.operation);
    return mapEach(open(plan, request), event => execute(plan, request, event));
  };
}

function mark(result: ExecutionResult, { resumed, skipped }: StreamEvent): ExecutionResult {
  if (!resumed && skipped === 0) return result;
  const extensions = { ...result.extensions, ...(resumed && { resumed }), ...(skipped > 0 && { skipped }) };
  return { ...result, extensions };
}

const badInput = ({ message, nodes }: GraphQLError): GraphQLError =>
  new GraphQLError(message, { nodes, extensions: { code: 'BAD_USER_INPUT' } });

// By hand and not an async generator, whose return() would wait for the pending next() of a silent stream.
function mapEach<T, U>(source: AsyncIterableIterator<T>, map: (value: T) => Promise<U>): AsyncIterableIterator<U> {
  return {
    async next() {
      const step = await source.next();
      return step.done ? { done: true, value: undefined } : { done: false, value: await map(step.value) };
    },
    async return() {
      await source.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
