import DataLoader from 'dataloader';
import { timestamp } from '../../events/clock.ts';
import type { ServiceContext } from '../../events/definition.ts';
import { follow, type Hint } from '../../events/feed.ts';
import type { Origin } from '../../events/outbox.ts';
import { clientError } from '../../schema/errors.ts';
import { transferRequested } from '../../schema/events/transfer-requested.ts';
import type { Identity } from '../../schema/identity.ts';
import { assertSameRequest, parseInput } from '../../schema/input.ts';
import { connection, decodeCursor, pageSize, timePlace } from '../../schema/paging.ts';
import { DateTime, MinorUnits } from '../../schema/scalars.ts';
import { RANKS, requestTransfer, type TransferCommand, transferIdFor, transferInput } from './decide.ts';
import type { Resolvers } from './generated.ts';
import { fieldsOf, type RequestedEntry, type Transfer, topicOf, type View } from './view.ts';

export function createResolvers(view: View, context: ServiceContext): Resolvers {
  const { outbox, feed, clock, ids } = context;
  const { requests } = view;
  const standing = new DataLoader<RequestedEntry, Transfer>(entries => view.standing(entries), {
    cache: false,
    maxBatchSize: 1_000,
  });

  /** What is not the caller's is not there. */
  async function readable(id: string, { ownerId, operator }: Identity): Promise<RequestedEntry | undefined> {
    const entry = await requests.findOne({ _id: id, requestedAt: { $exists: true } });
    return entry && (operator || entry.owner === ownerId) ? entry : undefined;
  }

  async function load(id: string, identity: Identity) {
    const entry = await readable(id, identity);
    return entry ? node(await standing.load(entry)) : null;
  }

  /** The transfer as it stands: this request's, or the one that the same key made before. */
  async function ask(command: TransferCommand, { ownerId }: Identity, origin: Origin): Promise<RequestedEntry> {
    const now = { time: timestamp(clock.now()), newId: ids.next() };
    // A repeated request gets its first answer, whatever is known by now.
    const id = transferIdFor(ownerId, command.idempotencyKey, now.newId);
    const before = command.idempotencyKey ? await requests.findOne({ _id: id }) : null;
    if (before) {
      const asked = requestTransfer(ownerId, before.event.data.currency, command, now);
      assertSameRequest(transferRequested, before.event, asked);
      return before;
    }
    const account = await view.accountOf(command.fromAccountId);
    if (account?.ownerId !== ownerId) {
      throw clientError('NOT_FOUND', `You have no account ${command.fromAccountId}.`);
    }
    const event = requestTransfer(ownerId, account.currency, command, now);
    const extra = { owner: ownerId, requestedAt: event.time, ...fieldsOf(event) };
    const stored = await outbox.append<RequestedEntry>(event, extra, origin);
    if (stored) assertSameRequest(transferRequested, stored.event, event);
    return stored ?? { ...outbox.entry(event), ...extra };
  }

  function watch(entry: RequestedEntry) {
    let shown = -1;
    const hints = feed.watch<string>(topicOf(entry._id));
    return follow<Hint<string>, { transferChanged: ReturnType<typeof node> }>(hints, async () => {
      const transfer = await standing.load(entry);
      if (RANKS[transfer.status] <= shown) return undefined;
      shown = RANKS[transfer.status];
      return { transferChanged: node(transfer) };
    });
  }

  return {
    DateTime,
    MinorUnits,
    Query: {
      transfer: (_, { id }, { identity }) => load(id, identity),

      async transfers(_, { first, after }, { identity }) {
        const size = pageSize(first);
        const place = decodeCursor(after, timePlace);
        const whose = identity.operator ? { requestedAt: { $exists: true } } : { owner: identity.ownerId };
        const beyond = place && {
          $or: [{ requestedAt: { $lt: place[0] } }, { requestedAt: place[0], _id: { $lt: place[1] } }],
        };
        const rows = await requests
          .find({ ...whose, ...beyond })
          .sort({ requestedAt: -1, _id: -1 })
          .limit(size + 1)
          .toArray();
        const page = connection(
          rows,
          size,
          ({ requestedAt, _id }) => [requestedAt, _id],
          entry => entry,
        );
        return { ...page, nodes: (await Promise.all(page.nodes.map(entry => standing.load(entry)))).map(node) };
      },
    },

    Mutation: {
      async transfer(_, { input }, { identity, ...origin }) {
        const entry = await ask(parseInput(transferInput, input), identity, origin);
        return { transfer: node(await standing.load(entry)) };
      },
    },

    Subscription: {
      transferChanged: {
        async subscribe(_, { id }, { identity }) {
          const entry = await readable(id, identity);
          if (!entry) throw clientError('NOT_FOUND', `You have no transfer ${id}.`);
          return watch(entry);
        },
      },
    },

    Transfer: {
      __resolveReference: ({ id }, { identity }) => load(id, identity),
    },
  };
}

function node({ event, status, problem, changedAt }: Transfer) {
  const { fromAccountId, toAccountId, amountMinor, currency, memo, expiresInSeconds } = event.data;
  return {
    id: event.id,
    from: { id: fromAccountId },
    to: { id: toAccountId },
    amount: amountMinor,
    currency,
    memo: memo ?? null,
    requestedAt: event.time,
    expiresAt: timestamp(Date.parse(event.time) + expiresInSeconds * 1000),
    status,
    problem,
    changedAt,
  };
}
