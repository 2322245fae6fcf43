/** The rules of the service, on a store: what it emits in answer to events, once. */
import { describe, expect, test } from 'vitest';
import { createEvent } from '../../events/contract.ts';
import type { Event } from '../../events/event.ts';
import { applyRules } from '../../events/rule.ts';
import { ruleScenarios } from '../../events/scenario.ts';
import { accountOpened } from '../../schema/events/account-opened.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { withdrawn } from '../../schema/events/withdrawn.ts';
import { alone } from '../../test/alone.ts';
import { requestTransfer } from './decide.ts';
import { service } from './index.ts';

const TIME = '2026-01-31T10:00:00.000Z';
const now = { time: TIME, newId: 't' };
const requested = requestTransfer('alice', 'EUR', { fromAccountId: 'a', toAccountId: 'b', amount: 100 }, now);
const money = { amountMinor: 100, currency: 'EUR', transferId: 't', channel: 'TRANSFER' };
const answer = (contract: typeof deposited | typeof withdrawn, id: string, subject: string) =>
  createEvent(contract, { id, source: '/account', subject, time: TIME, correlationid: 't', data: money });
const taken = answer(withdrawn, 'w', 'a');
const paid = answer(deposited, 'd', 'b');

const types = (events: readonly Event[]) => events.map(({ type }) => type);

describe('the rules', () => {
  // Its own request is put into its record, as it is by whoever asks.
  const given = ruleScenarios(() => alone(service));

  test('emit what follows, in whatever order it comes', async () => {
    await given(requested)
      .when(taken)
      .then({ type: 'transfer-funded', data: { toAccountId: 'b' } });
    await given(taken).when(requested).then({ type: 'transfer-requested' }, { type: 'transfer-funded' });
    await given(requested, taken).when(paid).then({ type: 'transfer-completed' });
    await given(requested, paid).when(taken).then({ type: 'transfer-funded' }, { type: 'transfer-completed' });
  });

  test('let deposits and withdrawals of no transfer pass', async () => {
    const { transferId: _, ...data } = money;
    const ordinary = createEvent(deposited, { id: 'x', source: '/account', subject: 'a', time: TIME, data });
    await given().when(ordinary).then();
    const service_ = await alone(service);
    await applyRules(service_.rules, [ordinary], { replay: false });
    expect(service_.rows('store')).toEqual([]);
  });
});

test('a repair puts right whose an account is, whatever its row says', async () => {
  const { rules, rows } = await alone(service);
  const opened = createEvent(accountOpened, {
    ...{ id: 'a', source: '/account', subject: 'a', time: TIME },
    data: { ownerId: 'alice', name: 'Everyday', currency: 'EUR' },
  });
  await applyRules(rules, [opened], { replay: false });
  const right = structuredClone(rows('accounts'));
  // What nobody has put there is nobody's to take away, and no difference.
  Object.assign(rows('accounts')[0] ?? {}, { note: 'of an operator' });
  expect(await applyRules(rules, [opened], { replay: true })).toBe(0);
  delete rows('accounts')[0]?.note;
  for (const wrong of [{ ownerId: 'mallory' }, { ownerId: 'mallory', version: 2 }, { version: undefined }]) {
    Object.assign(rows('accounts')[0] ?? {}, wrong);
    expect(await applyRules(rules, [opened], { replay: true })).toBe(1);
    expect(rows('accounts')).toEqual(right);
    expect(await applyRules(rules, [opened], { replay: true })).toBe(0);
  }
});

describe('time', () => {
  test('expires what was not answered, once; what is taken out later goes back', async () => {
    const { rules, due, emitted } = await alone(service);
    const deliver = (...events: Event[]) => applyRules(rules, events, { replay: false });
    await deliver(requested);
    await due?.();
    await due?.();
    expect(types(await emitted())).toEqual(['transfer-requested', 'transfer-expired']);
    await deliver(taken);
    expect(types(await emitted()).slice(2)).toEqual(['transfer-reversed']);
    await deliver(taken, requested, ...(await emitted()));
    await due?.();
    expect(await emitted()).toHaveLength(3);
  });

  test('leaves alone what was answered, and looks at each once', async () => {
    const { rules, due, emitted, rows } = await alone(service);
    await applyRules(rules, [requested, taken], { replay: false });
    expect(rows('store').filter(row => row.due !== undefined)).toHaveLength(1);
    await due?.();
    expect(types(await emitted())).toEqual(['transfer-requested', 'transfer-funded']);
    expect(rows('store').filter(row => row.due !== undefined)).toEqual([]);
  });

  test('that was decided comes back with a replay, and decides nothing anew', async () => {
    const before = await alone(service);
    await applyRules(before.rules, [requested], { replay: false });
    await before.due?.();
    await applyRules(before.rules, [taken], { replay: false });
    const own = await before.emitted();
    const after = await alone(service);
    // What the service has emitted comes first, and then the rest, in any order.
    await applyRules(after.rules, [...own].reverse(), { replay: true });
    await applyRules(after.rules, [taken, requested], { replay: true });
    await after.due?.();
    const byId = (events: readonly Event[]) => [...events].sort((a, b) => (a.id < b.id ? -1 : 1));
    expect(byId(await after.emitted())).toEqual(byId(own));
  });
});
