/** All chance of a simulation comes from one seed. */
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export type Random = {
  /** 0 (included) to 1 (excluded). */
  real(): number;
  /** A whole number, both ends included. */
  int(min: number, max: number): number;
  chance(probability: number): boolean;
  /** @throws when there is nothing to pick from. */
  pick<Item>(items: readonly Item[]): Item;
};

/** Neighbouring seeds begin alike: these draws are not used. */
const SKIPPED = 16;

/** The finalizer of MurmurHash3: every bit of the seed changes about half of the bits. */
function scrambled(seed: number): number {
  let hash = seed | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

export function createRandom(seed: number): Random {
  const generator = xoroshiro128plus(scrambled(seed));
  for (let skipped = 0; skipped < SKIPPED; skipped++) generator.next();
  // 32 bits a draw.
  const real = () => (generator.next() >>> 0) / 2 ** 32;
  const int = (min: number, max: number) => min + Math.floor(real() * (max - min + 1));
  return {
    real,
    int,
    chance: probability => real() < probability,
    pick<Item>(items: readonly Item[]) {
      if (items.length === 0) throw new Error('there is nothing to pick from');
      return items[int(0, items.length - 1)] as Item;
    },
  };
}
