import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  Code,
  Decimal128,
  Double,
  deserialize,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  serialize,
  Timestamp,
  UUID,
} from 'bson';
import { fail } from './errors.ts';

/** A decoded document. Numbers stay `Int32`, `Long`, `Double`, `Decimal128`, so that their types survive. */
export type Doc = { [field: string]: unknown };

/** Largest stored document, in bytes (MongoDB's `maxBsonObjectSize`). */
export const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

const DECODE = { promoteValues: false, promoteLongs: false, promoteBuffers: false, bsonRegExp: true };

/** Decodes BSON keeping every type. With `documents` true, the array field of that name stays raw bytes. */
export function decode(bytes: Uint8Array, documents = false): Doc {
  return deserialize(bytes, documents ? { ...DECODE, fieldsAsRaw: { documents: true } } : DECODE);
}

export function encode(doc: Doc): Uint8Array {
  return serialize(doc);
}

/**
 * Canonical order of types, as MongoDB compares them (`canonicalizeBSONType`): rank, then BSON type number and alias.
 * The rank is also the first byte of an encoded key.
 */
type Kind = { rank: number; type: number; alias: string };
const kind = (rank: number, type: number, alias: string): Kind => ({ rank, type, alias });

export const RANK = { minKey: 1, undefined: 3, null: 5, number: 10, string: 15, object: 20, array: 25 } as const;

const MISSING = kind(RANK.undefined, 6, 'undefined');
const NULL = kind(RANK.null, 10, 'null');
const STRING = kind(RANK.string, 2, 'string');
const OBJECT = kind(RANK.object, 3, 'object');
const BOOL = kind(40, 8, 'bool');

const KINDS = new Map<unknown, Kind>([
  [MinKey.prototype, kind(RANK.minKey, -1, 'minKey')],
  [Int32.prototype, kind(RANK.number, 16, 'int')],
  [Long.prototype, kind(RANK.number, 18, 'long')],
  [Double.prototype, kind(RANK.number, 1, 'double')],
  [Decimal128.prototype, kind(RANK.number, 19, 'decimal')],
  [BSONSymbol.prototype, kind(RANK.string, 14, 'symbol')],
  [Array.prototype, kind(RANK.array, 4, 'array')],
  [Binary.prototype, kind(30, 5, 'binData')],
  [UUID.prototype, kind(30, 5, 'binData')],
  [ObjectId.prototype, kind(35, 7, 'objectId')],
  [Date.prototype, kind(45, 9, 'date')],
  [Timestamp.prototype, kind(47, 17, 'timestamp')],
  [BSONRegExp.prototype, kind(50, 11, 'regex')],
  [Code.prototype, kind(60, 13, 'javascript')],
  [MaxKey.prototype, kind(127, 127, 'maxKey')],
]);

export function kindOf(value: unknown): Kind {
  if (typeof value === 'string') return STRING;
  if (value === null) return NULL;
  if (value === undefined) return MISSING;
  if (typeof value === 'boolean') return BOOL;
  return KINDS.get(Object.getPrototypeOf(value)) ?? OBJECT;
}

export const TYPE_NAMES: ReadonlyMap<string, number> = new Map(
  [MISSING, NULL, STRING, OBJECT, BOOL, ...KINDS.values()].map(({ alias, type }) => [alias, type]),
);

/** A table looked up by names that clients choose: without what every object inherits. */
export const table = <T>(entries: Record<string, T>): Record<string, T> => Object.assign(Object.create(null), entries);

/** Sets a field; `__proto__` is one like any other. */
export function setOwn(doc: Doc, name: string, value: unknown): void {
  if (name !== '__proto__') doc[name] = value;
  else Object.defineProperty(doc, name, { value, writable: true, enumerable: true, configurable: true });
}

export const isArray = (value: unknown): value is unknown[] => Array.isArray(value);

/** A plain sub-document: neither array nor any of BSON's scalar classes. */
export function isObject(value: unknown): value is Doc {
  return typeof value === 'object' && value !== null && kindOf(value) === OBJECT;
}

/** Whether every field name begins with `$`; mixed names count as a plain document. `{}` is plain. */
export function isOperators(value: unknown): value is Doc {
  if (!isObject(value)) return false;
  for (const name in value) return name.startsWith('$') && name !== '$ref' && name !== '$id' && name !== '$db';
  return false;
}

export function truthy(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return false;
  if (value instanceof Int32 || value instanceof Double) return value.value !== 0;
  if (value instanceof Long && !(value instanceof Timestamp)) return !value.isZero();
  return !(value instanceof Decimal128) || Number(value.toString()) !== 0;
}

/** A JavaScript number for an option such as `limit`; throws TypeMismatch naming the field unless a whole number. */
export function wholeNumber(value: unknown, name: string): number {
  const number = value instanceof Long ? value.toNumber() : Number(plainNumber(value));
  if (kindOf(value).rank !== RANK.number) fail('TypeMismatch', `field '${name}' must be a number`);
  if (!Number.isSafeInteger(number)) fail('FailedToParse', `field '${name}' must be a whole number`);
  return number;
}

const plainNumber = (value: unknown) =>
  value instanceof Int32 || value instanceof Double ? value.value : String(value);
