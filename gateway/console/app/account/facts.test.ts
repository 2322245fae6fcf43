import { describe, expect, test } from 'vitest';
import {
  type AccountView,
  type Entry,
  forgottenPending,
  type Page,
  renewed,
  type Transaction,
  withEarlier,
  withOlder,
  withTransaction,
} from './facts.ts';

const timeOf = (at: number) => `2026-01-01T00:00:${String(at).padStart(2, '0')}.000Z`;
const transaction = (at: number, status: Transaction['status'] = 'SETTLED'): Transaction => ({
  id: `t${at}`,
  type: 'DEPOSIT',
  amount: at,
  memo: null,
  time: timeOf(at),
  status,
  transferId: null,
});
const entry = (version: number): Entry => ({
  version,
  amount: 1,
  balance: version,
  time: timeOf(version),
  eventId: `t${version}`,
  eventType: 'deposited',
});
const page = <Node>(nodes: Node[], more = false, endCursor = 'c'): Page<Node> => ({
  nodes,
  pageInfo: { hasNextPage: more, endCursor },
});

const view = (
  version: number,
  transactions: Page<Transaction>,
  ledger: Page<Entry> = page<Entry>([]),
): AccountView => ({
  id: 'a',
  ownerId: 'alice',
  name: 'Everyday',
  currency: 'USD',
  openedAt: timeOf(0),
  balance: { amount: version * 100, version, asOf: null },
  transactions,
  ledger,
});
const ids = ({ transactions }: AccountView) => transactions.nodes.map(({ id }) => id);
const versions = ({ ledger }: AccountView) => ledger.nodes.map(({ version }) => version);

describe('what is known of an account', () => {
  test('is the first answer, and the newest balance of all answers, in whatever order they come', () => {
    const first = view(2, page([]));
    expect(renewed(undefined, first)).toBe(first);
    expect(renewed(first, view(3, page([]))).balance.version).toBe(3);
    expect(renewed(view(3, page([])), first).balance.version).toBe(3);
  });

  test('keeps older pages behind the newest one when the two meet', () => {
    const known = view(
      3,
      page([transaction(3), transaction(2), transaction(1)], true, 'old'),
      page([entry(3), entry(2), entry(1)], true, 'old'),
    );
    const after = renewed(
      known,
      view(4, page([transaction(4), transaction(3)], true, 'new'), page([entry(4), entry(3)], true, 'new')),
    );
    expect(ids(after)).toEqual(['t4', 't3', 't2', 't1']);
    expect(versions(after)).toEqual([4, 3, 2, 1]);
    expect(after.transactions.pageInfo).toEqual({ hasNextPage: true, endCursor: 'old' });
  });

  test('leaves out what lies beyond a gap, to be asked for again', () => {
    const known = view(2, page([transaction(2), transaction(1)]), page([entry(2), entry(1)]));
    const after = renewed(
      known,
      view(9, page([transaction(9), transaction(8)], true, 'new'), page([entry(9), entry(8)], true, 'new')),
    );
    expect(ids(after)).toEqual(['t9', 't8']);
    expect(versions(after)).toEqual([9, 8]);
    expect(after.ledger.pageInfo).toEqual({ hasNextPage: true, endCursor: 'new' });
  });

  test('does not lose what is newer than a late answer', () => {
    const known = view(5, page([transaction(5), transaction(4)], true), page([entry(5), entry(4)], true));
    const after = renewed(
      known,
      view(4, page([transaction(4), transaction(3)], true), page([entry(4), entry(3)], true)),
    );
    expect(ids(after)).toEqual(['t5', 't4', 't3']);
    expect(versions(after)).toEqual([5, 4, 3]);
  });

  test('shows a transaction at once, and never as pending again after it has settled', () => {
    const pending = withTransaction(view(1, page([transaction(1)])), transaction(2, 'PENDING'));
    expect(ids(pending)).toEqual(['t2', 't1']);
    const settled = renewed(pending, view(2, page([transaction(2), transaction(1)])));
    expect(settled.transactions.nodes[0]?.status).toBe('SETTLED');
    expect(renewed(settled, pending).transactions.nodes[0]?.status).toBe('SETTLED');
    expect(withTransaction(settled, transaction(2, 'PENDING')).transactions.nodes[0]?.status).toBe('SETTLED');
  });

  test('grows at the end by the pages that follow', () => {
    const known = view(4, page([transaction(4), transaction(3)], true, 'a'), page([entry(4), entry(3)], true, 'a'));
    const more = withEarlier(
      withOlder(known, page([transaction(2), transaction(1)], false, 'b')),
      page([entry(2), entry(1)], false, 'b'),
    );
    expect(ids(more)).toEqual(['t4', 't3', 't2', 't1']);
    expect(versions(more)).toEqual([4, 3, 2, 1]);
    expect(more.transactions.pageInfo).toEqual({ hasNextPage: false, endCursor: 'b' });
  });

  test('says when something pending lies where answers about the newest do not reach', () => {
    const known = view(3, page([transaction(3), transaction(2, 'PENDING')]));
    expect(forgottenPending(known, 1)).toBe(true);
    expect(forgottenPending(known, 2)).toBe(false);
  });
});
