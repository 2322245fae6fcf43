import type { FetchDataRewrite } from '@apollo/query-planner';
import { type GraphQLSchema, isAbstractType, isInterfaceType, isObjectType } from 'graphql';

/** An object of an answer. */
export type Data = Record<string, unknown>;

export const isData = (value: unknown): value is Data =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const NOTHING = Object.freeze(Object.create(null));

/**
 * An object that inherits nothing, since clients choose the names in it: `constructor`, `__proto__`. One without a prototype would
 * be the same, and several times as slow in V8.
 */
export const emptyData = (): Data => Object.create(NOTHING);

/** The object's own value of a name, undefined when it has none. */
export const ownOf = (data: Data, name: string): unknown => (Object.hasOwn(data, name) ? data[name] : undefined);

/** Sets a value, whatever the object inherits under its name. */
export function setOwn(data: Data, name: string, value: unknown): void {
  if (name in data) Object.defineProperty(data, name, { value, configurable: true, enumerable: true, writable: true });
  else data[name] = value;
}

/**
 * Joins what was fetched to the data so far, which is changed.
 *
 * @throws Error when a subgraph sent an object with fields where another had sent a text, number or true.
 */
export function merge(target: Data, source: Data): void {
  for (const key of Object.keys(source)) {
    const value = source[key];
    if (value === undefined) continue;
    const before = ownOf(target, key);
    // Nothing can be joined to a list; it stays.
    if (before && isData(value)) join(key, before, value);
    else if (Array.isArray(before) && Array.isArray(value) && before.length === value.length) mergeItems(before, value);
    else setOwn(target, key, value);
  }
}

function join(key: string, before: unknown, value: Data): void {
  if (isData(before)) merge(before, value);
  else if (!Array.isArray(before) && Object.values(value).some(each => each !== undefined)) {
    throw new Error(`Subgraphs disagree on whether ${key} is an object`);
  }
}

function mergeItems(target: unknown[], source: readonly unknown[]): void {
  for (const [index, value] of source.entries()) {
    const before = target[index];
    if (isData(before) && isData(value)) merge(before, value);
    else target[index] = value;
  }
}

/** Sets and renames in what goes to a subgraph, or came from one, what the plan says; the value is changed. */
export function rewrite(schema: GraphQLSchema, rewrites: readonly FetchDataRewrite[] = [], value: unknown): void {
  for (const each of rewrites) {
    const name = each.path.at(-1);
    if (name === undefined) continue;
    forEachAt(schema, each.path.slice(0, -1), value, data => {
      if (each.kind === 'ValueSetter') return setOwn(data, name, each.setValueTo);
      const renamed = ownOf(data, name);
      if (!renamed) return;
      setOwn(data, each.renameKeyTo, renamed);
      data[name] = undefined;
    });
  }
}

const FRAGMENT = '... on ';

function forEachAt(
  schema: GraphQLSchema,
  [head, ...rest]: readonly string[],
  value: unknown,
  change: (data: Data) => void,
): void {
  if (Array.isArray(value)) {
    for (const item of value) forEachAt(schema, head === undefined ? [] : [head, ...rest], item, change);
  } else if (isData(value)) {
    if (head === undefined) change(value);
    else if (!head.startsWith(FRAGMENT)) forEachAt(schema, rest, ownOf(value, head), change);
    else if (isOfType(schema, value, head.slice(FRAGMENT.length), true)) forEachAt(schema, rest, value, change);
  }
}

/** @param untyped what is said of data without a `__typename`. */
export function isOfType(schema: GraphQLSchema, data: Data, condition: string, untyped: boolean): boolean {
  const name = data.__typename;
  if (!name) return untyped;
  if (name === condition) return true;
  const type = schema.getType(String(name));
  const wanted = schema.getType(condition);
  return isAbstractType(wanted) && (isObjectType(type) || isInterfaceType(type)) && schema.isSubType(wanted, type);
}
