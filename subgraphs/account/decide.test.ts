import { describe, expect, test } from 'vitest';
import type { Contract } from '../../events/contract.ts';
import type { Event } from '../../events/event.ts';
import { decisionScenarios } from '../../events/scenario.ts';
import { accountOpened } from '../../schema/events/account-opened.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { withdrawn } from '../../schema/events/withdrawn.ts';
import { assertSameRequest, parseInput } from '../../schema/input.ts';
import {
  type AccountFacts,
  assertCountable,
  type Circumstances,
  deposit,
  eventIdFor,
  openAccount,
  openAccountInput,
  transactionInput,
  withdraw,
} from './decide.ts';

const TIME = '2026-01-31T12:00:00.000Z';
const ACCOUNT: AccountFacts = { id: 'account', ownerId: 'alice', name: 'Savings', currency: 'EUR', openedAt: TIME };

type State = { events: readonly Event[]; availableMinor: number };
type Command = (state: State, circumstances: Circumstances) => Event;

const contracts: readonly Contract[] = [accountOpened, deposited, withdrawn];
const amountOf = ({ data }: Event) => (data as { amountMinor: number }).amountMinor;
const signed = (event: Event) => (event.type === withdrawn.type ? -amountOf(event) : amountOf(event));

const given = decisionScenarios({
  initial: (): State => ({ events: [], availableMinor: 0 }),
  evolve: ({ events, availableMinor }, event) => ({
    events: [...events, event],
    availableMinor: availableMinor + (event.type === accountOpened.type ? 0 : signed(event)),
  }),
  decide(command: Command, state) {
    const event = command(state, { time: TIME, newId: 'random' });
    const stored = state.events.find(({ id }) => id === event.id);
    if (stored) assertSameRequest(contracts.find(({ type }) => type === event.type) ?? deposited, stored, event);
    return stored ? [] : event;
  },
});

const opening =
  (input: object = {}, ownerId = 'alice'): Command =>
  (_, now) =>
    openAccount(ownerId, parseInput(openAccountInput, { name: 'Savings', ...input }), now);
const read = (input: object) => parseInput(transactionInput, { accountId: ACCOUNT.id, amount: 100, ...input });
const depositing =
  (input: object = {}, account = ACCOUNT): Command =>
  ({ availableMinor }, now) => {
    const command = read(input);
    assertCountable(command.amount, availableMinor);
    return deposit(account, command, now);
  };
const withdrawing =
  (input: object = {}): Command =>
  ({ availableMinor }, now) =>
    withdraw(ACCOUNT, read(input), availableMinor, now);

const aDeposit = (amount: number, more: object = {}) =>
  deposit(ACCOUNT, read({ amount, ...more }), { time: TIME, newId: `deposit of ${amount}` });

describe('opening an account', () => {
  test('is an event whose id is the account', () => {
    given()
      .when(opening({ currency: 'EUR' }))
      .then({
        id: 'random',
        subject: 'random',
        correlationid: 'random',
        source: '/account',
        type: 'account-opened',
        time: TIME,
        data: { ownerId: 'alice', name: 'Savings', currency: 'EUR' },
      });
  });

  test('is in US dollars when no currency is named', () => {
    given()
      .when(opening())
      .then({ data: { currency: 'USD' } });
    given()
      .when(opening({ currency: null }))
      .then({ data: { currency: 'USD' } });
  });

  test('takes the spaces around a name away', () => {
    given()
      .when(opening({ name: '  Savings ' }))
      .then({ data: { name: 'Savings' } });
  });

  test('keeps what people write: umlauts, emoji, right-to-left', () => {
    for (const name of ['Müller', '儲蓄', '👩‍👩‍👧', 'חיסכון', 'a'.repeat(200)])
      given().when(opening({ name })).then({ data: { name } });
  });

  test.each<[object, string]>([
    [{ name: '' }, 'name'],
    [{ name: '   ' }, 'name'],
    [{ name: 'a'.repeat(201) }, 'name'],
    [{ name: 'a\u0000b' }, 'name'],
    [{ name: 'a\nb' }, 'name'],
    [{ name: 'a\ud800b' }, 'name'],
    [{ name: '\udc00' }, 'name'],
    [{ name: null }, 'name'],
    [{ currency: 'usd' }, 'currency'],
    [{ currency: 'DOLLAR' }, 'currency'],
    [{ currency: '' }, 'currency'],
    [{ idempotencyKey: '' }, 'idempotencyKey'],
    [{ idempotencyKey: 'k'.repeat(201) }, 'idempotencyKey'],
    [{ idempotencyKey: '\ud800' }, 'idempotencyKey'],
    [{ idempotencyKey: '\u0000' }, 'idempotencyKey'],
  ])('is refused with %j, and the refusal names it', (input, name) => {
    given()
      .when(opening(input))
      .thenRefused('BAD_USER_INPUT', new RegExp(`^${name}: `));
  });

  test('with a key used before is the same account, and with another body it is refused', () => {
    const opened = opening({ idempotencyKey: 'k' })({ events: [], availableMinor: 0 }, { time: TIME, newId: 'x' });
    given(opened)
      .when(opening({ idempotencyKey: 'k' }))
      .then();
    for (const other of [{ name: 'Another' }, { currency: 'EUR' }])
      given(opened)
        .when(opening({ idempotencyKey: 'k', ...other }))
        .thenRefused('IDEMPOTENCY_KEY_REUSED', 'idempotencyKey');
  });
});

describe('depositing', () => {
  test('is an event about the account, in its currency', () => {
    given()
      .when(depositing({ amount: 250, memo: 'rent' }))
      .then({
        id: 'random',
        subject: 'account',
        type: 'deposited',
        source: '/account',
        correlationid: 'random',
        data: { amountMinor: 250, currency: 'EUR', memo: 'rent' },
      });
  });

  test('without a memo says nothing of one', () => {
    for (const memo of [undefined, null, '']) {
      const event = depositing({ memo })({ events: [], availableMinor: 0 }, { time: TIME, newId: 'x' });
      expect(event.data).toEqual({ amountMinor: 100, currency: 'EUR', channel: 'ACCOUNT' });
    }
  });

  test.each<[object, string]>([
    [{ amount: 0 }, 'amount'],
    [{ amount: -1 }, 'amount'],
    [{ amount: 1.5 }, 'amount'],
    [{ amount: '100' }, 'amount'],
    [{ amount: Number.MAX_SAFE_INTEGER + 1 }, 'amount'],
    [{ amount: Number.NaN }, 'amount'],
    [{ amount: Number.POSITIVE_INFINITY }, 'amount'],
    [{ accountId: '' }, 'accountId'],
    [{ accountId: 'a'.repeat(201) }, 'accountId'],
    [{ memo: 'm'.repeat(501) }, 'memo'],
    [{ memo: '\u0000' }, 'memo'],
    [{ memo: 'a\u007f' }, 'memo'],
    [{ memo: '\ud83d' }, 'memo'],
    [{ idempotencyKey: '' }, 'idempotencyKey'],
    [{ idempotencyKey: 'k'.repeat(201) }, 'idempotencyKey'],
  ])('is refused with %j, and the refusal names it', (input, name) => {
    given()
      .when(depositing(input))
      .thenRefused('BAD_USER_INPUT', new RegExp(`^${name}: `));
  });

  test('names everything that is wrong at once', () => {
    given()
      .when(depositing({ amount: 0, memo: '\u0000' }))
      .thenRefused('BAD_USER_INPUT', /amount: .*; memo: /);
  });

  test('is refused when the balance could not be counted exactly any more, and not one cent earlier', () => {
    const most = Number.MAX_SAFE_INTEGER;
    given()
      .when(depositing({ amount: most }))
      .then({ data: { amountMinor: most } });
    given(aDeposit(most - 1))
      .when(depositing({ amount: 1 }))
      .then({ data: { amountMinor: 1 } });
    given(aDeposit(most))
      .when(depositing({ amount: 1 }))
      .thenRefused('BAD_USER_INPUT', /^amount: .*9007199254740991/);
  });

  test('with a key used before is the same transaction, whenever it is asked for again', () => {
    given(aDeposit(100, { idempotencyKey: 'k' }))
      .when(depositing({ idempotencyKey: 'k' }))
      .then();
  });

  test.each<[string, Command]>([
    ['amount', depositing({ idempotencyKey: 'k', amount: 101 })],
    ['memo', depositing({ idempotencyKey: 'k', memo: 'new' })],
    ['account', depositing({ idempotencyKey: 'k' }, { ...ACCOUNT, id: 'other' })],
    ['kind', (state, now) => withdraw(ACCOUNT, read({ idempotencyKey: 'k' }), state.availableMinor, now)],
  ])('with a key used before, for another %s, is refused', (_, command) => {
    given(aDeposit(100, { idempotencyKey: 'k' }))
      .when(command)
      .thenRefused('IDEMPOTENCY_KEY_REUSED', 'idempotencyKey');
  });
});

describe('withdrawing', () => {
  test('takes what is there, to the last cent', () => {
    given(aDeposit(100))
      .when(withdrawing())
      .then({ type: 'withdrawn', data: { amountMinor: 100, currency: 'EUR' } });
  });

  test('is refused beyond that, and the refusal says what is there', () => {
    given(aDeposit(99))
      .when(withdrawing())
      .thenRefused('INSUFFICIENT_FUNDS', /100 EUR .* 99 are available/);
    given()
      .when(withdrawing({ amount: 1 }))
      .thenRefused('INSUFFICIENT_FUNDS', /0 are available/);
  });

  test('from an account that is overdrawn shows nothing below zero', () => {
    const overdraft = { ...aDeposit(50), type: withdrawn.type };
    given(overdraft)
      .when(withdrawing({ amount: 1 }))
      .thenRefused('INSUFFICIENT_FUNDS', / 0 are available/);
  });

  test('counts what was withdrawn before', () => {
    const before = withdraw(ACCOUNT, read({ amount: 60 }), 100, { time: TIME, newId: 'w' });
    given(aDeposit(100), before)
      .when(withdrawing({ amount: 40 }))
      .then({ data: { amountMinor: 40 } });
    given(aDeposit(100), before)
      .when(withdrawing({ amount: 41 }))
      .thenRefused('INSUFFICIENT_FUNDS', '40 are available');
  });
});

test('a key belongs to its owner: the same key of another owner is another event', () => {
  expect(eventIdFor('alice', 'k', 'r')).toBe(eventIdFor('alice', 'k', 's'));
  expect(eventIdFor('alice', 'k', 'r')).not.toBe(eventIdFor('bob', 'k', 'r'));
  expect(eventIdFor('alice', 'k', 'r')).not.toBe(eventIdFor('alicek', '', 'r'));
});

test('without a key every command is a new event', () => {
  for (const key of [undefined, null]) expect(eventIdFor('alice', key, 'r')).toBe('r');
});
