import { describe, expect, test } from 'vitest';
import { type Around, absorb, type Branch, DEPTH_MAX, outline, type Tree, wayTo } from './tree.ts';

const brief = (id: string, position: number, causationId: string | null = null) => ({
  ...{
    id,
    position,
    causationId,
    type: 'deposited',
    source: '/account',
    subject: 'a',
    time: '2026-01-31T12:00:00.000Z',
  },
});

/** @param effects each with how many it has itself. */
function around(
  event: ReturnType<typeof brief>,
  effects: [id: string, position: number, own: number][],
  { total = effects.length, cursor = null as string | null } = {},
): Around {
  const nodes = effects.map(([id, position, own]) => ({
    ...brief(id, position, event.id),
    caused: { totalCount: own },
  }));
  const pageInfo = { hasNextPage: cursor !== null, endCursor: cursor };
  return { ...event, caused: { nodes, totalCount: total, pageInfo } };
}

const grow = (...known: Around[]): Tree => known.reduce<Tree>((tree, one) => absorb(tree, one), new Map());
/** Ids within each other. */
const shape = (branch: Branch | undefined): unknown =>
  branch && (branch.branches.length > 0 ? [branch.known.event.id, branch.branches.map(shape)] : branch.known.event.id);

describe('the tree around an event', () => {
  const deposit = around(brief('d', 1), [
    ['b', 2, 1],
    ['x', 3, 0],
  ]);
  const balance = around(brief('b', 2, 'd'), [['o', 4, 0]]);

  test('begins where the story begins, and goes down to its effects', () => {
    const tree = grow(balance, deposit);
    expect(shape(outline(tree, 'b', new Set(['d', 'b'])))).toEqual(['d', [['b', ['o']], 'x']]);
  });

  test('marks where one is, and what can be opened', () => {
    const root = outline(grow(balance, deposit), 'b', new Set(['d']));
    expect(root).toMatchObject({ isHere: false, isOpen: true });
    expect(root?.branches).toMatchObject([
      { isHere: true, isOpen: false, branches: [] },
      { isHere: false, isOpen: undefined },
    ]);
  });

  test('says which cause is not known', () => {
    expect(wayTo(grow(balance), 'b')).toEqual({ way: ['b'], above: 'd' });
    expect(wayTo(grow(balance, deposit), 'o')).toEqual({ way: ['d', 'b', 'o'], above: null });
  });

  test('keeps the way down to where one is, on whatever page of the effects that is', () => {
    const page = around(brief('d', 1), [['e', 2, 0]], { total: 900, cursor: 'next' });
    const tree = grow(around(brief('z', 700, 'd'), []), page);
    expect(shape(outline(tree, 'z', new Set(['d'])))).toEqual(['d', ['e', 'z']]);
    expect(tree.get('d')).toMatchObject({ effectCount: 900, more: 'next' });
  });

  test('takes further pages, and the same again, without doubling anything', () => {
    const first = around(brief('d', 1), [['b', 2, 1]], { total: 2, cursor: 'next' });
    const tree = grow(first, balance, around(brief('d', 1), [['x', 3, 0]], { total: 2 }), first);
    expect(tree.get('d')?.effects).toEqual(['b', 'x']);
    expect(tree.get('b')).toMatchObject({ effects: ['o'], asked: true });
  });

  test('ends, however deep the story and whatever follows from itself', () => {
    const chain = Array.from({ length: DEPTH_MAX + 5 }, (_, at) =>
      around(brief(`e${at}`, at, at === 0 ? null : `e${at - 1}`), [[`e${at + 1}`, at + 1, 1]]),
    );
    const all = new Set(chain.map(({ id }) => id));
    let deepest = outline(grow(...chain), 'e0', all);
    while (deepest?.branches[0]) [deepest] = deepest.branches;
    expect(deepest).toMatchObject({ depth: DEPTH_MAX, isOpen: undefined });
    const circle = grow(around(brief('a', 1, 'b'), [['b', 2, 1]]), around(brief('b', 2, 'a'), [['a', 1, 1]]));
    expect(wayTo(circle, 'a').way).toHaveLength(2);
  });
});
