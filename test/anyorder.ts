/** The property of every service that test/order.ts is about, as tests: for the services' own test files. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Event } from '../events/event.ts';
import { chunk } from '../events/group.ts';
import {
  consumedBy,
  type Delivery,
  type definitions,
  describe as describeDeliveries,
  type History,
  live,
  stateAfter,
  type Turn,
} from './order.ts';

const move = fc.record({
  account: fc.nat(1),
  amountMinor: fc.integer({ min: -60, max: 100 }).filter(amount => amount !== 0),
  to: fc.constantFrom(undefined, undefined, 'other' as const, 'nobody' as const, 'own, by phone' as const),
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
      { account: 0, amountMinor: -40 },
    ],
  },
];
/** Transfers of every end: completed, compensated, refused, expired. */
const TRANSFERS: Turn[] = [
  { minutesLater: 1, moves: [{ account: 1, amountMinor: 50 }] },
  {
    minutesLater: 1,
    moves: [
      { account: 1, amountMinor: 20, to: 'other' },
      { account: 1, amountMinor: 10, to: 'nobody' },
      { account: 1, amountMinor: 99, to: 'other' },
    ],
  },
  { minutesLater: 1, moves: [{ account: 1, amountMinor: 5, to: 'other' }], late: true },
];
/** Deposits of another service than the one that most are of. */
const BY_PHONE: Turn[] = [
  {
    minutesLater: 1,
    moves: [
      { account: 0, amountMinor: 7, to: 'own, by phone' },
      { account: 1, amountMinor: 7 },
    ],
  },
];
const EVERYTHING = [...OVERDRAFT, ...TRANSFERS, ...BY_PHONE];

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

/** What went wrong, in words, and not the history as JSON. */
function tellCause<T>({ failed, errorInstance, seed, counterexamplePath }: fc.RunDetails<T>): void {
  if (!failed) return;
  const repeat = `to repeat it: { seed: ${seed}, path: '${counterexamplePath}' }`;
  if (!(errorInstance instanceof Error)) throw new Error(`${errorInstance}; ${repeat}`);
  errorInstance.message = `${errorInstance.message}\n${repeat}`;
  throw errorInstance;
}

const inOrder = (events: readonly Event[]): Delivery =>
  events.map(event => ({ events: [event], replay: false, process: 0 }));

/** Registers the tests of a service: whatever it consumes, in any order, however often and in whatever batches. */
export function testAnyOrder(definition: (typeof definitions)[number]): void {
  test('any order, duplication, re-batching and replay of what it consumes comes to the same state', async () => {
    await fc.assert(
      fc.asyncProperty(turns, fc.gen(), async (some, choose) => {
        const history: History = await live([...EVERYTHING, ...some]);
        const { first, rest } = consumedBy(definition, history);
        const consumed = [...first, ...rest];
        const expected = await stateAfter(definition, history, [inOrder(first), inOrder(rest)]);
        // What restores comes first, as in a replay; then everything again, in any order.
        const deliveries = [...(first.length > 0 ? [choose(anyDelivery, first)] : []), choose(anyDelivery, consumed)];
        const state = await stateAfter(definition, history, deliveries);
        const told = `${definition.name} comes to another state when it is delivered like this:\n${describeDeliveries(deliveries)}`;
        expect(state, told).toEqual(expected);
      }),
      { numRuns: 60, asyncReporter: async details => tellCause(details) },
    );
  });

  test('the history has every type that it consumes', async () => {
    const { events } = await live(EVERYTHING);
    const types = new Set(events.map(({ type }) => type));
    const consumed = definition.consumes === 'everything' ? [] : definition.consumes.map(({ type }) => type);
    expect(consumed.filter(type => !types.has(type))).toEqual([]);
  });

  test('what it consumes makes a difference: without some event it comes to another state', async () => {
    const history = await live(EVERYTHING);
    const { first, rest } = consumedBy(definition, history);
    const all = [...first, ...rest];
    const whole = await stateAfter(definition, history, [inOrder(all)]);
    const states = await Promise.all(
      all.map(left => stateAfter(definition, history, [inOrder(all.filter(event => event !== left))])),
    );
    expect(states.some(state => JSON.stringify(state) !== JSON.stringify(whole))).toBe(true);
  });
}
