/** What the simulated system knows, read from its store directly: the evidence for the invariants. */
import type { Event } from '../../events/event.ts';
import { groupBy } from '../../events/group.ts';
import { standingOf } from '../../subgraphs/transfer/decide.ts';
import type {
  AccountEvidence,
  LakeEvent,
  LedgerEntry,
  SystemEvidence,
  Totals,
  Transaction,
  TransferEvidence,
} from '../invariants.ts';
import type { Doc } from './documents.ts';
import type { Store } from './mongo.ts';
import { ALL_SERVICES } from './scenario.ts';

type StoredEvent = { id: string; type: string; subject?: string; data: Record<string, unknown> };

const UNSETTLED = Number.MAX_SAFE_INTEGER;

const eventOf = (row: Doc) => row.event as StoredEvent;
const byVersion = (a: Doc, b: Doc) => Number(a.version) - Number(b.version);

export function accountsOf(store: Store): AccountEvidence[] {
  return store
    .rows('account.events')
    .filter(row => row.owner !== undefined)
    .map(row => accountOf(store, row))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function accountOf(store: Store, opening: Doc): AccountEvidence {
  const id = opening._id;
  const shown = store.of('account.accounts').rows.get(id);
  return {
    id,
    owner: String(opening.owner),
    balance: { version: Number(shown?.version ?? 0), amountMinor: Number(shown?.amountMinor ?? 0) },
    transactions: store
      .rows('account.events')
      .filter(({ account }) => account === id)
      .map(row => transactionOf(row, Number(shown?.version ?? 0)))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
    ledger: store
      .rows('balance.events')
      .filter(({ chain }) => chain === id)
      .sort(byVersion)
      .map(ledgerEntryOf),
    lake: store
      .rows('lake.lake')
      .filter(row => eventOf(row).subject === id)
      .sort(byVersion)
      .map(lakeEventOf),
    statistics: totalsOf(store.rows('reporting.statistics').filter(({ account }) => account === id)),
  };
}

function transactionOf(row: Doc, shownVersion: number): Transaction {
  const { id, type, data } = eventOf(row);
  return {
    id,
    type: type === 'withdrawn' ? 'withdrawn' : 'deposited',
    amountMinor: Number(data.amountMinor),
    memo: typeof data.memo === 'string' ? data.memo : null,
    settled: row.settled !== UNSETTLED && Number(row.settled) <= shownVersion,
    ...(typeof data.transferId === 'string' && { transferId: data.transferId }),
  };
}

/** Every transfer, with what the lake has of it, in the order of their ids. */
export function transfersOf(store: Store): TransferEvidence[] {
  const record = store.rows('transfer.events').flatMap(row => (row.event ? [row.event as Event] : []));
  const decided = groupBy(record, ({ subject }) => subject ?? '');
  const moves = groupBy(
    store
      .rows('lake.lake')
      .map(eventOf)
      .filter(({ data }) => typeof data.transferId === 'string' && 'amountMinor' in data),
    ({ data }) => data.transferId,
  );
  return record
    .filter(({ type }) => type === 'transfer-requested')
    .map(event => {
      const { fromAccountId, toAccountId, amountMinor } = event.data as Record<string, string | number>;
      return {
        ...{ id: event.id, from: String(fromAccountId), to: String(toAccountId), amountMinor: Number(amountMinor) },
        status: standingOf(event, decided.get(event.id) ?? []).status,
        moves: (moves.get(event.id) ?? []).map(({ type, subject = '', data }) => ({
          ...{ type, account: subject, amountMinor: Number(data.amountMinor) },
        })),
      };
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function ledgerEntryOf(row: Doc): LedgerEntry {
  const { version, amountMinor, balanceMinor, eventId, eventType } = eventOf(row).data;
  return {
    version: Number(version),
    amountMinor: Number(amountMinor),
    balanceMinor: Number(balanceMinor),
    eventId: String(eventId),
    eventType: String(eventType),
  };
}

function lakeEventOf(row: Doc): LakeEvent {
  const { id, type, data } = eventOf(row);
  return { id, type, position: Number(row.version), data };
}

function totalsOf(rows: readonly Doc[]): Totals {
  const sum = (name: string) => rows.reduce((total, row) => total + Number(row[name]), 0);
  return {
    accounts: sum('accounts'),
    deposits: sum('deposits'),
    withdrawals: sum('withdrawals'),
    depositedMinor: sum('depositedMinor'),
    withdrawnMinor: sum('withdrawnMinor'),
    largestMinor: rows.reduce((largest, row) => Math.max(largest, Number(row.largestMinor)), 0),
  };
}

const outboxRows = (store: Store, service: string) =>
  store.rows(`${service}.events`).filter(row => row.event !== undefined);

/** @param hashAfter the lake's own, so that its chain is computed anew. */
export function systemOf(
  store: Store,
  hashAfter: (previous: string, event: never) => string,
  genesis: string,
): SystemEvidence {
  const lake = store.rows('lake.lake').sort(byVersion);
  let hash = genesis;
  const bad = lake.findIndex((row, index) => {
    hash = hashAfter(hash, row.event as never);
    return row.version !== index + 1 || row.hash !== hash || row._id !== eventOf(row).id;
  });
  const count = (types: readonly string[]) => {
    const counts: Record<string, number> = {};
    for (const type of types) counts[type] = (counts[type] ?? 0) + 1;
    return counts;
  };
  const faults = lake.filter(row => eventOf(row).type === 'fault').map(row => eventOf(row).data);
  return {
    verification: { valid: bad < 0, events: lake.length, firstBadPosition: bad < 0 ? null : bad + 1 },
    lakeTypes: count(lake.map(row => eventOf(row).type)),
    emitted: count(ALL_SERVICES.flatMap(service => outboxRows(store, service)).map(row => eventOf(row).type)),
    outboxes: ALL_SERVICES.map(service => ({ service, pending: pendingOf(store, service).length, oldestSeconds: 0 })),
    faults: faults.map(({ service, eventId, error }) => ({
      service: String(service),
      eventId: String(eventId),
      error: String(error),
    })),
  };
}

export const pendingOf = (store: Store, service: string): Doc[] =>
  outboxRows(store, service).filter(({ pending }) => pending !== undefined);

/** What is still to be done before the system has come to rest; empty when it has. */
export function unrest(store: Store): string[] {
  const emitted = ALL_SERVICES.reduce((sum, service) => sum + outboxRows(store, service).length, 0);
  const stored = store.of('lake.lake').rows.size;
  const pending = ALL_SERVICES.flatMap(service =>
    pendingOf(store, service).map(({ _id }) => `${service}: ${_id} is pending`),
  );
  const replays = store.rows('lake.replays').filter(({ status }) => status === 'PLANNED' || status === 'RUNNING');
  return [
    ...pending,
    ...(stored < emitted ? [`the lake has ${stored} of ${emitted} events`] : []),
    ...replays.map(({ _id, status }) => `replay ${_id} is ${status}`),
    ...transfersOf(store).flatMap(({ id, status }) =>
      ['REQUESTED', 'WITHDRAWN', 'RETURNING'].includes(status) ? [`transfer ${id} is ${status}`] : [],
    ),
    ...accountsOf(store).flatMap(({ id, transactions, ledger, balance, statistics }) => {
      const counted = statistics.deposits + statistics.withdrawals;
      const rest = [ledger.length, balance.version, counted, transactions.filter(({ settled }) => settled).length];
      return rest.every(count => count >= transactions.length) && statistics.accounts > 0
        ? []
        : [`${id}: of ${transactions.length} transactions, ledger/shown/counted/settled have ${rest}`];
    }),
  ];
}
