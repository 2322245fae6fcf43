import { fieldsAt, omit, pick } from './elements.ts';
import { fail, unsupported } from './errors.ts';
import { isNumber } from './numbers.ts';
import { checkPath, parts } from './paths.ts';
import { isPlain } from './plain.ts';
import { type Doc, decode, encode, isArray, isObject, setOwn, truthy } from './values.ts';

export type Projection = (doc: Doc) => Doc;

/** What is kept or left out of each field: true for the whole field, or a tree for its sub-fields. */
type Tree = Map<string, true | Tree>;

/**
 * Inclusion (`{a: 1, 'b.c': true}`, `_id` unless it is 0) or exclusion (`{a: 0}`) of fields, through arrays too.
 * Returns undefined for an empty projection. Computed fields, `$slice`, `$elemMatch`, `$meta` and `a.$` are refused.
 */
export const compileProjection = (spec: unknown): Projection | undefined => compile(spec)?.projection;

/** `paths`: of what is kept of a document, or left out. */
function compile(spec: unknown): { projection: Projection; including: boolean; paths: string[] } | undefined {
  if (spec === undefined) return undefined;
  if (!isObject(spec)) fail('TypeMismatch', 'a projection must be a document');
  const names = Object.keys(spec);
  if (names.length === 0) return undefined;
  for (const name of names) refuseExpression(name, spec[name]);
  const others = names.filter(name => name !== '_id');
  const including = truthy(spec[others[0] ?? '_id']);
  const mixed = others.find(name => truthy(spec[name]) !== including);
  if (mixed) fail('BadValue', `Invalid projection: cannot mix inclusion and exclusion at '${mixed}'`);
  const idToo = spec._id === undefined || truthy(spec._id);
  const paths = [...(idToo === including ? ['_id'] : []), ...others];
  let tree: Tree | undefined;
  const step = including ? include : exclude;
  const projection: Projection = doc => {
    tree ??= toTree(paths);
    return step(doc, tree);
  };
  return { projection, including, paths };
}

/** The same of stored bytes: where whole fields are kept or left out, and what is left is sure to stay the same bytes, nothing is decoded. */
export function compileShown(spec: unknown): ((raw: Uint8Array) => Uint8Array) | undefined {
  const compiled = compile(spec);
  if (!compiled) return undefined;
  const { projection, including, paths } = compiled;
  const fields = fieldsAt(paths.map(parts));
  const areWhole = paths.every(path => parts(path).length === 1);
  return raw => {
    const kept = including ? pick(raw, fields) : areWhole ? omit(raw, fields) : raw;
    return areWhole && isPlain(kept) ? kept : encode(projection(decode(kept)));
  };
}

function refuseExpression(name: string, value: unknown): void {
  checkPath(name, 'projection');
  if (parts(name).some(part => part.startsWith('$'))) unsupported(`the projection '${name}'`);
  if (isObject(value)) unsupported(`the projection ${Object.keys(value)[0] ?? '{}'} of '${name}'`);
  if (!isNumber(value) && typeof value !== 'boolean') unsupported(`a computed field ('${name}') in a projection`);
}

function toTree(paths: string[]): Tree {
  const tree: Tree = new Map();
  for (const path of paths) {
    const steps = parts(path);
    const last = steps.at(-1) ?? '';
    let level = tree;
    for (const step of steps.slice(0, -1)) {
      const next: Tree | true = level.get(step) ?? new Map();
      if (next === true) return collision(path);
      level.set(step, next);
      level = next;
    }
    if (level.has(last)) collision(path);
    level.set(last, true);
  }
  return tree;
}

const collision = (path: string) => fail('BadValue', `Invalid projection: path collision at ${path}`);

function include(doc: Doc, tree: Tree): Doc {
  const kept: Doc = {};
  for (const name of Object.keys(doc)) {
    const branch = tree.get(name);
    const value = branch === undefined ? undefined : branch === true ? doc[name] : includeValue(doc[name], branch);
    if (value !== undefined) setOwn(kept, name, value);
  }
  return kept;
}

function includeValue(value: unknown, tree: Tree): unknown {
  if (isArray(value)) return value.map(element => includeValue(element, tree)).filter(element => element !== undefined);
  return isObject(value) ? include(value, tree) : undefined;
}

function exclude(doc: Doc, tree: Tree): Doc {
  const kept: Doc = {};
  for (const name of Object.keys(doc)) {
    const branch = tree.get(name);
    if (branch === undefined) setOwn(kept, name, doc[name]);
    else if (branch !== true) setOwn(kept, name, excludeValue(doc[name], branch));
  }
  return kept;
}

function excludeValue(value: unknown, tree: Tree): unknown {
  if (isArray(value)) return value.map(element => excludeValue(element, tree));
  return isObject(value) ? exclude(value, tree) : value;
}
