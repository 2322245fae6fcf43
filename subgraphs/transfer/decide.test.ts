import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createEvent } from '../../events/contract.ts';
import { decide, decisionId } from '../../events/correlation.ts';
import type { Event } from '../../events/event.ts';
import { decisionScenarios } from '../../events/scenario.ts';
import { depositRefused } from '../../schema/events/deposit-refused.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { transferRequested } from '../../schema/events/transfer-requested.ts';
import { withdrawalRefused } from '../../schema/events/withdrawal-refused.ts';
import { withdrawn } from '../../schema/events/withdrawn.ts';
import { assertSameRequest, parseInput } from '../../schema/input.ts';
import { requestTransfer, rules, SOURCE, standingOf, transferInput, transferOf } from './decide.ts';

const REQUESTED_AT = '2026-01-31T12:00:00.000Z';
const at = (seconds: number) => new Date(Date.parse(REQUESTED_AT) + seconds * 1000).toISOString();
const INPUT = { fromAccountId: 'a', toAccountId: 'b', amount: 100 };

const asking = (input: object = {}, ownerId = 'alice') =>
  requestTransfer(ownerId, 'EUR', parseInput(transferInput, { ...INPUT, ...input }), {
    time: REQUESTED_AT,
    newId: 't',
  });

describe('asking for a transfer', () => {
  const given = decisionScenarios({
    initial: () => [] as Event[],
    evolve: (events, event) => [...events, event],
    decide(input: object, events) {
      const event = asking(input);
      const stored = events.find(({ id }) => id === event.id);
      if (stored) assertSameRequest(transferRequested, stored, event);
      return stored ? [] : event;
    },
  });

  test('is an event that has all that whoever takes part has to know', () => {
    given()
      .when({ memo: 'rent' })
      .then({
        ...{ id: 't', subject: 't', correlationid: 't', type: 'transfer-requested', source: '/transfer' },
        time: REQUESTED_AT,
        data: {
          ...{ ownerId: 'alice', fromAccountId: 'a', toAccountId: 'b', amountMinor: 100, currency: 'EUR' },
          ...{ memo: 'rent', expiresInSeconds: 60 },
        },
      });
  });

  test('with a key used before is the same transfer, and with another body it is refused', () => {
    const before = asking({ idempotencyKey: 'k' });
    given(before).when({ idempotencyKey: 'k' }).then();
    for (const other of [{ amount: 101 }, { toAccountId: 'c' }, { memo: 'other' }, { expiresInSeconds: 61 }]) {
      given(before)
        .when({ idempotencyKey: 'k', ...other })
        .thenRefused('IDEMPOTENCY_KEY_REUSED', 'idempotencyKey');
    }
    expect(asking({ idempotencyKey: 'k' }, 'bob').id).not.toBe(before.id);
  });

  test.each<[object, string]>([
    [{ amount: 0 }, 'amount'],
    [{ amount: -1 }, 'amount'],
    [{ amount: 1.5 }, 'amount'],
    [{ amount: Number.MAX_SAFE_INTEGER + 1 }, 'amount'],
    [{ fromAccountId: '' }, 'fromAccountId'],
    [{ toAccountId: '' }, 'toAccountId'],
    [{ toAccountId: 'a'.repeat(201) }, 'toAccountId'],
    [{ toAccountId: '\u0000' }, 'toAccountId'],
    [{ toAccountId: 'a' }, 'toAccountId: must be another account'],
    [{ memo: 'm'.repeat(501) }, 'memo'],
    [{ expiresInSeconds: 0 }, 'expiresInSeconds'],
    [{ expiresInSeconds: 86_401 }, 'expiresInSeconds'],
    [{ expiresInSeconds: 1.5 }, 'expiresInSeconds'],
    [{ idempotencyKey: '' }, 'idempotencyKey'],
  ])('is refused with %j, and the refusal names it', (input, name) => {
    given()
      .when(input)
      .thenRefused('BAD_USER_INPUT', new RegExp(`^${name}`));
  });
});

// ---- what follows ---------------------------------------------------------------------------------------------------

const requested = asking({ memo: 'rent' });
const answer = { source: '/account', correlationid: 't' };
const money = { amountMinor: 100, currency: 'EUR', transferId: 't', channel: 'TRANSFER' };
const refusal = (accountId: string, reason: 'INSUFFICIENT_FUNDS' | 'NOT_FOUND') => ({
  ...{ transferId: 't', accountId, reason },
});
const taken = createEvent(withdrawn, { ...answer, id: 'w', subject: 'a', time: at(1), data: money });
const notTaken = createEvent(withdrawalRefused, {
  ...{ ...answer, id: 'w', subject: 't', time: at(1), data: refusal('a', 'INSUFFICIENT_FUNDS') },
});
const paid = createEvent(deposited, { ...answer, id: 'd', subject: 'b', time: at(2), data: money });
const notPaid = createEvent(depositRefused, {
  ...{ ...answer, id: 'd', subject: 't', time: at(2), data: refusal('b', 'NOT_FOUND') },
});
const paidBack = createEvent(deposited, { ...answer, id: 'r', subject: 'a', time: at(3), data: money });

/** All that is decided of a transfer, until nothing more follows. */
function course(events: readonly Event[], nowMs?: number): Event[] {
  const decided: Event[] = [];
  for (;;) {
    const next = decide({ source: SOURCE, rules }, 't', [...events, ...decided], nowMs);
    if (next.length === 0) return decided;
    decided.push(...next);
  }
}

const given = decisionScenarios<Event[], { nowMs?: number }>({
  initial: () => [],
  evolve: (events, event) => [...events, event],
  decide: ({ nowMs }, events) => decide({ source: SOURCE, rules }, 't', events, nowMs),
});
const expiredNow = { nowMs: Date.parse(at(60)) };

describe('a transfer', () => {
  test('is funded once the amount was taken out, and names what it is to become', () => {
    given(requested).when({}).then();
    given(taken).when({}).then();
    given(requested, taken)
      .when({})
      .then({
        ...{
          type: 'transfer-funded',
          source: '/transfer',
          subject: 't',
          correlationid: 't',
          causationid: 'w',
          time: at(1),
        },
        id: decisionId(SOURCE, 't', 'course'),
        data: { fromAccountId: 'a', toAccountId: 'b', amountMinor: 100, currency: 'EUR', memo: 'rent' },
      });
  });

  test('is refused when the amount was not', () => {
    given(requested, notTaken)
      .when({})
      .then({ type: 'transfer-refused', causationid: 'w', data: { accountId: 'a', reason: 'INSUFFICIENT_FUNDS' } });
  });

  test('is completed when the amount is in the other account, and not when any amount is in any', () => {
    const [funded] = course([requested, taken]) as [Event];
    given(requested, taken, funded, paid).when({}).then({ type: 'transfer-completed', causationid: 'd' });
    given(requested, taken, funded, paidBack).when({}).then();
  });

  test('goes back when the other account refuses it, and is compensated when it is there', () => {
    const [funded, reversed] = course([requested, taken, notPaid]) as [Event, Event];
    expect([funded, reversed]).toMatchObject([
      { type: 'transfer-funded' },
      { type: 'transfer-reversed', data: { accountId: 'a', amountMinor: 100, memo: 'rent', reason: 'NOT_FOUND' } },
    ]);
    given(requested, taken, notPaid, funded, reversed, paidBack)
      .when({})
      .then({ type: 'transfer-compensated', data: { accountId: 'a', reason: 'NOT_FOUND' } });
  });

  test('expires when nothing was answered in time, not a millisecond earlier, and at that time whenever it is seen', () => {
    given(requested)
      .when({ nowMs: expiredNow.nowMs - 1 })
      .then();
    for (const nowMs of [expiredNow.nowMs, expiredNow.nowMs + 86_400_000])
      given(requested)
        .when({ nowMs })
        .then({ type: 'transfer-expired', time: at(60), causationid: 't' });
  });

  test('that has expired gives back what is taken out all the same, and never completes', () => {
    const [expired] = course([requested], expiredNow.nowMs) as [Event];
    given(requested, expired, taken)
      .when({})
      .then({ type: 'transfer-reversed', causationid: expired.id, data: { accountId: 'a', reason: 'EXPIRED' } });
    given(requested, expired, notTaken).when({}).then();
  });

  test('that was answered does not expire', () => {
    given(requested, taken).when(expiredNow).then({ type: 'transfer-funded' });
    given(requested, notTaken).when(expiredNow).then({ type: 'transfer-refused' });
    const [funded] = course([requested, taken]) as [Event];
    given(requested, taken, funded).when(expiredNow).then();
  });

  test('comes to the same, content and all, in whatever order its events come', () => {
    const stories = [
      [requested, taken, paid],
      [requested, taken, notPaid, paidBack],
      [requested, notTaken],
    ];
    const shuffled = fc
      .constantFrom(...stories)
      .chain(story => fc.tuple(fc.constant(story), fc.shuffledSubarray(story, { minLength: story.length })));
    fc.assert(
      fc.property(shuffled, ([story, order]) => {
        const decided: Event[] = [];
        const known: Event[] = [];
        for (const event of order) {
          known.push(event);
          for (;;) {
            const next = decide({ source: SOURCE, rules }, 't', [...known, ...decided]);
            if (next.length === 0) break;
            decided.push(...next);
          }
        }
        expect(decided).toEqual(course(story));
      }),
    );
  });

  test('stands where its decisions say, whatever their order', () => {
    const standing = (events: readonly Event[], nowMs?: number) =>
      standingOf(requested, course(events, nowMs).reverse());
    const statuses = (...stories: Event[][]) => stories.map(story => standing(story).status);
    expect(standing([requested])).toEqual({ status: 'REQUESTED', problem: null, changedAt: REQUESTED_AT });
    expect(statuses([requested, taken], [requested, taken, paid])).toEqual(['WITHDRAWN', 'COMPLETED']);
    expect(standing([requested, notTaken])).toEqual({
      ...{ status: 'REFUSED', problem: 'INSUFFICIENT_FUNDS', changedAt: at(1) },
    });
    expect(standing([requested, taken, notPaid])).toMatchObject({ status: 'RETURNING', problem: 'NOT_FOUND' });
    expect(standing([requested, taken, notPaid, paidBack])).toMatchObject({
      status: 'COMPENSATED',
      problem: 'NOT_FOUND',
    });
    expect(standing([requested], expiredNow.nowMs)).toEqual({
      ...{ status: 'EXPIRED', problem: 'EXPIRED', changedAt: at(60) },
    });
  });
});

test('a deposit of no transfer belongs to none', () => {
  const data = { amountMinor: 1, currency: 'EUR', channel: 'ACCOUNT' };
  expect(transferOf(createEvent(deposited, { ...answer, id: 'x', subject: 'a', time: at(0), data }))).toBeUndefined();
  expect([requested, taken, notPaid].map(transferOf)).toEqual(['t', 't', 't']);
  expect(transferRequested.type).toBe(requested.type);
});
