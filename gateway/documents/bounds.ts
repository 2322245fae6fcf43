import {
  type ASTNode,
  BREAK,
  type DocumentNode,
  type FieldNode,
  type FloatValueNode,
  GraphQLError,
  type IntValueNode,
  Kind,
  type OperationDefinitionNode,
  visit,
} from 'graphql';
import { type Fragments, fragmentsOf, selectedFields } from './selections.ts';

/** A document of more tokens is refused before it is parsed to its end. */
export const TOKENS_MAX = 4_000;

/** What a document may hold as it is written, whatever it asks for. */
export const BOUNDS = {
  /** Fields, fragments and spreads: validation compares each with each. */
  selections: 400,
  aliases: 50,
  /** Each `@include` and `@skip` makes planning branch. */
  directives: 20,
  /** Fields of one operation, its fragments opened wherever they are spread: what planning works on. */
  fields: 500,
  /** Fields of one operation at its root: each is a request of its own to a service. */
  rootFields: 20,
  /** Selection sets within each other, and lists or objects within each other. */
  selectionsDeep: 20,
  valuesDeep: 10,
} as const;

/**
 * Holds a document to BOUNDS. What validation, planning and coercion cost grows beyond measure with these, so they are
 * counted before any of it begins.
 *
 * @returns the error that names the bound, or undefined.
 */
export function outOfBounds(document: DocumentNode): GraphQLError | undefined {
  return tooMuchWritten(document) ?? tooManyFields(document);
}

function tooMuchWritten(document: DocumentNode): GraphQLError | undefined {
  let found: GraphQLError | undefined;
  const count = { selections: 0, aliases: 0, directives: 0, selectionsDeep: 0, valuesDeep: 0 };
  function add(what: keyof typeof count, node: ASTNode, message: (max: number) => string) {
    count[what] += 1;
    const max = BOUNDS[what];
    if (count[what] <= max) return undefined;
    found = refusal(message(max), node);
    return BREAK;
  }
  const selected = (node: ASTNode) =>
    add('selections', node, max => `The document selects more than ${max} fields. Ask for less at a time.`);
  const value = {
    enter: (node: ASTNode) => add('valuesDeep', node, max => `The document nests values more than ${max} deep.`),
    leave() {
      count.valuesDeep -= 1;
    },
  };
  // Infinity to a program: the planner cannot write it down again.
  function number(node: IntValueNode | FloatValueNode) {
    if (Number.isFinite(Number(node.value))) return undefined;
    found = refusal('The document has a number that is too large.', node);
    return BREAK;
  }
  visit(document, {
    Field(node) {
      if (!node.alias) return selected(node);
      const refused = add('aliases', node, max => `The document has more than ${max} aliases. Send several documents.`);
      return refused ?? selected(node);
    },
    Directive: node => add('directives', node, max => `The document has more than ${max} directives.`),
    FragmentSpread: selected,
    InlineFragment: selected,
    SelectionSet: {
      enter: node => add('selectionsDeep', node, max => `The document nests selections more than ${max} deep.`),
      leave() {
        count.selectionsDeep -= 1;
      },
    },
    IntValue: number,
    FloatValue: number,
    ListValue: value,
    ObjectValue: value,
  });
  return found;
}

function tooManyFields(document: DocumentNode): GraphQLError | undefined {
  const fragments = fragmentsOf(document);
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const { rootFields, fields } = BOUNDS;
    if (selectedFields(definition.selectionSet, fragments).length > rootFields) {
      const message = `An operation has more than ${rootFields} fields at its root. Send several operations.`;
      return refusal(message, definition);
    }
    if (openedFields(definition, fragments) > fields) {
      const message = `An operation selects more than ${fields} fields, its fragments opened. Ask for less at a time.`;
      return refusal(message, definition);
    }
  }
  return undefined;
}

function openedFields({ selectionSet }: OperationDefinitionNode, fragments: Fragments): number {
  const known = new Map<FieldNode, number>();
  function count(set: FieldNode['selectionSet']): number {
    if (!set) return 0;
    return selectedFields(set, fragments).reduce((total, { field }) => total + countField(field), 0);
  }
  function countField(field: FieldNode): number {
    const counted = known.get(field);
    if (counted !== undefined) return counted;
    // For fragments that spread each other in a circle, which validation refuses.
    known.set(field, 0);
    const opened = 1 + count(field.selectionSet);
    known.set(field, opened);
    return opened;
  }
  return count(selectionSet);
}

const refusal = (message: string, node: ASTNode): GraphQLError =>
  new GraphQLError(message, { nodes: node, extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } });
