/**
 * Histories: a stream that begins after a place, and goes on with what comes. Its subscriber must get all of it, however slowly
 * he reads and whatever breaks on the way; so it is his alone, waits for him, and is opened again where he is. The
 * subscription at the subgraph therefore asks for the place of every event, and for those after a place.
 */
import {
  type ExecutionResult,
  type FieldNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  type SelectionSetNode,
  type ValueNode,
  valueFromASTUntyped,
  visit,
} from 'graphql';

export type History = {
  /** The subscription at the subgraph, with the place as a variable. */
  operation: string;
  /** @returns the place that a subscriber begins after; undefined when he wants only what comes. */
  startOf(variables: Readonly<Record<string, unknown>>): number | undefined;
  /** Takes the place of an event out of it. @returns undefined when it has none. */
  takePlace(event: ExecutionResult): number | undefined;
};

/** The variable for the place that it begins after; no client's name has two such dashes. */
export const PLACE = '__after';
/** The place of every event. */
const PLACE_OF_EVENT = '__position';

/** @param operation the subscription as it was planned: one root field, with an argument `after`, of a type with a `position`. */
export function historyOf(operation: string): History {
  const document = parse(operation);
  const definition = document.definitions.find(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  const root = definition?.kind === Kind.OPERATION_DEFINITION && definition.selectionSet.selections[0];
  if (!definition || !root || root.kind !== Kind.FIELD) throw new Error('a subscription has one root field');
  const after = root.arguments?.find(({ name }) => name.value === 'after')?.value;
  const key = root.alias?.value ?? root.name.value;
  return {
    operation: print({
      ...document,
      definitions: document.definitions.map(each => (each === definition ? rewritten(definition, root) : each)),
    }),
    startOf: variables => startOf(after, definition, variables),
    takePlace({ data }) {
      const event = data?.[key] as Record<string, unknown> | null | undefined;
      const place = event?.[PLACE_OF_EVENT];
      if (event) delete event[PLACE_OF_EVENT];
      return typeof place === 'number' ? place : undefined;
    },
  };
}

function startOf(
  after: ValueNode | undefined,
  { variableDefinitions = [] }: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): number | undefined {
  const defaults = variableDefinitions.flatMap(({ variable, defaultValue }) =>
    defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)]] : [],
  );
  const place = after && valueFromASTUntyped(after, { ...Object.fromEntries(defaults), ...variables });
  return typeof place === 'number' ? place : undefined;
}

const named = (value: string) => ({ kind: Kind.NAME, value }) as const;

function rewritten(definition: OperationDefinitionNode, root: FieldNode): OperationDefinitionNode {
  const variable = { kind: Kind.VARIABLE, name: named(PLACE) } as const;
  const others = root.arguments?.filter(({ name }) => name.value !== 'after') ?? [];
  const place: FieldNode = { kind: Kind.FIELD, alias: named(PLACE_OF_EVENT), name: named('position') };
  const field: FieldNode = {
    ...root,
    arguments: [...others, { kind: Kind.ARGUMENT, name: named('after'), value: variable }],
    selectionSet: { kind: Kind.SELECTION_SET, selections: [place, ...(root.selectionSet?.selections ?? [])] },
  };
  const selectionSet: SelectionSetNode = { kind: Kind.SELECTION_SET, selections: [field] };
  const used = new Set<string>();
  visit(selectionSet, { Variable: ({ name }) => void used.add(name.value) });
  // One that was only for the place is not used any more, which is not allowed.
  const kept = definition.variableDefinitions?.filter(each => used.has(each.variable.name.value)) ?? [];
  const type = { kind: Kind.NAMED_TYPE, name: named('Int') } as const;
  return {
    ...definition,
    selectionSet,
    variableDefinitions: [...kept, { kind: Kind.VARIABLE_DEFINITION, variable, type }],
  };
}
