import { expect, test } from 'vitest';
import { type AccountBook, enter, openBook, type Transaction, totalsOf } from './books.ts';
import * as compare from './compare.ts';
import { compareCount, compareEvents, comparePositions, foreign, type LakeEvent, totalsOfEvent } from './lake.ts';

/** Two transactions of one account, and everything that a right system shows of them. */
function right() {
  const facts = { id: 'a', ownerId: 'alice', name: 'everyday', currency: 'USD' };
  const book: AccountBook = openBook(facts);
  const [one, two]: [Transaction, Transaction] = [
    { id: '1', type: 'DEPOSIT', amount: 100, memo: 'salary', time: '2026-01-01T00:00:00.000Z' },
    { id: '2', type: 'WITHDRAWAL', amount: 30, memo: null, time: '2026-01-02T00:00:00.000Z' },
  ];
  for (const transaction of [one, two]) enter(book, transaction);
  const first = { version: 1, amount: 100, balance: 100, time: one.time, eventId: '1', eventType: 'deposited' };
  const second = { version: 2, amount: -30, balance: 70, time: two.time, eventId: '2', eventType: 'withdrawn' };
  const event = (position: number, type: string, id: string, data: object): LakeEvent => ({
    ...{ id, type, subject: 'a', position },
    data: { currency: 'USD', ...data },
  });
  const update = ({ version, amount, balance, eventId }: typeof first) => ({
    ...{ version, eventId, amountMinor: amount, balanceMinor: balance },
  });
  return {
    book,
    facts,
    balance: { amount: 70, version: 2, asOf: two.time } as compare.Balance,
    ledger: [second, first] as compare.LedgerEntry[],
    transactions: [two, one].map(row => ({ ...row, status: 'SETTLED' })) as compare.ListedTransaction[],
    events: [
      event(1, 'account-opened', 'a', { name: 'everyday' }),
      event(2, 'deposited', '1', { amountMinor: 100 }),
      event(3, 'balance-updated', 'u1', update(first)),
      event(4, 'withdrawn', '2', { amountMinor: 30 }),
      event(5, 'balance-updated', 'u2', update(second)),
    ],
  };
}
type Right = ReturnType<typeof right>;

const differences = ({ differences }: compare.Finding) => differences;
/** One element changed. */
const put = <Row>(rows: readonly Row[], index: number, change: Partial<Row>): Row[] =>
  rows.map((row, at) => (at === index ? { ...row, ...change } : row));

test('what is right passes, and says how much was compared', () => {
  const { book, facts, balance, ledger, transactions, events } = right();
  expect(compare.compareAccounts([book], [facts])).toEqual({ compared: 1, differences: [] });
  expect(compare.compareBalance(book, balance, ledger)).toEqual({ compared: 1, differences: [] });
  expect(compare.comparePast(book, { amount: 100, version: 1, asOf: ledger[1]?.time ?? null }, 1, ledger)).toEqual({
    compared: 1,
    differences: [],
  });
  expect(compare.compareLedger(book, ledger)).toEqual({ compared: 2, differences: [] });
  expect(compare.compareTransactions(book, transactions)).toEqual({ compared: 2, differences: [] });
  expect(compare.compareStatistics(book, [totalsOf(book)])).toEqual({ compared: 1, differences: [] });
  expect(compareEvents(book, events, 5, ledger)).toEqual({ compared: 5, differences: [] });
});

test.each<[string, (r: Right) => compare.Finding, string]>([
  ['an account that is not listed', r => compare.compareAccounts([r.book], []), 'a is missing'],
  ['an account listed twice', r => compare.compareAccounts([r.book], [r.facts, r.facts]), '2 times'],
  ['another name', r => compare.compareAccounts([r.book], [{ ...r.facts, name: 'x' }]), 'name is x'],
  ['a wrong amount', r => compare.compareBalance(r.book, { ...r.balance, amount: 71 }, r.ledger), '71 instead of 70'],
  ['a wrong version', r => compare.compareBalance(r.book, { ...r.balance, version: 1 }, r.ledger), 'version is 1'],
  ['a wrong time', r => compare.compareBalance(r.book, { ...r.balance, asOf: null }, r.ledger), 'asOf is null'],
  ['no past', r => compare.comparePast(r.book, null, 1, r.ledger), 'balance at version 1'],
  ['a wrong past', r => compare.comparePast(r.book, r.balance, 1, r.ledger), 'amount is 70 instead of 100'],
  ['a ledger without its newest entry', r => compare.compareLedger(r.book, r.ledger.slice(1)), '2 is missing'],
  ['a ledger that begins at 2', r => compare.compareLedger(r.book, r.ledger.slice(0, 1)), 'version is 2 instead of 1'],
  ['an entry twice', r => compare.compareLedger(r.book, [...r.ledger, ...r.ledger]), '2 times'],
  ['a foreign entry', r => compare.compareLedger(r.book, put(r.ledger, 0, { eventId: 'x' })), 'x is not expected'],
  [
    'a wrong running balance',
    r => compare.compareLedger(r.book, put(r.ledger, 0, { balance: 71 })),
    '71 instead of 70',
  ],
  ['a wrong entry', r => compare.compareLedger(r.book, put(r.ledger, 1, { amount: 99 })), '99 instead of 100'],
  ['a wrong entry type', r => compare.compareLedger(r.book, put(r.ledger, 1, { eventType: 'withdrawn' })), 'eventType'],
  ['a gap', r => compare.compareLedger(r.book, put(r.ledger, 0, { version: 3 })), 'version is 3 instead of 2'],
  [
    'a transaction that is pending',
    r => compare.compareTransactions(r.book, put(r.transactions, 0, { status: 'PENDING' })),
    'PENDING instead of SETTLED',
  ],
  ['a lost transaction', r => compare.compareTransactions(r.book, r.transactions.slice(1)), '2 is missing'],
  ['a lost memo', r => compare.compareTransactions(r.book, put(r.transactions, 1, { memo: null })), 'memo is null'],
  ['no statistics', r => compare.compareStatistics(r.book, []), '0 statistics'],
  [
    'a wrong statistic',
    r => compare.compareStatistics(r.book, [{ ...totalsOf(r.book), withdrawn: 31 }]),
    'withdrawn is 31 instead of 30',
  ],
  ['a lost event', r => compareEvents(r.book, r.events.slice(1), 4, r.ledger), 'account-opened a everyday is missing'],
  ['an event twice', r => compareEvents(r.book, [...r.events, ...r.events.slice(4)], 6, r.ledger), 'is there 2 times'],
  ['an unknown event', r => compareEvents(r.book, put(r.events, 1, { type: 'x' }), 5, r.ledger), 'x 1 is not expected'],
  [
    'a wrong update',
    r => compareEvents(r.book, put(r.events, 2, { data: { ...r.events[2]?.data, version: 9 } }), 5, r.ledger),
    'for 1 9 100 100 is not expected',
  ],
  ['a wrong totalCount', r => compareEvents(r.book, r.events, 6, r.ledger), 'totalCount is 6'],
  [
    'a gap in the lake',
    r => comparePositions([...r.events].reverse().toSpliced(2, 1), 0, 5),
    'position 4 instead of 3',
  ],
  ['a lake that ends early', r => comparePositions([...r.events].reverse(), 0, 6), 'ends at position 5 instead of 6'],
  ['an event twice in the lake', r => comparePositions(put(r.events, 4, { id: '1' }).reverse(), 0, 5), '2 times'],
  [
    'too few events',
    r => compareCount([r.book], new Map([['a', r.ledger]]), r.events.slice(1)),
    '4 events instead of 5',
  ],
])('what differs is named: %s', (_, compared, text) => {
  const found = differences(compared(right()));
  expect(found.join('\n')).toContain(text);
});

test('a withdrawal below zero has to have its overdrawn event', () => {
  const { book, ledger, events } = right();
  const below = put(ledger, 0, { balance: -30 });
  expect(differences(compareEvents(book, events, 5, below)).join('\n')).toContain('overdrawn for 2 2 -30 is missing');
});

test('statistics overall are compared by currency', () => {
  const { book } = right();
  const totals = totalsOf(book);
  const [usd, eur] = [new Map([['USD', totals]]), new Map([['EUR', totals]])];
  expect(differences(compare.compareOverall(usd, usd))).toEqual([]);
  expect(differences(compare.compareOverall(usd, eur))).toEqual(['USD: is missing', 'EUR: is not expected']);
  const more = new Map([['USD', { ...totals, largest: 101 }]]);
  expect(differences(compare.compareOverall(usd, more))).toEqual(['USD: largest is 101 instead of 100']);
});

test('what others did is told apart, and counted as the statistics do', () => {
  const { book, events } = right();
  const others = put(events, 1, { subject: 'b' });
  expect(foreign([book], others).map(({ position }) => position)).toEqual([2]);
  expect(foreign([book], others).flatMap(totalsOfEvent)).toEqual([
    { deposits: 1, withdrawals: 0, deposited: 100, withdrawn: 0, largest: 100, accounts: 0, currency: 'USD' },
  ]);
});

test.each<[string, [number, number, boolean][], string]>([
  [
    'a version that falls',
    [
      [1, 100, true],
      [2, 70, false],
      [1, 100, true],
      [2, 70, false],
    ],
    'version 1 after 2',
  ],
  [
    'a version twice',
    [
      [1, 100, true],
      [2, 70, false],
      [2, 70, false],
    ],
    'version 2 after 2',
  ],
  [
    'a wrong amount',
    [
      [1, 100, true],
      [2, 71, false],
    ],
    'version 2: 71 instead of 70',
  ],
  ['an end that is not the last', [[1, 100, true]], 'ended at version 1 instead of 2'],
  ['nothing at all', [], 'ended at version -1 instead of 2'],
])('a subscription: %s', (_, seen, text) => {
  const { book, ledger } = right();
  const balances = seen.map(([version, amount, fresh]) => ({ version, amount, fresh }));
  expect(differences(compare.compareStream(book, balances, ledger)).join('\n')).toContain(text);
});

test('a subscription may leave versions out, and repeat one after it was connected again', () => {
  const { book, ledger } = right();
  const at = (version: number, amount: number, fresh = false) => ({ version, amount, fresh });
  expect(differences(compare.compareStream(book, [at(0, 0, true), at(2, 70), at(2, 70, true)], ledger))).toEqual([]);
});
