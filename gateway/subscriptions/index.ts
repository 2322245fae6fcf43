/**
 * Federated subscriptions: executes subscriptions over a supergraph, which Apollo's gateway refuses to do. It knows nothing of
 * the gateway around it: not who the callers are, nor how the subgraphs are reached.
 *
 *   plan       what to subscribe to at which subgraph, and what to fetch with every event
 *   group      all subscribers who want the same: one upstream and one execution for all of them
 *   upstream   the stream of the subgraph that owns the root field, opened again when it is lost
 *   execution  completes an event from the other subgraphs, by whatever runs query plans
 *   history    streams that are read from a place on
 *   events     what waits for a slow reader
 */
import type { ExecutionResult, FormattedExecutionResult, GraphQLError, GraphQLFormattedError } from 'graphql';
import type { Logger } from 'pino';
import type { StreamEvent } from './events.ts';
import { badVariables, eventExecutor, type RunPlan } from './execution.ts';
import { type Group, group } from './group.ts';
import { PLACE } from './history.ts';
import type { OperationPlanner, SubscriptionPlan, ValidOperation } from './plan.ts';
import { RETRY, type Retry, upstream } from './upstream.ts';

/** An operation on one subgraph, as it was planned. */
export type SubgraphOperation = {
  query: string;
  variables: Record<string, unknown>;
  operationName: string | undefined;
};

/** Subscribes at a subgraph. */
export type SubscriptionSource<Context> = {
  /**
   * @returns the results until the stream ends, or one result with errors when it could not start. A stream that is lost
   * rejects; one that ends is over. `return()` has to reach the subgraph even while `next()` waits.
   */
  subscribe(
    operation: SubgraphOperation,
    context: Context,
  ): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult>;
};

export type SubscriptionsOptions<Context> = {
  planner: OperationPlanner;
  /** Runs the planner's plans. */
  run: RunPlan<Context>;
  /** How each subgraph is reached, by name. */
  sources: Record<string, SubscriptionSource<Context>>;
  /** Subscribers for whom this is the same may share what they get. */
  callerOf(context: Context): string;
  /** What clients may see of errors; asked once for all subscribers to whom the same errors go. */
  format(errors: readonly GraphQLError[]): GraphQLFormattedError[];
  /** Counts the streams that are open at the subgraphs. */
  upstreams: { inc(): void; dec(): void };
  /** Told of each event before the result for its subscribers is made, and then of that. */
  follow?: ((event: ExecutionResult) => ((result: FormattedExecutionResult) => void) | undefined) | undefined;
  log: Logger;
  /** How a lost stream is opened again. Default: 20 times, 0.1 s to 2 s apart. */
  retry?: Retry | undefined;
};

export type SubscriptionRequest<Context> = {
  operation: ValidOperation;
  variables: Record<string, unknown> | undefined;
  context: Context;
};

/** Starts a subscription: its results until it ends, or one result with errors when it cannot start. */
export type Subscribe<Context> = (
  request: SubscriptionRequest<Context>,
) => AsyncIterableIterator<FormattedExecutionResult> | FormattedExecutionResult;

export type Subscriptions<Context> = {
  subscribe: Subscribe<Context>;
  /** Ends every subscription with an error. */
  end(error: GraphQLError): void;
};

/**
 * Subscriptions of one caller with the same document and variables share one stream and one execution of every event, but
 * for those that begin in a history; those of a field that is the same for all callers share it with other callers (see plan.ts).
 */
export function subscriptions<Context>(options: SubscriptionsOptions<Context>): Subscriptions<Context> {
  const { planner, run, sources, callerOf, format, upstreams, follow, log, retry = RETRY } = options;
  const execute = eventExecutor(run);
  const groups = new Map<string, Group<Context, FormattedExecutionResult>>();
  let histories = 0;

  const formatted = (result: ExecutionResult): FormattedExecutionResult =>
    result.errors ? { ...result, errors: format(result.errors) } : result;

  function open(
    { primary, state, history }: SubscriptionPlan,
    variables: Record<string, unknown>,
    context: () => Context,
  ) {
    const { serviceName, operationName, variableUsages = [] } = primary;
    let place = history?.startOf(variables);
    const isHistory = place !== undefined;
    const source = sources[serviceName];
    if (!source) throw new Error(`no subgraph ${serviceName}`);
    const used = variableUsages.filter(name => Object.hasOwn(variables, name));
    const given = Object.fromEntries(used.map(name => [name, variables[name]]));
    const operation = (): SubgraphOperation =>
      history && isHistory
        ? { query: history.operation, operationName, variables: { ...given, [PLACE]: place } }
        : { query: primary.operation, operationName, variables: given };
    return upstream({
      state,
      history: isHistory,
      retry,
      log: log.child({ subgraph: serviceName }),
      open: () => source.subscribe(operation(), context()),
      onResult(result) {
        if (isHistory) place = history?.takePlace(result) ?? place;
      },
    });
  }

  function groupOf(key: string, plan: SubscriptionPlan, variables: Record<string, unknown>) {
    const known = groups.get(key);
    if (known) return known;
    const made = group<Context, FormattedExecutionResult>({
      state: plan.state,
      waits: plan.history?.startOf(variables) !== undefined,
      open: context => open(plan, variables, context),
      async execute({ result: event }, context) {
        const made = follow?.(event);
        const result = formatted(await execute({ plan, variables, context, event }));
        made?.(result);
        return result;
      },
      onClose() {
        groups.delete(key);
        upstreams.dec();
      },
    });
    groups.set(key, made);
    upstreams.inc();
    return made;
  }

  return {
    subscribe({ operation, variables = {}, context }) {
      const refused = badVariables(planner, operation, variables);
      if (refused) return { errors: format(refused) };
      const plan = planner.plan(operation);
      // Nobody else is at the same place of a history.
      const own = plan.history?.startOf(variables) === undefined ? undefined : histories++;
      const key = JSON.stringify([plan.id, plan.public || callerOf(context), used(operation, variables), own]);
      return marked(groupOf(key, plan, variables).join(context));
    },
    end(error) {
      for (const each of [...groups.values()]) each.end(error);
    },
  };
}

/** The variables that the operation declares; one that is left out is not the same as one that is null. */
const used = ({ definition }: ValidOperation, variables: Record<string, unknown>) =>
  definition.variableDefinitions?.map(({ variable: { name } }) =>
    Object.hasOwn(variables, name.value) ? [variables[name.value]] : [],
  );

function mark({ result, resumed, skipped }: StreamEvent<FormattedExecutionResult>): FormattedExecutionResult {
  if (!resumed && skipped === 0) return result;
  const extensions = { ...result.extensions, ...(resumed && { resumed }), ...(skipped > 0 && { skipped }) };
  return { ...result, extensions };
}

function markedStep(
  step: IteratorResult<StreamEvent<FormattedExecutionResult>>,
): IteratorResult<FormattedExecutionResult, undefined> {
  return step.done ? { done: true, value: undefined } : { done: false, value: mark(step.value) };
}

// By hand and not an async generator, whose return() would wait for the pending next() of a silent stream.
function marked(
  source: AsyncIterableIterator<StreamEvent<FormattedExecutionResult>>,
): AsyncIterableIterator<FormattedExecutionResult, undefined> {
  return {
    next: () => source.next().then(markedStep),
    async return() {
      await source.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
