import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createEvent, type EventOf } from '../../events/contract.ts';
import { viewScenarios } from '../../events/scenario.ts';
import { balanceUpdated } from '../../schema/events/balance-updated.ts';
import { type BalanceRow, emptyRow, project } from './projection.ts';

type Update = EventOf<typeof balanceUpdated>;

/** Version n of a balance that is ten times its version. */
const update = (version: number): Update =>
  createEvent(balanceUpdated, {
    id: `${version}`,
    source: '/balance',
    subject: 'a',
    time: '2026-01-31T12:00:00.000Z',
    data: {
      version,
      amountMinor: 10,
      balanceMinor: version * 10,
      currency: 'EUR',
      eventId: `t${version}`,
      eventType: 'deposited',
      eventTime: `2026-01-31T12:00:0${version % 10}.000Z`,
    },
  });

const projected = (row: BalanceRow, ...updates: ReturnType<typeof update>[]): BalanceRow =>
  updates.reduce((before, next) => project(before, next), row);
const rowOf = (...versions: number[]): BalanceRow => projected(emptyRow('a'), ...versions.map(update));

const given = viewScenarios<BalanceRow, Update>({ idOf: ({ subject = '' }) => subject, project });

describe('the row of an account', () => {
  test('is what its balances come to', () => {
    given().when(update(1)).then({ _id: 'a', version: 1, amountMinor: 10 });
    given(update(1), update(2))
      .when(update(4))
      .then({ version: 4, known: { version: 2, amountMinor: 20 } });
  });

  test('shows the newest version, and knows up to the first gap', () => {
    expect(rowOf(1, 2, 5, 4)).toMatchObject({
      version: 5,
      amountMinor: 50,
      asOf: '2026-01-31T12:00:05.000Z',
      known: { version: 2, amountMinor: 20 },
      ahead: [
        { version: 4, amountMinor: 40 },
        { version: 5, amountMinor: 50 },
      ],
    });
  });

  test('closes a gap with everything beyond it', () => {
    expect(rowOf(3, 2, 1)).toMatchObject({ version: 3, known: { version: 3, amountMinor: 30 }, ahead: [] });
  });

  test('is itself when there is nothing new in an update', () => {
    const row = rowOf(1, 2, 4);
    for (const version of [1, 2, 4]) expect(project(row, update(version))).toBe(row);
  });

  test('does not depend on the order of updates, nor on how often they come', () => {
    const versions = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 12 });
    fc.assert(
      fc.property(
        versions.chain(all => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
        ([some, order]) => {
          expect(rowOf(...order)).toEqual(rowOf(...[...new Set(some)].sort()));
        },
      ),
    );
  });

  test('never changes the row before it', () => {
    const before = rowOf(1, 3);
    const copy = structuredClone(before);
    project(before, update(2));
    expect(before).toEqual(copy);
  });

  test('keeps a bounded number of versions beyond a gap, the nearest, and still shows the newest', () => {
    const row = rowOf(...Array.from({ length: 1_200 }, (_, index) => index + 2));
    expect(row.ahead).toHaveLength(1_000);
    expect(row.ahead[0]?.version).toBe(2);
    expect(row).toMatchObject({ version: 1_201, known: { version: 0 } });
    expect(projected(row, update(1))).toMatchObject({
      version: 1_201,
      known: { version: 1_001 },
      ahead: [],
    });
  });
});
