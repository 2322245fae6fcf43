/**
 * Dotted paths through documents and arrays, as MongoDB's matcher walks them (`src/mongo/db/matcher/path.cpp`): an
 * array on the way is entered element by element, and a number also names a position.
 */
import { fail } from './errors.ts';
import { isArray, isObject } from './values.ts';

const split = new Map<string, string[]>();

/** The parts of a dotted path; the answers for recent paths are kept. Callers must not change the array. */
export function parts(path: string): string[] {
  let known = split.get(path);
  if (!known) {
    if (split.size > 10_000) split.clear();
    known = path.split('.');
    split.set(path, known);
  }
  return known;
}

export const isPosition = (part: string) => /^(0|[1-9]\d*)$/.test(part);

export function field(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/**
 * Calls `test` with every value the path leads to until one returns true. An array at the end is given element by
 * element and then whole, or only whole when `whole` is true. A missing field is given as undefined; where an array on
 * the way holds no document, nothing is given at all.
 */
export function some(value: unknown, path: string[], test: (found: unknown) => boolean, whole = false, i = 0): boolean {
  if (i === path.length) return someLeaf(value, test, whole);
  const part = path[i] ?? '';
  if (!isArray(value)) return some(field(value, part), path, test, whole, i + 1);
  for (const element of value) {
    if (isObject(element) && some(element, path, test, whole, i)) return true;
  }
  if (!isPosition(part) || Number(part) >= value.length) return false;
  const element = value[Number(part)];
  // A position at the end gives that element alone: an array standing there is not entered.
  return i === path.length - 1 ? test(element) : some(element, path, test, whole, i + 1);
}

function someLeaf(value: unknown, test: (found: unknown) => boolean, whole: boolean): boolean {
  if (!isArray(value) || whole) return test(value);
  return value.some(test) || test(value);
}

/** The value at a path through documents only, or undefined. */
export function get(value: unknown, path: string[]): unknown {
  let found = value;
  for (const part of path) found = isArray(found) && isPosition(part) ? found[Number(part)] : field(found, part);
  return found;
}

/**
 * What an index holds for a document at one path: the values, one for each element if an array is on the path,
 * whose path is then `array`), and whether the field is there at all (a sparse index leaves the document out if none
 * of its fields is).
 */
export type Indexed = { values: unknown[]; array: string | undefined; exists: boolean };

export function indexed(doc: unknown, path: string[]): Indexed {
  let value = doc;
  for (const [i, part] of path.entries()) {
    if (isArray(value)) return indexedArray(value, path, i);
    value = field(value, part);
  }
  if (isArray(value)) return indexedArray(value, path, path.length);
  return { values: [value === undefined ? null : value], array: undefined, exists: value !== undefined };
}

function indexedArray(array: unknown[], path: string[], i: number): Indexed {
  const values: unknown[] = [];
  let exists = false;
  some(
    array,
    path,
    found => {
      exists ||= found !== undefined;
      if (!(i === path.length && found === array)) values.push(found === undefined ? null : found);
      return false;
    },
    false,
    i,
  );
  // undefined: the entry of an array in which there is nothing to index, below null and no match for it.
  return { values: values.length > 0 ? values : [undefined], array: path.slice(0, i).join('.'), exists };
}

/** Refuses paths that MongoDB refuses: empty parts, and names beginning with `$`. */
export function checkPath(path: string, what: string): void {
  if (path === '') fail('EmptyFieldName', `An empty ${what} path is not valid.`);
  for (const part of parts(path)) {
    if (part === '') fail('EmptyFieldName', `The ${what} path '${path}' contains an empty field name.`);
  }
}
