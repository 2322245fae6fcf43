/** Holds accounts, one by one, and then the system to the invariants, and remembers how much was checked. */
import {
  type AccountEvidence,
  appliedOnceEverywhere,
  balanceIsSum,
  lakeHoldsEveryOutbox,
  lakeIsValid,
  lakeIsWhole,
  noFaults,
  outboxesMove,
  type SystemEvidence,
  type TransferEvidence,
  transferKeepsMoney,
  transferredMinor,
  transfersAddUp,
  type Violations,
  versionsWithoutGaps,
} from '../invariants.ts';

/** One invariant: how much was held to it, by what was counted, and what contradicts it. */
export type Check = {
  name: string;
  checked: Record<string, number>;
  /** False when nothing of it was shown, so that nothing could contradict it. */
  seen: boolean;
  /** The first ones. */
  violations: Violations;
  /** How many there are, as far as the invariants tell. */
  count: number;
};

const KEPT_MAX = 10;

type AccountCheck = {
  name: string;
  /** @param types what services emit, or have ever emitted. */
  check: (account: AccountEvidence, types: ReadonlySet<string>) => Violations;
  /** What of an account is counted. */
  unit: 'entries' | 'transactions' | 'events';
};

const ACCOUNT_CHECKS: readonly AccountCheck[] = [
  { name: 'versions without gaps', check: versionsWithoutGaps, unit: 'entries' },
  { name: 'the balance is the sum', check: balanceIsSum, unit: 'entries' },
  { name: 'applied once everywhere', check: appliedOnceEverywhere, unit: 'transactions' },
  { name: 'the lake is whole', check: lakeIsWhole, unit: 'events' },
];

const SIZES = {
  entries: ({ ledger }: AccountEvidence) => ledger.length,
  transactions: ({ transactions }: AccountEvidence) => transactions.length,
  events: ({ lake }: AccountEvidence) => lake.length,
};

export type AccountTally = {
  /** Holds one more account to what is true of each. */
  add(account: AccountEvidence): void;
  checks(): readonly Check[];
};

/** @param types what services emit, or have ever emitted, as `emittedTypes` has it. */
export function accountTally(types: ReadonlySet<string> = new Set()): AccountTally {
  const all = ACCOUNT_CHECKS.map(({ name, check, unit }) => ({
    ...{ check, unit },
    result: newCheck(name, { accounts: 0, [unit]: 0 }),
  }));
  return {
    checks: () => all.map(({ result }) => result),
    add(account) {
      for (const { check, unit, result } of all) {
        more(result, 'accounts', 1);
        more(result, unit, SIZES[unit](account));
        note(
          result,
          check(account, types).map(violation => `account ${account.id}: ${violation}`),
        );
      }
    },
  };
}

/** Holds transfers to what is true of each, and all of them together, as the accounts tell. */
export function transferTally() {
  const each = newCheck('each transfer keeps money', { transfers: 0 });
  let sumMinor = 0n;
  let transactions = 0;
  return {
    addAccount(account: AccountEvidence): void {
      sumMinor += transferredMinor(account);
      transactions += account.transactions.filter(({ transferId }) => transferId !== undefined).length;
    },
    addTransfer(transfer: TransferEvidence): void {
      more(each, 'transfers', 1);
      note(each, transferKeepsMoney(transfer));
    },
    checks: (): Check[] => [
      each,
      { ...newCheck('all transfers add up to nothing', { transactions }), ...found(transfersAddUp(sumMinor)) },
    ],
  };
}

/** @param oldestSecondsMax how long something may wait in an outbox. */
export function systemChecks(system: SystemEvidence, oldestSecondsMax: number): Check[] {
  const { verification, lakeTypes, outboxes, faults } = system;
  const types = Object.keys(lakeTypes).length;
  return [
    { ...newCheck("the lake's chain is valid", { events: verification.events }), ...found(lakeIsValid(system)) },
    {
      ...newCheck('the lake holds what was emitted', { types, events: verification.events }),
      ...found(lakeHoldsEveryOutbox(system)),
    },
    {
      ...newCheck('outboxes are relayed', { 'outboxes seen': outboxes.length }),
      seen: outboxes.length > 0,
      ...found(outboxesMove(system, oldestSecondsMax)),
    },
    { ...newCheck('no faults', { 'open faults': faults.length }), ...found(noFaults(system)) },
  ];
}

export const passed = (checks: readonly Check[]): boolean => checks.every(({ count }) => count === 0);

const newCheck = (name: string, checked: Check['checked']): Check => ({
  ...{ name, checked, seen: true },
  ...{ violations: [], count: 0 },
});

const found = (violations: Violations) => ({ violations: violations.slice(0, KEPT_MAX), count: violations.length });

function more(check: Check, unit: string, size: number): void {
  check.checked[unit] = (check.checked[unit] ?? 0) + size;
}

function note(check: Check, violations: Violations): void {
  check.count += violations.length;
  check.violations.push(...violations.slice(0, KEPT_MAX - check.violations.length));
}
