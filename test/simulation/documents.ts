/**
 * A document store in memory: the part of MongoDB's semantics that the services rely on, without I/O and without time.
 * Anything that it does not know is refused by name. `documents.test.ts` compares it with a real server.
 */

export type Value = unknown;
export type Doc = { _id: string; [field: string]: unknown };
export type Filter = Readonly<Record<string, unknown>>;
export type UpdateSpec = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
export type IndexSpec = { key: Readonly<Record<string, unknown>>; unique?: boolean; sparse?: boolean };
export type FindOptions = {
  sort?: Readonly<Record<string, unknown>>;
  limit?: number;
  projection?: Readonly<Record<string, unknown>>;
};

/** The error of a unique index, as the driver has it. */
export class DuplicateKey extends Error {
  override name = 'MongoServerError';
  readonly code = 11000;
}

/** A deep copy of plain JSON; undefined fields are left out, as the driver is told to. */
export function copy<Item>(value: Item): Item {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(copy) as Item;
  const result: Record<string, unknown> = {};
  for (const name in value) {
    const field = (value as Record<string, unknown>)[name];
    if (field !== undefined) result[name] = copy(field);
  }
  return result as Item;
}

export type Observer = (before: Doc | undefined, after: Doc | undefined) => void;

/** A limit of the tests, not of the service: what MongoDB can do and this cannot is added here. */
const unknown = (name: string) =>
  new Error(`the simulated store does not know ${name}: teach it to test/simulation/documents.ts`);

export class Documents {
  readonly rows = new Map<string, Doc>();
  readonly #observe: Observer;

  /** @param observe is told of every row as it was and as it is; it must not change either. */
  constructor(observe: Observer = () => undefined) {
    this.#observe = observe;
  }

  readonly #unique: { fields: string[]; sparse: boolean; taken: Map<string, string> }[] = [];

  createIndex({ key, unique = false, sparse = false }: IndexSpec): void {
    const fields = Object.keys(key);
    if (!unique || this.#unique.some(index => index.fields.join() === fields.join())) return;
    const index = { fields, sparse, taken: new Map<string, string>() };
    for (const row of this.rows.values()) this.#claim(index, row);
    this.#unique.push(index);
  }

  insert(given: Doc): void {
    const row = copy(given);
    if (this.rows.has(row._id)) throw new DuplicateKey(`duplicate _id ${row._id}`);
    this.#check(row);
    for (const index of this.#unique) this.#claim(index, row);
    this.rows.set(row._id, row);
    this.#observe(undefined, row);
  }

  /** Copies of what matches. */
  find(filter: Filter, { sort, limit = 0, projection }: FindOptions = {}): Doc[] {
    const hits = this.#matching(filter);
    if (sort) hits.sort(comparator(sort));
    const wanted = limit > 0 ? hits.slice(0, limit) : hits;
    return wanted.map(row => copy(projection ? project(row, projection) : row));
  }

  count(filter: Filter): number {
    return this.#matching(filter).length;
  }

  /** The values of a field, each once, in order. */
  distinct(field: string, filter: Filter): unknown[] {
    const values = this.#matching(filter).map(row => get(row, field));
    return [...new Set(values)].filter(value => value !== undefined).sort(compare);
  }

  /** @returns how many matched, and the new row of the first that did or was made. */
  update(filter: Filter, spec: UpdateSpec, { upsert = false, many = false } = {}) {
    const hits = this.#matching(filter);
    const chosen = many ? hits : hits.slice(0, 1);
    const paths = Object.values(spec).flatMap(changes => Object.keys(changes));
    let modified = 0;
    let row: Doc | undefined;
    for (const before of chosen) {
      // What is not changed both of them share.
      const after: Doc = { ...before };
      apply(after, spec, false);
      row = after;
      if (paths.every(path => sameJson(get(before, path), get(after, path)))) continue;
      this.#replace(before, after);
      modified += 1;
    }
    if (chosen.length > 0 || !upsert) return { matchedCount: chosen.length, modifiedCount: modified, row };
    const made = fromEqualities(filter);
    apply(made, spec, true);
    this.insert(made as Doc);
    return { matchedCount: 0, modifiedCount: 0, row: copy(made) as Doc };
  }

  remove(filter: Filter, { many = false } = {}): number {
    const hits = this.#matching(filter);
    const chosen = many ? hits : hits.slice(0, 1);
    for (const row of chosen) {
      for (const index of this.#unique) index.taken.delete(keyOf(index, row) ?? '');
      this.rows.delete(row._id);
      this.#observe(row, undefined);
    }
    return chosen.length;
  }

  #matching(filter: Filter): Doc[] {
    const { _id: id } = filter;
    if (typeof id === 'string') {
      const row = this.rows.get(id);
      return row && matches(row, filter) ? [row] : [];
    }
    const hits: Doc[] = [];
    for (const row of this.rows.values()) if (matches(row, filter)) hits.push(row);
    return hits;
  }

  #replace(before: Doc, after: Doc): void {
    for (const index of this.#unique) index.taken.delete(keyOf(index, before) ?? '');
    try {
      this.#check(after);
    } catch (error) {
      for (const index of this.#unique) this.#claim(index, before);
      throw error;
    }
    for (const index of this.#unique) this.#claim(index, after);
    this.rows.set(after._id, after);
    this.#observe(before, after);
  }

  #check(row: Doc): void {
    for (const index of this.#unique) {
      const key = keyOf(index, row);
      if (key !== undefined && index.taken.has(key)) throw new DuplicateKey(`duplicate ${index.fields} ${key}`);
    }
  }

  #claim(index: { fields: string[]; sparse: boolean; taken: Map<string, string> }, row: Doc): void {
    const key = keyOf(index, row);
    if (key !== undefined) index.taken.set(key, row._id);
  }
}

function keyOf({ fields, sparse }: { fields: string[]; sparse: boolean }, row: Doc): string | undefined {
  const values = fields.map(field => get(row, field));
  return sparse && values.every(value => value === undefined) ? undefined : JSON.stringify(values);
}

function get(row: unknown, path: string): unknown {
  if (!path.includes('.')) return (row as Record<string, unknown>)[path];
  return path.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], row);
}

/** Changes a row that may share with others what is below its fields: what is on the way is its own afterwards. */
function set(row: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split('.');
  const last = names.pop() ?? '';
  let place = row;
  for (const name of names) {
    const within = place[name];
    const own = Array.isArray(within) ? [...within] : { ...(within as object | undefined) };
    place[name] = own;
    place = own as Record<string, unknown>;
  }
  if (value === undefined) delete place[last];
  else place[last] = copy(value);
}

// ---- filters --------------------------------------------------------------------------------------------------------

function matches(row: Doc, filter: Filter): boolean {
  for (const path in filter) {
    const condition = filter[path];
    if (path === '$or') {
      if (!(condition as Filter[]).some(branch => matches(row, branch))) return false;
    } else if (path.startsWith('$')) throw unknown(path);
    else if (condition !== undefined && !holds(get(row, path), condition)) return false;
  }
  return true;
}

function isOperators(condition: unknown): condition is Record<string, unknown> {
  if (typeof condition !== 'object' || condition === null) return false;
  for (const first in condition) return first.startsWith('$');
  return false;
}

function holds(value: unknown, condition: unknown): boolean {
  if (!isOperators(condition)) return equals(value, condition);
  for (const name in condition) {
    const operator = OPERATORS[name];
    if (!operator) throw unknown(name);
    if (!operator(value, condition[name])) return false;
  }
  return true;
}

function equals(value: unknown, other: unknown): boolean {
  if (other === null) return value === null || value === undefined;
  return typeof other === 'object' ? sameJson(value, other) : value === other;
}

const sameJson = (value: unknown, other: unknown): boolean =>
  value === other || JSON.stringify(value) === JSON.stringify(other);

// Only numbers with numbers and texts with texts, as in MongoDB; bytes order is what ASCII texts have anyway.
const comparable = (value: unknown, other: unknown): value is number | string =>
  typeof value === typeof other && (typeof value === 'number' || typeof value === 'string');

const compares =
  (test: (value: number | string, other: number | string) => boolean) => (value: unknown, other: unknown) =>
    comparable(value, other) && test(value, other as number | string);

const OPERATORS: Readonly<Record<string, (value: unknown, operand: unknown) => boolean>> = {
  $exists: (value, wanted) => (value !== undefined) === wanted,
  $in: (value, list) => (list as unknown[]).some(item => equals(value, item)),
  $not: (value, condition) => !holds(value, condition),
  $gt: compares((value, other) => value > other),
  $gte: compares((value, other) => value >= other),
  $lt: compares((value, other) => value < other),
  $lte: compares((value, other) => value <= other),
};

// ---- updates, sorts, projections ------------------------------------------------------------------------------------

function apply(row: Record<string, unknown>, spec: UpdateSpec, inserting: boolean): void {
  for (const [name, changes] of Object.entries(spec)) {
    for (const [path, value] of Object.entries(changes)) {
      if (value === undefined) continue;
      const before = get(row, path);
      if (name === '$set') set(row, path, value);
      else if (name === '$unset') set(row, path, undefined);
      else if (name === '$inc') set(row, path, Number(before ?? 0) + Number(value));
      else if (name === '$max') set(row, path, before === undefined || Number(value) > Number(before) ? value : before);
      else if (name === '$addToSet') set(row, path, united(before, value));
      else if (name === '$setOnInsert') {
        if (inserting) set(row, path, value);
      } else throw unknown(name);
    }
  }
}

/** Of texts alone. @param added `{ $each: [...] }`. */
const united = (before: unknown, added: unknown): unknown[] => [
  ...new Set([...((before as unknown[] | undefined) ?? []), ...(added as { $each: unknown[] }).$each]),
];

/** The document that an upsert begins with: what the filter says of equal fields. */
function fromEqualities(filter: Filter): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  for (const [path, condition] of Object.entries(filter)) if (!isOperators(condition)) set(made, path, condition);
  return made;
}

function comparator(sort: Readonly<Record<string, unknown>>) {
  const keys = Object.entries(sort);
  return (a: Doc, b: Doc) => {
    for (const [path, direction] of keys) {
      const order = compare(get(a, path), get(b, path));
      if (order !== 0) return direction === -1 ? -order : order;
    }
    return 0;
  };
}

function compare(a: unknown, b: unknown): number {
  if (a === b) return 0;
  if (a === undefined || a === null) return -1;
  if (b === undefined || b === null) return 1;
  return (a as string) < (b as string) ? -1 : 1;
}

function project(row: Doc, projection: Readonly<Record<string, unknown>>): Doc {
  const paths = Object.keys(projection);
  const isLeftOut = paths.length > 0 && paths.every(path => projection[path] === 0);
  const strange = paths.find(path => path.includes('.') || (projection[path] !== 1 && !isLeftOut));
  if (strange) throw new Error(`the simulated store does not project ${strange}`);
  const kept = Object.entries(row).filter(([path]) => path === '_id' || paths.includes(path) !== isLeftOut);
  return Object.fromEntries(kept) as Doc;
}
