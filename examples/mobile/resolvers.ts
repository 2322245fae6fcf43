import { timestamp } from '../../events/clock.ts';
import type { ServiceContext } from '../../events/definition.ts';
import type { Origin } from '../../events/outbox.ts';
import { clientError } from '../../schema/errors.ts';
import { deposited } from '../../schema/events/deposited.ts';
import type { Identity } from '../../schema/identity.ts';
import { assertSameRequest, parseInput } from '../../schema/input.ts';
import { DateTime, MinorUnits } from '../../schema/scalars.ts';
import { type Account, assertCountable, type DepositCommand, deposit, depositInput } from './decide.ts';
import type { Resolvers } from './generated.ts';
import type { Movement } from './projection.ts';
import type { View } from './view.ts';

export function createResolvers(view: View, { outbox, clock, ids }: ServiceContext): Resolvers {
  /** @throws NOT_FOUND, the same for another owner's account and for none. */
  async function own(accountId: string, { ownerId }: Identity): Promise<Account> {
    const row = await view.accountOf(accountId);
    if (row?.opened.ownerId === ownerId) return { ...row, ...row.opened };
    throw clientError('NOT_FOUND', `You have no account ${accountId}.`);
  }

  /** The deposit as it stands: this request's, or the one that the same key made before. */
  async function payIn(account: Account, command: DepositCommand, origin: Origin): Promise<Movement> {
    const event = deposit(account, command, { time: timestamp(clock.now()), newId: ids.next() });
    // A repeated request gets its first answer, whatever the balance is by now.
    const before = command.idempotencyKey ? await view.stored(event.id) : null;
    if (!before) assertCountable(account, command);
    const stored = before ?? (await outbox.append(event, {}, origin));
    if (stored) assertSameRequest(deposited, stored.event, event);
    const { amountMinor, ...said } = event.data;
    const shown = account.movements.find(({ id }) => id === event.id);
    return { ...said, ...shown, id: event.id, amountMinor, time: stored?.event.time ?? event.time };
  }

  return {
    DateTime,
    MinorUnits,
    Query: {
      mobileHome: (_, __, { identity }) => view.home(identity.ownerId),
    },
    Mutation: {
      async mobileDeposit(_, { input }, { identity, ...origin }) {
        const command = parseInput(depositInput, input);
        const account = await own(command.accountId, identity);
        return { account: { id: account._id }, movement: await payIn(account, command, origin) };
      },
    },
    MobileAccount: {
      account: ({ _id }) => ({ id: _id }),
      name: ({ opened }) => opened.name,
      currency: ({ opened }) => opened.currency,
      amount: ({ amountMinor }) => amountMinor,
      version: ({ version }) => version,
      asOf: ({ asOf }) => asOf,
      movements: ({ movements }) => movements,
    },
    MobileMovement: {
      id: ({ id }) => id,
      amount: ({ amountMinor }) => amountMinor,
      memo: ({ memo }) => memo ?? null,
      time: ({ time }) => time,
      channel: ({ channel }) => channel ?? null,
      settled: ({ version }) => version !== undefined,
    },
  };
}
