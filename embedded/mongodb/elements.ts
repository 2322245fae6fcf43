/**
 * Documents as bytes (bsonspec.org): what is wanted of one is taken out of it, and what was changed is put back, while all else stays
 * bytes. Decoding and encoding cost many times that.
 */
import { Double, Int32, Long, ObjectId } from 'bson';
import { fail } from './errors.ts';
import { type Doc, decode, encode, setOwn } from './values.ts';

/** Fields of a document by name; of those with `of`, only such fields where the value is a document itself. */
export type Fields = readonly { text: string; name: Uint8Array; of: Fields | undefined }[];

type Tree = Map<string, Tree | undefined>;

/** Beyond such a depth everything is wanted. */
export const MAX_DEPTH = 50;

/** What these paths lead through, and nothing else, as far as names tell. */
export function fieldsAt(paths: Iterable<readonly string[]>): Fields {
  const tree: Tree = new Map();
  for (const path of paths) add(tree, path);
  return toFields(tree);
}

function add(tree: Tree, path: readonly string[]): void {
  let level: Tree | undefined = tree;
  for (let i = 0; level && i < path.length; i++) {
    const name = path[i] ?? '';
    const isLast = i === path.length - 1 || i === MAX_DEPTH;
    const known: Tree | undefined = level.get(name);
    if (isLast) level.set(name, undefined);
    else if (!known && !level.has(name)) level.set(name, new Map());
    if (isLast) return;
    level = level.get(name);
  }
}

function toFields(tree: Tree): Fields {
  return [...tree].map(([text, below]) => ({ text, name: nameBytes(text), of: below && toFields(below) }));
}

const encoded = new Map<string, Uint8Array>();

function nameBytes(name: string): Uint8Array {
  let bytes = encoded.get(name);
  if (!bytes) {
    if (encoded.size > 10_000) encoded.clear();
    bytes = Buffer.from(name);
    encoded.set(name, bytes);
  }
  return bytes;
}

/** The number of 32 bits at `at`; what is beyond the end counts as 0. */
export const int32 = (bytes: Uint8Array, at: number) =>
  (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);

/** Where the value of the element that starts at `at` begins. */
function valueStart(bytes: Uint8Array, at: number): number {
  let end = at + 1;
  while (end < bytes.length && bytes[end] !== 0) end++;
  return end + 1;
}

/** Where a value of a type ends. */
function valueEnd(bytes: Uint8Array, type: number, start: number): number {
  switch (type) {
    case 0x06:
    case 0x0a:
    case 0x7f:
    case 0xff:
      return start;
    case 0x08:
      return start + 1;
    case 0x10:
      return start + 4;
    case 0x01:
    case 0x09:
    case 0x11:
    case 0x12:
      return start + 8;
    case 0x07:
      return start + 12;
    case 0x13:
      return start + 16;
    case 0x02:
    case 0x0d:
    case 0x0e:
      return start + 4 + int32(bytes, start);
    case 0x03:
    case 0x04:
    case 0x0f:
      return start + int32(bytes, start);
    case 0x05:
      return start + 5 + int32(bytes, start);
    case 0x0b:
      return bytes.indexOf(0, bytes.indexOf(0, start) + 1) + 1;
    case 0x0c:
      return start + 4 + int32(bytes, start) + 12;
    default:
      return fail('FailedToParse', `unrecognised BSON type ${type}`);
  }
}

function elementEnd(bytes: Uint8Array, at: number, start: number): number {
  const end = valueEnd(bytes, bytes[at] ?? 0, start);
  return end > at && end < bytes.length ? end : fail('FailedToParse', 'malformed BSON');
}

/**
 * The same document with `_id` first, as MongoDB stores it (the driver appends a generated `_id` last). A document
 * without `_id` gets a new ObjectId. Nothing else changes, byte for byte.
 */
export function idFirst(bytes: Uint8Array): Uint8Array {
  for (let at = 4; bytes[at] !== 0; ) {
    const end = elementEnd(bytes, at, valueStart(bytes, at));
    if (bytes[at + 1] === 0x5f && bytes[at + 2] === 0x69 && bytes[at + 3] === 0x64 && bytes[at + 4] === 0) {
      if (at === 4) return bytes;
      return Buffer.concat([bytes.subarray(0, 4), bytes.subarray(at, end), bytes.subarray(4, at), bytes.subarray(end)]);
    }
    at = end;
  }
  const id = encode({ _id: new ObjectId() });
  const out = Buffer.concat([bytes.subarray(0, 4), id.subarray(4, -1), bytes.subarray(4)]);
  out.writeInt32LE(out.length, 0);
  return out;
}

function isNamed(bytes: Uint8Array, at: number, end: number, name: Uint8Array): boolean {
  return end - at === name.length && isSame(bytes, at, name);
}

function isSame(bytes: Uint8Array, at: number, others: Uint8Array): boolean {
  for (let i = 0; i < others.length; i++) if (bytes[at + i] !== others[i]) return false;
  return true;
}

function placeNamed(fields: Fields, bytes: Uint8Array, at: number, end: number): number {
  for (let i = 0; i < fields.length; i++) if (isNamed(bytes, at, end, fields[i]?.name ?? HEAD)) return i;
  return -1;
}

const fieldNamed = (fields: Fields, bytes: Uint8Array, at: number, end: number): Fields[number] | undefined =>
  fields[placeNamed(fields, bytes, at, end)];

/**
 * What of a name its bytes do not tell: whether it belongs to a reference (`$ref`, `$id`), which is one only if all are there, and
 * which name is decoded from what is not ASCII.
 */
function isUnclear(bytes: Uint8Array, at: number, end: number): boolean {
  if (bytes[at] === DOLLAR) return true;
  for (let i = at; i < end; i++) if ((bytes[i] ?? 0) > 0x7f) return true;
  return false;
}

export const DOLLAR = 0x24;
const OBJECT = 0x03;

/** Where pieces are put together; nothing stays here. */
let scratch = Buffer.allocUnsafe(64 * 1024);
let used = 0;

function copy(bytes: Uint8Array, from: number, to: number): void {
  const length = to - from;
  if (used + length > scratch.length) {
    const wider = Buffer.allocUnsafe(Math.max(scratch.length * 2, used + length));
    scratch.copy(wider, 0, 0, used);
    scratch = wider;
  }
  if (length > 64) scratch.set(bytes.subarray(from, to), used);
  else for (let i = 0; i < length; i++) scratch[used + i] = bytes[from + i] ?? 0;
  used += length;
}

function finish(): Buffer {
  const bytes = Buffer.allocUnsafe(used);
  scratch.copy(bytes, 0, 0, used);
  if (scratch.length > 1024 * 1024) scratch = Buffer.allocUnsafe(64 * 1024);
  return bytes;
}

const HEAD = Buffer.alloc(4);

/** The document that has only these fields, in its order, and those whose names are unclear. */
export function pick(bytes: Uint8Array, fields: Fields): Buffer {
  used = 0;
  pickFrom(bytes, 0, fields);
  return finish();
}

function pickFrom(bytes: Uint8Array, from: number, fields: Fields): void {
  const head = used;
  copy(HEAD, 0, 4);
  for (let at = from + 4; bytes[at] !== 0; ) {
    const start = valueStart(bytes, at);
    const end = elementEnd(bytes, at, start);
    const field = fieldNamed(fields, bytes, at + 1, start - 1);
    if (field?.of && bytes[at] === OBJECT) {
      copy(bytes, at, start);
      pickFrom(bytes, start, field.of);
    } else if (field || isUnclear(bytes, at + 1, start - 1)) copy(bytes, at, end);
    at = end;
  }
  copy(HEAD, 0, 1);
  scratch.writeInt32LE(used - head, head);
}

/** The document without these fields, which are whole ones; it is the same bytes when it has none of them. */
export function omit(bytes: Uint8Array, fields: Fields): Uint8Array {
  used = 0;
  let kept = 0;
  for (let at = 4; bytes[at] !== 0; ) {
    const start = valueStart(bytes, at);
    const end = elementEnd(bytes, at, start);
    if (fieldNamed(fields, bytes, at + 1, start - 1)) {
      copy(bytes, kept, at);
      kept = end;
    }
    at = end;
  }
  if (kept === 0) return bytes;
  copy(bytes, kept, bytes.length);
  scratch.writeInt32LE(used, 0);
  return finish();
}

/** These fields decoded, as far as the document has them; there may be more. Of a document that is well-formed. */
export function decodeOnly(bytes: Uint8Array, fields: Fields): Doc {
  return simpleFields(bytes, 0, fields) ?? decode(pick(bytes, fields));
}

/** Undefined when there are any that only the driver's decoder knows how to decode. */
function simpleFields(bytes: Uint8Array, from: number, fields: Fields): Doc | undefined {
  const doc: Doc = {};
  for (let at = from + 4; bytes[at] !== 0; ) {
    const start = valueStart(bytes, at);
    const end = elementEnd(bytes, at, start);
    const field = fieldNamed(fields, bytes, at + 1, start - 1);
    if (field) {
      // Only what is ASCII is sure to be decoded as it is encoded.
      if (field.text.length !== field.name.length) return undefined;
      const within = bytes[at] === OBJECT ? field.of : undefined;
      const value = within ? simpleFields(bytes, start, within) : simpleValue(bytes, bytes[at], start, end);
      if (value === undefined) return undefined;
      setOwn(doc, field.text, value);
    } else if (isUnclear(bytes, at + 1, start - 1)) return undefined;
    at = end;
  }
  return doc;
}

/** As `decode` gives it; undefined of other types. */
function simpleValue(bytes: Uint8Array, type: number | undefined, start: number, end: number): unknown {
  switch (type) {
    case 0x01:
      return new Double(buffer(bytes).readDoubleLE(start));
    case 0x02:
      return buffer(bytes).toString('utf8', start + 4, end - 1);
    case 0x08:
      return bytes[start] === 1;
    case 0x0a:
      return null;
    case 0x10:
      return new Int32(int32(bytes, start));
    case 0x12:
      return new Long(int32(bytes, start), int32(bytes, start + 4));
    default:
      return undefined;
  }
}

const buffer = (bytes: Uint8Array) =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The elements of a document, each in the place of the field of its name; of a field that it does not have, none. */
export function elementsOf(bytes: Uint8Array, fields: Fields): (Uint8Array | undefined)[] {
  const elements = new Array<Uint8Array | undefined>(fields.length);
  for (let at = 4; bytes[at] !== 0; ) {
    const start = valueStart(bytes, at);
    const end = elementEnd(bytes, at, start);
    const i = placeNamed(fields, bytes, at + 1, start - 1);
    if (i >= 0) elements[i] = bytes.subarray(at, end);
    at = end;
  }
  return elements;
}

/** As many as have a bit each in a number. */
export const PUT_MAX = 30;

/**
 * Puts elements into a plain document, each where the field of its name is, or at the end, in their order; a field without an element
 * goes.
 *
 * @param fields PUT_MAX at most.
 * @returns the same bytes when nothing differs; and a bit for each field that does.
 */
export function put(
  bytes: Uint8Array,
  fields: Fields,
  elements: readonly (Uint8Array | undefined)[],
): { raw: Uint8Array; differing: number } {
  used = 0;
  let kept = 0;
  let met = 0;
  let differing = 0;
  const replace = (from: number, to: number, element: Uint8Array | undefined) => {
    copy(bytes, kept, from);
    if (element) copy(element, 0, element.length);
    kept = to;
  };
  for (let at = 4; bytes[at] !== 0; ) {
    const start = valueStart(bytes, at);
    const end = elementEnd(bytes, at, start);
    const i = placeNamed(fields, bytes, at + 1, start - 1);
    if (i >= 0) {
      met |= 1 << i;
      const element = elements[i];
      if (!element || end - at !== element.length || !isSame(bytes, at, element)) {
        differing |= 1 << i;
        replace(at, end, element);
      }
    }
    at = end;
  }
  const last = bytes.length - 1;
  for (let i = 0; i < fields.length; i++) {
    const element = elements[i];
    if (!element || met & (1 << i)) continue;
    differing |= 1 << i;
    replace(last, last, element);
  }
  if (differing === 0) return { raw: bytes, differing };
  copy(bytes, kept, bytes.length);
  scratch.writeInt32LE(used, 0);
  return { raw: finish(), differing };
}
