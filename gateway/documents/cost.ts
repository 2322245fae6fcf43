/**
 * What an operation may cost, before it runs. A value counts 1 and an object OBJECT_COST, since it may have to be looked up;
 * what stands in a list counts as often as the list is long: its page size, or PAGE_ASSUMED when it has none.
 * The idea is that of https://ibm.github.io/graphql-specs/cost-spec.html, with this schema's own conventions (`first`, and at
 * most PAGE_MAX) in the place of directives.
 */
import {
  type ArgumentNode,
  type DocumentNode,
  type FieldNode,
  type GraphQLField,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { PAGE_MAX } from '../../schema/paging.ts';
import { fragmentsOf, selectedFields } from './selections.ts';

export type Variables = Readonly<Record<string, unknown>>;

/** A number that depends on page sizes, which a client may give as variables. */
export type Cost = {
  /** With the smallest pages. */
  least: number;
  /** With these variables; absent when it does not depend on any. Takes time in proportion to `least`, at most. */
  given?: (variables: Variables) => number;
};

const OBJECT_COST = 10;
/** What a list without a page size is taken to hold. */
const PAGE_ASSUMED = 10;
const PAGE_ASSUMED_COST: Cost = { least: PAGE_ASSUMED };
const PAGE_SIZE = 'first';

/** @param document valid for the schema. */
export function operationCost(
  schema: GraphQLSchema,
  document: DocumentNode,
  { operation, selectionSet, variableDefinitions = [] }: OperationDefinitionNode,
): Cost {
  const fragments = fragmentsOf(document);
  const known = new Map<FieldNode, Parts>();
  const defaults = new Map(
    variableDefinitions.map(({ variable, defaultValue }) => [variable.name.value, defaultValue]),
  );

  function ofSelections(set: SelectionSetNode, typeName: string): Parts {
    const parts = selectedFields(set, fragments).map(({ field, on = typeName }) => {
      // A fragment is opened at many places, and costs the same at each.
      const cost = known.get(field) ?? ofField(field, on);
      known.set(field, cost);
      return cost;
    });
    return { once: sum(parts.map(({ once }) => once)), items: sum(parts.map(({ items }) => items)) };
  }

  function ofField({ name, arguments: given = [], selectionSet }: FieldNode, on: string): Parts {
    const type = schema.getType(on);
    const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[name.value] : undefined;
    // What every type has, and introspection: it has rules of its own.
    if (!field || !selectionSet) return { once: constant(1), items: constant(0) };
    const within = ofSelections(selectionSet, getNamedType(field.type).name);
    const size = pageSize(field, given);
    const list = isList(field.type);
    const pages = list ? PAGE_ASSUMED_COST : (size ?? PAGE_ASSUMED_COST);
    const inner = sum([within.once, product(pages, within.items)]);
    if (list && !size) return { once: constant(OBJECT_COST), items: inner };
    return {
      once: sum([constant(OBJECT_COST), product(list && size ? size : constant(1), inner)]),
      items: constant(0),
    };
  }

  /** As the services read it: see schema/paging.ts. */
  function pageSize({ args }: GraphQLField<unknown, unknown>, given: readonly ArgumentNode[]): Cost | undefined {
    const argument = args.find(({ name }) => name === PAGE_SIZE);
    if (!argument) return undefined;
    const value = given.find(({ name }) => name.value === PAGE_SIZE)?.value;
    const byDefault = bounded(argument.defaultValue, PAGE_ASSUMED);
    if (value?.kind === Kind.INT) return constant(bounded(Number(value.value), byDefault));
    if (value?.kind !== Kind.VARIABLE) return constant(byDefault);
    const variable = value.name.value;
    const written = defaults.get(variable);
    const absent = written?.kind === Kind.INT ? bounded(Number(written.value), byDefault) : byDefault;
    // A default of the variable's own is for none at all; given as null, it is for the service to choose.
    const sizeOf = (given: unknown) => (given === undefined ? absent : bounded(given, byDefault));
    return { least: 1, given: variables => sizeOf(variables[variable]) };
  }

  const { once, items } = ofSelections(selectionSet, schema.getRootType(operation)?.name ?? '');
  return sum([once, product(PAGE_ASSUMED_COST, items)]);
}

/** What selections cost: apart from lists, and for each item of the lists in them, whose length the field around says. */
type Parts = { once: Cost; items: Cost };

/** What an operation costs with the variables that came with it. */
export const costWith = ({ least, given }: Cost, variables: Variables): number => given?.(variables) ?? least;

const constant = (least: number): Cost => ({ least });

function sum(costs: readonly Cost[]): Cost {
  const least = costs.reduce((total, cost) => total + cost.least, 0);
  const varying = costs.flatMap(({ least, given }) => (given ? [{ least, given }] : []));
  if (varying.length === 0) return { least };
  const fixed = varying.reduce((rest, cost) => rest - cost.least, least);
  return { least, given: variables => varying.reduce((total, cost) => total + cost.given(variables), fixed) };
}

function product(a: Cost, b: Cost): Cost {
  const least = a.least * b.least;
  if (least === 0 || (!a.given && !b.given)) return { least };
  return { least, given: variables => costWith(a, variables) * costWith(b, variables) };
}

/** What is no number, the services refuse. */
function bounded(size: unknown, otherwise: number): number {
  return typeof size === 'number' && size >= 1 ? Math.min(size, PAGE_MAX) : otherwise;
}

const isList = (type: GraphQLOutputType): boolean => isListType(isNonNullType(type) ? type.ofType : type);
