import { describe, expect, test } from 'vitest';
import { createEvent } from '../../events/contract.ts';
import type { Event } from '../../events/event.ts';
import { applyRules } from '../../events/rule.ts';
import { decisionScenarios, ruleScenarios } from '../../events/scenario.ts';
import { accountOpened } from '../../schema/events/account-opened.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { transferFunded } from '../../schema/events/transfer-funded.ts';
import { transferRequested } from '../../schema/events/transfer-requested.ts';
import { transferReversed } from '../../schema/events/transfer-reversed.ts';
import { alone } from '../../test/alone.ts';
import type { AccountFacts } from './decide.ts';
import { service } from './index.ts';
import { answerFunded, answerId, answerRequest, answerReversed, type Situation } from './transfers.ts';

const TIME = '2026-01-31T10:30:00.000Z';
const NOW_MS = Date.parse(TIME);
const about = { source: '/transfer', subject: 't', time: TIME, correlationid: 't' };
const moved = { fromAccountId: 'a', toAccountId: 'b', amountMinor: 100, currency: 'EUR', memo: 'rent' };
const request = createEvent(transferRequested, {
  ...{ ...about, id: 't', data: { ...moved, ownerId: 'alice', expiresInSeconds: 60 } },
});
const funded = createEvent(transferFunded, { ...about, id: 'f', data: moved });
const reversed = createEvent(transferReversed, {
  ...{ ...about, id: 'r' },
  data: { accountId: 'a', amountMinor: 100, currency: 'EUR', memo: 'rent', reason: 'NOT_FOUND' },
});

const account = (more: Partial<AccountFacts> = {}): AccountFacts => ({
  ...{ id: 'a', ownerId: 'alice', name: 'Savings', currency: 'EUR', openedAt: TIME },
  ...more,
});

/** Answers a question in some situation. */
const asked = (question: (situation: Situation) => Event) =>
  decisionScenarios<undefined, Partial<Situation>>({
    initial: () => undefined,
    evolve: state => state,
    decide: situation => question({ account: account(), availableMinor: 1_000, nowMs: NOW_MS, ...situation }),
  })();

describe('an account that an amount is to be taken out of', () => {
  const answers = asked(situation => answerRequest(request, situation));

  test('gives it, to the last cent', () => {
    answers.when({ availableMinor: 100 }).then({
      ...{ type: 'withdrawn', subject: 'a', source: '/account', causationid: 't', correlationid: 't' },
      data: { amountMinor: 100, currency: 'EUR', memo: 'rent', transferId: 't' },
    });
  });

  test.each<[string, Partial<Situation>]>([
    ['INSUFFICIENT_FUNDS', { availableMinor: 99 }],
    ['NOT_FOUND', { account: undefined }],
    ['NOT_FOUND', { account: account({ ownerId: 'bob' }) }],
    ['CURRENCY_MISMATCH', { account: account({ currency: 'USD' }) }],
    ['EXPIRED', { nowMs: NOW_MS + 60_000 }],
  ])('refuses with %s when it is so: %j', (reason, situation) => {
    answers.when(situation).then({
      ...{ type: 'withdrawal-refused', subject: 't', causationid: 't' },
      data: { transferId: 't', accountId: 'a', reason },
    });
  });

  test('has one answer: whichever it is, it has the same id', () => {
    const ids = [1_000, 0].map(
      availableMinor => answerRequest(request, { account: account(), availableMinor, nowMs: NOW_MS }).id,
    );
    expect(ids).toEqual([answerId('t', 'withdrawal'), answerId('t', 'withdrawal')]);
  });
});

describe('an account that an amount is to be paid into', () => {
  const answers = asked(situation => answerFunded(funded, situation));

  test('takes it, whoever owns it', () => {
    answers.when({ account: account({ id: 'b', ownerId: 'bob' }) }).then({
      ...{ type: 'deposited', subject: 'b', causationid: 'f', correlationid: 't' },
      data: { amountMinor: 100, currency: 'EUR', memo: 'rent', transferId: 't' },
    });
  });

  test.each<[string, Partial<Situation>]>([
    ['NOT_FOUND', { account: undefined }],
    ['CURRENCY_MISMATCH', { account: account({ currency: 'USD' }) }],
    ['BALANCE_LIMIT', { availableMinor: Number.MAX_SAFE_INTEGER }],
  ])('refuses with %s when it is so: %j', (reason, situation) => {
    answers.when(situation).then({ type: 'deposit-refused', subject: 't', data: { accountId: 'b', reason } });
  });
});

test('what was taken out in vain is paid back, whatever there is', () => {
  asked(situation => answerReversed(reversed, situation))
    .when({ account: undefined, availableMinor: 0 })
    .then({ type: 'deposited', subject: 'a', causationid: 'r', data: { amountMinor: 100, transferId: 't' } });
  const ids = (['withdrawal', 'deposit', 'return'] as const).map(step => answerId('t', step));
  expect(new Set(ids).size).toBe(3);
});

describe('the rules of the service', () => {
  const opened = (id: string, ownerId: string) =>
    createEvent(accountOpened, {
      ...{ id, source: '/account', subject: id, time: TIME },
      data: { ownerId, name: id, currency: 'EUR' },
    });
  const paidIn = (amountMinor: number) =>
    createEvent(deposited, {
      ...{ id: `d${amountMinor}`, source: '/account', subject: 'a', time: TIME },
      data: { amountMinor, currency: 'EUR', channel: 'ACCOUNT' },
    });
  const given = ruleScenarios(() => alone(service));
  const before = [opened('a', 'alice'), opened('b', 'bob'), paidIn(150)];

  test('take out, pay in and pay back, each once', async () => {
    await given(...before)
      .when(request)
      .then({ type: 'withdrawn', subject: 'a' });
    await given(...before, request)
      .when(funded)
      .then({ type: 'deposited', subject: 'b' });
    await given(...before, request)
      .when(reversed)
      .then({ type: 'deposited', subject: 'a' });
  });

  test('count what they took out before: two that are asked for at once cannot both have what is there for one', async () => {
    const other = { ...request, id: 'u', subject: 'u' };
    await given(...before)
      .when(request, other)
      .then({ type: 'withdrawn', subject: 'a' }, { type: 'withdrawal-refused', data: { transferId: 'u' } });
  });

  test('do not answer what comes with a part of the lake: the answer may be in the rest', async () => {
    const { rules, rows } = await alone(service);
    await applyRules(rules, before, { replay: false });
    await applyRules(rules, [request, funded, reversed], { replay: true, part: true });
    expect(rows('events').filter(({ _id }) => !before.some(({ id }) => id === _id))).toEqual([]);
  });

  test('do not take back a refusal when there is enough later', async () => {
    await given(opened('a', 'alice'), request, paidIn(500)).when(request).then();
  });

  test('store what they answer as every transaction is stored, and a refusal as none', async () => {
    const { rules, rows } = await alone(service);
    await applyRules(rules, before, { replay: false });
    await applyRules(rules, [request, { ...request, id: 'u', subject: 'u' }], { replay: false });
    const stored = (id: string) => rows('events').find(({ _id }) => _id === id);
    expect(stored(answerId('t', 'withdrawal'))).toMatchObject({ account: 'a', settled: Number.MAX_SAFE_INTEGER });
    expect(stored(answerId('u', 'withdrawal'))).not.toHaveProperty('account');
  });
});
