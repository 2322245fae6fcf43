import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Event } from '../events/event.ts';
import { chunk } from '../events/group.ts';
import { consumedBy, type Delivery, definitions, type History, hashAfter, live, type Turn } from './order.ts';

const move = fc.record({
  account: fc.nat(1),
  amountMinor: fc.integer({ min: -60, max: 100 }).filter(amount => amount !== 0),
});
const turns: fc.Arbitrary<Turn[]> = fc.array(
  fc.record({ minutesLater: fc.nat(90), moves: fc.array(move, { minLength: 1, maxLength: 4 }) }),
  { minLength: 1, maxLength: 6 },
);
/** Two withdrawals at once take an account below zero, so that every type there is occurs. */
const OVERDRAFT: Turn[] = [
  { minutesLater: 1, moves: [{ account: 0, amountMinor: 50 }] },
  {
    minutesLater: 1,
    moves: [
      { account: 0, amountMinor: -50 },
      { account: 0, amountMinor: -50 },
    ],
  },
];

/** In any order, some twice or more often, in batches of any size, some of them as a replay, by two processes. */
function anyDelivery(events: readonly Event[]): fc.Arbitrary<Delivery> {
  return fc
    .record({
      order: fc.shuffledSubarray([...events], { minLength: events.length }),
      again: fc.array(fc.constantFrom(...events), { maxLength: events.length }),
      places: fc.array(fc.nat(), { minLength: events.length, maxLength: events.length }),
      size: fc.integer({ min: 1, max: Math.max(1, events.length) }),
      replays: fc.array(fc.boolean(), { minLength: 2 * events.length, maxLength: 2 * events.length }),
    })
    .map(({ order, again, places, size, replays }) => {
      const all = [...order];
      again.forEach((event, index) => void all.splice((places[index] ?? 0) % (all.length + 1), 0, event));
      return chunk(all, size).map((batch, index) => ({
        events: batch,
        replay: replays[index] ?? false,
        process: (index % 2) as 0 | 1,
      }));
    });
}

const inOrder = (events: readonly Event[]): Delivery =>
  events.map(event => ({ events: [event], replay: false, process: 0 }));

describe.each(definitions.map(definition => [definition.name, definition] as const))('%s', (_, definition) => {
  test('any order, duplication, re-batching and replay of what it consumes comes to the same state', async () => {
    await fc.assert(
      fc.asyncProperty(turns, fc.gen(), async (some, choose) => {
        const history: History = await live([...OVERDRAFT, ...some]);
        const { first, rest } = consumedBy(definition, history);
        const consumed = [...first, ...rest];
        const expected = await hashAfter(definition, history, [inOrder(first), inOrder(rest)]);
        // What restores comes first, as in a replay; then everything again, in any order.
        const deliveries = [...(first.length > 0 ? [choose(anyDelivery, first)] : []), choose(anyDelivery, consumed)];
        expect(await hashAfter(definition, history, deliveries)).toBe(expected);
      }),
      { numRuns: 60 },
    );
  });

  test('the history has every type that it consumes', async () => {
    const { events } = await live(OVERDRAFT);
    const types = new Set(events.map(({ type }) => type));
    const consumed = definition.consumes === 'everything' ? [] : definition.consumes.map(({ type }) => type);
    expect(consumed.filter(type => !types.has(type))).toEqual([]);
  });

  test('one event less is another state', async () => {
    const history = await live(OVERDRAFT);
    const { first, rest } = consumedBy(definition, history);
    const all = [...first, ...rest];
    const whole = await hashAfter(definition, history, [inOrder(all)]);
    const without = await hashAfter(definition, history, [inOrder(all.slice(0, -1))]);
    // Of an account's story the last snapshot may say nothing new once its transaction was counted.
    expect(without === whole).toBe(first.length > 0);
  });
});
