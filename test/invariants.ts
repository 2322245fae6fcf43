/**
 * What is always true of the system, one function each: pure, from evidence to what contradicts it. The evidence may come
 * from a running system over its public API (`npm run audit`, `npm run faults`) or from a simulated one.
 *
 * The evidence of one account is looked at alone, so that a system of any size is audited in bounded memory.
 */

// ---- evidence -----------------------------------------------------------------------------------------------------

/** One request of a client, and what it was told: `unknown` when no answer came, or one that says nothing of the outcome. */
export type Operation = {
  kind: 'open' | 'deposit' | 'withdraw' | 'transfer';
  owner: string;
  /** The idempotency key; also the transaction's memo, so that an event says which request it comes from. */
  key: string;
  /** Absent where the account is what was asked for. Of a transfer, the one that it comes from. */
  account?: string;
  /** The account that a transfer goes to. */
  to?: string;
  amountMinor: number;
  outcome: 'ok' | 'refused' | 'unknown';
  /** How many answers the history had when this was asked. Absent: all those before it. */
  since?: number;
  /** With `refused`. */
  code?: string;
  /** With `ok`: the event's id, which for `open` is the account's. */
  eventId?: string;
};

export type Transaction = {
  id: string;
  type: 'deposited' | 'withdrawn';
  amountMinor: number;
  memo: string | null;
  settled: boolean;
  /** Of a transfer's: nobody has asked for it by itself. */
  transferId?: string;
};

export type LedgerEntry = {
  version: number;
  /** Signed. */
  amountMinor: number;
  balanceMinor: number;
  eventId: string;
  eventType: string;
};

export type LakeEvent = { id: string; type: string; position: number; data: Readonly<Record<string, unknown>> };

export type Totals = {
  accounts: number;
  deposits: number;
  withdrawals: number;
  depositedMinor: number;
  withdrawnMinor: number;
  largestMinor: number;
};

/** Everything that the services know of one account; lists are whole, and oldest first where they have an order. */
export type AccountEvidence = {
  id: string;
  owner: string;
  balance: { version: number; amountMinor: number };
  transactions: readonly Transaction[];
  ledger: readonly LedgerEntry[];
  /** Every event in the lake whose subject the account is. */
  lake: readonly LakeEvent[];
  statistics: Totals;
};

/** One transfer, and the transactions that the lake has of it. */
export type TransferEvidence = {
  id: string;
  from: string;
  to: string;
  amountMinor: number;
  status: string;
  moves: readonly { type: string; account: string; amountMinor: number }[];
};

/** What one subscription to an account's balance was sent. */
export type Watch = {
  account: string;
  versions: readonly number[];
  /** It was still open when the system had come to rest, so it must have seen the last version. */
  toTheEnd: boolean;
};

/** That `asker` received something of an account. */
export type Sight = { asker: string; operator: boolean; account: string; owner: string };

export type Outbox = { service: string; pending: number; oldestSeconds: number };

export type SystemEvidence = {
  verification: { valid: boolean; events: number; firstBadPosition: number | null };
  /** How many events the lake holds by type. */
  lakeTypes: Readonly<Record<string, number>>;
  /** Events of each type that the outboxes of their services hold, as far as it can be seen. */
  emitted: Readonly<Record<string, number>>;
  outboxes: readonly Outbox[];
  /** Open faults that nothing in the test has caused. */
  faults: readonly { service: string; eventId: string; error: string }[];
};

/** What contradicts an invariant, in words. */
export type Violations = string[];

/** Of one kind and account. */
const SHOWN_MAX = 5;

// ---- one account, and what its clients were told --------------------------------------------------------------------

/** Every acknowledged mutation is exactly one event: under the id that was acknowledged, with what was asked for. */
export function acknowledgedOnce({ id, transactions }: AccountEvidence, history: readonly Operation[]): Violations {
  const byId = new Map(transactions.map(transaction => [transaction.id, transaction]));
  const acknowledged = history.filter(
    ({ account, kind, outcome }) => account === id && isTransaction(kind) && outcome === 'ok',
  );
  const wrong = acknowledged.flatMap(({ key, kind, eventId = '', amountMinor }) => {
    const found = byId.get(eventId);
    if (!found) return [`${key}: acknowledged as ${eventId}, which is not there`];
    const same = found.type === typeOf(kind) && found.amountMinor === amountMinor && found.memo === key;
    return same ? [] : [`${key}: ${kind} of ${amountMinor} was acknowledged, stored is ${JSON.stringify(found)}`];
  });
  return [
    ...wrong,
    ...twice(
      'event id',
      transactions.map(transaction => transaction.id),
    ),
  ];
}

/** What nobody asked for, or what was refused, is no event; and no key is two. */
export function refusedNever({ id, transactions }: AccountEvidence, history: readonly Operation[]): Violations {
  const asked = (type: Transaction['type'], amountMinor: number, key: string) => `${type} ${amountMinor} ${key}`;
  const possible = new Set(
    history
      .filter(({ account, kind, outcome }) => account === id && isTransaction(kind) && outcome !== 'refused')
      .map(({ kind, amountMinor, key }) => asked(typeOf(kind), amountMinor, key)),
  );
  const own = transactions.filter(({ transferId }) => transferId === undefined);
  const stray = own.filter(
    ({ type, amountMinor, memo }) => memo === null || !possible.has(asked(type, amountMinor, memo)),
  );
  return [
    ...stray.map(transaction => `${JSON.stringify(transaction)}: nobody has asked for it, or it was refused`),
    ...twice(
      'key',
      own.flatMap(({ memo }) => memo ?? []),
    ),
  ];
}

/** The same key is the same event for ever; with another body it is an error, and no event. */
export function sameKeySameEvent(history: readonly Operation[]): Violations {
  const first = new Map<string, { before: Operation; place: number }>();
  return history.flatMap((operation, place) => {
    const { owner, key, outcome, code, kind, amountMinor, account, to, eventId, since = place } = operation;
    const name = `${owner} ${key}`;
    const known = first.get(name);
    if (!known) {
      if (outcome === 'ok') first.set(name, { before: operation, place });
      return [];
    }
    const { before } = known;
    // Asked before the other had its answer, it may have been refused before the other was accepted.
    const beside = since <= known.place;
    if (outcome === 'unknown' || (outcome === 'refused' && beside)) return [];
    const sameBody =
      before.kind === kind &&
      before.amountMinor === amountMinor &&
      (kind === 'open' || (before.account === account && before.to === to));
    if (!sameBody) {
      if (outcome === 'refused' && code === 'IDEMPOTENCY_KEY_REUSED') return [];
      return [`${key}: used again for something else, answered ${outcome} ${code ?? eventId}`];
    }
    if (outcome === 'ok' && eventId === before.eventId) return [];
    return [`${key}: asked again, answered ${outcome} ${code ?? eventId} after ${before.eventId}`];
  });
}

/** Every account that was acknowledged is there, once; and no two keys are one account. */
export function accountsOnce(
  accounts: readonly { id: string; owner: string }[],
  history: readonly Operation[],
): Violations {
  const byId = new Map(accounts.map(account => [account.id, account]));
  const opened = history.filter(({ kind, outcome }) => kind === 'open' && outcome === 'ok');
  const missing = opened.filter(({ eventId = '', owner }) => byId.get(eventId)?.owner !== owner);
  const byKey = new Map(opened.map(({ owner, key, eventId = '' }) => [`${owner} ${key}`, eventId]));
  return [
    ...missing.map(({ key, eventId }) => `${key}: account ${eventId} was acknowledged and is not there`),
    ...twice(
      'account',
      accounts.map(({ id }) => id),
    ),
    ...twice('as the answer to another key, account', [...byKey.values()]),
  ];
}

// ---- one account, whoever moved it ----------------------------------------------------------------------------------

/** Versions are 1, 2, 3, ... without gaps, and each event has one. */
export function versionsWithoutGaps({ ledger }: AccountEvidence): Violations {
  const gaps = ledger.flatMap(({ version }, index) =>
    version === index + 1 ? [] : [`version ${version} stands where ${index + 1} should`],
  );
  return [
    ...gaps.slice(0, SHOWN_MAX),
    ...twice(
      'ledger entry for',
      ledger.map(({ eventId }) => eventId),
    ),
  ];
}

/** The balance at a version is the sum of the amounts up to it; and the balance that clients see is the last one. */
export function balanceIsSum({ ledger, balance }: AccountEvidence): Violations {
  let sum = 0;
  const wrong = ledger.flatMap(({ version, amountMinor, balanceMinor }) => {
    sum += amountMinor;
    return sum === balanceMinor ? [] : [`balance at version ${version} is ${balanceMinor}, the amounts make ${sum}`];
  });
  const shown = balance.version === ledger.length && balance.amountMinor === sum;
  if (!shown) wrong.unshift(`shown is ${JSON.stringify(balance)}, the ledger ends with ${sum} at ${ledger.length}`);
  return wrong.slice(0, SHOWN_MAX);
}

/** Balance, account, reporting and lake have each applied exactly the account's events, each once. */
export function appliedOnceEverywhere(account: AccountEvidence): Violations {
  const { transactions, ledger, lake, statistics } = account;
  const signed = (type: string, id: string, amountMinor: number) => `${type} ${id} ${amountMinor}`;
  const made = transactions.map(({ type, id, amountMinor }) =>
    signed(type, id, type === 'withdrawn' ? -amountMinor : amountMinor),
  );
  const counted = ledger.map(({ eventType, eventId, amountMinor }) => signed(eventType, eventId, amountMinor));
  const kept = lake.flatMap(({ type, id, data }) => {
    const amountMinor = Number(data.amountMinor);
    if (type === 'deposited') return [signed(type, id, amountMinor)];
    return type === 'withdrawn' ? [signed(type, id, -amountMinor)] : [];
  });
  const unsettled = transactions.filter(({ settled }) => !settled).map(({ id }) => `${id} is not settled`);
  const difference = totalsDiffer(totalsOf(transactions), statistics);
  return [
    ...multisets('ledger', made, counted),
    ...multisets('lake', made, kept),
    ...unsettled.slice(0, SHOWN_MAX),
    ...difference,
  ];
}

/** What is told about accounts in any system; services that are added tell of more. */
const OWN_TYPES = ['account-opened', 'deposited', 'withdrawn', 'balance-updated', 'overdrawn', 'fault'];

/**
 * The lake holds what was told about the account (its opening, each balance, each overdraft), and nothing that nobody tells.
 *
 * @param types what services emit, or have ever emitted; beside those that there are in any system.
 */
export function lakeIsWhole(
  { id, owner, ledger, lake }: AccountEvidence,
  types: ReadonlySet<string> = new Set(),
): Violations {
  const told = (type: string) => lake.filter(event => event.type === type);
  const key = (...parts: unknown[]) => parts.join(' ');
  const expectedOverdrafts = ledger.filter(({ amountMinor, balanceMinor }) => amountMinor < 0 && balanceMinor < 0);
  const known = (type: string) => OWN_TYPES.includes(type) || types.has(type);
  return [
    ...multisets(
      'opening in the lake',
      [key(id, owner)],
      told('account-opened').map(event => key(event.id, event.data.ownerId)),
    ),
    ...multisets(
      'balance in the lake',
      ledger.map(entry => key(entry.version, entry.eventType, entry.eventId, entry.amountMinor, entry.balanceMinor)),
      told('balance-updated').map(({ data }) =>
        key(data.version, data.eventType, data.eventId, data.amountMinor, data.balanceMinor),
      ),
    ),
    ...multisets(
      'overdraft in the lake',
      expectedOverdrafts.map(entry => key(entry.version, entry.eventId, -entry.amountMinor, entry.balanceMinor)),
      told('overdrawn').map(({ data }) => key(data.version, data.eventId, data.amountMinor, data.balanceMinor)),
    ),
    ...twice(
      'event in the lake',
      lake.map(event => event.id),
    ),
    ...lake.filter(({ type }) => !known(type)).map(({ type, id: stray }) => `${type} ${stray} is in the lake`),
  ];
}

// ---- transfers ------------------------------------------------------------------------------------------------------

/**
 * A transfer makes no money and loses none: what was taken out is in the other account or back in its own, once; what was not
 * taken out is nowhere. Nothing is left on its way.
 */
export function transferKeepsMoney({ id, from, to, amountMinor, status, moves }: TransferEvidence): Violations {
  const move = (type: string, account: string, amount = amountMinor) => `${type} ${account} ${amount}`;
  const expected: Record<string, string[]> = {
    ...{ REFUSED: [], EXPIRED: [] },
    COMPLETED: [move('withdrawn', from), move('deposited', to)],
    COMPENSATED: [move('withdrawn', from), move('deposited', from)],
  };
  const right = expected[status];
  if (!right) return [`transfer ${id}: ${status}, and nothing is on its way any more`];
  const made = moves.map(({ type, account, amountMinor: amount }) => move(type, account, amount));
  return multisets(`transfer ${id}, ${status}`, right, made);
}

/** What transfers have added to an account, negative when they took away. All accounts together have had nothing of them. */
export function transferredMinor({ transactions }: Pick<AccountEvidence, 'transactions'>): bigint {
  return transactions
    .filter(({ transferId }) => transferId !== undefined)
    .reduce((sum, { type, amountMinor }) => sum + BigInt(type === 'withdrawn' ? -amountMinor : amountMinor), 0n);
}

/** @param sumMinor of `transferredMinor` over all accounts. */
export function transfersAddUp(sumMinor: bigint): Violations {
  if (sumMinor === 0n) return [];
  return [`transfers have ${sumMinor > 0n ? 'made' : 'lost'} ${sumMinor > 0n ? sumMinor : -sumMinor}`];
}

// ---- the system -----------------------------------------------------------------------------------------------------

/** The lake's chain is valid. */
export function lakeIsValid({ verification }: SystemEvidence): Violations {
  const { valid, firstBadPosition, events } = verification;
  return valid ? [] : [`the lake's chain of ${events} is broken at position ${firstBadPosition}`];
}

/** The lake holds every event of every outbox, and nothing else. */
export function lakeHoldsEveryOutbox({ lakeTypes, emitted, verification }: SystemEvidence): Violations {
  const types = [...new Set([...Object.keys(lakeTypes), ...Object.keys(emitted)])];
  const wrong = types.flatMap(type => {
    const [held = 0, sent = 0] = [lakeTypes[type], emitted[type]];
    return held === sent ? [] : [`${type}: ${sent} were emitted, the lake holds ${held}`];
  });
  const sum = Object.values(lakeTypes).reduce((all, count) => all + count, 0);
  if (sum !== verification.events) wrong.push(`the lake has ${verification.events} events, ${sum} of known types`);
  return wrong;
}

/** What is acknowledged is relayed before long: the oldest pending outbox entry has a bounded age. */
export function outboxesMove({ outboxes }: SystemEvidence, oldestSecondsMax: number): Violations {
  return outboxes
    .filter(({ oldestSeconds }) => oldestSeconds > oldestSecondsMax)
    .map(({ service, pending, oldestSeconds }) => `${service}: ${pending} pending, the oldest for ${oldestSeconds} s`);
}

/** Nothing was set aside but what a test has poisoned. */
export function noFaults({ faults }: SystemEvidence): Violations {
  return faults.map(({ service, eventId, error }) => `${service} set aside ${eventId}: ${error}`);
}

/** At each subscriber versions strictly rise, and the last one arrives. */
export function watchesRise(watches: readonly Watch[], lastVersion: ReadonlyMap<string, number>): Violations {
  return watches.flatMap(({ account, versions, toTheEnd }) => {
    const fallen = versions.findIndex((version, index) => index > 0 && version <= (versions[index - 1] ?? 0));
    const last = lastVersion.get(account) ?? 0;
    return [
      ...(fallen > 0 ? [`a watcher of ${account} got version ${versions[fallen]} after ${versions[fallen - 1]}`] : []),
      ...(toTheEnd && versions.at(-1) !== last
        ? [`a watcher of ${account} was left at version ${versions.at(-1)}, the last is ${last}`]
        : []),
    ];
  });
}

/** No owner ever receives another's data. */
export function ownDataOnly(sights: readonly Sight[]): Violations {
  return sights
    .filter(({ asker, operator, owner }) => !operator && asker !== owner)
    .map(({ asker, account, owner }) => `${asker} received something of account ${account}, which is ${owner}'s`);
}

/** Replaying anything changes nothing; an empty service and a replay come to what there was. */
export function unchanged(before: readonly AccountEvidence[], after: readonly AccountEvidence[]): Violations {
  const now = new Map(after.map(account => [account.id, account]));
  const known = new Set(before.map(({ id }) => id));
  const added = after.filter(({ id }) => !known.has(id));
  return [
    ...before.flatMap(account => {
      const difference = firstDifference(account, now.get(account.id), '');
      return difference ? [`account ${account.id} is not what it was: ${difference}`] : [];
    }),
    ...added.map(({ id }) => `account ${id} was not there before`),
  ];
}

/** Where two values differ first, and in what. */
function firstDifference(before: unknown, after: unknown, place: string): string | undefined {
  if (before === after) return undefined;
  if (!isRecord(before) || !isRecord(after))
    return `${place} was ${JSON.stringify(before)}, is ${JSON.stringify(after)}`;
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const difference = firstDifference(before[name], after[name], place === '' ? name : `${place}.${name}`);
    if (difference) return difference;
  }
  return undefined;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/**
 * All invariants of one account that need no history.
 *
 * @param types as `lakeIsWhole` takes them.
 */
export function auditAccount(account: AccountEvidence, types: ReadonlySet<string> = new Set()): Violations {
  const checks = [versionsWithoutGaps, balanceIsSum, appliedOnceEverywhere, lakeIsWhole];
  return checks.flatMap(check =>
    check(account, types).map(violation => `account ${account.id}: ${check.name}: ${violation}`),
  );
}

/** All invariants of the system at rest that need no history. */
export function auditSystem(system: SystemEvidence, oldestSecondsMax: number): Violations {
  return [
    ...lakeIsValid(system),
    ...lakeHoldsEveryOutbox(system),
    ...outboxesMove(system, oldestSecondsMax),
    ...noFaults(system),
  ];
}

// ---- helpers --------------------------------------------------------------------------------------------------------

const isTransaction = (kind: Operation['kind']) => kind === 'deposit' || kind === 'withdraw';
const typeOf = (kind: Operation['kind']) => (kind === 'withdraw' ? 'withdrawn' : 'deposited');

/** What statistics come to for some transactions of one account. */
export function totalsOf(transactions: readonly Pick<Transaction, 'type' | 'amountMinor'>[]): Totals {
  const amounts = (type: Transaction['type']) =>
    transactions.filter(transaction => transaction.type === type).map(({ amountMinor }) => amountMinor);
  // What cannot be counted exactly any more is shown as "at least so much".
  const sum = (all: readonly number[]) =>
    all.reduce((total, amount) => Math.min(total + amount, Number.MAX_SAFE_INTEGER), 0);
  const [deposits, withdrawals] = [amounts('deposited'), amounts('withdrawn')];
  return {
    accounts: 1,
    deposits: deposits.length,
    withdrawals: withdrawals.length,
    depositedMinor: sum(deposits),
    withdrawnMinor: sum(withdrawals),
    largestMinor: [...deposits, ...withdrawals].reduce((largest, amount) => Math.max(largest, amount), 0),
  };
}

function totalsDiffer(expected: Totals, found: Totals): Violations {
  return Object.entries(expected).flatMap(([name, value]) => {
    const is = found[name as keyof Totals];
    return is === value ? [] : [`statistics: ${name} is ${is}, ${value} would be right`];
  });
}

function twice(what: string, keys: readonly string[]): Violations {
  const seen = new Set<string>();
  const again = keys.filter(key => seen.size === seen.add(key).size);
  return again.slice(0, SHOWN_MAX).map(key => `${what} ${key} is there twice`);
}

/** Differences of two lists in which order does not matter and number does. */
function multisets(what: string, expected: readonly string[], found: readonly string[]): Violations {
  const counts = new Map<string, number>();
  for (const key of expected) counts.set(key, (counts.get(key) ?? 0) + 1);
  for (const key of found) counts.set(key, (counts.get(key) ?? 0) - 1);
  const wrong = [...counts].flatMap(([key, count]) => {
    if (count === 0) return [];
    return [count > 0 ? `${what}: ${key} is missing` : `${what}: ${key} is there ${-count} times too often`];
  });
  return wrong.slice(0, SHOWN_MAX);
}
