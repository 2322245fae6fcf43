import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clip, cover, placesIn, type Span } from './spans.ts';

const span = fc
  .tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 30 }))
  .map(([first, length]): Span => [first, first + length]);
const numbersIn = (spans: readonly Span[]) =>
  spans.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, at) => first + at));

test('spans are covered by few, in order, apart from each other, and with nothing left out', () => {
  fc.assert(
    fc.property(fc.array(span), fc.integer({ min: 1, max: 5 }), (spans, max) => {
      const covering = cover(spans, max);
      expect(covering.length).toBeLessThanOrEqual(max);
      expect(new Set(numbersIn(covering))).toEqual(new Set([...numbersIn(covering), ...numbersIn(spans)]));
      for (const [at, [first]] of covering.entries())
        if (at > 0) expect(first).toBeGreaterThan(covering[at - 1]?.[1] ?? 0);
      // Without a limit there is nothing else in them.
      expect(new Set(numbersIn(cover(spans)))).toEqual(new Set(numbersIn(spans)));
    }),
  );
  expect(
    cover(
      [
        [1, 2],
        [90, 91],
        [4, 5],
        [100, 100],
      ],
      2,
    ),
  ).toEqual([
    [1, 5],
    [90, 100],
  ]);
});

test('what lies outside is clipped', () => {
  expect(
    clip(
      [
        [1, 5],
        [8, 20],
        [30, 40],
      ],
      [4, 10],
    ),
  ).toEqual([
    [4, 5],
    [8, 10],
  ]);
});

test('places hold every span once, in order, from either end; short ones together, 100 numbers at most', () => {
  fc.assert(
    fc.property(fc.array(span), fc.constantFrom(1 as const, -1 as const), (spans, order) => {
      const apart = cover(spans);
      const places = placesIn(apart, order);
      expect(places.flat()).toEqual(order === 1 ? apart : apart.toReversed());
      for (const place of places) if (place.length > 1) expect(numbersIn(place).length).toBeLessThanOrEqual(100);
    }),
  );
});
