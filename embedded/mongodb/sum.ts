/** Accumulators of `$group`. Sums of ints and longs are exact. */
import { Decimal128, Double, Int32 } from 'bson';
import { compare, equal } from './compare.ts';
import { unsupported } from './errors.ts';
import { add, isNumber, type Num, toDouble } from './numbers.ts';
import { table } from './values.ts';

export type Accumulator = { add(value: unknown): void; result(): unknown };

export const ACCUMULATORS = table<() => Accumulator>({
  $sum: () => summing(({ total }) => total()),
  $avg: () => summing(({ total, count }) => (count > 0 ? average(total(), count) : null)),
  $min: () => extreme(-1),
  $max: () => extreme(1),
  $first: () => kept((_, now, seen) => (seen ? now : _)),
  $last: () => kept(value => value),
  $push: () => listing(() => true),
  $addToSet: () => listing((values, value) => !values.some(known => equal(known, value))),
});

function kept(choose: (value: unknown, now: unknown, seen: boolean) => unknown): Accumulator {
  let now: unknown;
  let seen = false;
  return {
    add(value) {
      now = choose(value, now, seen);
      seen = true;
    },
    result: () => now ?? null,
  };
}

function extreme(sign: 1 | -1): Accumulator {
  let now: unknown;
  return {
    add(value) {
      if (value != null && (now === undefined || compare(value, now) * sign > 0)) now = value;
    },
    result: () => now ?? null,
  };
}

function listing(wanted: (values: unknown[], value: unknown) => boolean): Accumulator {
  const values: unknown[] = [];
  return {
    add(value) {
      if (value !== undefined && wanted(values, value)) values.push(value);
    },
    result: () => values,
  };
}

/**
 * Whole numbers are added exactly and doubles with Neumaier's compensation, so that the order of documents does not
 * matter more than it must; what leaves 64 bits becomes a double, as in MongoDB.
 */
function summing(finish: (sum: { total: () => Num; count: number }) => unknown): Accumulator {
  let exact: Num = new Int32(0);
  let doubles: { sum: number; rest: number } | undefined;
  let count = 0;
  const addDouble = (value: number) => {
    doubles ??= { sum: 0, rest: 0 };
    const next = doubles.sum + value;
    const larger = Math.abs(doubles.sum) >= Math.abs(value);
    if (Number.isFinite(next)) doubles.rest += larger ? doubles.sum - next + value : value - next + doubles.sum;
    doubles.sum = next;
  };
  const total = (): Num => {
    if (!doubles) return exact;
    const sum = new Double(doubles.sum + doubles.rest);
    return add(exact, sum) ?? sum;
  };
  return {
    add(value) {
      if (!isNumber(value)) return;
      count++;
      const sum: Num | undefined = value instanceof Double ? undefined : add(exact, value);
      if (sum) exact = sum;
      else addDouble(toDouble(value));
    },
    result: () => finish({ total, count }),
  };
}

function average(total: Num, count: number): Num {
  if (total instanceof Decimal128) unsupported('$avg of decimals');
  return new Double(toDouble(total) / count);
}
