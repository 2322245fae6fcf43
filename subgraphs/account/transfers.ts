/**
 * The account service's part in transfers: it decides whether an amount is taken out of an account or paid into one, and
 * says so. One event id stands for both answers to a question, so there is one answer, for ever, whoever asks how often.
 */
import { type Clock, timestamp } from '../../events/clock.ts';
import { type Contract, createEvent, type EventOf } from '../../events/contract.ts';
import { causedBy, deriveId, type Event } from '../../events/event.ts';
import { chunk, groupBy } from '../../events/group.ts';
import type { Outbox } from '../../events/outbox.ts';
import { type Rule, rule } from '../../events/rule.ts';
import { depositRefused } from '../../schema/events/deposit-refused.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { transferFunded } from '../../schema/events/transfer-funded.ts';
import { transferRequested } from '../../schema/events/transfer-requested.ts';
import { transferReversed } from '../../schema/events/transfer-reversed.ts';
import { withdrawalRefused } from '../../schema/events/withdrawal-refused.ts';
import { withdrawn } from '../../schema/events/withdrawn.ts';
import type { RefusalReason } from '../../schema/shapes.ts';
import { type AccountFacts, SOURCE } from './decide.ts';
import { fieldsOf, type View } from './view.ts';

export type Requested = EventOf<typeof transferRequested>;
export type Funded = EventOf<typeof transferFunded>;
export type Reversed = EventOf<typeof transferReversed>;

/** What an answer depends on besides the question: the account, if there is one, and what it has. */
export type Situation = { account: AccountFacts | undefined; availableMinor: number; nowMs: number };

type Step = 'withdrawal' | 'deposit' | 'return';

/** The id of the answer, whichever it is. */
export const answerId = (transferId: string, step: Step): string => deriveId('transfer', transferId, step);

const transferOf = ({ subject = '' }: Event): string => subject;
export const expiresMs = ({ time, data }: Requested): number => Date.parse(time) + data.expiresInSeconds * 1000;

/** Takes the amount out of the account that it is to come from, or refuses: pure. */
export function answerRequest(request: Requested, { account, availableMinor, nowMs }: Situation): Event {
  const { fromAccountId, ownerId, amountMinor, currency, memo } = request.data;
  const refuse = (reason: RefusalReason) =>
    refusal(withdrawalRefused, request, 'withdrawal', fromAccountId, reason, nowMs);
  // No difference is made between another owner's account and one that does not exist.
  if (account?.ownerId !== ownerId) return refuse('NOT_FOUND');
  if (account.currency !== currency) return refuse('CURRENCY_MISMATCH');
  // Whoever waits has given up, or is about to.
  if (nowMs >= expiresMs(request)) return refuse('EXPIRED');
  if (amountMinor > availableMinor) return refuse('INSUFFICIENT_FUNDS');
  return moved(withdrawn, request, 'withdrawal', fromAccountId, { amountMinor, currency, memo }, nowMs);
}

/** Pays what was taken out into the other account, or refuses: pure. */
export function answerFunded(funded: Funded, { account, availableMinor, nowMs }: Situation): Event {
  const { toAccountId, amountMinor, currency, memo } = funded.data;
  const refuse = (reason: RefusalReason) => refusal(depositRefused, funded, 'deposit', toAccountId, reason, nowMs);
  if (!account) return refuse('NOT_FOUND');
  if (account.currency !== currency) return refuse('CURRENCY_MISMATCH');
  if (!Number.isSafeInteger(availableMinor + amountMinor)) return refuse('BALANCE_LIMIT');
  return moved(deposited, funded, 'deposit', toAccountId, { amountMinor, currency, memo }, nowMs);
}

/** Pays back what was taken out in vain: pure. It is the account's own money, so nothing refuses it. */
export function answerReversed(reversed: Reversed, { nowMs }: Pick<Situation, 'nowMs'>): Event {
  const { accountId, amountMinor, currency, memo } = reversed.data;
  return moved(deposited, reversed, 'return', accountId, { amountMinor, currency, memo }, nowMs);
}

type Amount = { amountMinor: number; currency: string; memo: string | undefined };

function moved(
  contract: typeof deposited | typeof withdrawn,
  cause: Event,
  step: Step,
  accountId: string,
  { memo, ...amount }: Amount,
  nowMs: number,
): Event {
  const transferId = transferOf(cause);
  const attributes = { source: SOURCE, time: timestamp(nowMs), ...causedBy(cause) };
  const draft = { id: answerId(transferId, step), subject: accountId, ...attributes };
  const data = { ...amount, ...(memo !== undefined && { memo }), transferId };
  if (contract === withdrawn) return createEvent(withdrawn, { ...draft, data });
  return createEvent(deposited, { ...draft, data: { ...data, channel: 'TRANSFER' } });
}

function refusal(
  contract: typeof withdrawalRefused | typeof depositRefused,
  cause: Event,
  step: Step,
  accountId: string,
  reason: RefusalReason,
  nowMs: number,
): Event {
  const transferId = transferOf(cause);
  const attributes = { source: SOURCE, time: timestamp(nowMs), ...causedBy(cause) };
  return createEvent(contract, {
    ...{ id: answerId(transferId, step), subject: transferId, ...attributes },
    data: { transferId, accountId, reason },
  });
}

const isPaidIn = (event: Event): event is EventOf<typeof deposited> => event.type === deposited.type;

/** Accounts that are looked at and written to at the same time. */
const ACCOUNTS_AT_ONCE = 16;

type Answering = { view: View; outbox: Pick<Outbox, 'append'>; clock: Clock };
type Asking<Data> = {
  step: Step;
  accountOf(question: Event<Data>): string;
  answer(question: Event<Data>, situation: Situation): Event;
};

/** The rules by which the service takes part. What has been answered is not answered again, whether it is a replay or not. */
export function transferRules({ view, outbox, clock }: Answering): Rule[] {
  async function answerAll<Data>(
    questions: readonly Event<Data>[],
    { step, accountOf, answer }: Asking<Data>,
  ): Promise<number> {
    const answered = await view.stored(questions.map(question => answerId(transferOf(question), step)));
    const open = questions.filter(question => !answered.has(answerId(transferOf(question), step)));
    const accounts = [...groupBy(open, accountOf)];
    for (const some of chunk(accounts, ACCOUNTS_AT_ONCE)) {
      await Promise.all(some.map(([account, asked]) => view.inTurn(account, () => answerOne(account, asked))));
    }
    return open.length;

    /** One after the other: each answer changes what the account has. */
    async function answerOne(accountId: string, asked: readonly Event<Data>[]): Promise<void> {
      for (const question of asked) {
        const { account, availableMinor } = await view.look(accountId);
        const event = answer(question, { account, availableMinor, nowMs: clock.now() });
        if (isPaidIn(event)) view.room.note(accountId, availableMinor + event.data.amountMinor);
        await outbox.append(event, fieldsOf(event));
      }
    }
  }

  const answering = <Data>(contract: Contract<Data>, asking: Asking<Data>): Rule =>
    // Where only some of the lake comes, the answer may be in it all the same.
    rule([contract], async (questions, how) => (how?.part ? 0 : answerAll(questions, asking)));
  return [
    answering(transferRequested, {
      step: 'withdrawal',
      accountOf: ({ data }) => data.fromAccountId,
      answer: (question, situation) => answerRequest(question as Requested, situation),
    }),
    answering(transferFunded, {
      step: 'deposit',
      accountOf: ({ data }) => data.toAccountId,
      answer: (question, situation) => answerFunded(question as Funded, situation),
    }),
    answering(transferReversed, {
      step: 'return',
      accountOf: ({ data }) => data.accountId,
      answer: (question, situation) => answerReversed(question as Reversed, situation),
    }),
  ];
}
