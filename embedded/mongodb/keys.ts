/**
 * Values as bytes whose order (memcmp) is MongoDB's order of the values: the parts of index keys, and the keys of
 * documents. Every encoding is prefix-free, so parts can stand one after the other. A part longer than its limit
 * becomes its prefix and a SHA-256: equal values still have equal keys, but order among them is lost ("lossy"), so
 * ranges over such keys are widened to the prefix and everything found is checked again.
 */
import { createHash } from 'node:crypto';
import { Binary, BSONRegExp, Code, ObjectId, Timestamp } from 'bson';
import { isNumber, type Num, numberKey } from './numbers.ts';
import { isArray, isObject, kindOf } from './values.ts';

/** Limit of a document's key (its `_id`), in bytes. */
export const ID_BYTES = 600;
const HASH_BYTES = 32;
/** What all parts of an index key may take together: lmdb's keys end at 1,978 bytes, the document's key included. */
const PARTS_BYTES = 1300;

/** Limit of one part of an index key of so many parts, in bytes. */
export const partBytes = (parts: number) => Math.min(ID_BYTES, Math.floor(PARTS_BYTES / parts));

let out = Buffer.allocUnsafe(4096);
let at = 0;

function reserve(bytes: number): void {
  if (at + bytes <= out.length) return;
  const wider = Buffer.allocUnsafe(Math.max(out.length * 2, at + bytes));
  out.copy(wider, 0, 0, at);
  out = wider;
}

function byte(value: number): void {
  reserve(1);
  out[at++] = value;
}

function bytes(value: Uint8Array): void {
  reserve(value.length);
  out.set(value, at);
  at += value.length;
}

/** UTF-8 ended by 0; the bytes 0 and 1 inside become 1 1 and 1 2, which keeps the order. */
function text(value: string): void {
  reserve(value.length * 3 + 1);
  if (!simpleText(value)) {
    const end = at + out.write(value, at);
    let isPlain = true;
    for (let i = at; i < end && isPlain; i++) isPlain = (out[i] ?? 0) > 1;
    if (isPlain) at = end;
    else bytes(Buffer.from([...out.subarray(at, end)].flatMap(b => (b < 2 ? [1, b + 1] : [b]))));
  }
  byte(0);
}

/** Writes a short one whose characters are single bytes above 1, as those of ids are; else nothing has happened. */
function simpleText(value: string): boolean {
  const { length } = value;
  if (length > 64) return false;
  for (let i = 0; i < length; i++) {
    const code = value.charCodeAt(i);
    if (code < 2 || code > 0x7f) return false;
    out[at + i] = code;
  }
  at += length;
  return true;
}

function uint64(value: bigint): void {
  reserve(8);
  at = out.writeBigUInt64BE(value, at);
}

function double(value: number): void {
  reserve(8);
  if (Number.isNaN(value)) {
    out.fill(0, at, at + 8);
  } else {
    out.writeDoubleBE(value === 0 ? 0 : value, at);
    if (value < 0) for (let i = at; i < at + 8; i++) out[i] = 0xff - (out[i] ?? 0);
    else out[at] = (out[at] ?? 0) | 0x80;
  }
  at += 8;
}

function number(value: Num): void {
  const { floor, tail } = numberKey(value);
  double(floor);
  byte(tail ? 1 : 0);
  if (tail) bytes(tail);
}

function write(value: unknown): void {
  byte(kindOf(value).rank);
  writeBody(value);
}

function writeBody(value: unknown): void {
  if (value == null) return;
  if (typeof value === 'string') text(value);
  else if (isNumber(value)) number(value);
  else if (value instanceof Date) uint64(BigInt.asUintN(64, BigInt(value.getTime() || 0)) ^ (1n << 63n));
  else if (value instanceof ObjectId) bytes(value.id);
  else if (typeof value === 'boolean') byte(value ? 1 : 0);
  else if (value instanceof Binary) writeBinary(value);
  else if (isArray(value)) writeArray(value);
  else if (value instanceof Timestamp) uint64(BigInt.asUintN(64, value.toBigInt()));
  else if (value instanceof BSONRegExp) {
    text(value.pattern);
    text(value.options);
  } else if (value instanceof Code) text(String(value.code));
  else if (isObject(value)) {
    for (const name of Object.keys(value)) {
      byte(kindOf(value[name]).rank);
      text(name);
      writeBody(value[name]);
    }
    byte(0);
  } else if (kindOf(value).alias === 'symbol') text(String(value));
}

function writeBinary(value: Binary): void {
  reserve(5);
  at = out.writeUInt32BE(value.position, at);
  byte(value.sub_type);
  bytes(value.value());
}

function writeArray(values: unknown[]): void {
  for (const value of values) write(value);
  byte(0);
}

/** The value's key, of any length. */
export function encodeValue(value: unknown): Buffer {
  at = 0;
  write(value);
  return Buffer.from(out.subarray(0, at));
}

/** Turned around for a descending part. */
export function complement(key: Uint8Array): Buffer {
  const turned = Buffer.allocUnsafe(key.length);
  for (let i = 0; i < key.length; i++) turned[i] = 0xff - (key[i] ?? 0);
  return turned;
}

/** The key, or if longer than `limit` bytes its prefix and hash, which are then exactly `limit` bytes. */
export function shorten(key: Buffer, limit: number): Buffer {
  if (key.length <= limit) return key;
  const hash = createHash('sha256').update(key).digest();
  return Buffer.concat([key.subarray(0, limit - HASH_BYTES), hash]);
}

/** What all keys of values that begin like this one have in common once shortened. */
export const widen = (key: Buffer, limit: number) => (key.length <= limit ? key : key.subarray(0, limit - HASH_BYTES));

/**
 * The key of an index: its number, the parts, each of `limit` bytes at most, and `end`, the document's own key, where it has one.
 * `shortened` when a part was too long.
 */
export function indexKey(
  { id, key }: { id: number; key: readonly (readonly [path: string, direction: 1 | -1])[] },
  values: readonly unknown[],
  limit: number,
  end: Uint8Array | undefined,
): { key: Buffer; shortened: boolean } {
  at = out.writeUInt32BE(id, 0);
  let shortened = false;
  for (const [i, value] of values.entries()) {
    const start = at;
    write(value);
    if (at - start > limit) {
      const short = shorten(Buffer.from(out.subarray(start, at)), limit);
      at = start;
      bytes(short);
      shortened = true;
    }
    if (key[i]?.[1] === -1) for (let b = start; b < at; b++) out[b] = 0xff - (out[b] ?? 0);
  }
  if (end) bytes(end);
  return { key: Buffer.from(out.subarray(0, at)), shortened };
}

/** The key under which a collection of this number has the document of an `_id`. */
export const keyById = (collection: number, id: unknown): Buffer =>
  indexKey({ id: collection, key: [] }, [id], ID_BYTES, undefined).key;

/** As `Buffer.compare`, which costs more for keys that differ early. */
export function compareKeys(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const order = (a[i] ?? 0) - (b[i] ?? 0);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

export const documentKey = (id: unknown) => shorten(encodeValue(id), ID_BYTES);

/** The first key after all keys that begin with this one. */
export function after(key: Uint8Array): Buffer {
  let end = key.length;
  while (end > 0 && key[end - 1] === 0xff) end--;
  const next = Buffer.from(key.subarray(0, end));
  if (end > 0) next[end - 1] = (next[end - 1] ?? 0) + 1;
  return next;
}
