import { expect, test } from 'vitest';
import { enter, openBook, price, type Transaction, verdictOf } from './books.ts';
import { type Move, type OwnerPlan, planOwners } from './plan.ts';

const movesOf = ({ steps }: OwnerPlan): Move[] =>
  steps.flatMap(({ moves }) => moves.flatMap(move => (move.next ? [move, move.next] : [move])));

test('the same seed plans the same month, another seed another', () => {
  const asked = { seed: 7, owners: 20 };
  expect(planOwners(asked)).toEqual(planOwners(asked));
  expect(planOwners({ ...asked, seed: 8 })).not.toEqual(planOwners(asked));
});

test('what an owner does depends neither on how many there are nor on the others', () => {
  const [few, many] = [planOwners({ seed: 1, owners: 3 }), planOwners({ seed: 1, owners: 9 })];
  expect(many.owners.slice(0, 3)).toEqual(few.owners);
  expect(many.owners[0]).not.toEqual(many.owners[1]);
});

test('200 owners make some 10,000 payments, a share of them sent more than once', () => {
  const plan = planOwners({ seed: 1, owners: 200 });
  const moves = plan.owners.flatMap(movesOf);
  expect(plan.moves).toBe(moves.length);
  expect(moves.length).toBeGreaterThan(9_500);
  expect(moves.length).toBeLessThan(11_500);
  const repeats = new Set(moves.map(({ repeat }) => repeat));
  expect(repeats).toEqual(new Set(['once', 'after', 'together', 'abandoned']));
  const repeated = moves.filter(({ repeat }) => repeat !== 'once').length / moves.length;
  expect(repeated).toBeGreaterThan(0.08);
  expect(repeated).toBeLessThan(0.2);
});

test('every way of being refused is tried', () => {
  const kinds = planOwners({ seed: 1, owners: 200 }).owners.flatMap(({ steps }) =>
    steps.flatMap(({ probe }) => probe?.kind ?? []),
  );
  expect(new Set(kinds)).toEqual(new Set(['zero', 'negative', 'beyond', 'foreign', 'unknown', 'reused']));
});

test('an owner never uses a key twice, and never abandons a withdrawal', () => {
  for (const owner of planOwners({ seed: 3, owners: 50 }).owners) {
    const moves = movesOf(owner);
    const keys = [...moves.map(({ key }) => key), ...owner.steps.flatMap(({ probe }) => probe?.key ?? [])];
    expect(new Set(keys).size).toBe(keys.length);
    expect(moves.filter(({ type, repeat }) => type === 'WITHDRAWAL' && repeat === 'abandoned')).toEqual([]);
  }
});

test('most withdrawals are covered, some are not, and a few are races', () => {
  const counts = { accepted: 0, refused: 0, either: 0 };
  for (const { steps } of planOwners({ seed: 1, owners: 200 }).owners) {
    const books = { everyday: book('everyday'), savings: book('savings') };
    for (const { moves } of steps) {
      const priced = moves.map(move => ({
        ...move,
        amount: Math.max(1, price(move.amount, books[move.account].amount)),
      }));
      const before = { everyday: books.everyday.amount, savings: books.savings.amount };
      for (const move of priced) {
        const verdict = verdictOf(move, priced, before[move.account]);
        counts[verdict] += 1;
        if (verdict !== 'accepted') continue;
        enter(books[move.account], made(move));
        if (move.next) enter(books[move.next.account], made({ ...move.next, amount: move.amount }));
      }
    }
  }
  const all = counts.accepted + counts.refused + counts.either;
  expect(counts.refused / all).toBeGreaterThan(0.02);
  expect(counts.refused / all).toBeLessThan(0.08);
  expect(counts.either).toBeGreaterThan(20);
});

const book = (name: string) => openBook({ id: name, ownerId: 'owner', name, currency: 'USD' });
const made = ({ key, type, amount, memo }: Omit<Move, 'amount'> & { amount: number }): Transaction => ({
  ...{ id: key, type, amount, memo },
  time: '2026-01-01T00:00:00.000Z',
});
