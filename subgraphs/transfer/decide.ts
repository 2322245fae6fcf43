/** What the transfer service decides, and what its decisions come to: pure. Time and ids come from the caller. */
import { z } from 'zod';
import { createEvent, type EventOf } from '../../events/contract.ts';
import { type CorrelationRule, such } from '../../events/correlation.ts';
import { deriveId, type Event } from '../../events/event.ts';
import { depositRefused } from '../../schema/events/deposit-refused.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { transferCompensated } from '../../schema/events/transfer-compensated.ts';
import { transferCompleted } from '../../schema/events/transfer-completed.ts';
import { transferExpired } from '../../schema/events/transfer-expired.ts';
import { transferFunded } from '../../schema/events/transfer-funded.ts';
import { transferRefused } from '../../schema/events/transfer-refused.ts';
import { transferRequested } from '../../schema/events/transfer-requested.ts';
import { transferReversed } from '../../schema/events/transfer-reversed.ts';
import { withdrawalRefused } from '../../schema/events/withdrawal-refused.ts';
import { withdrawn } from '../../schema/events/withdrawn.ts';
import { idempotencyKey, text } from '../../schema/input.ts';
import type { RefusalReason } from '../../schema/shapes.ts';

export const SOURCE = '/transfer';
const EXPIRES_IN_SECONDS = 60;

export type Requested = EventOf<typeof transferRequested>;

export const transferInput = z
  .object({
    fromAccountId: text(200).min(1, 'must not be empty'),
    toAccountId: text(200).min(1, 'must not be empty'),
    amount: z.int().positive('must be greater than zero'),
    memo: text(500).nullish(),
    expiresInSeconds: z.int().min(1, 'must be at least 1').max(86_400, 'must be 86400 or less').nullish(),
    idempotencyKey,
  })
  .refine(({ fromAccountId, toAccountId }) => fromAccountId !== toAccountId, {
    path: ['toAccountId'],
    message: 'must be another account than fromAccountId',
  });

export type TransferCommand = z.infer<typeof transferInput>;

/** The same key from the same owner is the same transfer, for ever; without a key every command is a new one. */
export function transferIdFor(ownerId: string, key: string | null | undefined, newId: string): string {
  return key === null || key === undefined ? newId : deriveId('transfer', ownerId, key);
}

/** @param currency of the account that it is to come from. */
export function requestTransfer(
  ownerId: string,
  currency: string,
  command: TransferCommand,
  { time, newId }: { time: string; newId: string },
): Requested {
  const id = transferIdFor(ownerId, command.idempotencyKey, newId);
  const { fromAccountId, toAccountId, amount: amountMinor, memo } = command;
  const expiresInSeconds = command.expiresInSeconds ?? EXPIRES_IN_SECONDS;
  return createEvent(transferRequested, {
    ...{ id, source: SOURCE, subject: id, time, correlationid: id },
    data: { ownerId, fromAccountId, toAccountId, amountMinor, currency, ...(memo && { memo }), expiresInSeconds },
  });
}

/** Correlate by: the transfer that an event belongs to. Most deposits and withdrawals belong to none. */
export function transferOf({ type, id, data }: Event): string | undefined {
  if (type === transferRequested.type) return id;
  return (data as { transferId?: string }).transferId;
}

/**
 * The course of a transfer. It is funded, refused or expired, and no two of these; what follows, follows from that. What was
 * taken out ends in the other account or back in its own, because either way there is one decision, and one answer to it.
 */
export const rules: readonly CorrelationRule[] = [
  {
    decision: 'course',
    whenAllOf: [transferRequested, withdrawn],
    emit(story, draft) {
      const { ownerId: _, expiresInSeconds: __, ...data } = story.the(transferRequested).data;
      return createEvent(transferFunded, { ...draft, data });
    },
  },
  {
    decision: 'course',
    whenAllOf: [transferRequested, withdrawalRefused],
    emit(story, draft) {
      const { accountId, reason } = story.the(withdrawalRefused).data;
      return createEvent(transferRefused, { ...draft, data: { accountId, reason } });
    },
  },
  {
    decision: 'course',
    since: transferRequested,
    expireAfter: event => (event as Requested).data.expiresInSeconds * 1000,
    emit(story, draft) {
      const { expiresInSeconds } = story.the(transferRequested).data;
      return createEvent(transferExpired, { ...draft, data: { expiresInSeconds } });
    },
  },
  {
    decision: 'return',
    whenAllOf: [transferRequested, transferExpired, withdrawn],
    emit: (story, draft) =>
      createEvent(transferReversed, { ...draft, data: { ...backOf(story.the(transferRequested)), reason: 'EXPIRED' } }),
  },
  {
    decision: 'return',
    whenAllOf: [transferRequested, transferFunded, depositRefused],
    emit(story, draft) {
      const { reason } = story.the(depositRefused).data;
      return createEvent(transferReversed, { ...draft, data: { ...backOf(story.the(transferRequested)), reason } });
    },
  },
  {
    decision: 'outcome',
    whenAllOf: [
      transferFunded,
      such(deposited, ({ subject }, story) => subject === story.find(transferFunded)?.data.toAccountId),
    ],
    emit(story, draft) {
      const { memo: _, ...data } = story.the(transferFunded).data;
      return createEvent(transferCompleted, { ...draft, data });
    },
  },
  {
    decision: 'outcome',
    whenAllOf: [
      transferReversed,
      such(deposited, ({ subject }, story) => subject === story.find(transferReversed)?.data.accountId),
    ],
    emit(story, draft) {
      const { memo: _, ...data } = story.the(transferReversed).data;
      return createEvent(transferCompensated, { ...draft, data });
    },
  },
];

function backOf({ data: { fromAccountId, amountMinor, currency, memo } }: Event<Requested['data']>) {
  return { accountId: fromAccountId, amountMinor, currency, ...(memo !== undefined && { memo }) };
}

export type Status = 'REQUESTED' | 'WITHDRAWN' | 'COMPLETED' | 'REFUSED' | 'EXPIRED' | 'RETURNING' | 'COMPENSATED';

/** By the event that decides it; the later in this list, the further a transfer has come. */
const STATUSES: readonly (readonly [{ type: string }, Status])[] = [
  [transferFunded, 'WITHDRAWN'],
  [transferRefused, 'REFUSED'],
  [transferExpired, 'EXPIRED'],
  [transferReversed, 'RETURNING'],
  [transferCompleted, 'COMPLETED'],
  [transferCompensated, 'COMPENSATED'],
];

/** How far a transfer has come, for someone who has seen how far it was: a status never goes back. */
export const RANKS: Readonly<Record<Status, number>> = {
  ...{ REQUESTED: 0, WITHDRAWN: 1, REFUSED: 1, EXPIRED: 1, RETURNING: 2 },
  ...{ COMPLETED: 3, COMPENSATED: 3 },
};

export type Standing = { status: Status; problem: RefusalReason | null; changedAt: string };

/** Where a transfer stands: pure. @param decisions in any order. */
export function standingOf(requested: Pick<Event, 'time'>, decisions: readonly Event[]): Standing {
  let standing: Standing = { status: 'REQUESTED', problem: null, changedAt: requested.time };
  for (const [{ type }, status] of STATUSES) {
    const event = decisions.find(decision => decision.type === type);
    if (!event) continue;
    const { reason = null } = event.data as { reason?: RefusalReason };
    standing = { status, problem: status === 'EXPIRED' ? 'EXPIRED' : reason, changedAt: event.time };
  }
  return standing;
}
