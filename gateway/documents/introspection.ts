import {
  type FieldNode,
  GraphQLError,
  Kind,
  type SelectionSetNode,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';

/** What GraphQL.js offers of the schema and Apollo's planner does not know, by type: it would fail as if by our own fault. */
const UNPLANNED: Readonly<Record<string, readonly string[]>> = {
  __Type: ['isOneOf'],
  __Directive: ['isDeprecated', 'deprecationReason'],
};

/** Refuses introspection that cannot be planned. */
export const plannedIntrospectionRule: ValidationRule = context => ({
  Field(node) {
    const type = context.getParentType()?.name ?? '';
    const { value: name } = node.name;
    const unplanned = UNPLANNED[type]?.includes(name);
    if (unplanned)
      context.reportError(new GraphQLError(`Cannot query field "${name}" on type "${type}".`, { nodes: node }));
    const argument = type === '__Schema' && name === 'directives' && node.arguments?.[0];
    if (argument) {
      const message = `Unknown argument "${argument.name.value}" on field "${type}.${name}".`;
      context.reportError(new GraphQLError(message, { nodes: argument }));
    }
  },
  OperationDefinition({ selectionSet }) {
    for (const node of conditionalIntrospection(context, selectionSet)) {
      const message = `"${node.name.value}" cannot stand in a fragment with @skip or @include: put it on the field.`;
      context.reportError(new GraphQLError(message, { nodes: node }));
    }
  },
});

const ROOT = /^__(schema|type)$/;

/** Introspection at the root of an operation, inside a fragment that is there or not. */
function conditionalIntrospection(context: ValidationContext, root: SelectionSetNode): FieldNode[] {
  const found: FieldNode[] = [];
  // Fragments may spread each other in a circle, which another rule refuses.
  const opened = new Set<string>();
  function look({ selections }: SelectionSetNode, conditional: boolean): void {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        if (conditional && ROOT.test(selection.name.value)) found.push(selection);
        continue;
      }
      const within = conditional || Boolean(selection.directives?.length);
      if (selection.kind === Kind.INLINE_FRAGMENT) look(selection.selectionSet, within);
      else open(selection.name.value, within);
    }
  }
  function open(fragment: string, conditional: boolean): void {
    const key = `${fragment} ${conditional}`;
    const definition = opened.has(key) ? undefined : context.getFragment(fragment);
    opened.add(key);
    if (definition) look(definition.selectionSet, conditional);
  }
  look(root, false);
  return found;
}
