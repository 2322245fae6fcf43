import { Binary, BSONRegExp, Code, Int32, MaxKey, MinKey, ObjectId, Timestamp } from 'bson';
import { compareNumbers, isNumber } from './numbers.ts';
import { type Doc, isArray, isObject, kindOf } from './values.ts';

/**
 * MongoDB's comparison order over all BSON values (manual: "Comparison/Sort Order"): by canonical type first, then
 * within the type. Negative, zero or positive. Missing (`undefined`) is below null; sorting substitutes null before.
 */
export function compare(a: unknown, b: unknown): number {
  if (a === b) return 0;
  if (a instanceof Int32 && b instanceof Int32) return a.value - b.value;
  const order = kindOf(a).rank - kindOf(b).rank;
  return order !== 0 ? order : compareSame(a, b);
}

export const equal = (a: unknown, b: unknown): boolean => compare(a, b) === 0;

function compareSame(a: unknown, b: unknown): number {
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b);
  if (isNumber(a) && isNumber(b)) return compareNumbers(a, b);
  if (a instanceof Date && b instanceof Date) return a.getTime() - b.getTime();
  if (a instanceof ObjectId && b instanceof ObjectId) return Buffer.compare(a.id, b.id);
  if (isArray(a) && isArray(b)) return compareArrays(a, b);
  if (typeof a === 'boolean') return Number(a) - Number(b);
  if (a instanceof Binary && b instanceof Binary) return compareBinaries(a, b);
  if (a instanceof Timestamp && b instanceof Timestamp) return a.compare(b);
  if (a instanceof BSONRegExp && b instanceof BSONRegExp) {
    return compareStrings(a.pattern, b.pattern) || compareStrings(a.options, b.options);
  }
  if (a instanceof Code && b instanceof Code) return compareStrings(String(a.code), String(b.code));
  if (a instanceof MinKey || a instanceof MaxKey || a == null) return 0;
  return isObject(a) && isObject(b) ? compareObjects(a, b) : compareStrings(String(a), String(b));
}

/** By UTF-8 bytes, which is the order of code points and not that of UTF-16 units. */
export function compareStrings(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    // A surrogate stands for a code point above every unit from U+E000 to U+FFFF.
    if (x >= 0xd800 && y >= 0xd800) return (x < 0xe000 ? x + 0x10000 : x) - (y < 0xe000 ? y + 0x10000 : y);
    return x - y;
  }
  return a.length - b.length;
}

function compareBinaries(a: Binary, b: Binary): number {
  return a.position - b.position || a.sub_type - b.sub_type || Buffer.compare(a.value(), b.value());
}

function compareArrays(a: unknown[], b: unknown[]): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const order = compare(a[i], b[i]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Field by field in their order: type, then name, then value; a document that ends first is less. */
function compareObjects(a: Doc, b: Doc): number {
  const left = Object.keys(a);
  const right = Object.keys(b);
  for (const [i, name] of left.entries()) {
    const other = right[i];
    if (other === undefined) return 1;
    const order =
      kindOf(a[name]).rank - kindOf(b[other]).rank || compareStrings(name, other) || compare(a[name], b[other]);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}
