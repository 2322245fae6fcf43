/**
 * A walk through the lake, a page at a time: everything of a filter up to a position, each event once. Subject by subject where
 * that can be, because whoever takes it in then has all of a row's events together, and writes the row once; the pages of a
 * walk are the same whenever it is begun again, whatever the lake has stored since.
 */
import type { Filter } from 'mongodb';
import { byKind, bySubject, type Queries } from './query.ts';
import type { EventFilter, LakeRow } from './store.ts';

/**
 * Where a walk has got to: all up to a position; or, where there is a subject, all of the subjects before it, and of itself
 * what is up to the position.
 */
export type Place = { position: number; subject?: string | null };

/** Rows in the order of positions, what comes after them, and whether that is nothing. */
export type Page = { rows: LakeRow[]; place: Place; isLast: boolean };

export type Walk = {
  /** @param limit of rows; the same throughout a walk, for its pages to be the same. */
  next(place: Place, limit: number): Promise<Page>;
};

/**
 * @param from the position after which it begins.
 * @param until the position with which it ends: one that the lake has reached.
 * @param together whether to go subject by subject, where that can be. Of a part of the lake little belongs together.
 */
export function createWalk(
  { rows, page, kindsOf }: Queries,
  filter: EventFilter,
  { from, until, together = false }: { from: number; until: number; together?: boolean | undefined },
): Walk {
  // What has a subject, a time or a story is found by that.
  const { types, subject, source, correlationId, from: earliest, to: latest } = filter;
  const others = [subject, source, correlationId, earliest, latest];
  const isOfTypes = Array.isArray(types) && others.every(value => value === null || value === undefined);
  const isBySubject = together && isOfTypes && from === 0;
  let kinds: ReturnType<Queries['kindsOf']> | undefined;

  /** The rows of the filter's types, and of what else is asked for, in the order of an index. */
  async function pageOfTypes(asked: object, hint: typeof byKind | typeof bySubject, limit: number): Promise<LakeRow[]> {
    // All that it may come to is stored already, so that they are asked for once.
    kinds ??= kindsOf(filter);
    const listed = await kinds;
    if (listed.types.length === 0) return [];
    const query = { 'event.source': { $in: listed.sources }, 'event.type': { $in: listed.types }, ...asked };
    const order = hint === bySubject ? bySubject : ({ version: 1 } as const);
    const cursor = rows.find(query as Filter<LakeRow>).hint(hint);
    return cursor.sort(order).limit(limit).batchSize(limit).toArray();
  }

  async function byPosition({ position }: Place, limit: number): Promise<Page> {
    const found = await (isOfTypes
      ? pageOfTypes({ version: { $gt: position, $lte: until } }, byKind, limit)
      : page(filter, 1, position, limit));
    const within = found.filter(({ version }) => version <= until);
    return { rows: within, place: { position: within.at(-1)?.version ?? position }, isLast: within.length < limit };
  }

  /** What is left of one subject. */
  async function ofSubject(name: string, position: number, limit: number): Promise<Page> {
    const found = await page({ ...filter, subject: name }, 1, position, limit);
    const within = found.filter(({ version }) => version <= until);
    const last = within.length < limit ? until : (within.at(-1)?.version ?? until);
    return { rows: within, place: { subject: name, position: last }, isLast: false };
  }

  /** Whole subjects, as many as there is room for. */
  async function subjectsAfter(name: string | undefined, limit: number): Promise<Page> {
    const beyond = name !== undefined && { 'event.subject': { $gt: name } };
    const found = await pageOfTypes({ version: { $lte: until }, ...beyond }, bySubject, limit);
    const [first, last] = [found[0]?.event.subject, found.at(-1)?.event.subject];
    if (found.length > 0 && first === undefined) return byPosition({ position: from }, limit);
    const isLast = found.length < limit;
    const place = { subject: last ?? name ?? null, position: until };
    if (isLast) return { rows: inOrder(found), place, isLast };
    if (first === last) return ofSubject(first ?? '', 0, limit);
    const whole = found.filter(({ event }) => event.subject !== last);
    return { rows: inOrder(whole), place: { ...place, subject: whole.at(-1)?.event.subject ?? null }, isLast };
  }

  return {
    async next(place, limit) {
      const isBegun = typeof place.subject === 'string';
      if (!isBegun && (!isBySubject || place.position !== from)) return byPosition(place, limit);
      if (!isBegun) return subjectsAfter(undefined, limit);
      const { subject = '', position } = place;
      const rest = position < until ? await ofSubject(subject ?? '', position, limit) : undefined;
      return rest && rest.rows.length > 0 ? rest : subjectsAfter(subject ?? '', limit);
    },
  };
}

const inOrder = (rows: readonly LakeRow[]) => [...rows].sort((a, b) => a.version - b.version);
