import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newestOf, ROWS_MAX, resume, type Tail, tailOf, take } from './tail.ts';

type Row = { position: number };
const rows = (from: number, to: number): Row[] =>
  Array.from({ length: to - from + 1 }, (_, index) => ({ position: from + index }));
const positions = ({ rows: shown }: Tail<Row>) => shown.map(({ position }) => position);
const live = { paused: false };
const paused = { paused: true };

describe('a live list', () => {
  test('has the newest first', () => {
    const tail = take(tailOf(rows(3, 4).reverse()), rows(5, 7), live);
    expect(positions(tail)).toEqual([7, 6, 5, 4, 3]);
    expect(tail).toMatchObject({ arrived: 3, isCut: false });
  });

  test('leaves out what it has already, as after a lost connection', () => {
    const tail = take(take(tailOf<Row>([]), rows(1, 5), live), rows(3, 7), live);
    expect(positions(tail)).toEqual([7, 6, 5, 4, 3, 2, 1]);
    expect(tail.arrived).toBe(7);
  });

  test('stands still while it is paused, and counts what comes', () => {
    const before = tailOf(rows(1, 2).reverse());
    const tail = take(before, rows(3, 9), paused);
    expect(positions(tail)).toEqual([2, 1]);
    expect(tail.heldCount).toBe(7);
    expect(newestOf(tail)).toBe(9);
    expect(positions(resume(tail))).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect(resume(tail)).toMatchObject({ held: [], heldCount: 0, arrived: 7 });
  });

  test('holds so many rows at most, and says that older ones went', () => {
    const tail = take(tailOf(rows(1, 50).reverse()), rows(51, ROWS_MAX + 51), live);
    expect(tail.rows).toHaveLength(ROWS_MAX);
    expect(tail.isCut).toBe(true);
    const after = resume(take(tailOf(rows(1, 50).reverse()), rows(51, 2 * ROWS_MAX), paused));
    expect(after.rows).toHaveLength(ROWS_MAX);
    expect(after).toMatchObject({ isCut: true, arrived: 2 * ROWS_MAX - 50 });
  });

  test('never shows rows with others missing between them', () => {
    const tail = take(tailOf(rows(1, 3).reverse()), rows(104, 106), { ...live, passed: 100 });
    expect(positions(tail)).toEqual([106, 105, 104]);
    expect(tail).toMatchObject({ arrived: 103, isCut: true });
  });

  test('is without a gap and without repetition, however it is paused and resumed', () => {
    const step = fc.record({ size: fc.nat(40), again: fc.nat(10), paused: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), steps => {
        let tail = tailOf<Row>(rows(1, 5).reverse());
        let last = 5;
        for (const { size, again, paused } of steps) {
          tail = take(paused ? tail : resume(tail), rows(Math.max(1, last - again), last + size), { paused });
          last += size;
        }
        tail = resume(tail);
        const shown = Math.min(last, ROWS_MAX);
        expect(positions(tail)).toEqual(Array.from({ length: shown }, (_, index) => last - index));
        expect(tail.arrived).toBe(last - 5);
      }),
    );
  });
});
