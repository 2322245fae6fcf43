import { expect, test } from 'vitest';
import type { AccountEvidence, SystemEvidence } from '../invariants.ts';
import { auditAccount, auditSystem } from '../invariants.ts';
import { accountTally, passed, systemChecks, transferTally } from './checks.ts';
import { report, reportJson } from './report.ts';

const ENTRY = { version: 1, amountMinor: 5, balanceMinor: 5, eventId: 't', eventType: 'deposited' };
const SOUND: AccountEvidence = {
  ...{ id: 'a', owner: 'alice' },
  balance: { version: 1, amountMinor: 5 },
  transactions: [{ id: 't', type: 'deposited', amountMinor: 5, memo: null, settled: true }],
  ledger: [ENTRY],
  lake: [
    { id: 'a', type: 'account-opened', position: 1, data: { ownerId: 'alice' } },
    { id: 't', type: 'deposited', position: 2, data: { amountMinor: 5 } },
    { id: 'b', type: 'balance-updated', position: 3, data: ENTRY },
  ],
  statistics: { accounts: 1, deposits: 1, withdrawals: 0, depositedMinor: 5, withdrawnMinor: 0, largestMinor: 5 },
};
const BROKEN: AccountEvidence = {
  ...{ ...SOUND, balance: { version: 9, amountMinor: 9 }, lake: [], ledger: [{ ...ENTRY, version: 2 }] },
  statistics: { ...SOUND.statistics, accounts: 0 },
};
const SYSTEM: SystemEvidence = {
  verification: { valid: true, events: 3, firstBadPosition: null },
  ...{ lakeTypes: { deposited: 3 }, emitted: { deposited: 3 } },
  outboxes: [{ service: 'account', pending: 0, oldestSeconds: 0 }],
  faults: [],
};
const BROKEN_SYSTEM: SystemEvidence = {
  verification: { valid: false, events: 3, firstBadPosition: 2 },
  ...{ lakeTypes: { deposited: 3 }, emitted: { deposited: 4 } },
  outboxes: [{ service: 'account', pending: 2, oldestSeconds: 60 }],
  faults: [{ service: 'balance', eventId: 't', error: 'no' }],
};

function checksOf(accounts: readonly AccountEvidence[], system: SystemEvidence) {
  const tally = accountTally();
  for (const account of accounts) tally.add(account);
  return [...tally.checks(), ...systemChecks(system, 30)];
}

const lake = { events: 1_234, head: 'abc' };
const show = (accounts: readonly AccountEvidence[], system: SystemEvidence) =>
  report({ url: 'http://bank.test', lake, checks: checksOf(accounts, system) }, false);

test('a line says of each invariant how much was held to it', () => {
  const lines = show([SOUND, { ...SOUND, id: 'a' }], SYSTEM).split('\n');
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}versions without gaps +2 accounts, 2 entries +ok$/));
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}the lake is whole +2 accounts, 6 events +ok$/));
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}no faults +0 open faults +ok$/));
  expect(lines).toContain('  The lake holds 1,234 events; its head is abc.');
  expect(lines).toContain('  PASS: all 8 invariants');
});

test('what there is one of is said as one', () => {
  const one: AccountEvidence = { ...SOUND, lake: SOUND.lake.slice(0, 1) };
  const system: SystemEvidence = {
    ...{ ...SYSTEM, faults: BROKEN_SYSTEM.faults },
    verification: { valid: true, events: 1, firstBadPosition: null },
  };
  const tally = transferTally();
  tally.addAccount({ ...SOUND, transactions: SOUND.transactions.map(each => ({ ...each, transferId: 'x' })) });
  tally.addTransfer({ id: 'x', from: 'a', to: 'b', amountMinor: 5, status: 'REFUSED', moves: [] });
  const rest = { name: 'everything comes to rest', checked: { seconds: 1 }, seen: true, violations: [], count: 0 };
  const checks = [...checksOf([one], system), ...tally.checks(), rest];
  const lines = report({ url: 'http://bank.test', lake: { events: 1, head: 'abc' }, checks }, false).split('\n');
  const checked = lines.flatMap(line => / {3,}(1 .*?) {3,}/.exec(line)?.[1] ?? []);
  expect(checked).toEqual([
    ...['1 account, 1 entry', '1 account, 1 entry', '1 account, 1 transaction', '1 account, 1 event'],
    ...['1 event', '1 type, 1 event', '1 outbox seen', '1 open fault', '1 transfer', '1 transaction', '1 second'],
  ]);
  expect(lines).toContain('  The lake holds 1 event; its head is abc.');
});

test('what could not be seen is not said to be right, and is no violation', () => {
  const checks = checksOf([SOUND], { ...SYSTEM, outboxes: [] });
  const text = report({ url: 'http://bank.test', lake, checks }, false);
  expect(text).toMatch(/^ {2}outboxes are relayed +0 outboxes seen +not seen$/m);
  expect(text).toContain('PASS: 7 of 8 invariants; 1 not seen');
  expect(checks.filter(({ seen }) => !seen).map(({ name }) => name)).toEqual(['outboxes are relayed']);
  expect(passed(checks)).toBe(true);
});

test('no invariant is left out: all that contradicts one is counted', () => {
  const checks = checksOf([BROKEN], BROKEN_SYSTEM);
  expect(checks.filter(({ count }) => count === 0)).toEqual([]);
  const all = [...auditAccount(BROKEN), ...auditSystem(BROKEN_SYSTEM, 30)];
  expect(checks.reduce((sum, { count }) => sum + count, 0)).toBe(all.length);
  expect(show([BROKEN], BROKEN_SYSTEM)).toContain('FAIL: 8 of 8 invariants');
});

test('the first violations are shown in full, and how many more there are', () => {
  const accounts = Array.from({ length: 12 }, (_, at) => ({ ...SOUND, id: `a${at}`, balance: BROKEN.balance }));
  const text = show(accounts, SYSTEM);
  expect(text).toMatch(/the balance is the sum +12 accounts, 12 entries +12 violations\n {6}account a0: shown is/);
  expect(text).toContain('account a9: shown');
  expect(text).not.toContain('account a10: shown');
  expect(text).toContain('and 2 more');
});

test('programs get the same', () => {
  const checks = checksOf([SOUND], BROKEN_SYSTEM);
  expect(passed(checks)).toBe(false);
  expect(JSON.parse(reportJson({ url: 'http://bank.test', lake, checks }))).toEqual({
    ...{ passed: false, url: 'http://bank.test', lake },
    checks: JSON.parse(JSON.stringify(checks)),
  });
});
