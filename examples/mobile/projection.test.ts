import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createEvent } from '../../events/contract.ts';
import type { Event } from '../../events/event.ts';
import { accountOpened } from '../../schema/events/account-opened.ts';
import { balanceUpdated } from '../../schema/events/balance-updated.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { withdrawn } from '../../schema/events/withdrawn.ts';
import { type AccountRow, MOVEMENTS_MAX, project } from './projection.ts';

const at = (second: number) => new Date(Date.parse('2026-01-31T12:00:00.000Z') + second * 1_000).toISOString();
const about = (id: string, second: number, source = '/account') => ({ id, source, subject: 'a', time: at(second) });

const opened = createEvent(accountOpened, {
  ...about('a', 0),
  data: { ownerId: 'alice', name: 'Everyday', currency: 'EUR' },
});
/** Paid in, or with a negative amount taken out. */
const moved = (id: string, second: number, amountMinor: number): Event => {
  const data = { amountMinor: Math.abs(amountMinor), currency: 'EUR', memo: `memo of ${id}`, channel: 'MOBILE' };
  return createEvent(amountMinor < 0 ? withdrawn : deposited, {
    ...about(id, second, '/mobile'),
    data,
  });
};
const balance = (version: number, id: string, second: number, amountMinor: number, balanceMinor: number): Event =>
  createEvent(balanceUpdated, {
    ...about(`balance ${version}`, second, '/balance'),
    data: {
      ...{ version, amountMinor, balanceMinor, currency: 'EUR', eventId: id },
      ...{ eventType: amountMinor < 0 ? 'withdrawn' : 'deposited', eventTime: at(second) },
    },
  });

const shown = (events: readonly Event[], how?: { replay: boolean }, row?: AccountRow) =>
  events.reduce<AccountRow | undefined>((before, event) => project(before, event, how), row);

/** More than are shown, each with the balance that it is in. */
const HISTORY = [
  opened,
  ...Array.from({ length: MOVEMENTS_MAX + 3 }, (_, index) => {
    const [id, amountMinor] = [`t${index}`, index % 3 === 2 ? -1 : 10];
    const sum = Array.from({ length: index + 1 }, (_, at) => (at % 3 === 2 ? -1 : 10)).reduce((a, b) => a + b, 0);
    return [moved(id, index, amountMinor), balance(index + 1, id, index, amountMinor, sum)];
  }).flat(),
];

describe('the document of an account', () => {
  test('has whose it is, the newest balance, and the last movements, newest first', () => {
    const row = shown(HISTORY);
    expect(row).toMatchObject({
      _id: 'a',
      opened: { ownerId: 'alice', name: 'Everyday', currency: 'EUR', at: at(0) },
      ...{ version: 13, amountMinor: 86, asOf: at(12) },
    });
    expect(row?.movements).toHaveLength(MOVEMENTS_MAX);
    expect(row?.movements[0]).toEqual({
      ...{ id: 't12', amountMinor: 10, time: at(12), memo: 'memo of t12', channel: 'MOBILE', version: 13 },
    });
    expect(row?.movements.map(({ id }) => id)).toEqual(
      Array.from({ length: MOVEMENTS_MAX }, (_, index) => `t${12 - index}`),
    );
    expect(row?.movements.find(({ id }) => id === 't11')?.amountMinor).toBe(-1);
  });

  test('is the same in any order, however often, and as a replay', () => {
    const expected = shown(HISTORY);
    fc.assert(
      fc.property(
        fc.shuffledSubarray(HISTORY, { minLength: HISTORY.length }),
        fc.array(fc.constantFrom(...HISTORY)),
        fc.boolean(),
        (order, again, replay) => {
          expect(shown([...order, ...again], { replay })).toEqual(expected);
        },
      ),
    );
  });

  test('knows of a movement from its balance alone, and of a balance that is to come', () => {
    expect(shown([balance(1, 't', 1, -5, -5)])?.movements).toEqual([
      { id: 't', amountMinor: -5, time: at(1), version: 1 },
    ]);
    expect(shown([moved('t', 1, 5)])?.movements[0]).not.toHaveProperty('version');
  });

  test('is itself when nothing is new, so that nothing is written', () => {
    const row = shown(HISTORY);
    expect(shown(HISTORY, undefined, row)).toBe(row);
  });

  test('is mended by a replay where it says something else of what it shows', () => {
    const row = shown(HISTORY);
    const [first, ...others] = row?.movements ?? [];
    const wrong = { ...row, amountMinor: 1, movements: [{ ...first, amountMinor: 1 }, ...others] } as AccountRow;
    expect(shown(HISTORY, { replay: true }, wrong)).toEqual(row);
    expect(shown(HISTORY, { replay: false }, wrong)?.amountMinor).toBe(1);
  });
});
