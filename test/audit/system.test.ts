import { expect, test } from 'vitest';
import { OutOfReach } from '../../scripts/demo/client.ts';
import { auditSystem, lakeHoldsEveryOutbox } from '../invariants.ts';
import type { EvidenceClient } from './client.ts';
import { noCounts, plusCounts, systemOf } from './system.ts';

const FAULTS = [
  { service: 'balance', eventId: 't1', error: 'no', state: 'OPEN' },
  { service: 'balance', eventId: 't2', error: 'no', state: 'RESUBMITTED' },
];
const HELD: Record<string, number> = { deposited: 3, fault: 2, gift: 4 };
const VERIFIED = { valid: true, events: 9, head: 'abc', firstBadPosition: null };

/** A lake with a type of a service that was added later. */
function lake(verify: () => unknown = () => VERIFIED): EvidenceClient {
  const answer = async (query: string, { types = [] }: { types?: string[] } = {}) => {
    if (query.includes('Types')) return { eventTypes: [{ type: 'deposited' }, { type: 'gift' }] };
    if (query.includes('Count')) return { events: { totalCount: HELD[types[0] ?? ''] ?? 0 } };
    if (query.includes('Verify')) return { verifyLake: verify() };
    return { faults: { nodes: FAULTS, pageInfo: { hasNextPage: false, endCursor: 'x' } } };
  };
  const parts = async () => ({
    mongodb: { state: 'ok' },
    balance: { state: 'ok', outbox: { pending: 1, oldestSeconds: 2 } },
  });
  // What is asked decides the type of the answer, which no stand-in can say.
  return { get: answer, once: answer, parts } as unknown as EvidenceClient;
}

test('the whole is what the lake has of each type, against what the accounts have emitted', async () => {
  const system = await systemOf(lake(), { ...noCounts(), deposited: 3 });
  expect(system.lakeTypes).toMatchObject({ deposited: 3, withdrawn: 0, fault: 2, gift: 4 });
  expect(system.verification).toEqual(VERIFIED);
  expect(system.outboxes).toEqual([{ service: 'balance', pending: 1, oldestSeconds: 2 }]);
  // A type of a service that was added later is taken as the lake has it; a fault that was resubmitted is not open.
  expect(lakeHoldsEveryOutbox(system)).toEqual([]);
  expect(auditSystem(system, 5)).toEqual(['balance set aside t1: no']);
});

test('what no account has emitted is found', async () => {
  expect(lakeHoldsEveryOutbox(await systemOf(lake(), noCounts()))).toEqual([
    'deposited: 0 were emitted, the lake holds 3',
  ]);
});

test('a lake that cannot be verified is said to be that', async () => {
  const late = () => {
    throw new OutOfReach('too late');
  };
  await expect(systemOf(lake(late), noCounts())).rejects.toThrow(/could not be verified within one request: too late/);
});

test('an account emits its opening, its transactions, a balance for each, and its overdrafts', () => {
  const entry = (amountMinor: number, balanceMinor: number) => ({
    ...{ version: 1, eventId: 't', eventType: 'x', amountMinor, balanceMinor },
  });
  const transaction = (type: 'deposited' | 'withdrawn') => ({
    ...{ id: 't', type, amountMinor: 1, memo: null, settled: true },
  });
  const account = {
    ...{ id: 'a', owner: 'o', balance: { version: 0, amountMinor: 0 }, lake: [] },
    transactions: [transaction('deposited'), transaction('withdrawn'), transaction('withdrawn')],
    ledger: [entry(1, 1), entry(-2, -1), entry(1, -1)],
    statistics: { accounts: 1, deposits: 0, withdrawals: 0, depositedMinor: 0, withdrawnMinor: 0, largestMinor: 0 },
  };
  const once = { 'account-opened': 1, deposited: 1, withdrawn: 2, 'balance-updated': 3, overdrawn: 1 };
  expect(plusCounts(noCounts(), account)).toEqual(once);
  expect(plusCounts(once, account)).toMatchObject({ 'account-opened': 2, withdrawn: 4, overdrawn: 2 });
});
