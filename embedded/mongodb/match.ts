/**
 * Filters as predicates over decoded documents. What a filter means is MongoDB's: values of other types do not match a
 * comparison (type bracketing), null also matches a missing field, sub-documents are equal field by field in order.
 */
import { BSONRegExp, Int32, Long, MaxKey, MinKey } from 'bson';
import { compare, equal } from './compare.ts';
import { fail, unsupported } from './errors.ts';
import { compileExpression } from './expression.ts';
import { isNumber, toDouble } from './numbers.ts';
import { parts, some } from './paths.ts';
import { type Doc, isArray, isObject, isOperators, kindOf, TYPE_NAMES, table, truthy, wholeNumber } from './values.ts';

export type Predicate = (doc: unknown) => boolean;

/** Asks for a value that passes `test`, at a path of a document or in one element of an array. */
type Ask = (test: Predicate, whole?: boolean) => boolean;
type Condition = (ask: Ask) => boolean;

const KNOWN_UNSUPPORTED = new Set(
  (
    '$where $text $near $nearSphere $geoWithin $geoIntersects $jsonSchema $bitsAllClear $bitsAllSet $bitsAnyClear ' +
    '$bitsAnySet $sampleRate $rand $within $geometry $maxDistance $minDistance $uniqueDocs'
  ).split(' '),
);

/** Throws BadValue for an unknown operator or argument, NotImplemented for one this server does not have. */
export function compileFilter(filter: unknown): Predicate {
  if (!isObject(filter)) fail('TypeMismatch', 'a filter must be a document');
  const all = Object.entries(filter).map(([name, value]) => clause(name, value));
  if (all.length === 1 && all[0]) return all[0];
  return doc => all.every(test => test(doc));
}

function clause(name: string, value: unknown): Predicate {
  if (!name.startsWith('$')) return atPath(name, value);
  if (name === '$comment') return () => true;
  if (name === '$and') return every(branches(name, value));
  if (name === '$or') return any(branches(name, value));
  if (name === '$nor') return negate(any(branches(name, value)));
  if (name === '$expr') return holds(value);
  if (KNOWN_UNSUPPORTED.has(name)) unsupported(name);
  return fail('BadValue', `unknown top level operator: ${name}`);
}

/** The paths that a filter, one that compiles, looks at; undefined when these may be any. */
export function pathsOf(filter: Doc): string[][] | undefined {
  const paths: string[][] = [];
  for (const [name, value] of Object.entries(filter)) {
    if (name === '$comment') continue;
    const found = name.startsWith('$') ? pathsBelow(name, value) : [parts(name)];
    if (!found) return undefined;
    paths.push(...found);
  }
  return paths;
}

function pathsBelow(name: string, value: unknown): string[][] | undefined {
  if (!['$and', '$or', '$nor'].includes(name) || !isArray(value)) return undefined;
  const paths: string[][] = [];
  for (const branch of value) {
    const found = isObject(branch) ? pathsOf(branch) : undefined;
    if (!found) return undefined;
    paths.push(...found);
  }
  return paths;
}

function holds(expression: unknown): Predicate {
  const compute = compileExpression(expression);
  return doc => truthy(compute(doc));
}

const every = (tests: Predicate[]) => (doc: unknown) => tests.every(test => test(doc));
const any = (tests: Predicate[]) => (doc: unknown) => tests.some(test => test(doc));
const negate = (test: Predicate) => (doc: unknown) => !test(doc);

export function branches(name: string, value: unknown): Predicate[] {
  if (!isArray(value) || value.length === 0) fail('BadValue', `${name} must be a nonempty array`);
  return value.map(compileFilter);
}

function atPath(path: string, value: unknown): Predicate {
  const steps = parts(path);
  const conditions = conditionsOf(value);
  const [only] = conditions;
  if (conditions.length === 1 && only) return doc => only((test, whole) => some(doc, steps, test, whole));
  return doc => conditions.every(condition => condition((test, whole) => some(doc, steps, test, whole)));
}

/** The conditions a filter sets for one field: operators, or a value to be equal to. */
function conditionsOf(value: unknown): Condition[] {
  if (value instanceof BSONRegExp) return [leaf(regexTest(value))];
  return isOperators(value) ? operators(value) : [leaf(equalTo(value))];
}

const leaf =
  (test: Predicate, whole = false): Condition =>
  ask =>
    ask(test, whole);
const not =
  (conditions: Condition[]): Condition =>
  ask =>
    !conditions.every(condition => condition(ask));

function operators(value: Doc): Condition[] {
  const found: Condition[] = [];
  for (const [name, argument] of Object.entries(value)) {
    if (name === '$options') {
      if (value.$regex === undefined) fail('BadValue', '$options needs a $regex');
      continue;
    }
    const build = OPERATORS[name];
    if (!build && KNOWN_UNSUPPORTED.has(name)) unsupported(name);
    if (!build) fail('BadValue', `unknown operator: ${name}`);
    found.push(build(argument, value));
  }
  return found;
}

const OPERATORS = table<(argument: unknown, all: Doc) => Condition>({
  $eq: value => leaf(equalTo(value)),
  $ne: value =>
    value instanceof BSONRegExp ? fail('BadValue', "Can't have regex as arg to $ne.") : not([leaf(equalTo(value))]),
  $gt: value => leaf(compared(value, order => order > 0, false)),
  $gte: value => leaf(compared(value, order => order >= 0, true)),
  $lt: value => leaf(compared(value, order => order < 0, false)),
  $lte: value => leaf(compared(value, order => order <= 0, true)),
  $in: value => leaf(oneOf('$in', value)),
  $nin: value => not([leaf(oneOf('$nin', value))]),
  $exists: value => (truthy(value) ? leaf(found => found !== undefined) : not([leaf(found => found !== undefined)])),
  $type: value => leaf(typeTest(value)),
  $not: value => not(negated(value)),
  $all: value => allOf(value),
  $elemMatch: value => leaf(elementTest(value), true),
  $size: value => leaf(sizeTest(value), true),
  $mod: value => leaf(modTest(value)),
  $regex: (value, all) => leaf(regexTest(value, all.$options)),
});

function equalTo(value: unknown): Predicate {
  if (value == null) return found => found == null;
  return found => equal(found, value);
}

const isNaNumber = (value: unknown) => isNumber(value) && Number.isNaN(toDouble(value));

function compared(value: unknown, accepts: (order: number) => boolean, orEqual: boolean): Predicate {
  if (value instanceof BSONRegExp) fail('BadValue', "Can't have RegEx as arg to predicate over field.");
  if (value == null) return found => orEqual && found == null;
  if (value instanceof MinKey || value instanceof MaxKey) return found => accepts(compare(found, value));
  const { rank } = kindOf(value);
  if (isNaNumber(value)) return found => orEqual && isNaNumber(found);
  return found => kindOf(found).rank === rank && !isNaNumber(found) && accepts(compare(found, value));
}

function oneOf(name: string, values: unknown): Predicate {
  if (!isArray(values)) fail('BadValue', `${name} needs an array`);
  if (values.some(isOperators)) fail('BadValue', `cannot nest $ under ${name}`);
  const tests = values.filter(value => value instanceof BSONRegExp).map(value => regexTest(value));
  let sorted: unknown[] | undefined;
  const nullToo = values.some(value => value == null);
  return found => {
    sorted ??= values.filter(value => !(value instanceof BSONRegExp) && value != null).sort(compare);
    return (found == null && nullToo) || includes(sorted, found) || tests.some(test => test(found));
  };
}

function includes(sorted: unknown[], found: unknown): boolean {
  let low = 0;
  let high = sorted.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const order = compare(sorted[middle], found);
    if (order === 0) return true;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return false;
}

function typeTest(argument: unknown): Predicate {
  const wanted = (isArray(argument) ? argument : [argument]).flatMap(name => {
    if (name === 'number') return [1, 16, 18, 19];
    const type = typeof name === 'string' ? TYPE_NAMES.get(name) : wholeNumber(name, '$type');
    return type ?? fail('BadValue', `Unknown type name alias: ${name}`);
  });
  return found => found !== undefined && wanted.includes(kindOf(found).type);
}

function negated(value: unknown): Condition[] {
  if (value instanceof BSONRegExp) return [leaf(regexTest(value))];
  if (!isOperators(value)) fail('BadValue', '$not needs a regex or a document');
  return operators(value);
}

function allOf(values: unknown): Condition {
  if (!isArray(values)) fail('BadValue', '$all needs an array');
  const conditions = values.map(value => {
    if (isObject(value) && Object.keys(value)[0] === '$elemMatch') return leaf(elementTest(value.$elemMatch), true);
    if (isOperators(value)) fail('BadValue', 'no $ expressions in $all');
    return leaf(value instanceof BSONRegExp ? regexTest(value) : equalTo(value));
  });
  return ask => conditions.length > 0 && conditions.every(condition => condition(ask));
}

const LOGICAL = new Set(['$and', '$or', '$nor', '$where', '$comment']);

function elementTest(argument: unknown): Predicate {
  if (!isObject(argument)) fail('BadValue', '$elemMatch needs an Object');
  if (isOperators(argument) && !LOGICAL.has(Object.keys(argument)[0] ?? '')) {
    const conditions = operators(argument);
    return array =>
      isArray(array) && array.some(element => conditions.every(condition => condition(test => test(element))));
  }
  const test = compileFilter(argument);
  return array => isArray(array) && array.some(element => (isObject(element) || isArray(element)) && test(element));
}

function sizeTest(argument: unknown): Predicate {
  const size = wholeNumber(argument, '$size');
  if (size < 0) fail('BadValue', '$size may not be negative');
  return array => isArray(array) && array.length === size;
}

function modTest(argument: unknown): Predicate {
  if (!isArray(argument) || argument.length !== 2)
    fail('BadValue', 'malformed mod, needs to be an array of two numbers');
  const [divisor, remainder] = argument.map(value => (isNumber(value) ? toInteger(value) : undefined));
  if (divisor === undefined || remainder === undefined) fail('BadValue', 'malformed mod, not a number');
  if (divisor === 0n) fail('BadValue', 'divisor cannot be 0');
  return found =>
    isNumber(found) && Number.isFinite(toDouble(found)) && (toInteger(found) ?? 0n) % divisor === remainder;
}

function toInteger(value: unknown): bigint | undefined {
  if (value instanceof Long) return value.toBigInt();
  if (value instanceof Int32) return BigInt(value.value);
  const double = isNumber(value) ? Math.trunc(toDouble(value)) : Number.NaN;
  return Number.isFinite(double) ? BigInt(double) : undefined;
}

/** JavaScript's syntax, not PCRE's: what JavaScript cannot parse, and the option `x`, are refused. */
function regexTest(value: unknown, options?: unknown): Predicate {
  const pattern = value instanceof BSONRegExp ? value.pattern : value;
  if (typeof pattern !== 'string') fail('BadValue', '$regex has to be a string');
  const flags = options === undefined ? (value instanceof BSONRegExp ? value.options : '') : options;
  if (typeof flags !== 'string' || /[^imsux]/.test(flags)) fail('BadValue', `invalid flag in regex options: ${flags}`);
  if (flags.includes('x')) unsupported('the regular expression option x');
  const expression = toRegExp(pattern, flags.replace('u', ''));
  return found => {
    if (found instanceof BSONRegExp) return value instanceof BSONRegExp && equal(found, value);
    return kindOf(found).alias === 'string' && expression.test(String(found));
  };
}

function toRegExp(pattern: string, flags: string): RegExp {
  try {
    return new RegExp(pattern, flags);
  } catch (error) {
    return fail('BadValue', `Regular expression is invalid: ${error instanceof Error ? error.message : error}`);
  }
}
