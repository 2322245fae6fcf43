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
  shuffled<Item>(items: readonly Item[]): Item[];
};

export function createRandom(seed: number): Random {
  const generator = xoroshiro128plus(seed);
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
    shuffled(items) {
      const left = [...items];
      for (let at = left.length - 1; at > 0; at--) {
        const other = int(0, at);
        [left[at], left[other]] = [left[other] as (typeof left)[number], left[at] as (typeof left)[number]];
      }
      return left;
    },
  };
}
