import { operationFromDocument, type Schema, Supergraph } from '@apollo/federation-internals';
import { buildOperationContext } from '@apollo/gateway';
import { type FetchNode, type QueryPlan, QueryPlanner } from '@apollo/query-planner';
import { BREAK, type GraphQLSchema, getNamedType, parse, visit } from 'graphql';
import { clientError } from '../../schema/errors.ts';
import type { Operation } from '../operations.ts';

/** The name under which a plan fetches the event itself; no subgraph can have it. */
export const EVENT_SERVICE = '(event)';

/** How a subscription runs: what is subscribed to, and what is done with every event. */
export type SubscriptionPlan = {
  /** The subscription at the subgraph that owns the root field. */
  primary: FetchNode;
  /** A query plan whose first fetch, from EVENT_SERVICE, is the event; then whatever other subgraphs add to it. */
  perEvent: QueryPlan;
  context: ReturnType<typeof buildOperationContext>;
  /** Whether the root field is an entity: then an event is a state, and a newer one makes an older one worthless. */
  state: boolean;
};

/** The supergraph, and the plans of subscriptions over it. */
export type SubscriptionPlanner = {
  /** What clients see. */
  schema: GraphQLSchema;
  apiSchema: Schema;
  supergraphSchema: GraphQLSchema;
  /** @throws GraphQLError when the subscription selects nothing that can be subscribed to. */
  plan(operation: Operation): SubscriptionPlan;
};

/** Builds the planner; an operation's plan is made once, and kept as long as its document is (see operations.ts). */
export function subscriptionPlanner(supergraphSdl: string): SubscriptionPlanner {
  const supergraph = Supergraph.build(supergraphSdl);
  const apiSchema = supergraph.apiSchema();
  const schema = apiSchema.toGraphQLJSSchema();
  const planner = new QueryPlanner(supergraph);
  const plans = new WeakMap<Operation['definition'], SubscriptionPlan>();

  function make({ document, definition, name }: Operation): SubscriptionPlan {
    const operation = operationFromDocument(apiSchema, document, { operationName: name });
    const { node } = planner.buildQueryPlan(operation);
    if (node?.kind !== 'Subscription') throw clientError('BAD_USER_INPUT', 'The subscription selects nothing.');
    const { primary, rest } = node;
    const event: FetchNode = { ...primary, serviceName: EVENT_SERVICE, variableUsages: [] };
    return {
      primary,
      perEvent: { kind: 'QueryPlan', node: { kind: 'Sequence', nodes: rest ? [event, rest] : [event] } },
      context: buildOperationContext({ schema, operationDocument: document, operationName: definition.name?.value }),
      state: isEntity(supergraph, schema, primary),
    };
  }

  return {
    schema,
    apiSchema,
    supergraphSchema: supergraph.schema.toGraphQLJSSchema(),
    plan(operation) {
      const known = plans.get(operation.definition);
      if (known) return known;
      const made = make(operation);
      plans.set(operation.definition, made);
      return made;
    },
  };
}

function isEntity(supergraph: Supergraph, schema: GraphQLSchema, { operation }: FetchNode): boolean {
  let rootField = '';
  visit(parse(operation), {
    Field({ name }) {
      rootField = name.value;
      return BREAK;
    },
  });
  const returned = schema.getSubscriptionType()?.getFields()[rootField]?.type;
  const type = returned && supergraph.schema.type(getNamedType(returned).name);
  return (
    type?.appliedDirectives.some(applied => applied.name === 'join__type' && 'key' in applied.arguments()) ?? false
  );
}
