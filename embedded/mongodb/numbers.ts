/**
 * Exact arithmetic and order over BSON's four number types. MongoDB compares numbers by value across types, without
 * rounding; sums keep the widest type among their operands (int, long, double, decimal).
 */
import { Decimal128, Double, Int32, Long } from 'bson';
import { kindOf, RANK } from './values.ts';

export type Num = Int32 | Long | Double | Decimal128;

export const isNumber = (value: unknown): value is Num => kindOf(value).rank === RANK.number;

const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;

type Decimal = { coefficient: bigint; exponent: number };

const bits = new DataView(new ArrayBuffer(8));

function nextDown(value: number): number {
  if (value === 0) return -Number.MIN_VALUE;
  bits.setFloat64(0, value);
  bits.setBigUint64(0, bits.getBigUint64(0) + (value > 0 ? -1n : 1n));
  return bits.getFloat64(0);
}

/** A finite decimal as coefficient × 10^exponent. */
function parseDecimal(text: string): Decimal {
  const [mantissa = '0', power = '0'] = text.toUpperCase().split('E');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  return { coefficient: BigInt(whole + fraction), exponent: Number(power) - fraction.length };
}

/** A finite double as coefficient × 10^exponent, exactly: m / 2^k = m × 5^k / 10^k. */
function exactDecimal(value: number): Decimal {
  bits.setFloat64(0, value);
  const raw = bits.getBigUint64(0);
  const biased = Number((raw >> 52n) & 0x7ffn);
  const mantissa = (raw & 0xfffffffffffffn) | (biased === 0 ? 0n : 1n << 52n);
  const power = Math.max(biased, 1) - 1075;
  const signed = value < 0 ? -mantissa : mantissa;
  if (power >= 0) return { coefficient: signed << BigInt(power), exponent: 0 };
  return { coefficient: signed * 5n ** BigInt(-power), exponent: power };
}

function compareDecimals(a: Decimal, b: Decimal): number {
  const shift = a.exponent - b.exponent;
  const left = shift > 0 ? a.coefficient * 10n ** BigInt(shift) : a.coefficient;
  const right = shift < 0 ? b.coefficient * 10n ** BigInt(-shift) : b.coefficient;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Bytes that order numbers lying between the same two neighbouring doubles: decimal point, then digits. */
function tail({ coefficient, exponent }: Decimal): Uint8Array {
  const negative = coefficient < 0n;
  const digits = (negative ? -coefficient : coefficient).toString();
  const point = digits.length + exponent + 0x4000;
  const text = digits.replace(/0+$/, '');
  const bytes = Buffer.concat([Buffer.from([point >> 8, point & 0xff]), Buffer.from(text, 'latin1'), Buffer.from([0])]);
  return negative ? bytes.map(byte => 0xff - byte) : bytes;
}

/** The greatest double not above the number and, unless they are equal, bytes that order what lies between. */
export function numberKey(value: Num): { floor: number; tail?: Uint8Array } {
  if (value instanceof Int32 || value instanceof Double) return { floor: value.value };
  if (value instanceof Long) {
    const near = value.toNumber();
    if (Number.isSafeInteger(near)) return { floor: near };
    const exact = value.toBigInt();
    const wide = BigInt(near);
    if (wide === exact) return { floor: near };
    return { floor: wide > exact ? nextDown(near) : near, tail: tail({ coefficient: exact, exponent: 0 }) };
  }
  const text = value.toString();
  const near = Number(text);
  if (Number.isNaN(near) || text.includes('Inf')) return { floor: near };
  const exact = parseDecimal(text);
  if (exact.coefficient === 0n) return { floor: 0 };
  if (!Number.isFinite(near)) return { floor: near > 0 ? Number.MAX_VALUE : near, tail: tail(exact) };
  const order = compareDecimals(exactDecimal(near), exact);
  return order === 0 ? { floor: near } : { floor: order > 0 ? nextDown(near) : near, tail: tail(exact) };
}

/** NaN below every other number and equal to itself; -0 equal to 0. */
function compareDoubles(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return 0;
  return Number.isNaN(a) ? (Number.isNaN(b) ? 0 : -1) : 1;
}

export function compareNumbers(a: Num, b: Num): number {
  const left = numberKey(a);
  const right = numberKey(b);
  const order = compareDoubles(left.floor, right.floor);
  if (order !== 0 || (!left.tail && !right.tail)) return order;
  if (!left.tail) return -1;
  return right.tail ? Buffer.compare(left.tail, right.tail) : 1;
}

export function toDouble(value: Num): number {
  if (value instanceof Long) return value.toNumber();
  return value instanceof Decimal128 ? Number(value.toString()) : value.value;
}

const toBig = (value: Int32 | Long) => (value instanceof Long ? value.toBigInt() : BigInt(value.value));

type Combine = { exact: (a: bigint, b: bigint) => bigint; double: (a: number, b: number) => number };
const ADD: Combine = { exact: (a, b) => a + b, double: (a, b) => a + b };
const MULTIPLY: Combine = { exact: (a, b) => a * b, double: (a, b) => a * b };

function combineDecimals(a: Num, b: Num, by: Combine): Decimal128 {
  const left = toDouble(a);
  const right = toDouble(b);
  if (!Number.isFinite(left) || !Number.isFinite(right)) return special(by.double(left, right));
  const x = a instanceof Double ? exactDecimal(a.value) : parseDecimal(a.toString());
  const y = b instanceof Double ? exactDecimal(b.value) : parseDecimal(b.toString());
  if (by === MULTIPLY)
    return decimal({ coefficient: x.coefficient * y.coefficient, exponent: x.exponent + y.exponent });
  const exponent = Math.min(x.exponent, y.exponent);
  const scale = (d: Decimal) => d.coefficient * 10n ** BigInt(d.exponent - exponent);
  return decimal({ coefficient: scale(x) + scale(y), exponent });
}

const special = (value: number) =>
  Decimal128.fromString(Number.isNaN(value) ? 'NaN' : value < 0 ? '-Infinity' : 'Infinity');

const decimal = ({ coefficient, exponent }: Decimal) =>
  Decimal128.fromStringWithRounding(`${coefficient}E${exponent >= 0 ? '+' : ''}${exponent}`);

/** The result, or undefined when two whole numbers leave the 64 bits of a long (MongoDB refuses that in an update). */
function combine(a: Num, b: Num, by: Combine): Num | undefined {
  if (a instanceof Decimal128 || b instanceof Decimal128) return combineDecimals(a, b, by);
  if (a instanceof Double || b instanceof Double) return new Double(by.double(toDouble(a), toDouble(b)));
  const result = by.exact(toBig(a), toBig(b));
  if (a instanceof Int32 && b instanceof Int32 && result === BigInt.asIntN(32, result))
    return new Int32(Number(result));
  return result >= LONG_MIN && result <= LONG_MAX ? Long.fromBigInt(result) : undefined;
}

export const add = (a: Num, b: Num) => combine(a, b, ADD);
export const multiply = (a: Num, b: Num) => combine(a, b, MULTIPLY);

/** The number with the other sign. The least int becomes a long, the least long a double. */
export function negated(value: Num): Num {
  if (value instanceof Int32) return value.value === -(2 ** 31) ? Long.fromNumber(2 ** 31) : new Int32(-value.value);
  if (value instanceof Double) return new Double(-value.value);
  if (value instanceof Long) return value.equals(Long.MIN_VALUE) ? new Double(2 ** 63) : value.negate();
  const text = value.toString();
  return Decimal128.fromString(text.startsWith('-') ? text.slice(1) : `-${text}`);
}

/** The narrowest of int and long that holds a whole JavaScript number. */
export function whole(value: number): Int32 | Long {
  return value === (value | 0) ? new Int32(value) : Long.fromNumber(value);
}
