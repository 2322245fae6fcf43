/** Stretches of whole numbers, both ends included: of positions in the lake, or of time in milliseconds. */
export type Span = readonly [first: number, last: number];

/**
 * The same numbers, and as few others as possible, in so many spans at most: neighbours are joined, then those with the
 * smallest gaps between them.
 *
 * @returns in ascending order.
 */
export function cover(spans: readonly Span[], max = spans.length): Span[] {
  const joined: [number, number][] = [];
  for (const [first, last] of spans.toSorted((a, b) => a[0] - b[0])) {
    const before = joined.at(-1);
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else joined.push([first, last]);
  }
  if (joined.length <= max) return joined;
  const gapBefore = (index: number) => (joined[index]?.[0] ?? 0) - (joined[index - 1]?.[1] ?? 0);
  const kept = new Set(
    joined
      .map((_, index) => index)
      .slice(1)
      .sort((a, b) => gapBefore(b) - gapBefore(a))
      .slice(0, max - 1),
  );
  const covering: Span[] = [];
  for (const [index, span] of joined.entries()) {
    const before = covering.at(-1);
    if (!before || kept.has(index)) covering.push(span);
    else covering[covering.length - 1] = [before[0], span[1]];
  }
  return covering;
}

/** What of some spans lies within another. */
export function clip(spans: readonly Span[], [first, last]: Span): Span[] {
  return spans
    .map(([from, to]): Span => [Math.max(from, first), Math.min(to, last)])
    .filter(([from, to]) => from <= to);
}

/** Spans that are looked at in one go: a long one, or several short ones. */
export type Place = readonly Span[];

/** A span this long is looked at by itself. */
const LONG = 16;
/** Numbers in one place, where they are in short spans. */
const LISTED = 100;

/**
 * Spans, in ascending order, as places to be looked at one after the other.
 *
 * @param order -1 to begin with the last.
 */
export function placesIn(spans: readonly Span[], order: 1 | -1): Place[] {
  const places: Span[][] = [];
  let room = 0;
  for (const span of order === 1 ? spans : spans.toReversed()) {
    const length = span[1] - span[0] + 1;
    const last = places.at(-1);
    if (length <= room && last) last.push(span);
    else places.push([span]);
    if (length >= LONG) room = 0;
    else room = (length <= room ? room : LISTED) - length;
  }
  return places;
}
