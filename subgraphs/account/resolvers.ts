import DataLoader from 'dataloader';
import { timestamp } from '../../events/clock.ts';
import type { ServiceContext } from '../../events/definition.ts';
import type { Event } from '../../events/event.ts';
import { follow, type Hint } from '../../events/feed.ts';
import type { Origin } from '../../events/outbox.ts';
import { assertOperator, clientError } from '../../schema/errors.ts';
import { accountOpened } from '../../schema/events/account-opened.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { withdrawn } from '../../schema/events/withdrawn.ts';
import type { Identity } from '../../schema/identity.ts';
import { assertSameRequest, parseInput } from '../../schema/input.ts';
import { connection, decodeCursor, pageSize, timePlace } from '../../schema/paging.ts';
import { DateTime, MinorUnits } from '../../schema/scalars.ts';
import type { Traced } from '../host.ts';
import {
  type AccountFacts,
  assertCountable,
  deposit,
  openAccount,
  openAccountInput,
  type TransactionCommand,
  transactionInput,
  withdraw,
} from './decide.ts';
import type { Resolvers } from './generated.ts';
import type { AccountNode } from './nodes.ts';
import type { BalanceRow } from './projection.ts';
import { type BalanceNews, factsFrom, type TransactionEntry, topicOf, UNSETTLED, type View } from './view.ts';

/** What a command has come to. */
type Done = { account: AccountFacts; transaction: TransactionEntry };

/** Of a transaction. */
const contractOf = ({ type }: Event) => (type === withdrawn.type ? withdrawn : deposited);

const WAIT_FOR_TRANSACTION_MS = 5_000;
/** Feeds are hints; this is the poll behind them. */
const LOOK_AGAIN_MS = 250;

export function createResolvers(view: View, context: ServiceContext): Resolvers {
  const { outbox, feed, clock, ids } = context;
  const { openings, transactions, factsOf, balanceOf, inTurn, room } = view;
  const balances = new DataLoader<string, BalanceRow>(ids => view.balancesOf(ids), {
    cache: false,
    maxBatchSize: 1_000,
  });

  const circumstances = () => ({ time: timestamp(clock.now()), newId: ids.next() });
  const isHers = (account: AccountFacts, { ownerId, operator }: Identity) => operator || account.ownerId === ownerId;

  async function readable(accountId: string, identity: Identity): Promise<AccountFacts | undefined> {
    const account = await factsOf(accountId);
    return account && isHers(account, identity) ? account : undefined;
  }

  /** @throws NOT_FOUND, the same for another owner's account and for none. */
  function own(
    account: AccountFacts | undefined,
    { accountId }: TransactionCommand,
    { ownerId }: Identity,
  ): AccountFacts {
    if (account?.ownerId === ownerId) return account;
    throw clientError('NOT_FOUND', `You have no account ${accountId}.`);
  }

  /** The transaction as it stands: this request's, or the one that the same key made before. */
  async function record(event: Event, origin: Origin): Promise<TransactionEntry> {
    const extra = { account: event.subject ?? '', time: event.time, settled: UNSETTLED };
    const stored = await outbox.append<TransactionEntry>(event, extra, origin);
    if (stored) assertSameRequest(contractOf(event), stored.event, event);
    return stored ?? ({ ...outbox.entry(event), ...extra } as TransactionEntry);
  }

  /** What the same key made before: a repeated request must get its first answer, whatever the balance is by now. */
  async function answered(command: TransactionCommand, asked: Event): Promise<TransactionEntry | null> {
    if (!command.idempotencyKey) return null;
    const stored = await transactions.findOne({ _id: asked.id });
    if (stored) assertSameRequest(contractOf(asked), stored.event, asked);
    return stored;
  }

  async function depositInto(command: TransactionCommand, identity: Identity, origin: Origin): Promise<Done> {
    const { accountId, amount } = command;
    const known = view.knownFacts(accountId);
    const hers = known && own(known, command, identity);
    if (hers && room.isThereFor(accountId, amount)) {
      return { account: hers, transaction: await record(deposit(hers, command, circumstances()), origin) };
    }
    return inTurn(accountId, async () => {
      const { account: found, availableMinor } = await view.look(accountId);
      const account = own(found, command, identity);
      const event = deposit(account, command, circumstances());
      const stored = await answered(command, event);
      if (stored) return { account, transaction: stored };
      assertCountable(amount, availableMinor);
      room.note(accountId, availableMinor + amount);
      return { account, transaction: await record(event, origin) };
    });
  }

  async function withdrawFrom(command: TransactionCommand, identity: Identity, origin: Origin): Promise<Done> {
    const now = circumstances();
    // In this order: a copy of this request that is stored in between must not count against it.
    const { account: found, availableMinor } = await view.look(command.accountId);
    const account = own(found, command, identity);
    const stored = await answered(command, withdraw(account, command, Number.POSITIVE_INFINITY, now));
    const transaction = stored ?? (await record(withdraw(account, command, availableMinor, now), origin));
    return { account, transaction };
  }

  /** Waits until the view contains a transaction. */
  async function balanceAfter(accountId: string, transactionId: string): Promise<BalanceRow> {
    const hints = feed.watch(topicOf(accountId));
    const deadlineMs = clock.monotonic() + WAIT_FOR_TRANSACTION_MS;
    try {
      for (;;) {
        const [entry, row] = await Promise.all([
          transactions.findOne({ _id: transactionId, account: accountId }),
          balanceOf(accountId),
        ]);
        if (!entry) throw clientError('BAD_USER_INPUT', `"after": this account has no transaction ${transactionId}.`);
        if (entry.settled <= row.version) return row;
        const leftMs = deadlineMs - clock.monotonic();
        if (leftMs <= 0) {
          throw clientError(
            'TIMEOUT',
            `Transaction ${transactionId} is acknowledged but not in the balance yet. Ask again.`,
          );
        }
        const waited = new AbortController();
        await Promise.race([hints.next(), clock.sleep(Math.min(leftMs, LOOK_AGAIN_MS), waited.signal)]);
        waited.abort();
      }
    } finally {
      await hints.return?.();
    }
  }

  function watchBalance(account: AccountFacts): AsyncIterableIterator<Traced & { balanceChanged: AccountNode }> {
    let shown = -1;
    const hints = feed.watch<BalanceNews>(topicOf(account.id), ({ revision }) => revision);
    return follow<Hint<BalanceNews>, Traced & { balanceChanged: AccountNode }>(hints, async hint => {
      const row: BalanceNews = hint && 'message' in hint ? hint.message : await balanceOf(account.id);
      if (row.version <= shown) return undefined;
      shown = row.version;
      return { traceparent: row.traceparent, balanceChanged: { ...account, known: row } };
    });
  }

  return {
    DateTime,
    MinorUnits,
    Query: {
      account: async (_, { id }, { identity }) => (await readable(id, identity)) ?? null,

      async accounts(_, { first, after, ownerId }, { identity }) {
        const size = pageSize(first);
        const place = decodeCursor(after, timePlace);
        const asked = ownerId ?? undefined;
        if (asked !== undefined && asked !== identity.ownerId) assertOperator(identity);
        const owner = asked ?? (identity.operator ? undefined : identity.ownerId);
        const whose = owner === undefined ? { openedAt: { $exists: true } } : { owner };
        const beyond = place && {
          $or: [{ openedAt: { $gt: place[0] } }, { openedAt: place[0], _id: { $gt: place[1] } }],
        };
        const rows = await openings
          .find({ ...whose, ...beyond })
          .sort({ openedAt: 1, _id: 1 })
          .limit(size + 1)
          .toArray();
        return connection(rows, size, ({ openedAt, _id }) => [openedAt, _id], factsFrom);
      },
    },

    Mutation: {
      async openAccount(_, { input }, { identity, ...origin }) {
        const event = openAccount(identity.ownerId, parseInput(openAccountInput, input), circumstances());
        const stored = await outbox.append(event, { owner: identity.ownerId, openedAt: event.time }, origin);
        if (stored) assertSameRequest(accountOpened, stored.event, event);
        const { id, time, data } = (stored?.event as typeof event | undefined) ?? event;
        return { account: { ...data, id, openedAt: time } satisfies AccountFacts };
      },
      async deposit(_, { input }, { identity, ...origin }) {
        return depositInto(parseInput(transactionInput, input), identity, origin);
      },
      async withdraw(_, { input }, { identity, ...origin }) {
        return withdrawFrom(parseInput(transactionInput, input), identity, origin);
      },
    },

    Subscription: {
      balanceChanged: {
        async subscribe(_, { accountId }, { identity }) {
          const account = await readable(accountId, identity);
          if (!account) throw clientError('NOT_FOUND', `You have no account ${accountId}.`);
          return watchBalance(account);
        },
      },
    },

    Account: {
      __resolveReference: async ({ id }, { identity }) => (await readable(id, identity)) ?? null,

      async balance(account, { after }) {
        const row = after
          ? await balanceAfter(account.id, after)
          : (account.known ?? (await balances.load(account.id)));
        return { amount: row.amountMinor, version: row.version, asOf: row.asOf };
      },

      async transactions({ id }, { first, after }) {
        const size = pageSize(first);
        const place = decodeCursor(after, timePlace);
        const beyond = place && { $or: [{ time: { $lt: place[0] } }, { time: place[0], _id: { $lt: place[1] } }] };
        const rows = await transactions
          .find({ account: id, ...beyond })
          .sort({ time: -1, _id: -1 })
          .limit(size + 1)
          .toArray();
        return connection(
          rows,
          size,
          ({ time, _id }) => [time, _id],
          row => row,
        );
      },
    },

    Transaction: {
      id: ({ _id }) => _id,
      type: ({ event }) => (event.type === 'withdrawn' ? 'WITHDRAWAL' : 'DEPOSIT'),
      amount: ({ event }) => event.data.amountMinor,
      memo: ({ event }) => event.data.memo ?? null,
      transferId: ({ event }) => event.data.transferId ?? null,
      time: ({ event }) => event.time,
      /** Settled when the balance that clients see contains it. */
      status: async ({ account, settled }) =>
        settled !== UNSETTLED && settled <= (await balances.load(account)).version ? 'SETTLED' : 'PENDING',
    },
  };
}
