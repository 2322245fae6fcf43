/** Seeded randomness: the same seed gives the same numbers, on every machine. */
export type Random = {
  /** A whole number from `min` to `max`, both included. */
  whole(min: number, max: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  pick<Value>(values: readonly [Value, ...Value[]]): Value;
};

/** @param stream which of the independent sequences of the seed. */
export function createRandom(seed: number, stream = 0): Random {
  const next = mulberry32(seed ^ Math.imul(stream + 1, 0x9e3779b1));
  const whole = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));
  return {
    whole,
    chance: probability => next() < probability,
    pick: values => values[whole(0, values.length - 1)] ?? values[0],
  };
}

/** Tommy Ettinger's Mulberry32: 32 bits of state, in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
