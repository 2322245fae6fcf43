/** Clients that use the system from outside, and write down what they ask for and what they are told. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Operation } from '../invariants.ts';
import { type Client, clientOf, DEPOSIT, OPEN_ACCOUNT, WITHDRAW } from '../system.ts';

export type Account = { id: string; owner: string };

/** An operation, and when its answer came. */
export type Answered = Operation & { atMs: number };

export type Bank = {
  accounts: Account[];
  history: Answered[];
  /** Answers that no client should ever get. */
  improper: string[];
  clientOf(owner: string): Client;
  /** Somebody who owns nothing. */
  stranger: Client;
  /** Opens an account, however long it takes. */
  open(owner: string, name: string): Promise<Account>;
  /** One request; never throws. */
  transact(account: Account, kind: 'deposit' | 'withdraw', amountMinor: number, key: string): Promise<Answered>;
  /** Repeats, with the same keys, what nobody knows the outcome of. @returns how many there were. */
  resolve(): Promise<number>;
};

const OWNERS = ['ann', 'ben', 'cem', 'dia'];
export const STRANGER = 'eve';
const ACCOUNTS_EACH = 3;
const TRIES_MAX = 60;
const TRY_AGAIN_MS = 500;
const REPEATED_AT_ONCE = 6;
/** How long a client waits that was told nothing. */
const DISCOURAGED_MS = 250;

// What these say is that nothing was done; any other error leaves it open.
const REFUSALS = new Set([
  'BAD_USER_INPUT',
  'FORBIDDEN',
  'IDEMPOTENCY_KEY_REUSED',
  'INSUFFICIENT_FUNDS',
  'NOT_FOUND',
  'UNAUTHENTICATED',
]);
const OPEN_OUTCOMES = new Set(['UNAVAILABLE', 'TIMEOUT']);

type Transacted = Partial<Record<'deposit' | 'withdraw', { transaction: { id: string } }>>;

/** Opens accounts of some owners. */
export async function openBank(url: string): Promise<Bank> {
  const clients = new Map<string, Client>();
  for (const owner of OWNERS) clients.set(owner, await clientOf(url, owner));
  const history: Answered[] = [];
  const improper: string[] = [];
  const accounts: Account[] = [];

  function clientFor(owner: string): Client {
    const client = clients.get(owner);
    if (!client) throw new Error(`${owner} has no client`);
    return client;
  }

  /** Sends a mutation and reads off the answer what became of it. */
  async function send<Data>(
    operation: Omit<Operation, 'outcome'>,
    query: string,
    variables: Record<string, unknown>,
    idIn: (data: Data) => string | undefined,
  ): Promise<Answered> {
    const answer = await clientFor(operation.owner)
      .ask<Data | null>(query, variables)
      .catch(() => undefined);
    const atMs = performance.now();
    const eventId = answer?.data ? idIn(answer.data) : undefined;
    if (eventId) return { ...operation, outcome: 'ok', eventId, atMs };
    const code = answer?.errors?.[0]?.extensions?.code;
    if (code && REFUSALS.has(code)) return { ...operation, outcome: 'refused', code, atMs };
    if (code && !OPEN_OUTCOMES.has(code)) improper.push(`${operation.key}: answered ${JSON.stringify(answer?.errors)}`);
    return { ...operation, outcome: 'unknown', atMs };
  }

  const again = ({ kind, owner, key, account = '', amountMinor }: Operation): Promise<Answered> =>
    send<Transacted>(
      { kind, owner, key, account, amountMinor },
      kind === 'withdraw' ? WITHDRAW : DEPOSIT,
      { input: { accountId: account, amount: amountMinor, memo: key, idempotencyKey: key } },
      data => data[kind === 'withdraw' ? 'withdraw' : 'deposit']?.transaction.id,
    );

  const bank: Bank = {
    accounts,
    history,
    improper,
    clientOf: clientFor,
    stranger: await clientOf(url, STRANGER),

    async open(owner, name) {
      const key = `open ${owner} ${name}`;
      for (let tries = 1; ; tries++) {
        const opened = await send<{ openAccount: { account: { id: string } } }>(
          { kind: 'open', owner, key, amountMinor: 0 },
          OPEN_ACCOUNT,
          { name, key },
          data => data.openAccount?.account.id,
        );
        if (opened.outcome === 'ok' && opened.eventId) {
          history.push(opened);
          const account = { id: opened.eventId, owner };
          accounts.push(account);
          return account;
        }
        if (tries === TRIES_MAX) throw new Error(`no account could be opened: ${JSON.stringify(opened)}`);
        await delay(TRY_AGAIN_MS);
      }
    },

    async transact(account, kind, amountMinor, key) {
      const answered = await again({
        kind,
        owner: account.owner,
        key,
        account: account.id,
        amountMinor,
        outcome: 'unknown',
      });
      history.push(answered);
      return answered;
    },

    async resolve() {
      const open = history.filter(({ outcome }) => outcome === 'unknown');
      const waiting = [...open];
      const repeat = async () => {
        for (let operation = waiting.pop(); operation; operation = waiting.pop()) {
          let answered = await again(operation);
          for (let tries = 1; answered.outcome === 'unknown' && tries < TRIES_MAX; tries++) {
            await delay(TRY_AGAIN_MS);
            answered = await again(operation);
          }
          // At rest nothing is on its way any more, so the last word is the only one.
          history[history.indexOf(operation)] = { ...answered, atMs: operation.atMs };
        }
      };
      await Promise.all(Array.from({ length: REPEATED_AT_ONCE }, repeat));
      return open.length;
    },
  };
  for (const owner of OWNERS)
    for (let index = 1; index <= ACCOUNTS_EACH; index++) await bank.open(owner, `${owner} ${index}`);
  return bank;
}

export type Load = {
  startedMs: number;
  /** Resolves when every client has its last answer. */
  stop(): Promise<void>;
};

export type LoadOptions = {
  /** Default 6. */
  clients?: number;
  /** How long each client thinks between two requests. Default 10. */
  pauseMs?: number;
  /** Default 50,000. */
  operationsMax?: number;
};

/** Deposits and withdraws on the bank's accounts until it is stopped; now and then repeats a request. */
export function startLoad(bank: Bank, options: LoadOptions = {}): Load {
  const { clients = 6, pauseMs = 10, operationsMax = 50_000 } = options;
  const startedMs = performance.now();
  // Accounts that are opened later are the business of whoever opens them.
  const accounts = [...bank.accounts];
  let stopped = false;
  let sent = 0;

  async function client(number: number): Promise<void> {
    for (let turn = 0; !stopped && sent++ < operationsMax; turn++) {
      const account = accounts[(number + 7 * turn) % accounts.length];
      if (!account) return;
      const amountMinor = 1 + ((number * 31 + turn * 17) % 900);
      const kind = turn % 5 === 4 ? 'withdraw' : 'deposit';
      const key = `load ${number} ${turn} of ${startedMs.toFixed(0)}`;
      const { outcome } = await bank.transact(account, kind, amountMinor, key);
      if (outcome === 'ok' && turn % 40 === 39) await bank.transact(account, kind, amountMinor, key);
      await delay(outcome === 'unknown' ? DISCOURAGED_MS : pauseMs);
    }
  }
  const running = Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  return {
    startedMs,
    async stop() {
      stopped = true;
      await running;
    },
  };
}

/** The ids of all events that were acknowledged. */
export function acknowledged(bank: Bank): Set<string> {
  const ok = bank.history.filter(({ kind, outcome }) => kind !== 'open' && outcome === 'ok');
  return new Set(ok.flatMap(({ eventId }) => eventId ?? []));
}

/** The longest time between two moments in which nothing was acknowledged. */
export function longestSilenceMs(bank: Bank, fromMs: number, toMs: number): number {
  const times = bank.history
    .filter(({ outcome, atMs }) => outcome === 'ok' && atMs > fromMs && atMs < toMs)
    .map(({ atMs }) => atMs)
    .sort((a, b) => a - b);
  const moments = [fromMs, ...times, toMs];
  return moments.reduce((longest, atMs, index) => Math.max(longest, atMs - (moments[index - 1] ?? atMs)), 0);
}
