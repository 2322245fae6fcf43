/** Every invariant holds of a healthy example, and finds each way of being broken: a check that cannot fail proves nothing. */
import { describe, expect, test } from 'vitest';
import type { AccountEvidence, LakeEvent, LedgerEntry, Operation, SystemEvidence, Violations } from './invariants.ts';
import * as invariants from './invariants.ts';

// ---- a healthy account: 100 paid in, 30 and 90 taken out, which is an overdraft --------------------------------------

const TRANSACTIONS: AccountEvidence['transactions'] = [
  { id: 't1', type: 'deposited', amountMinor: 100, memo: 'k1', settled: true },
  { id: 't2', type: 'withdrawn', amountMinor: 30, memo: 'k2', settled: true },
  { id: 't3', type: 'withdrawn', amountMinor: 90, memo: 'k3', settled: true },
];
const LEDGER: readonly LedgerEntry[] = [
  { version: 1, amountMinor: 100, balanceMinor: 100, eventId: 't1', eventType: 'deposited' },
  { version: 2, amountMinor: -30, balanceMinor: 70, eventId: 't2', eventType: 'withdrawn' },
  { version: 3, amountMinor: -90, balanceMinor: -20, eventId: 't3', eventType: 'withdrawn' },
];
const LAKE: readonly LakeEvent[] = [
  { id: 'a', type: 'account-opened', position: 1, data: { ownerId: 'alice' } },
  ...TRANSACTIONS.map(({ id, type, amountMinor }, index) => ({ id, type, position: 2 + index, data: { amountMinor } })),
  ...LEDGER.map((entry, index) => ({
    id: `b${index}`,
    type: 'balance-updated',
    position: 5 + index,
    data: { ...entry },
  })),
  { id: 'o', type: 'overdrawn', position: 8, data: { version: 3, amountMinor: 90, balanceMinor: -20, eventId: 't3' } },
];
const ACCOUNT: AccountEvidence = {
  id: 'a',
  owner: 'alice',
  balance: { version: 3, amountMinor: -20 },
  transactions: TRANSACTIONS,
  ledger: LEDGER,
  lake: LAKE,
  statistics: { accounts: 1, deposits: 1, withdrawals: 2, depositedMinor: 100, withdrawnMinor: 120, largestMinor: 100 },
};
const EMPTY: AccountEvidence = {
  id: 'e',
  owner: 'alice',
  balance: { version: 0, amountMinor: 0 },
  ...{ transactions: [], ledger: [] },
  lake: [{ id: 'e', type: 'account-opened', position: 9, data: { ownerId: 'alice' } }],
  statistics: { accounts: 1, deposits: 0, withdrawals: 0, depositedMinor: 0, withdrawnMinor: 0, largestMinor: 0 },
};

const operation = (change: Partial<Operation> = {}): Operation => ({
  ...{ kind: 'deposit', owner: 'alice', key: 'k1', account: 'a', amountMinor: 100, outcome: 'ok', eventId: 't1' },
  ...change,
});
const OPENED = operation({ kind: 'open', key: 'k0', amountMinor: 0, eventId: 'a' });
const HISTORY: readonly Operation[] = [
  OPENED,
  operation(),
  operation({ kind: 'withdraw', key: 'k2', amountMinor: 30, eventId: 't2' }),
  operation({ kind: 'withdraw', key: 'k3', amountMinor: 90, outcome: 'unknown' }),
  operation({ kind: 'withdraw', key: 'k4', amountMinor: 999, outcome: 'refused', code: 'INSUFFICIENT_FUNDS' }),
];

const SYSTEM: SystemEvidence = {
  verification: { valid: true, events: 5, firstBadPosition: null },
  lakeTypes: { deposited: 3, 'balance-updated': 2 },
  emitted: { deposited: 3, 'balance-updated': 2 },
  outboxes: [{ service: 'account', pending: 1, oldestSeconds: 2 }],
  faults: [],
};

// ---- ways of being broken -------------------------------------------------------------------------------------------

/** A list with one item changed, or left out (`undefined`). */
function withItem<Item>(items: readonly Item[], index: number, change: Partial<Item> | undefined): Item[] {
  if (change === undefined) return items.filter((_, at) => at !== index);
  return items.map((item, at) => (at === index ? { ...item, ...change } : item));
}
const lakeWith = (index: number, data: Record<string, unknown>) => ({
  lake: withItem(LAKE, index, { data: { ...LAKE[index]?.data, ...data } }),
});
const again = <Item>(items: readonly Item[], index: number) => [...items, ...items.slice(index, index + 1)];

type Case = [string, Partial<AccountEvidence>, RegExp];
const tried = new Set<string>();

/** Says of an invariant that a healthy example passes and that each broken one is found, in words that name it. */
function holds(name: keyof typeof invariants, healthy: () => Violations, broken: [string, () => Violations, RegExp][]) {
  tried.add(name);
  describe(name, () => {
    test('is true of a healthy example', () => expect(healthy()).toEqual([]));
    test.each(broken)('finds: %s', (_, look, words) => {
      const violations = look();
      expect(violations.length).toBeGreaterThan(0);
      expect(violations.length).toBeLessThan(20);
      expect(violations.join('\n')).toMatch(words);
    });
  });
}

function holdsOfAccount(
  name: keyof typeof invariants,
  invariant: (account: AccountEvidence) => Violations,
  broken: Case[],
) {
  holds(
    name,
    () => [...invariant(ACCOUNT), ...invariant(EMPTY)],
    broken.map(([what, change, words]) => [what, () => invariant({ ...ACCOUNT, ...change }), words]),
  );
}

const many = <Item>(count: number, item: (index: number) => Item) => Array.from({ length: count }, (_, at) => item(at));

// ---- what clients were told -----------------------------------------------------------------------------------------

holdsOfAccount('acknowledgedOnce', account => invariants.acknowledgedOnce(account, account === EMPTY ? [] : HISTORY), [
  ['an acknowledged one is lost', { transactions: withItem(TRANSACTIONS, 1, undefined) }, /k2: .* t2, which is not/],
  ['another amount', { transactions: withItem(TRANSACTIONS, 0, { amountMinor: 101 }) }, /k1: deposit of 100/],
  ['another type', { transactions: withItem(TRANSACTIONS, 0, { type: 'withdrawn' }) }, /k1: deposit of 100/],
  ["another request's", { transactions: withItem(TRANSACTIONS, 0, { memo: 'k2' }) }, /k1: deposit of 100/],
  ['without its key', { transactions: withItem(TRANSACTIONS, 0, { memo: null }) }, /k1: deposit of 100/],
  ['an event twice', { transactions: again(TRANSACTIONS, 2) }, /event id t3 is there twice/],
]);

const repeated = { id: 't9', type: 'deposited', amountMinor: 100, memo: 'k1', settled: true } as const;
holdsOfAccount('refusedNever', account => invariants.refusedNever(account, HISTORY), [
  ['refused and stored', { transactions: withItem(TRANSACTIONS, 0, { memo: 'k4' }) }, /"k4".*nobody has asked/],
  ['nobody asked', { transactions: withItem(TRANSACTIONS, 0, { memo: 'k9' }) }, /"k9".*nobody has asked/],
  [
    'nobody asked for so much',
    { transactions: withItem(TRANSACTIONS, 2, { amountMinor: 91 }) },
    /91.*nobody has asked/,
  ],
  ['nobody asked for that', { transactions: withItem(TRANSACTIONS, 2, { type: 'deposited' }) }, /"k3".*nobody has/],
  ['without a key', { transactions: withItem(TRANSACTIONS, 0, { memo: null }) }, /null.*nobody has asked/],
  ['a key that is two', { transactions: [...TRANSACTIONS, repeated] }, /key k1 is there twice/],
]);

const sameKey = (...more: Partial<Operation>[]) =>
  invariants.sameKeySameEvent([...HISTORY, ...more.map(change => operation(change))]);
const REUSED = { outcome: 'refused', code: 'IDEMPOTENCY_KEY_REUSED' } as const;
holds(
  'sameKeySameEvent',
  () =>
    sameKey(
      ...[{}, { outcome: 'unknown' } as const, { amountMinor: 7, ...REUSED }, { account: 'x', ...REUSED }],
      ...[{ owner: 'bob', eventId: 't8' }, { key: 'k3', kind: 'withdraw', amountMinor: 90, eventId: 't3' } as const],
      ...[{ amountMinor: 8, outcome: 'unknown' } as const, { ...OPENED, account: 'elsewhere' }],
    ),
  [
    ['another event', () => sameKey({ eventId: 't7' }), /k1: asked again, answered ok t7 after t1/],
    ['refused after all', () => sameKey(REUSED), /k1: asked again, answered refused IDEMPOTENCY_KEY_REUSED/],
    ['another amount taken', () => sameKey({ amountMinor: 7 }), /k1: used again .* answered ok t1/],
    ['another kind taken', () => sameKey({ kind: 'withdraw' }), /k1: used again/],
    ['another account taken', () => sameKey({ account: 'x' }), /k1: used again/],
    ['the wrong error', () => sameKey({ amountMinor: 7, ...REUSED, code: 'NOT_FOUND' }), /answered refused NOT_FOUND/],
    ['another account opened', () => sameKey({ ...OPENED, eventId: 'b' }), /k0: asked again, answered ok b after a/],
  ],
);

const accountsOnce = (accounts: { id: string; owner: string }[], ...more: Operation[]) =>
  invariants.accountsOnce(accounts, [...HISTORY, ...more]);
holds('accountsOnce', () => accountsOnce([ACCOUNT, EMPTY], OPENED), [
  ['lost', () => accountsOnce([EMPTY]), /k0: account a was acknowledged and is not there/],
  ["another's", () => accountsOnce([{ id: 'a', owner: 'bob' }]), /k0: account a/],
  ['listed twice', () => accountsOnce([ACCOUNT, ACCOUNT]), /account a is there twice/],
  ['two keys, one account', () => accountsOnce([ACCOUNT], { ...OPENED, key: 'k8' }), /another key, account a/],
]);

// ---- one account ----------------------------------------------------------------------------------------------------

const NINTH = { version: 9, amountMinor: 1, balanceMinor: 1, eventId: 't', eventType: 'deposited' };
holdsOfAccount('versionsWithoutGaps', invariants.versionsWithoutGaps, [
  ['a gap', { ledger: withItem(LEDGER, 1, undefined) }, /version 3 stands where 2 should/],
  ['the first is missing', { ledger: withItem(LEDGER, 0, undefined) }, /version 2 stands where 1 should/],
  ['a version twice', { ledger: withItem(LEDGER, 2, { version: 2 }) }, /version 2 stands where 3 should/],
  ['an event twice', { ledger: withItem(LEDGER, 2, { eventId: 't1' }) }, /entry for t1 is there twice/],
  ['many', { ledger: many(1_000, () => NINTH) }, /version 9 stands where 1 should/],
]);

holdsOfAccount('balanceIsSum', invariants.balanceIsSum, [
  ['a balance is wrong', { ledger: withItem(LEDGER, 1, { balanceMinor: 71 }) }, /version 2 is 71, the amounts make 70/],
  ['an amount is wrong', { ledger: withItem(LEDGER, 0, { amountMinor: 99 }) }, /version 1 is 100, the amounts make 99/],
  ['the end is missing', { ledger: withItem(LEDGER, 2, undefined) }, /shown is .*ends with 70 at 2/],
  ['shown is an old one', { balance: { version: 2, amountMinor: 70 } }, /shown is .*"version":2.*ends with -20 at 3/],
  ['shown is another', { balance: { version: 3, amountMinor: -21 } }, /shown is .*-21/],
  ['shown and many', { ...{ balance: EMPTY.balance }, ledger: many(99, () => NINTH) }, /shown is .*99 at 99/],
]);

const statistics = (change: Partial<AccountEvidence['statistics']>) => ({
  statistics: { ...ACCOUNT.statistics, ...change },
});
holdsOfAccount('appliedOnceEverywhere', invariants.appliedOnceEverywhere, [
  ['not in the ledger', { ledger: withItem(LEDGER, 1, undefined) }, /ledger: withdrawn t2 -30 is missing/],
  ['twice in the ledger', { ledger: again(LEDGER, 1) }, /ledger: withdrawn t2 -30 is there 1 times too often/],
  ['counted as another amount', { ledger: withItem(LEDGER, 1, { amountMinor: -31 }) }, /t2 -31 is there/],
  ['counted as another type', { ledger: withItem(LEDGER, 1, { eventType: 'deposited' }) }, /deposited t2 -30 is there/],
  ['not in the lake', { lake: withItem(LAKE, 1, undefined) }, /lake: deposited t1 100 is missing/],
  ['only in the lake', { transactions: withItem(TRANSACTIONS, 0, undefined) }, /lake: deposited t1 100 is there/],
  ['twice in the lake', { lake: again(LAKE, 2) }, /lake: withdrawn t2 -30 is there 1 times too often/],
  ['another amount in the lake', lakeWith(1, { amountMinor: 1 }), /lake: deposited t1 100 is missing/],
  ['no amount in the lake', lakeWith(1, { amountMinor: undefined }), /lake: deposited t1 NaN is there/],
  ['not settled', { transactions: withItem(TRANSACTIONS, 2, { settled: false }) }, /t3 is not settled/],
  ['the account is not counted', statistics({ accounts: 0 }), /accounts is 0, 1 would be right/],
  ['a deposit is counted twice', statistics({ deposits: 2 }), /deposits is 2, 1/],
  ['a withdrawal is not counted', statistics({ withdrawals: 1 }), /withdrawals is 1, 2/],
  ['too much paid in', statistics({ depositedMinor: 200 }), /depositedMinor is 200, 100/],
  ['too little taken out', statistics({ withdrawnMinor: 90 }), /withdrawnMinor is 90, 120/],
  ['another largest one', statistics({ largestMinor: 90 }), /largestMinor is 90, 100/],
]);

const stray = (type: string): LakeEvent => ({ id: 'x', type, position: 99, data: {} });
holdsOfAccount('lakeIsWhole', invariants.lakeIsWhole, [
  ['no opening', { lake: withItem(LAKE, 0, undefined) }, /opening in the lake: a alice is missing/],
  ['two openings', { lake: [...LAKE, { ...stray('account-opened'), data: { ownerId: 'alice' } }] }, /x alice is there/],
  ['an opening by another', lakeWith(0, { ownerId: 'bob' }), /opening in the lake: a alice is missing/],
  [
    'a balance is missing',
    { lake: withItem(LAKE, 4, undefined) },
    /balance in the lake: 1 deposited t1 100 100 is mis/,
  ],
  ['a balance too many', { lake: again(LAKE, 4) }, /balance in the lake: 1 .* is there 1 times too often/],
  ['another balance', lakeWith(4, { balanceMinor: 7 }), /balance in the lake: 1 deposited t1 100 7 is there/],
  ['another amount', lakeWith(4, { amountMinor: 7 }), /balance in the lake: 1 deposited t1 7 100 is there/],
  ['another version', lakeWith(4, { version: 7 }), /balance in the lake: 7 deposited t1/],
  ["a balance of another's", lakeWith(4, { eventId: 't9' }), /balance in the lake: 1 deposited t9/],
  ['an overdraft is missing', { lake: withItem(LAKE, 7, undefined) }, /overdraft in the lake: 3 t3 90 -20 is missing/],
  ['an overdraft that is none', { lake: [...LAKE, stray('overdrawn')] }, /overdraft in the lake: .* is there/],
  ['another overdraft', lakeWith(7, { amountMinor: 91 }), /overdraft in the lake: 3 t3 91 -20 is there/],
  ['an event twice', { lake: [...LAKE, { ...stray('fault'), id: 't1' }] }, /event in the lake t1 is there twice/],
  ['an unknown type', { lake: [...LAKE, stray('gift')] }, /gift x is in the lake/],
]);

test('what another service tells of an account may be in the lake, if that says so', () => {
  const account = { ...ACCOUNT, lake: [...LAKE, stray('gift')] };
  expect(invariants.lakeIsWhole(account, new Set(['gift']))).toEqual([]);
  expect(invariants.lakeIsWhole(account, new Set(['gifts']))).toEqual(['gift x is in the lake']);
});

test('a fault of an account may be in the lake', () => {
  expect(invariants.lakeIsWhole({ ...ACCOUNT, lake: [...LAKE, stray('fault')] })).toEqual([]);
});

// ---- the system -----------------------------------------------------------------------------------------------------

const broken = (change: Partial<SystemEvidence>): SystemEvidence => ({ ...SYSTEM, ...change });
const BAD_CHAIN = { valid: false, events: 5, firstBadPosition: 3 };
const FAULT = { service: 'balance', eventId: 't1', error: 'too much' };

holds('lakeIsValid', () => invariants.lakeIsValid(SYSTEM), [
  ['a broken chain', () => invariants.lakeIsValid(broken({ verification: BAD_CHAIN })), /of 5 is broken at position 3/],
]);

const everyOutbox = (change: Partial<SystemEvidence>) => invariants.lakeHoldsEveryOutbox(broken(change));
holds('lakeHoldsEveryOutbox', () => everyOutbox({}), [
  ['one is missing', () => everyOutbox({ emitted: { deposited: 4, 'balance-updated': 2 } }), /deposited: 4 .* holds 3/],
  ['one too many', () => everyOutbox({ emitted: { deposited: 2, 'balance-updated': 2 } }), /deposited: 2 .* holds 3/],
  ['a type is missing', () => everyOutbox({ emitted: { ...SYSTEM.emitted, fault: 1 } }), /fault: 1 .* holds 0/],
  ['nobody emitted it', () => everyOutbox({ emitted: { deposited: 3 } }), /balance-updated: 0 were .* holds 2/],
  [
    'an event of no known type',
    () => everyOutbox({ verification: { ...SYSTEM.verification, events: 6 } }),
    /has 6 events, 5 of known types/,
  ],
]);

const outboxesMove = (oldestSeconds: number) =>
  invariants.outboxesMove(broken({ outboxes: [{ service: 'balance', pending: 7, oldestSeconds }] }), 5);
holds('outboxesMove', () => [...invariants.outboxesMove(SYSTEM, 5), ...outboxesMove(5)], [
  ['one stands still', () => outboxesMove(6), /balance: 7 pending, the oldest for 6 s/],
]);

holds('noFaults', () => invariants.noFaults(SYSTEM), [
  ['one was set aside', () => invariants.noFaults(broken({ faults: [FAULT] })), /balance set aside t1: too much/],
]);

const rises = (versions: number[], toTheEnd = true, account = 'a') =>
  invariants.watchesRise([{ account, versions, toTheEnd }], new Map([['a', 3]]));
holds('watchesRise', () => [...rises([0, 1, 3]), ...rises([1], false), ...rises([], false), ...rises([0], true, 'e')], [
  ['a version again', () => rises([1, 1, 3]), /got version 1 after 1/],
  ['an older version', () => rises([2, 1, 3]), /got version 1 after 2/],
  ['the last is missing', () => rises([1, 2]), /left at version 2, the last is 3/],
  ['nothing came', () => rises([]), /left at version undefined, the last is 3/],
  ['beyond the last', () => rises([1, 4]), /left at version 4, the last is 3/],
]);

const seen = (asker: string, operator: boolean) =>
  invariants.ownDataOnly([{ asker, operator, account: 'a', owner: 'alice' }]);
holds('ownDataOnly', () => [...seen('alice', false), ...seen('olga', true)], [
  ["another's", () => seen('bob', false), /bob received something of account a, which is alice's/],
]);

holds('unchanged', () => invariants.unchanged([ACCOUNT, EMPTY], [{ ...EMPTY }, { ...ACCOUNT }]), [
  ['one is lost', () => invariants.unchanged([ACCOUNT, EMPTY], [ACCOUNT]), /account e is not what it was/],
  ['one is new', () => invariants.unchanged([ACCOUNT], [ACCOUNT, EMPTY]), /account e was not there before/],
  [
    'one has changed',
    () => invariants.unchanged([ACCOUNT], [{ ...ACCOUNT, balance: EMPTY.balance }]),
    /account a is not what it was/,
  ],
]);

// ---- all together ---------------------------------------------------------------------------------------------------

holdsOfAccount('auditAccount', invariants.auditAccount, [
  ['versions', { ledger: withItem(LEDGER, 1, { version: 9 }) }, /account a: versionsWithoutGaps: version 9/],
  ['balance', { balance: EMPTY.balance }, /account a: balanceIsSum: shown/],
  ['statistics', { statistics: EMPTY.statistics }, /account a: appliedOnceEverywhere: statistics/],
  ['lake', { lake: withItem(LAKE, 0, undefined) }, /account a: lakeIsWhole: opening/],
]);

const auditSystem = (change: Partial<SystemEvidence>) => invariants.auditSystem(broken(change), 5);
holds('auditSystem', () => auditSystem({}), [
  ['chain', () => auditSystem({ verification: BAD_CHAIN }), /broken at position 3/],
  ['types', () => auditSystem({ emitted: {} }), /deposited: 0 were emitted/],
  ['outboxes', () => auditSystem({ outboxes: [{ service: 's', pending: 1, oldestSeconds: 9 }] }), /s: 1 pending/],
  ['faults', () => auditSystem({ faults: [FAULT] }), /set aside t1/],
]);

tried.add('totalsOf');
test('totals are what statistics come to', () => {
  expect(invariants.totalsOf(TRANSACTIONS)).toEqual(ACCOUNT.statistics);
  expect(invariants.totalsOf([])).toEqual(EMPTY.statistics);
  const huge = { type: 'deposited', amountMinor: Number.MAX_SAFE_INTEGER } as const;
  expect(invariants.totalsOf([huge, huge])).toMatchObject({ depositedMinor: Number.MAX_SAFE_INTEGER, deposits: 2 });
});

// ---- transfers ------------------------------------------------------------------------------------------------------

const OUT = { type: 'withdrawn', account: 'a', amountMinor: 10 };
const IN = { type: 'deposited', account: 'b', amountMinor: 10 };
const BACK = { type: 'deposited', account: 'a', amountMinor: 10 };
const keeps = (status: string, ...moves: invariants.TransferEvidence['moves']) =>
  invariants.transferKeepsMoney({ id: 't', from: 'a', to: 'b', amountMinor: 10, status, moves });

for (const name of ['transferKeepsMoney', 'transferredMinor', 'transfersAddUp']) tried.add(name);
describe('a transfer keeps money', () => {
  test('when it is completed, compensated, refused or expired', () => {
    expect(keeps('COMPLETED', OUT, IN)).toEqual([]);
    expect(keeps('COMPENSATED', OUT, BACK)).toEqual([]);
    expect(keeps('REFUSED')).toEqual([]);
    expect(keeps('EXPIRED')).toEqual([]);
  });

  test.each<[string, invariants.TransferEvidence['moves']]>([
    ['COMPLETED', [OUT]],
    ['COMPLETED', [IN]],
    ['COMPLETED', [OUT, IN, IN]],
    ['COMPLETED', [OUT, IN, BACK]],
    ['COMPLETED', [OUT, { ...IN, amountMinor: 11 }]],
    ['COMPLETED', [OUT, { ...IN, account: 'c' }]],
    ['COMPENSATED', [OUT, IN]],
    ['COMPENSATED', [OUT]],
    ['REFUSED', [OUT]],
    ['EXPIRED', [OUT]],
  ])('and not when it is %s with %j', (status, moves) => {
    expect(keeps(status, ...moves)).not.toEqual([]);
  });

  test.each(['REQUESTED', 'WITHDRAWN', 'RETURNING'])('and it is left nowhere: not at %s', status => {
    expect(keeps(status, OUT)).toEqual([`transfer t: ${status}, and nothing is on its way any more`]);
  });

  test('all together: what they took from one account they gave to others', () => {
    const of = (...transactions: Omit<AccountEvidence['transactions'][number], 'id' | 'memo' | 'settled'>[]) =>
      invariants.transferredMinor({
        transactions: transactions.map(each => ({ ...each, id: 'x', memo: null, settled: true })),
      });
    const sums = [
      of({ type: 'deposited', amountMinor: 500 }, { type: 'withdrawn', amountMinor: 10, transferId: 't' }),
      of({ type: 'deposited', amountMinor: 10, transferId: 't' }),
    ] as const;
    expect(sums).toEqual([-10n, 10n]);
    expect(invariants.transfersAddUp(sums[0] + sums[1])).toEqual([]);
    expect(invariants.transfersAddUp(1n)).toEqual(['transfers have made 1']);
    expect(invariants.transfersAddUp(-7n)).toEqual(['transfers have lost 7']);
  });

  test('and what they move is not what an owner has asked an account for', () => {
    const moved = { id: 't9', type: 'deposited', amountMinor: 10, memo: null, settled: true, transferId: 't' } as const;
    const account = { ...ACCOUNT, transactions: [...TRANSACTIONS, moved] };
    expect(invariants.refusedNever(account, HISTORY)).toEqual([]);
    const { transferId: _, ...unasked } = moved;
    expect(invariants.refusedNever({ ...ACCOUNT, transactions: [...TRANSACTIONS, unasked] }, HISTORY)).not.toEqual([]);
  });
});

test('no invariant is left out here', () => {
  expect([...tried].sort()).toEqual(Object.keys(invariants).sort());
});
