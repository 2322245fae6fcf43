/** Reading the fields of a command: what is unknown or not supported is refused by name. */
import { Long } from 'bson';
import { fail, unsupported } from './errors.ts';
import { isNumber, toDouble } from './numbers.ts';
import type { Hint, SortKey } from './plan.ts';
import { type Doc, isArray, isObject, truthy, wholeNumber } from './values.ts';

/** Fields every command may have; what they ask for a single node gives anyway, or is checked below. */
const COMMON = new Set(
  (
    '$db lsid $clusterTime $readPreference readConcern writeConcern comment maxTimeMS apiVersion apiStrict ' +
    'apiDeprecationErrors bypassDocumentValidation ordered'
  ).split(' '),
);

/** Throws IDLUnknownField for a field MongoDB does not know either, NotImplemented for one it does. */
export function checkFields(command: string, body: Doc, known: string, refused = ''): void {
  const allowed = words(known);
  for (const name of Object.keys(body)) {
    if (name === command || allowed.has(name) || COMMON.has(name)) continue;
    if (['txnNumber', 'startTransaction', 'autocommit'].includes(name)) {
      fail('IllegalOperation', 'Transaction numbers are only allowed on a replica set member or mongos');
    }
    if (words(refused).has(name)) refuseUnlessOff(command, name, body[name]);
    else fail('IDLUnknownField', `BSON field '${command}.${name}' is an unknown field.`);
  }
  checkConcerns(body);
}

const split = new Map<string, Set<string>>();

function words(list: string): Set<string> {
  const known = split.get(list) ?? new Set(list.split(' '));
  split.set(list, known);
  return known;
}

function refuseUnlessOff(command: string, name: string, value: unknown): void {
  const empty = (isObject(value) && Object.keys(value).length === 0) || (isArray(value) && value.length === 0);
  if (truthy(value) && !empty) unsupported(`the option '${name}' of ${command}`);
}

function checkConcerns({ writeConcern, readConcern, bypassDocumentValidation }: Doc): void {
  if (truthy(bypassDocumentValidation)) unsupported('bypassDocumentValidation');
  const level = isObject(readConcern) ? readConcern.level : undefined;
  if (level !== undefined && !['local', 'available', 'majority'].includes(String(level))) {
    unsupported(`readConcern level '${level}'`);
  }
  const w = isObject(writeConcern) ? writeConcern.w : undefined;
  if (isNumber(w) && toDouble(w) > 1) fail('BadValue', "cannot use 'w' > 1 when a host is not replicated");
  if (typeof w === 'string' && w !== 'majority')
    fail('BadValue', `cannot use non-majority 'w' mode ${w} when a host is not replicated`);
}

/** On the clock of `performance.now()`; none is infinity. */
export function deadlineOf({ maxTimeMS }: Doc): number {
  const limit = maxTimeMS === undefined ? 0 : wholeNumber(maxTimeMS, 'maxTimeMS');
  if (limit < 0) fail('BadValue', 'maxTimeMS must not be negative');
  return limit === 0 ? Number.POSITIVE_INFINITY : performance.now() + limit;
}

export function document(value: unknown, name: string): Doc {
  if (value === undefined) return {};
  return isObject(value) ? value : fail('TypeMismatch', `field '${name}' must be a document`);
}

export function text(value: unknown, name: string): string {
  return typeof value === 'string' ? value : fail('TypeMismatch', `field '${name}' must be a string`);
}

export function documents(value: unknown, name: string): Doc[] {
  if (value === undefined) fail('IDLFailedToParse', `BSON field '${name}' is missing but a required field`);
  if (!isArray(value)) fail('TypeMismatch', `field '${name}' must be an array`);
  return value.map(member => document(member, name));
}

/** A count that must not be negative; undefined gives the default. */
export function count(value: unknown, name: string, otherwise = 0): number {
  if (value === undefined || value === null) return otherwise;
  const number = wholeNumber(value, name);
  return number >= 0 ? number : fail('BadValue', `field '${name}' must not be negative`);
}

export function sortOf(value: unknown): SortKey {
  return Object.entries(document(value, 'sort')).map(([path, direction]) => {
    if (isObject(direction)) unsupported(`sorting by ${Object.keys(direction)[0]}`);
    const sign = isNumber(direction) ? toDouble(direction) : 0;
    if (sign !== 1 && sign !== -1)
      fail('BadValue', `$sort key ordering must be 1 (ascending) or -1 (descending): '${path}'`);
    return [path, sign];
  });
}

export function hintOf(value: unknown): Hint {
  if (value === undefined || typeof value === 'string') return value;
  const pattern = Object.entries(document(value, 'hint'));
  if (pattern.length === 0) return undefined;
  return pattern.map(([path, direction]) => [path, isNumber(direction) ? toDouble(direction) : 0]);
}

export const long = (value: unknown): Long =>
  value instanceof Long ? value : Long.fromNumber(wholeNumber(value, 'cursor id'));
