/**
 * Update documents: what is to change, checked before anything is changed. Numbers keep their types as MongoDB's do
 * (`$inc` of an int that overflows becomes a long, a long that overflows is refused).
 */
import { BSONRegExp, Int32, ObjectId, Timestamp } from 'bson';
import { compare, equal } from './compare.ts';
import { decodeOnly, elementsOf, type Fields, fieldsAt, PUT_MAX, put } from './elements.ts';
import { fail, unsupported } from './errors.ts';
import { compileFilter } from './match.ts';
import { add, isNumber, multiply } from './numbers.ts';
import { checkPath, field, get, isPosition, parts } from './paths.ts';
import { isPlain } from './plain.ts';
import { type Doc, decode, encode, isArray, isObject, isOperators, setOwn, table, wholeNumber } from './values.ts';

/** Changes a decoded document in place. `inserting` is true when an upsert builds a new one. */
export type Change = (doc: Doc, inserting: boolean) => void;

/**
 * `replacement` is set when the whole document is replaced, otherwise `roots`: the top-level fields that may change. `elements`, where
 * they are known beforehand, are what comes in the place of the roots' `fields`.
 */
export type Update = { change: Change; replacement?: Doc; roots?: Roots; elements?: () => Elements };

/** What is to be in the place of each of some fields; nothing for one that goes. */
export type Elements = readonly (Uint8Array | undefined)[];

/** A document's bytes after an update, and the top-level fields that may differ; any may when they are not said. */
export type Changed = { raw: Uint8Array; names?: ReadonlySet<string> };

/**
 * The same for all updates of the same fields. `fields`: these, unless they are not to be changed apart from the others. `subsets`: the
 * names of some of them, by their bits.
 */
export type Roots = {
  names: ReadonlySet<string>;
  fields: Fields | undefined;
  subsets: Map<number, ReadonlySet<string>>;
};

const ID: Fields = fieldsAt([['_id']]);

/**
 * A stored document after an update: as if it had been decoded, changed and encoded, which is done only to what changes, where
 * the rest is sure to stay the same bytes.
 *
 * @returns no names where to be encoded changes some values.
 * @throws what the update throws, and ImmutableField.
 */
export function changed(raw: Uint8Array, { change, replacement, roots, elements }: Update): Changed {
  if (replacement) return { raw: encode(changedDoc(raw, decodeOnly(raw, ID), change)) };
  if (!roots || !isPlain(raw)) return { raw: encode(changedDoc(raw, decode(raw), change)) };
  const { names, fields } = roots;
  if (!fields) return { raw: encode(changedDoc(raw, decode(raw), change)), names };
  if (elements) return putInto(raw, fields, roots, elements());
  const part = decodeOnly(raw, fields);
  if (names.has('_id')) changedDoc(raw, part, change);
  else change(part, false);
  return putInto(raw, fields, roots, elementsOf(encode(part), fields));
}

const SUBSETS_MAX = 1_000;

function putInto(raw: Uint8Array, fields: Fields, { subsets }: Roots, elements: Elements): Changed {
  const { raw: after, differing } = put(raw, fields, elements);
  let names = subsets.get(differing);
  if (!names) {
    names = new Set(fields.filter((_, i) => differing & (1 << i)).map(({ text }) => text));
    if (subsets.size >= SUBSETS_MAX) subsets.clear();
    subsets.set(differing, names);
  }
  return { raw: after, names };
}

const interned = new Map<string, Roots>();

function rootsOf(paths: string[]): Roots {
  const key = paths.join('\0');
  let known = interned.get(key);
  if (!known) {
    if (interned.size > 1000) interned.clear();
    const names = new Set(paths.map(path => parts(path)[0] ?? ''));
    // Numbers come first once they are set.
    const areApart = names.size < PUT_MAX && ![...names].some(name => /^\d/.test(name));
    known = {
      names,
      fields: areApart ? fieldsAt([['_id'], ...[...names].map(name => [name])]) : undefined,
      subsets: new Map(),
    };
    interned.set(key, known);
  }
  return known;
}

function changedDoc(raw: Uint8Array, doc: Doc, change: Change): Doc {
  change(doc, false);
  keepId(decodeOnly(raw, ID)._id, doc);
  return doc;
}

/** @throws ImmutableField when a document has another `_id`. */
export function keepId(id: unknown, doc: Doc): void {
  if (doc._id !== undefined && equal(doc._id, id)) return;
  fail('ImmutableField', "Performing an update on the path '_id' would modify the immutable field '_id'");
}

type Step = { path: string; apply: Change };
type Operator = (path: string, argument: unknown) => Step[];

/** Any update, step by step. @throws what is wrong with it. */
export function compileSteps(update: unknown): Update {
  if (isArray(update)) unsupported('an update given as a pipeline');
  if (!isObject(update)) fail('FailedToParse', 'the update must be a document');
  const names = Object.keys(update);
  if (!names[0]?.startsWith('$')) return replaceBy(update, names);
  const steps = names.flatMap(name => operatorSteps(name, update[name]));
  if (steps.length > 1) refuseConflicts(steps.map(step => step.path));
  // MongoDB (from 5.0) creates fields in the order of their names, numbers by value.
  steps.sort((a, b) => comparePaths(a.path, b.path));
  return {
    roots: rootsOf(steps.map(({ path }) => path)),
    change: (doc, inserting) => steps.forEach(step => void step.apply(doc, inserting)),
  };
}

function replaceBy(replacement: Doc, names: string[]): Update {
  const wrong = names.find(name => name.startsWith('$'));
  if (wrong)
    fail('DollarPrefixedFieldName', `The dollar ($) prefixed field '${wrong}' is not allowed in a replacement`);
  return { replacement, change: (doc, inserting) => replace(doc, replacement, inserting) };
}

function replace(doc: Doc, replacement: Doc, inserting: boolean): void {
  const id = doc._id;
  for (const name of Object.keys(doc)) if (name !== '_id') delete doc[name];
  if (replacement._id !== undefined && inserting && id === undefined) doc._id = replacement._id;
  for (const [name, value] of Object.entries(replacement)) setOwn(doc, name, value);
}

function operatorSteps(name: string, fields: unknown): Step[] {
  const operator = OPERATORS[name];
  if (!operator && name === '$bit') unsupported(name);
  if (!operator) fail('FailedToParse', `Unknown modifier: ${name}. Expected a valid update modifier`);
  if (!isObject(fields)) fail('FailedToParse', `Modifiers operate on fields but we found another type for ${name}`);
  return Object.entries(fields).flatMap(([path, argument]) => {
    checkUpdated(path);
    return operator(path, argument);
  });
}

/** Paths that have been found to be right: most statements are of the same ones. */
const right = new Set<string>();

function checkUpdated(path: string): void {
  if (right.has(path)) return;
  checkPath(path, 'update');
  refusePositional(path);
  if (right.size > 10_000) right.clear();
  right.add(path);
}

function refusePositional(path: string): void {
  for (const part of parts(path)) {
    if (part === '$' || part.startsWith('$[')) unsupported(`the positional operator in '${path}'`);
    if (part.startsWith('$') && !['$ref', '$id', '$db'].includes(part)) {
      fail('DollarPrefixedFieldName', `The dollar ($) prefixed field '${part}' in '${path}' is not valid for storage.`);
    }
  }
}

/** Two paths conflict when they are the same or one leads through the other. */
function refuseConflicts(paths: string[]): void {
  const all = new Set<string>();
  for (const path of paths) {
    if (all.has(path)) conflict(path);
    all.add(path);
  }
  for (const path of paths) {
    for (let dot = path.indexOf('.'); dot > 0; dot = path.indexOf('.', dot + 1)) {
      if (all.has(path.slice(0, dot))) conflict(path);
    }
  }
}

const conflict = (path: string) =>
  fail('ConflictingUpdateOperators', `Updating the path '${path}' would create a conflict at '${path}'`);

const NINE = '9'.charCodeAt(0);

/** Which of two paths is made first. */
export function comparePaths(a: string, b: string): number {
  const left = parts(a);
  const right = parts(b);
  for (let i = 0; i < left.length && i < right.length; i++) {
    const x = left[i] ?? '';
    const y = right[i] ?? '';
    if (x === y) continue;
    const areNumbers = x.charCodeAt(0) <= NINE && isPosition(x) && isPosition(y);
    return areNumbers ? Number(x) - Number(y) : x < y ? -1 : 1;
  }
  return left.length - right.length;
}

/** A step that sets what `next` makes of the value that is there (undefined: none). */
const setting =
  (next: (now: unknown, doc: Doc) => unknown) =>
  (path: string): Step[] => [{ path, apply: doc => write(doc, parts(path), now => next(now, doc)) }];

const OPERATORS = table<Operator>({
  $set: (path, value) => setting(() => value)(path),
  $setOnInsert: (path, value) => {
    const onInsert: Change = (doc, inserting) => {
      if (inserting) write(doc, parts(path), () => value);
    };
    return [{ path, apply: onInsert }];
  },
  $unset: path => [{ path, apply: doc => unset(doc, parts(path)) }],
  $inc: (path, by) => setting((now, doc) => arithmetic('$inc', path, now, by, doc))(path),
  $mul: (path, by) => setting((now, doc) => arithmetic('$mul', path, now, by, doc))(path),
  $min: (path, value) => setting(now => (now === undefined || compare(value, now) < 0 ? value : now))(path),
  $max: (path, value) => setting(now => (now === undefined || compare(value, now) > 0 ? value : now))(path),
  $currentDate: (path, spec) => setting(() => currentDate(spec))(path),
  $rename: rename,
  $push: (path, argument) => setting(now => push(arrayAt('$push', path, now), argument))(path),
  $addToSet: (path, argument) => setting(now => addToSet(arrayAt('$addToSet', path, now), argument))(path),
  $pull: (path, condition) => removing(path, pulled(condition)),
  $pop: (path, end) => {
    const from = wholeNumber(end, '$pop');
    if (from !== 1 && from !== -1) fail('FailedToParse', '$pop expects 1 or -1');
    return existingArray('$pop', path, array => (from === 1 ? array.slice(0, -1) : array.slice(1)));
  },
});

function arithmetic(name: '$inc' | '$mul', path: string, now: unknown, by: unknown, doc: Doc): unknown {
  if (!isNumber(by))
    fail(
      'TypeMismatch',
      `Cannot ${name === '$inc' ? 'increment' : 'multiply'} with non-numeric argument: {${path}: ${by}}`,
    );
  if (now === undefined) return name === '$inc' ? by : multiply(by, new Int32(0));
  if (!isNumber(now))
    fail('TypeMismatch', `Cannot apply ${name} to a value of non-numeric type at '${path}' of ${doc._id}`);
  const result = name === '$inc' ? add(now, by) : multiply(now, by);
  return (
    result ?? fail('BadValue', `Failed to apply ${name} operations to current value (${now}) of '${path}': overflow`)
  );
}

function currentDate(spec: unknown): unknown {
  if (spec === true || spec === false || (isObject(spec) && spec.$type === 'date')) return new Date();
  if (isObject(spec) && spec.$type === 'timestamp') return new Timestamp({ t: Math.floor(Date.now() / 1000), i: 1 });
  return fail('BadValue', '$currentDate needs true or {$type: "date" | "timestamp"}');
}

function rename(path: string, target: unknown): Step[] {
  if (typeof target !== 'string') fail('BadValue', "The 'to' field for $rename must be a string");
  checkUpdated(target);
  const move = (doc: Doc) => {
    refuseArrayOnPath(doc, path);
    refuseArrayOnPath(doc, target);
    const value = get(doc, parts(path));
    if (value === undefined) return;
    unset(doc, parts(path));
    write(doc, parts(target), () => value);
  };
  return [
    { path, apply: move },
    { path: target, apply: () => {} },
  ];
}

function refuseArrayOnPath(doc: Doc, path: string): void {
  const steps = parts(path);
  for (let i = 1; i < steps.length; i++) {
    if (isArray(get(doc, steps.slice(0, i)))) fail('BadValue', `The field of $rename '${path}' cannot be in an array`);
  }
}

function arrayAt(name: string, path: string, now: unknown): unknown[] {
  if (now === undefined) return [];
  return isArray(now) ? now : fail('BadValue', `The field '${path}' must be an array for ${name}`);
}

const PUSH_MODIFIERS = new Set(['$each', '$slice', '$position', '$sort']);

function push(array: unknown[], argument: unknown): unknown[] {
  if (!isOperators(argument) || argument.$each === undefined) return [...array, argument];
  const unknown = Object.keys(argument).find(name => !PUSH_MODIFIERS.has(name));
  if (unknown) fail('BadValue', `Unrecognized clause in $push: ${unknown}`);
  if (argument.$sort !== undefined) unsupported('$push with $sort');
  const position = argument.$position === undefined ? array.length : wholeNumber(argument.$position, '$position');
  const result = array.slice();
  result.splice(position, 0, ...each('$push', argument.$each));
  if (argument.$slice === undefined) return result;
  const slice = wholeNumber(argument.$slice, '$slice');
  return slice >= 0 ? result.slice(0, slice) : result.slice(slice);
}

function each(name: string, values: unknown): unknown[] {
  return isArray(values) ? values : fail('BadValue', `The argument to $each in ${name} must be an array`);
}

function addToSet(array: unknown[], argument: unknown): unknown[] {
  const added = isOperators(argument) && argument.$each !== undefined ? each('$addToSet', argument.$each) : [argument];
  const result = array.slice();
  for (const value of added) if (!result.some(existing => equal(existing, value))) result.push(value);
  return result;
}

function pulled(condition: unknown): (element: unknown) => boolean {
  if (isOperators(condition)) {
    const test = compileFilter({ element: { $elemMatch: condition } });
    return element => test({ element: [element] });
  }
  if (!isObject(condition)) {
    const test = compileFilter({ element: { $in: [condition] } });
    return element => test({ element: isArray(element) ? [element] : element });
  }
  const test = compileFilter(condition);
  return element => isObject(element) && test(element);
}

const removing = (path: string, gone: (element: unknown) => boolean): Step[] =>
  existingArray('$pull', path, array => array.filter(element => !gone(element)));

function existingArray(name: string, path: string, next: (array: unknown[]) => unknown[]): Step[] {
  const apply = (doc: Doc) => {
    const now = get(doc, parts(path));
    if (now === undefined) return;
    if (!isArray(now)) fail('BadValue', `Cannot apply ${name} to a non-array value at '${path}'`);
    write(doc, parts(path), () => next(now));
  };
  return [{ path, apply }];
}

/** Sets the value at a path, creating documents on the way; an array takes positions only and is filled with nulls. */
function write(doc: Doc, path: string[], next: (now: unknown) => unknown): void {
  let holder: unknown = doc;
  for (const [i, part] of path.entries()) {
    const last = i === path.length - 1;
    if (isArray(holder)) {
      const index = arrayPosition(holder, part, path);
      while (holder.length < index) holder.push(null);
      if (last) holder[index] = next(holder[index]);
      else holder = holder[index] ??= {};
    } else if (isObject(holder)) {
      if (last) setOwn(holder, part, next(field(holder, part)));
      else {
        if (field(holder, part) === undefined) setOwn(holder, part, {});
        holder = field(holder, part);
      }
    } else fail('PathNotViable', `Cannot create field '${part}' in element {${path[i - 1]}: ${holder}}`);
  }
}

function arrayPosition(array: unknown[], part: string, path: string[]): number {
  if (!isPosition(part))
    fail('PathNotViable', `Cannot create field '${part}' in an array on the path '${path.join('.')}'`);
  const index = Number(part);
  if (index > array.length + 1_500_000)
    fail('BadValue', `can't backfill more than 1500000 elements at '${path.join('.')}'`);
  return index;
}

function unset(doc: Doc, path: string[]): void {
  const holder = get(doc, path.slice(0, -1));
  const last = path.at(-1) ?? '';
  if (isArray(holder) && isPosition(last) && Number(last) < holder.length) holder[Number(last)] = null;
  else if (isObject(holder)) delete holder[last];
}

/** The document an upsert starts from: the fields the filter demands to be equal to something. */
export function fromFilter(filter: Doc): Doc {
  const doc: Doc = {};
  for (const [path, value] of equalities(filter)) {
    if (get(doc, parts(path)) !== undefined)
      fail('NotImplemented', `cannot infer query fields to set, path '${path}' is matched twice`);
    write(doc, parts(path), () => value);
  }
  return doc;
}

function* equalities(filter: Doc): Generator<[string, unknown]> {
  for (const [name, value] of Object.entries(filter)) {
    if (name === '$and' && isArray(value))
      for (const branch of value) yield* equalities(isObject(branch) ? branch : {});
    else if (!name.startsWith('$') && !isOperators(value) && !(value instanceof BSONRegExp)) yield [name, value];
    else if (!name.startsWith('$') && isOperators(value) && value.$eq !== undefined) yield [name, value.$eq];
  }
}

/** `_id` first, generated if missing: how documents are stored. */
export function withId(doc: Doc): Doc {
  const { _id, ...rest } = doc;
  return { _id: _id === undefined ? new ObjectId() : _id, ...rest };
}
