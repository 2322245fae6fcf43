/**
 * Updates that set whole fields, and take them out, as most do: made in a plain document's bytes, without decoding it. What they come
 * to is what any update comes to, step by step.
 */
import { elementsOf, type Fields, fieldsAt, PUT_MAX } from './elements.ts';
import { comparePaths, compileSteps, type Elements, type Roots, type Update } from './update.ts';
import { type Doc, encode, isObject, setOwn } from './values.ts';

/** @throws what is wrong with it. */
export const compileUpdate = (update: unknown): Update => compileFields(update) ?? compileSteps(update);

/**
 * What is the same of all updates that set, and take out, these whole fields: most are of a few such shapes. `places` in the order in
 * which fields are made; `fields` without those that are for new documents only.
 */
type Shape = { places: { operator: string; name: string }[]; fields: Fields; roots: Roots };

const FIELD_OPERATORS = new Set(['$set', '$unset', '$setOnInsert']);
/** A name that means itself, wherever it stands. */
const PLAIN_NAME = /^[A-Za-z]\w*$/;
const SHAPES_MAX = 1_000;
const shapes = new Map<string, Shape | undefined>();

/** An update that only sets, and takes out, whole fields; undefined of any other, and of what is wrong. */
function compileFields(update: unknown): Update | undefined {
  if (!isObject(update)) return undefined;
  const shape = shapeOf(update);
  if (!shape) return undefined;
  const { places, fields, roots } = shape;
  const valueAt = (operator: string, name: string) => (update[operator] as Doc)[name];
  let elements: Elements | undefined;
  return {
    roots,
    change(doc, inserting) {
      for (const { operator, name } of places) {
        if (operator === '$unset') delete doc[name];
        else if (inserting || operator === '$set') setOwn(doc, name, valueAt(operator, name));
      }
    },
    // The same for every document that the update meets.
    elements() {
      if (elements) return elements;
      const part: Doc = {};
      for (const { operator, name } of places) if (operator === '$set') part[name] = valueAt(operator, name);
      elements = elementsOf(encode(part), fields);
      return elements;
    },
  };
}

function shapeOf(update: Doc): Shape | undefined {
  let key = '';
  for (const operator of Object.keys(update)) {
    const fields = update[operator];
    if (!FIELD_OPERATORS.has(operator) || !isObject(fields)) return undefined;
    key += `${operator}\0${Object.keys(fields).join('\0')}\0\0`;
  }
  const known = shapes.get(key);
  if (known || shapes.has(key)) return known;
  if (shapes.size >= SHAPES_MAX) shapes.clear();
  const shape = newShape(update);
  shapes.set(key, shape);
  return shape;
}

function newShape(update: Doc): Shape | undefined {
  const places = Object.entries(update).flatMap(([operator, fields]) =>
    Object.keys(fields as Doc).map(name => ({ operator, name })),
  );
  const names = places.map(({ name }) => name);
  if (!names.every(name => PLAIN_NAME.test(name)) || new Set(names).size < names.length) return undefined;
  if (names.length === 0 || names.length > PUT_MAX) return undefined;
  places.sort((a, b) => comparePaths(a.name, b.name));
  const fields = fieldsAt(places.filter(({ operator }) => operator !== '$setOnInsert').map(({ name }) => [name]));
  return { places, fields, roots: { names: new Set(names), fields, subsets: new Map() } };
}
