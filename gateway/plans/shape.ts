import {
  baseType,
  type CompositeType,
  type FieldSelection,
  isBooleanType,
  isCompositeType,
  isCustomScalarType,
  isEnumType,
  isFloatType,
  isIDType,
  isIntType,
  isListType,
  isNonNullType,
  type NamedType,
  type Operation,
  type OutputType,
  type Schema,
  type Selection,
  type SelectionSet,
  typenameFieldName,
  Variable,
} from '@apollo/federation-internals';
import { type DocumentNode, Kind, OperationTypeNode } from 'graphql';
import type { Data } from './merge.ts';

/** What the answer to an operation looks like: laid over the data of all subgraphs, it leaves what was asked for. */
export type Shape = {
  schema: Schema;
  root: CompositeType;
  selections: readonly SelectionShape[];
  /** Of the operation's variables. */
  defaults: Readonly<Data>;
};

/** In the order of the document; a name may come several times, under other conditions. */
export type SelectionShape = { conditions: readonly Condition[] } & (
  | { kind: 'typename'; name: string }
  | { kind: 'introspection'; name: string; document: DocumentNode }
  | { kind: 'field'; name: string; type: TypeShape; selections: readonly SelectionShape[] | undefined }
  | { kind: 'fragment'; on: CompositeType | undefined; selections: readonly SelectionShape[] }
);

/** `@skip` or `@include`. */
export type Condition = { skip: boolean; value: boolean | { variable: string; shown: string } };

/** @property of the type itself, without its `!`, as errors name it. */
export type TypeShape = { nonNull: boolean; shown: string } & (
  | { kind: 'list'; of: TypeShape }
  | { kind: 'object'; type: CompositeType }
  | { kind: 'leaf'; holds: (value: unknown) => boolean }
);

/** Makes the shape of the answers to an operation. */
export function shapeOf(operation: Operation): Shape {
  const schema = operation.schema();
  const root = schema.schemaDefinition.rootType(operation.rootKind);
  if (!root) throw new Error(`the schema has no ${operation.rootKind}`);
  // A fragment is made once, however often it is spread.
  const known = new Map<SelectionSet, readonly SelectionShape[]>();

  function selectionsOf(set: SelectionSet): readonly SelectionShape[] {
    const selections = known.get(set) ?? set.selections().map(selectionOf);
    known.set(set, selections);
    return selections;
  }

  function selectionOf(selection: Selection): SelectionShape {
    const conditions = conditionsOf(selection);
    if (selection.kind === 'FragmentSelection') {
      const on = selection.element.typeCondition;
      return { kind: 'fragment', conditions, on, selections: selectionsOf(selection.selectionSet) };
    }
    const { element, selectionSet } = selection;
    const name = element.responseName();
    if (element.definition.isSchemaIntrospectionField()) {
      return { kind: 'introspection', conditions, name, document: introspection(operation, selection) };
    }
    if (element.name === typenameFieldName) return { kind: 'typename', conditions, name };
    if (!element.definition.type) throw new Error(`${element.definition.coordinate} has no type`);
    const selections = selectionSet && selectionsOf(selectionSet);
    return { kind: 'field', conditions, name, type: typeOf(element.definition.type), selections };
  }

  return {
    schema,
    root,
    selections: selectionsOf(operation.selectionSet),
    defaults: operation.collectDefaultedVariableValues(),
  };
}

function conditionsOf({ element }: Selection): Condition[] {
  const schema = element.schema();
  const made = (skip: boolean, directive: { arguments(): { if?: unknown } } | undefined): Condition[] => {
    if (!directive) return [];
    const value = directive.arguments().if;
    if (value instanceof Variable) return [{ skip, value: { variable: value.name, shown: String(directive) } }];
    return [{ skip, value: value === true }];
  };
  return [
    ...made(true, element.appliedDirectivesOf(schema.skipDirective())[0]),
    ...made(false, element.appliedDirectivesOf(schema.includeDirective())[0]),
  ];
}

/** A query for one field of the schema itself. */
function introspection(operation: Operation, selection: FieldSelection): DocumentNode {
  const selections = [selection.expandFragments().toSelectionNode()];
  const variableDefinitions = operation.variableDefinitions.toVariableDefinitionNodes();
  const selectionSet = { kind: Kind.SELECTION_SET, selections } as const;
  const query = { kind: Kind.OPERATION_DEFINITION, operation: OperationTypeNode.QUERY, selectionSet } as const;
  return { kind: Kind.DOCUMENT, definitions: [{ ...query, ...(variableDefinitions && { variableDefinitions }) }] };
}

function typeOf(type: OutputType): TypeShape {
  if (isNonNullType(type)) return { ...typeOf(type.ofType), nonNull: true };
  const of = { nonNull: false, shown: String(type) };
  if (isListType(type)) return { ...of, kind: 'list', of: typeOf(type.ofType) };
  if (isCompositeType(type)) return { ...of, kind: 'object', type };
  return { ...of, kind: 'leaf', holds: leafCheck(baseType(type)) };
}

/** Where a whole number ceases to be written as digits. */
const DIGITS_MAX = 1e21;

/** Says whether a value is one of the type, as far as a gateway can know. */
function leafCheck(type: NamedType): (value: unknown) => boolean {
  if (isCustomScalarType(type)) return () => true;
  if (isEnumType(type)) return value => typeof value === 'string' && type.value(value) !== undefined;
  if (isBooleanType(type)) return value => typeof value === 'boolean';
  if (isFloatType(type)) return value => Number.isFinite(value);
  if (isIntType(type)) return isWhole;
  if (isIDType(type)) return value => typeof value === 'string' || isWhole(value);
  return value => typeof value === 'string';
}

const isWhole = (value: unknown): boolean => Number.isInteger(value) && Math.abs(Number(value)) < DIGITS_MAX;
