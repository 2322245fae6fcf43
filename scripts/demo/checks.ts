/** Reads everything back and compares it with the books. */
import { type AccountBook, sumUp, type Totals, totalsOf } from './books.ts';
import type { Client } from './client.ts';
import * as compare from './compare.ts';
import { compareCount, compareEvents, comparePositions, foreign, type LakeEvent, totalsOfEvent } from './lake.ts';
import type { Owner } from './owners.ts';
import { type AccountSeen, type Fault, middleOf, type Overall, readAccount, readAccounts } from './read.ts';
import type { Check } from './report.ts';
import type { Watch } from './watch.ts';

/** How the whole was before the owners began. */
export type Before = { position: number; statistics: Totals[]; faults: ReadonlySet<string> };

export async function readBefore(overall: Overall): Promise<Before> {
  const [position, statistics, faults] = await Promise.all([overall.newest(), overall.statistics(), overall.faults()]);
  return { position, statistics, faults: new Set(faults.map(({ id }) => id)) };
}

type Reading = {
  client: Client;
  overall: Overall;
  operator: string;
  owners: readonly Owner[];
  step: (more?: number) => void;
};

/** What was read of each account, by its id. */
export type Seen = Map<string, AccountSeen>;

/** @returns the checks, and what was read for more of them. */
export async function checkAccounts(reading: Reading): Promise<{ checks: Check[]; seen: Seen }> {
  const { client, operator, owners, step } = reading;
  const seen: Seen = new Map();
  const parts = await Promise.all(
    owners.map(async ({ token, accounts }) => {
      const books = Object.values(accounts);
      const list = compare.compareAccounts(books, await readAccounts(client, token));
      const findings = books.map(async book => {
        const account = await readAccount(client, { owner: token, operator }, book);
        seen.set(book.id, account);
        step();
        return findingsOf(book, account);
      });
      return { list, accounts: await Promise.all(findings) };
    }),
  );
  const all = parts.flatMap(({ accounts }) => accounts);
  const check = (name: string, unit: string, findings: readonly compare.Finding[]): Check => ({
    ...{ name, unit },
    ...compare.merge(findings),
  });
  const checks = [
    check(
      'accounts',
      'accounts',
      parts.map(({ list }) => list),
    ),
    ...ACCOUNT_CHECKS.map(([key, name, unit]) =>
      check(
        name,
        unit,
        all.map(findings => findings[key]),
      ),
    ),
  ];
  return { checks, seen };
}

type AccountFindings = Record<(typeof ACCOUNT_CHECKS)[number][0], compare.Finding>;
const ACCOUNT_CHECKS = [
  ['balance', 'balances', 'balances'],
  ['past', 'balances in the past', 'balances'],
  ['ledger', 'ledgers', 'entries'],
  ['transactions', 'transactions', 'transactions'],
  ['statistics', 'statistics by account', 'statistics'],
  ['events', 'events by account', 'events'],
] as const;

function findingsOf(book: AccountBook, account: AccountSeen): AccountFindings {
  const { balance, past, ledger, transactions, statistics, events, eventsTotal } = account;
  return {
    balance: compare.compareBalance(book, balance, ledger),
    past: compare.comparePast(book, past, middleOf(book), ledger),
    ledger: compare.compareLedger(book, ledger),
    transactions: compare.compareTransactions(book, transactions),
    statistics: compare.compareStatistics(book, statistics),
    events: compareEvents(book, events, eventsTotal, ledger),
  };
}

/** The lake and the statistics as a whole, which others may have added to meanwhile. */
export async function checkOverall(
  { overall, owners, step }: Reading,
  before: Before,
  seen: Seen,
): Promise<{ checks: Check[]; foreign: number }> {
  const books = owners.flatMap(({ accounts }) => Object.values(accounts));
  const [statistics, events, faults] = await Promise.all([
    overall.statistics(),
    overall.lakeSince(before.position, step),
    overall.faults(),
  ]);
  const verification = await overall.verifyLake();
  const newest = events[0]?.position ?? before.position;
  const ledgers = new Map([...seen].map(([id, { ledger }]) => [id, ledger]));
  const others = foreign(books, events);
  const expected = sumUp([...before.statistics, ...books.map(totalsOf), ...others.flatMap(totalsOfEvent)]);
  const checks: Check[] = [
    { name: 'statistics overall', unit: 'currencies', ...compare.compareOverall(expected, sumUp(statistics)) },
    { name: 'lake, events', unit: 'events', ...compareCount(books, ledgers, events) },
    { name: 'lake, positions', unit: 'positions', ...comparePositions(events, before.position, newest) },
    { name: 'lake, hash chain', unit: 'events', ...verified(verification, newest) },
    { name: 'no faults', unit: 'events', ...withoutFaults(before, faults, events) },
  ];
  return { checks, foreign: others.length };
}

function verified(
  { valid, events, firstBadPosition }: { valid: boolean; events: number; firstBadPosition: number | null },
  newest: number,
) {
  const differences = [
    ...(valid ? [] : [`the chain is broken at position ${firstBadPosition}`]),
    ...(events < newest ? [`verified ${events} events of ${newest}`] : []),
  ];
  return { compared: events, differences };
}

function withoutFaults({ faults: known }: Before, faults: readonly Fault[], events: readonly LakeEvent[]) {
  const differences = faults
    .filter(({ id }) => !known.has(id))
    .map(({ service, eventId, error }) => `${service} set event ${eventId} aside: ${error}`);
  return { compared: events.length, differences };
}

/** What subscriptions were sent. */
export function checkStreams(watches: readonly Watch[], seen: Seen): Check {
  const findings = watches.map(({ book, seen: versions, errors }) => {
    const finding = compare.compareStream(book, versions, seen.get(book.id)?.ledger ?? []);
    return { ...finding, differences: [...errors, ...finding.differences] };
  });
  return { name: 'subscriptions', unit: 'versions', ...compare.merge(findings) };
}
