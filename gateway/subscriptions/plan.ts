import {
  baseType,
  type FieldDefinition,
  type ObjectType,
  type Operation,
  operationFromDocument,
  Supergraph,
} from '@apollo/federation-internals';
import { type FetchNode, type QueryPlan, QueryPlanner } from '@apollo/query-planner';
import {
  BREAK,
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  type OperationDefinitionNode,
  parse,
  visit,
} from 'graphql';
import { type History, historyOf } from './history.ts';

/**
 * How the owner of a root field tells what its events are: `@tag(name: "stream-state")` for states, as those of an entity
 * are without it, and `@tag(name: "stream-public")` when neither they nor the right to see them depend on the caller.
 */
const STATE_TAG = 'stream-state';
const PUBLIC_TAG = 'stream-public';

/** How it tells that its argument `after` is a place in a history, and each event's `position` the next one. */
const HISTORY_TAG = 'stream-history';

/** The name under which a plan fetches the event itself; no subgraph can have it. */
export const EVENT_SERVICE = '(event)';

/** A valid operation of a client. */
export type ValidOperation = {
  document: DocumentNode;
  definition: OperationDefinitionNode;
  /** The name it was asked for by; undefined when none was. */
  name: string | undefined;
};

/** How a subscription runs: what is subscribed to, and what is done with every event. */
export type SubscriptionPlan = {
  /** Tells it from all others of this planner. */
  id: number;
  /** The subscription at the subgraph that owns the root field. */
  primary: FetchNode;
  /** A query plan whose first fetch, from EVENT_SERVICE, is the event; then whatever other subgraphs add to it. */
  perEvent: QueryPlan;
  /** What was asked for, as the planner reads it. */
  asked: Operation;
  /** Whether other subgraphs add to the event. */
  fetches: boolean;
  /** Whether an event is a state: then it makes the one before it worthless. */
  state: boolean;
  /** Whether its results are the same for all callers. */
  public: boolean;
  /** How it is read from a place on, where that can be: see history.ts. */
  history: History | undefined;
};

/** How a query or a mutation runs: the plan, and what was asked for, as the planner reads it. */
export type PlannedQuery = { plan: QueryPlan; asked: Operation };

/** The supergraph, and the plans of operations over it. */
export type OperationPlanner = {
  /** The names of all subgraphs. */
  subgraphs: string[];
  /** What clients see. */
  schema: GraphQLSchema;
  supergraphSchema: GraphQLSchema;
  /** @throws GraphQLError when the subscription selects nothing that can be subscribed to. */
  plan(operation: ValidOperation): SubscriptionPlan;
  /** The same planner for queries and mutations, for whoever wants no other beside it. */
  planQuery(operation: ValidOperation): PlannedQuery;
};

/** @throws when the supergraph is not valid. */
export function operationPlanner(supergraphSdl: string): OperationPlanner {
  const supergraph = Supergraph.build(supergraphSdl);
  const apiSchema = supergraph.apiSchema();
  const schema = apiSchema.toGraphQLJSSchema();
  const planner = new QueryPlanner(supergraph);
  let made = 0;

  function makeQuery({ document, name }: ValidOperation): PlannedQuery {
    const asked = operationFromDocument(apiSchema, document, { operationName: name });
    return { plan: planner.buildQueryPlan(asked), asked };
  }

  function make(operation: ValidOperation): SubscriptionPlan {
    const {
      plan: { node },
      asked,
    } = makeQuery(operation);
    if (node?.kind !== 'Subscription')
      throw new GraphQLError('The subscription selects nothing.', { extensions: { code: 'BAD_USER_INPUT' } });
    const { primary, rest } = node;
    const event: FetchNode = { ...primary, serviceName: EVENT_SERVICE, variableUsages: [] };
    const field = rootField(supergraph, primary);
    return {
      id: made++,
      primary,
      perEvent: { kind: 'QueryPlan', node: { kind: 'Sequence', nodes: rest ? [event, rest] : [event] } },
      asked,
      fetches: rest !== undefined,
      state: isEntity(field) || isTagged(field, STATE_TAG),
      // What other subgraphs add may be the caller's own.
      public: isTagged(field, PUBLIC_TAG) && !rest,
      history: isTagged(field, HISTORY_TAG) ? historyOf(primary.operation) : undefined,
    };
  }

  return {
    subgraphs: supergraph.subgraphsMetadata().map(({ name }) => name),
    schema,
    supergraphSchema: supergraph.schema.toGraphQLJSSchema(),
    plan: once(make),
    planQuery: once(makeQuery),
  };
}

/** Makes a plan once, and keeps it as long as its document is. */
function once<Plan extends object>(make: (operation: ValidOperation) => Plan): (operation: ValidOperation) => Plan {
  const plans = new WeakMap<OperationDefinitionNode, Plan>();
  return operation => {
    const known = plans.get(operation.definition);
    if (known) return known;
    const made = make(operation);
    plans.set(operation.definition, made);
    return made;
  };
}

type RootField = FieldDefinition<ObjectType>;

function rootField(supergraph: Supergraph, { operation }: FetchNode): RootField {
  let name = '';
  visit(parse(operation), {
    Field(node) {
      name = node.name.value;
      return BREAK;
    },
  });
  const field = supergraph.schema.schemaDefinition.rootType('subscription')?.field(name);
  if (!field) throw new Error(`the supergraph has no subscription "${name}"`);
  return field;
}

const isTagged = ({ appliedDirectives }: RootField, name: string): boolean =>
  appliedDirectives.some(applied => applied.name === 'tag' && applied.arguments().name === name);

function isEntity({ type }: RootField): boolean {
  const returned = type && baseType(type);
  return (
    returned?.appliedDirectives.some(applied => applied.name === 'join__type' && 'key' in applied.arguments()) ?? false
  );
}
