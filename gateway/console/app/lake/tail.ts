/** The newest events of a list that goes on: pure. Nothing is in it twice, and it holds so many at most. */

/** Rows of a list and no more, whatever comes. */
export const ROWS_MAX = 500;

type Placed = { position: number };

export type Tail<Row> = {
  /** Newest first, as all here. */
  rows: readonly Row[];
  /** What came while nothing was to move. */
  held: readonly Row[];
  /** How many came meanwhile, held or not. */
  heldCount: number;
  /** How many came since the beginning. */
  arrived: number;
  /** Whether rows of the beginning had to go. */
  isCut: boolean;
};

export const tailOf = <Row>(rows: readonly Row[]): Tail<Row> => ({
  rows,
  held: [],
  heldCount: 0,
  arrived: 0,
  isCut: false,
});

/** The highest position that is known; 0 when none is. */
export const newestOf = <Row extends Placed>({ rows, held }: Tail<Row>): number =>
  Math.max(held[0]?.position ?? 0, rows[0]?.position ?? 0);

/**
 * Takes what has come.
 *
 * @param batch in the order of positions; what is known already is left out.
 * @param options.passed how many more came than the batch has, all of them before it.
 */
export function take<Row extends Placed>(
  tail: Tail<Row>,
  batch: readonly Row[],
  { paused, passed = 0 }: { paused: boolean; passed?: number },
): Tail<Row> {
  const newest = newestOf(tail);
  const fresh = batch.filter(({ position }) => position > newest).reverse();
  const came = fresh.length + passed;
  if (came === 0) return tail;
  const arrived = tail.arrived + came;
  if (!paused) return grown({ ...tail, arrived }, fresh, passed > 0);
  const held = [...fresh, ...tail.held].slice(0, ROWS_MAX);
  return { ...tail, arrived, held, heldCount: tail.heldCount + came };
}

/** Shows what came meanwhile. */
export function resume<Row>(tail: Tail<Row>): Tail<Row> {
  if (tail.heldCount === 0) return tail;
  return grown({ ...tail, held: [], heldCount: 0 }, tail.held, tail.heldCount > tail.held.length);
}

/** @param isApart that something is missing between the new rows and the others, so that these cannot stay. */
function grown<Row>(tail: Tail<Row>, fresh: readonly Row[], isApart: boolean): Tail<Row> {
  const all = isApart ? fresh : [...fresh, ...tail.rows];
  return { ...tail, rows: all.slice(0, ROWS_MAX), isCut: tail.isCut || isApart || all.length > ROWS_MAX };
}
