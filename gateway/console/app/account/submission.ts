/** Sending something once, however often it is tried; and what is said when it was not taken. */
import { type Failure, isPassing, isUncertain, textOf } from '../failure.ts';
import { formatMoney } from '../money.ts';

/** What was sent, under the key by which the system knows it again. */
export type Submission = { key: string; body: string };

/** @returns the key of the last try when this is the same thing again, else a new one. */
export function submissionOf(last: Submission | undefined, content: object, newKey: () => string): Submission {
  const body = JSON.stringify(content);
  return last?.body === body ? last : { key: newKey(), body };
}

/** Whether the next try is the same submission: it may have arrived, or will be taken later. */
export const isKept = (failure: Failure): boolean => isPassing(failure);

/** 128 random bits; `crypto.randomUUID` is only there over TLS and on this machine. */
export function randomKey(): string {
  return `console-${[...crypto.getRandomValues(new Uint8Array(16))].map(byte => byte.toString(16).padStart(2, '0')).join('')}`;
}

export type Kind = 'deposit' | 'withdraw';
export type Problem = { title: string; text: string };

type Attempt = { kind: Kind; amountMinor: number; balanceMinor: number; currency: string };

/** What the account service says of a balance that could not be counted exactly any more: in minor units, which nobody types here. */
const OVERFULL = /^amount: the balance would exceed \d+ minor units/;

/** Why a deposit or a withdrawal was not taken, and what to do. */
export function problemOf(failure: Failure, { kind, amountMinor, balanceMinor, currency }: Attempt): Problem {
  const amount = formatMoney(amountMinor, currency);
  const noun = kind === 'deposit' ? 'deposit' : 'withdrawal';
  const again = `Press “${kind === 'deposit' ? 'Deposit' : 'Withdraw'}” again: the same ${noun} is booked once, however often it is sent.`;
  if (isUncertain(failure)) {
    return { title: `It is not known whether the ${noun} arrived.`, text: `There was no answer. ${again}` };
  }
  switch (failure.code) {
    case 'INSUFFICIENT_FUNDS':
      return {
        title: `${amount} is more than there is.`,
        text: `The balance is ${formatMoney(balanceMinor, currency)}; withdrawals that are still pending are taken off it too. Nothing was booked.`,
      };
    case 'BAD_USER_INPUT':
      if (OVERFULL.test(failure.message))
        return {
          title: 'This is more than the account can hold.',
          text: `The balance would be above ${formatMoney(Number.MAX_SAFE_INTEGER, currency)}, the most that is counted exactly. Nothing was booked.`,
        };
      return { title: `The ${noun} was not accepted.`, text: `${sentence(failure.message)} Nothing was booked.` };
    case 'UNAVAILABLE':
      return { title: 'A part of the system is out of reach.', text: `The ${noun} was not acknowledged. ${again}` };
    case 'IDEMPOTENCY_KEY_REUSED':
      return { title: 'This was sent before, with other contents.', text: `Press again to send it as a new ${noun}.` };
    case 'NOT_FOUND':
      return { title: 'This is not your account.', text: `Only its owner can make a ${noun}. Nothing was booked.` };
    default:
      return { title: `The ${noun} was not taken.`, text: sentence(textOf(failure)) };
  }
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);
