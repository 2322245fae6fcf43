/** What led to an event and what it led to, as far as it is known: pure. */

export type Brief = {
  id: string;
  type: string;
  source: string;
  subject: string | null;
  time: string;
  position: number;
  causationId: string | null;
};

type Effects<Row> = {
  nodes: readonly Row[];
  totalCount: number;
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
};

/** An event with a page of its effects, each of which says how many it has itself. */
export type Around = Brief & { caused: Effects<Brief & { caused: { totalCount: number } }> };

export type Known = {
  event: Brief;
  effectCount: number;
  /** The ids of those effects that are known, in the order of positions. */
  effects: readonly string[];
  /** Where the next page of them begins; null when all are known. */
  more: string | null;
  /** Whether they have been asked for. */
  asked: boolean;
};

export type Tree = ReadonlyMap<string, Known>;

/** How far the way up to where a story began is followed by itself, and how deep effects within effects are shown. */
export const STEPS_UP_MAX = 12;
export const DEPTH_MAX = 16;

/** @returns the tree with an event, and with those of its effects that came with it. */
export function absorb(tree: Tree, { caused, ...event }: Around): Map<string, Known> {
  const grown = new Map(tree);
  for (const { caused: own, ...effect } of caused.nodes) {
    const known = grown.get(effect.id);
    const effectCount = Math.max(own.totalCount, known?.effectCount ?? 0);
    grown.set(effect.id, { effects: [], more: null, asked: false, ...known, event: effect, effectCount });
  }
  const ids = new Set([...(grown.get(event.id)?.effects ?? []), ...caused.nodes.map(({ id }) => id)]);
  // The way down to where one is belongs to it, on whatever page of the effects that is.
  for (const { event: other } of grown.values()) if (other.causationId === event.id) ids.add(other.id);
  const position = (id: string) => grown.get(id)?.event.position ?? 0;
  const effects = [...ids].sort((a, b) => position(a) - position(b));
  const more = caused.pageInfo.hasNextPage ? caused.pageInfo.endCursor : null;
  grown.set(event.id, { event, effectCount: caused.totalCount, effects, more, asked: true });
  return grown;
}

/** The ids from where the story begins, as far as it is known, to an event; `above` is a cause that is not known. */
export function wayTo(tree: Tree, id: string): { way: string[]; above: string | null } {
  const way: string[] = [];
  let next: string | null = id;
  while (next !== null && !way.includes(next)) {
    const known = tree.get(next);
    if (!known) return { way, above: next };
    way.unshift(next);
    next = known.event.causationId;
  }
  return { way, above: null };
}

/** A line of the tree as it is shown. */
export type Branch = {
  known: Known;
  depth: number;
  isHere: boolean;
  /** Undefined when there is nothing to open. */
  isOpen: boolean | undefined;
  branches: Branch[];
};

/** @param open the ids of those whose effects are shown. @returns undefined when nothing is known of where it begins. */
export function outline(tree: Tree, here: string, open: ReadonlySet<string>): Branch | undefined {
  const [root] = wayTo(tree, here).way;
  function branch(id: string, depth: number): Branch[] {
    const known = tree.get(id);
    if (!known) return [];
    const opens = known.effectCount > 0 && depth < DEPTH_MAX;
    const isOpen = opens && open.has(id) && known.asked;
    const branches = isOpen ? known.effects.flatMap(effect => branch(effect, depth + 1)) : [];
    return [{ known, depth, isHere: id === here, isOpen: opens ? isOpen : undefined, branches }];
  }
  return root === undefined ? undefined : branch(root, 0)[0];
}
