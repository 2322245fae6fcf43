/**
 * Executes Apollo's query plans: answers what Apollo's own `executeQueryPlan` answers (equality.test.ts), without its spans
 * and traces, and with the shape of an answer made once of a document and not for every request. It knows nothing of the
 * gateway around it.
 *
 *   fetch    one fetch from a subgraph: what it is asked, and what becomes of its answer
 *   merge    an answer joined to the data so far, and the renamings that a plan may want
 *   shape    what the answer to an operation looks like
 *   answer   the data in that shape: nulls, types and conditions
 */
import type { Operation } from '@apollo/federation-internals';
import { evaluateCondition, type PlanNode, type QueryPlan, type ResponsePath } from '@apollo/query-planner';
import { type ExecutionResult, GraphQLError, type GraphQLSchema } from 'graphql';
import { answerIn } from './answer.ts';
import { type Cursor, type FetchSource, fetchInto, type Run } from './fetch.ts';
import { type Data, emptyData, isData, ownOf } from './merge.ts';
import { type Shape, shapeOf } from './shape.ts';

/** A plan, and what was asked for, as the planner reads it. The shape of the answers is kept as long as this is. */
export type Planned = { plan: QueryPlan; asked: Operation };

/**
 * Runs a query plan.
 *
 * @param variables as they came, and valid for the operation.
 * @param given what is there already of the plan's fetches, by the service's name; data is merged into it.
 * @returns rejects only when the data have not the form that the plan promises; all else that goes wrong is in `errors`.
 */
export type RunPlan<Context> = (
  planned: Planned,
  variables: Readonly<Data>,
  context: Context,
  given?: Readonly<Record<string, ExecutionResult>>,
) => Promise<ExecutionResult>;

export type RunnerOptions<Context> = {
  /** The schema that clients see, for introspection. */
  schema: GraphQLSchema;
  supergraphSchema: GraphQLSchema;
  /** Where the subgraphs are fetched from, by name. */
  sources: Readonly<Record<string, FetchSource<Context>>>;
};

/** Makes a runner of plans over one supergraph. */
export function planRunner<Context>({ schema, supergraphSchema, sources }: RunnerOptions<Context>): RunPlan<Context> {
  const shapes = new WeakMap<Operation, Shape>();

  function shapeFor(asked: Operation): Shape {
    const known = shapes.get(asked);
    if (known) return known;
    const made = shapeOf(asked);
    shapes.set(asked, made);
    return made;
  }

  return async ({ plan: { node }, asked }, variables, context, given = {}) => {
    const run: Run<Context> = {
      asked,
      schema: supergraphSchema,
      sources,
      given,
      variables,
      context,
      data: emptyData(),
      errors: [],
    };
    if (node?.kind === 'Subscription') throw new Error('a subscription is no query: plan its events');
    if (node) await execute(run, node, { path: [], data: run.data });
    return answered(run.errors, () => answerIn(shapeFor(asked), run.data, variables, schema));
  };
}

/** @throws what `answer` throws when it is no error. */
function answered(errors: readonly GraphQLError[], answer: () => ReturnType<typeof answerIn>): ExecutionResult {
  try {
    const { data, errors: found } = answer();
    if (errors.length > 0) return { errors, data };
    return found.length > 0 ? { extensions: { valueCompletion: found }, data } : { data };
  } catch (error) {
    if (error instanceof GraphQLError) return { errors: [error] };
    if (error instanceof Error) return { errors: [new GraphQLError(error.message, { originalError: error })] };
    throw error;
  }
}

/** @returns undefined when there is nothing to wait for. */
function execute<Context>(run: Run<Context>, node: PlanNode, cursor: Cursor): Promise<unknown> | undefined {
  switch (node.kind) {
    case 'Fetch':
      return fetchInto(run, node, cursor);
    case 'Sequence':
      return inSequence(run, node.nodes, cursor);
    case 'Parallel':
      // Each in a promise of its own: whatever one of them throws, the others are waited for.
      return Promise.all(node.nodes.map(async child => execute(run, child, cursor)));
    case 'Flatten': {
      const data = dataAt(cursor.data, node.path);
      return data ? execute(run, node.node, { path: [...cursor.path, ...node.path], data }) : undefined;
    }
    case 'Condition': {
      const holds = evaluateCondition(node, run.asked.variableDefinitions, run.variables);
      const branch = holds ? node.ifClause : node.elseClause;
      return branch && execute(run, branch, cursor);
    }
    case 'Defer':
      throw new Error('@defer is not supported');
  }
}

async function inSequence<Context>(run: Run<Context>, nodes: readonly PlanNode[], cursor: Cursor): Promise<void> {
  for (const node of nodes) await execute(run, node, cursor);
}

/** What stands at a path; of lists on the way, what stands there in all of their items. */
function dataAt(value: unknown, [head, ...rest]: ResponsePath): unknown {
  if (head === undefined || value === undefined || value === null) return value;
  if (Array.isArray(value) !== (head === '@')) {
    throw new Error(`The data have not the form that the plan promises, at ${head}`);
  }
  if (Array.isArray(value)) return value.flatMap(item => dataAt(item, rest));
  return isData(value) ? dataAt(ownOf(value, String(head)), rest) : undefined;
}
