/**
 * Whether a document's bytes are sure to come back as they are when it is decoded and encoded: then what does not change of it need
 * not be decoded at all, and is known to be well-formed. Nothing is kept of it while it is looked at.
 */
import { isUtf8 } from 'node:buffer';
import { DOLLAR, int32, MAX_DEPTH } from './elements.ts';

/** Names in one object, and objects in one another, that `isPlain` looks at. */
const MAX_NAMES = 64;
const hashes = new Int32Array(MAX_NAMES * MAX_DEPTH);

/**
 * Whether a document is sure to be well-formed, and to be encoded as exactly these bytes once it has been decoded. There are
 * others, such as those with fields of one name or of numeric names, with undefined values, references, code or expressions: of
 * them nothing is said.
 */
export function isPlain(bytes: Uint8Array): boolean {
  return int32(bytes, 0) === bytes.length && isPlainObject(bytes, 0, bytes.length, 0);
}

function isPlainObject(bytes: Uint8Array, from: number, limit: number, depth: number): boolean {
  const size = int32(bytes, from);
  const last = from + size - 1;
  if (size < 5 || last >= limit || bytes[last] !== 0 || depth === MAX_DEPTH) return false;
  const base = depth * MAX_NAMES;
  let names = 0;
  let at = from + 4;
  while (at < last) {
    const first = bytes[at + 1] ?? 0;
    // A number comes first once it is decoded; `$` may be a reference; `_b` may be what the driver tells its classes by.
    if (first === DOLLAR || (first >= 0x30 && first <= 0x39)) return false;
    if (first === 0x5f && bytes[at + 2] === 0x62) return false;
    let hash = 0;
    let end = at + 1;
    for (let byte = first; byte !== 0 && end < last; byte = bytes[++end] ?? 0) {
      if (byte > 0x7f) return false;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    for (let i = 0; i < names; i++) if (hashes[base + i] === hash) return false;
    if (names === MAX_NAMES || bytes[end] !== 0) return false;
    hashes[base + names++] = hash;
    at = plainEnd(bytes, bytes[at] ?? 0, end + 1, last, depth);
    if (at < 0) return false;
  }
  return at === last;
}

function isPlainArray(bytes: Uint8Array, from: number, limit: number, depth: number): boolean {
  const size = int32(bytes, from);
  const last = from + size - 1;
  if (size < 5 || last >= limit || bytes[last] !== 0 || depth === MAX_DEPTH) return false;
  let at = from + 4;
  for (let position = 0; at < last; position++) {
    const name = String(position);
    for (let i = 0; i < name.length; i++) if (bytes[at + 1 + i] !== name.charCodeAt(i)) return false;
    if (bytes[at + 1 + name.length] !== 0) return false;
    at = plainEnd(bytes, bytes[at] ?? 0, at + name.length + 2, last, depth);
    if (at < 0) return false;
  }
  return at === last;
}

/** Where a plain value that begins at `start` ends, which is not beyond `last`; -1 when it is not sure to be plain. */
function plainEnd(bytes: Uint8Array, type: number, start: number, last: number, depth: number): number {
  const end = plainValueEnd(bytes, type, start, last, depth);
  return end <= last ? end : -1;
}

function plainValueEnd(bytes: Uint8Array, type: number, start: number, last: number, depth: number): number {
  switch (type) {
    case 0x02:
      return isText(bytes, start, last) ? start + 4 + int32(bytes, start) : -1;
    case 0x03:
      return isPlainObject(bytes, start, last, depth + 1) ? start + int32(bytes, start) : -1;
    case 0x04:
      return isPlainArray(bytes, start, last, depth + 1) ? start + int32(bytes, start) : -1;
    case 0x01:
      // What is not a number may be one in many ways.
      return (int32(bytes, start + 4) & 0x7ff00000) === 0x7ff00000 ? -1 : start + 8;
    case 0x05:
      return isBinary(bytes, start) ? start + 5 + int32(bytes, start) : -1;
    case 0x07:
      return start + 12;
    case 0x08:
      return (bytes[start] ?? 2) < 2 ? start + 1 : -1;
    case 0x09:
      return Math.abs(int32(bytes, start + 4) * 2 ** 32 + (int32(bytes, start) >>> 0)) <= MAX_DATE ? start + 8 : -1;
    case 0x0a:
    case 0x7f:
    case 0xff:
      return start;
    case 0x10:
      return start + 4;
    case 0x11:
    case 0x12:
      return start + 8;
    case 0x13:
      return start + 16;
    default:
      return -1;
  }
}

/** The furthest that a JavaScript date can be from 1970, in milliseconds. */
const MAX_DATE = 8.64e15;

/** Plain bytes or a UUID. */
const isBinary = (bytes: Uint8Array, start: number) =>
  int32(bytes, start) >= 0 && (bytes[start + 4] === 0 || bytes[start + 4] === 4);

function isText(bytes: Uint8Array, start: number, last: number): boolean {
  const length = int32(bytes, start);
  const end = start + 4 + length - 1;
  if (length < 1 || end >= last || bytes[end] !== 0) return false;
  for (let i = start + 4; i < end; i++) if ((bytes[i] ?? 0) > 0x7f) return isUtf8(bytes.subarray(i, end));
  return true;
}
