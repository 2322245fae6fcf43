import { z } from 'zod';
import { clientError } from './errors.ts';

/** No page is larger, whatever was asked for. */
export const PAGE_MAX = 100;

/** The page that a client gets who does not say, or says null. */
const PAGE_DEFAULT = 20;

/** @returns how many to show: 1 to 100. @throws BAD_USER_INPUT when it is not positive. */
export function pageSize(first: number | null | undefined, byDefault = PAGE_DEFAULT): number {
  if (first === null || first === undefined) return byDefault;
  if (first < 1) throw clientError('BAD_USER_INPUT', `"first" must be at least 1, not ${first}.`);
  return Math.min(first, PAGE_MAX);
}

/** A place in a list, opaque to clients. */
export function encodeCursor(place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** @throws BAD_USER_INPUT when it is not a cursor of this list. */
export function decodeCursor<Place>(cursor: string | null | undefined, place: z.ZodType<Place>): Place | undefined {
  if (cursor === null || cursor === undefined) return undefined;
  try {
    return place.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
  } catch {
    throw clientError('BAD_USER_INPUT', '"after" is not an endCursor of this list.');
  }
}

export type Connection<Node> = { nodes: Node[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };

/**
 * @param rows one more than `size` when there are more.
 * @param placeOf where a row stands, as `decodeCursor` is to give it back.
 */
export function connection<Row, Node>(
  rows: readonly Row[],
  size: number,
  placeOf: (row: Row) => readonly (string | number)[],
  nodeOf: (row: Row) => Node,
): Connection<Node> {
  const page = rows.slice(0, size);
  const last = page.at(-1);
  return {
    nodes: page.map(nodeOf),
    pageInfo: { hasNextPage: rows.length > size, endCursor: last === undefined ? null : encodeCursor(placeOf(last)) },
  };
}

/** A cursor of one number. */
export const numberPlace = z.tuple([z.int()]);
/** A cursor of a time and, for ties, an id. */
export const timePlace = z.tuple([z.string(), z.string()]);
