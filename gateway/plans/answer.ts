import {
  type CompositeType,
  ERRORS,
  isCompositeType,
  isObjectType,
  isSubtype,
  type Schema,
} from '@apollo/federation-internals';
import { executeSync, type GraphQLError, type GraphQLSchema } from 'graphql';
import { type Data, emptyData, isData, ownOf } from './merge.ts';
import type { Condition, SelectionShape, Shape, TypeShape } from './shape.ts';

type Laying = {
  schema: Schema;
  /** The value of a variable, or its default. */
  variable: (name: string) => unknown;
  introspect: (selection: SelectionShape & { kind: 'introspection' }) => unknown;
  /** To the value at hand. */
  path: (string | number)[];
  errors: GraphQLError[];
};

/** A null, and why is in the errors already. */
const FAILED = Symbol('failed');
/** The same where null may not stand, so that what is around it becomes null. */
const INVALID = Symbol('invalid');

/**
 * Lays a shape over what the subgraphs have answered.
 *
 * @param api the schema that clients see.
 * @returns the errors tell of values that the subgraphs should not have sent.
 * @throws Error when the data cannot be what the schema says, as an object in the place of a list.
 */
export function answerIn(
  shape: Shape,
  input: Data,
  given: Readonly<Data>,
  api: GraphQLSchema,
): { data: Data | null; errors: GraphQLError[] } {
  const variable = (name: string) => (Object.hasOwn(given, name) ? given[name] : shape.defaults[name]);
  const introspect: Laying['introspect'] = ({ name, document }) => {
    const { data, errors } = executeSync({ schema: api, document, rootValue: {}, variableValues: given });
    if (!data || errors?.length) throw new Error(`Introspection failed: ${JSON.stringify(errors)}`);
    return ownOf(data, name);
  };
  const laying: Laying = { schema: shape.schema, variable, introspect, path: [], errors: [] };
  const data = emptyData();
  const whole = fill(laying, shape.selections, input, data, shape.root);
  return { data: whole ? data : null, errors: laying.errors };
}

/** @returns false when a null in it has to go further up. */
function fill(
  laying: Laying,
  selections: readonly SelectionShape[],
  input: Data,
  output: Data,
  parent: CompositeType,
): boolean {
  for (const selection of selections) {
    if (!selection.conditions.every(condition => holds(laying, condition))) continue;
    if (selection.kind === 'fragment') {
      const { on } = selection;
      if (on && !applies(laying, on, input.__typename, parent)) continue;
      if (!fill(laying, selection.selections, input, output, on ?? parent)) return false;
      continue;
    }
    const { name } = selection;
    const before = output[name];
    if (selection.kind === 'field') {
      laying.path.push(name);
      const value = complete(laying, selection, selection.type, ownOf(input, name) ?? null, before, parent);
      laying.path.pop();
      output[name] = typeof value === 'symbol' ? null : value;
      if (value === INVALID) return false;
    } else if (before === undefined) {
      const value =
        selection.kind === 'typename' ? typenameOf(laying, name, input, parent) : laying.introspect(selection);
      if (value === INVALID) return false;
      output[name] = value;
    }
  }
  return true;
}

function holds({ variable }: Laying, { skip, value }: Condition): boolean {
  if (typeof value === 'boolean') return value !== skip;
  const now = variable(value.variable);
  if (typeof now === 'boolean') return now !== skip;
  throw new Error(`Unexpected value ${now} for variable $${value.variable} of ${value.shown}`);
}

function applies({ schema }: Laying, on: CompositeType, typename: unknown, parent: CompositeType): boolean {
  if (!typename) return isSubtype(on, parent);
  if (typeof typename !== 'string') throw new Error(`Got unexpected value for __typename: ${typename}`);
  const type = schema.type(typename);
  return type !== undefined && isSubtype(on, type);
}

function typenameOf({ schema }: Laying, name: string, input: Data, parent: CompositeType): unknown {
  const value = ownOf(input, name) ?? input.__typename;
  const type = (typeof value === 'string' && schema.type(value)) || parent;
  return isObjectType(type) ? type.name : INVALID;
}

/** The field at hand, or an item of it. */
type Of = { name: string; selections: readonly SelectionShape[] | undefined };

/** @param before what another selection of the same name has left. */
function complete(
  laying: Laying,
  of: Of,
  type: TypeShape,
  input: unknown,
  before: unknown,
  parent: CompositeType,
): unknown {
  if (before === null || (before !== undefined && !of.selections)) return before;
  const value = input === null ? null : completeNullable(laying, of, type, input, before, parent);
  if (!type.nonNull || (value !== null && value !== FAILED)) return value;
  if (value === null) tell(laying, `Cannot return null for non-nullable ${placeOf(laying, type, parent)}.`);
  return INVALID;
}

function completeNullable(
  laying: Laying,
  of: Of,
  type: TypeShape,
  input: unknown,
  before: unknown,
  parent: CompositeType,
): unknown {
  if (type.kind === 'list') {
    if (!Array.isArray(input))
      throw new Error(`Invalid non-list value ${input} returned by subgraph for list type ${type.shown}`);
    return completeItems(laying, of, type.of, input, before, parent);
  }
  if (type.kind === 'object') {
    if (typeof input !== 'object')
      throw new Error(`Invalid non-object value ${input} returned by subgraph for composite type ${type.shown}`);
    // A list passes for an object without fields.
    return completeObject(laying, of, type, input as Data, before, parent);
  }
  if (type.holds(input)) return input;
  tell(laying, `Invalid value found for ${placeOf(laying, type, parent)}.`);
  return FAILED;
}

function completeItems(
  laying: Laying,
  of: Of,
  type: TypeShape,
  input: readonly unknown[],
  before: unknown,
  parent: CompositeType,
): unknown {
  const old = Array.isArray(before) ? before : undefined;
  if (old && old.length !== input.length)
    throw new Error(`[${input}].length (${input.length}) !== [${old}].length (${old.length})`);
  let invalid = false;
  const output = input.map((item, index) => {
    laying.path.push(index);
    const value = complete(laying, of, type, item ?? null, old?.[index], parent);
    laying.path.pop();
    invalid ||= value === INVALID;
    return typeof value === 'symbol' ? null : value;
  });
  return invalid ? FAILED : output;
}

function completeObject(
  laying: Laying,
  { selections = [] }: Of,
  type: TypeShape & { kind: 'object' },
  input: Data,
  before: unknown,
  parent: CompositeType,
): unknown {
  const typename = input.__typename;
  if (typename !== undefined && typeof typename !== 'string')
    throw new Error(`Invalid non-string value ${typename} for __typename at ${laying.path}`);
  const actual = typename ? laying.schema.type(typename) : type.type;
  if (!actual || !isCompositeType(actual)) {
    tell(laying, `Invalid __typename found for object at ${placeOf(laying, type, parent)}.`);
    return FAILED;
  }
  const output = isData(before) ? before : emptyData();
  return fill(laying, selections, input, output, actual) ? output : FAILED;
}

function tell({ errors, path }: Laying, message: string): void {
  errors.push(ERRORS.INVALID_GRAPHQL.err(message, { path: [...path] }));
}

function placeOf({ path }: Laying, { shown }: TypeShape, parent: CompositeType): string {
  const last = path.at(-1);
  return typeof last === 'string' ? `field ${parent}.${last}` : `array element of type ${shown} at index ${last}`;
}
