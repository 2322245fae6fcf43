import { expect, test } from 'vitest';
import { openBook } from './books.ts';
import type { ProbeKind } from './plan.ts';
import { probeOf } from './probe.ts';

const book = (name: string) => ({ ...openBook({ id: name, ownerId: 'o', name, currency: 'USD' }), amount: 70 });
const accounts = { everyday: book('everyday'), savings: book('savings') };
const input = { accountId: 'everyday', amount: 5, memo: 'coffee', idempotencyKey: '1' };
const transaction = { id: 't', type: 'DEPOSIT' as const, amount: 5, memo: 'coffee', time: '2026-01-01T00:00:00.000Z' };
const around = { foreignAccount: 'theirs', latest: { input, transaction } };

test.each<[ProbeKind, string, object]>([
  ['zero', 'BAD_USER_INPUT', { amount: 0 }],
  ['negative', 'BAD_USER_INPUT', { amount: -100 }],
  ['beyond', 'INSUFFICIENT_FUNDS', { amount: 71 }],
  ['foreign', 'NOT_FOUND', { accountId: 'theirs' }],
  ['unknown', 'NOT_FOUND', { accountId: 'everydayx' }],
  ['reused', 'IDEMPOTENCY_KEY_REUSED', { idempotencyKey: '1', amount: 6 }],
])('%s has to be refused with %s', (kind, code, changed) => {
  const probe = { key: '9', kind, type: 'DEPOSIT' as const };
  expect(probeOf(probe, accounts, around)).toMatchObject({ code, input: { idempotencyKey: '9', ...changed } });
});

test('nothing was sent before, so no key can be used again', () => {
  const probe = { key: '9', kind: 'reused' as const, type: 'DEPOSIT' as const };
  expect(probeOf(probe, accounts, { ...around, latest: undefined })).toMatchObject({ code: 'BAD_USER_INPUT' });
});
