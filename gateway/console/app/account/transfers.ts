/** What a transaction that is a part of a transfer says of it. */
import { type DataOf, gql } from '../client.ts';
import type { Transaction } from './facts.ts';

type Status = 'REQUESTED' | 'WITHDRAWN' | 'COMPLETED' | 'REFUSED' | 'EXPIRED' | 'RETURNING' | 'COMPENSATED';
type Reason = 'NOT_FOUND' | 'INSUFFICIENT_FUNDS' | 'CURRENCY_MISMATCH' | 'BALANCE_LIMIT' | 'EXPIRED';
type End = { id: string } | null;
type Own = { name: string } | null;

/** A name is there of an account that the reader may see; the id of the other one is all that is known of it. */
export const TRANSFER = gql<
  { transfer: { status: Status; problem: Reason | null; from: End; to: End; ownFrom: Own; ownTo: Own } | null },
  { id: string }
>(/* GraphQL */ `
  query Transfer($id: ID!) {
    transfer(id: $id) {
      status
      problem
      from { id }
      to { id }
      ownFrom: from { name }
      ownTo: to { name }
    }
  }
`);

export type Transfer = NonNullable<DataOf<typeof TRANSFER>['transfer']>;

/** What stands in a transaction's row: `Transfer to`, the other account, and what became of it unless that is plain. */
export type Passage = {
  words: string;
  other?: { id: string; name: string | undefined };
  outcome?: { kind: 'waiting' | 'bad'; text: string; why?: string };
};

/** Whether more may become of a transfer. */
export const isUnderWay = ({ status }: Transfer): boolean =>
  status === 'REQUESTED' || status === 'WITHDRAWN' || status === 'RETURNING';

/**
 * Reads a transfer from the side of one of its transactions.
 *
 * @param transfer undefined where it is not known: whoever did not ask for a transfer does not see where it comes from.
 */
export function passageOf(accountId: string, type: Transaction['type'], transfer: Transfer | undefined): Passage {
  const isIn = type === 'DEPOSIT';
  if (!transfer) return { words: isIn ? 'Transfer in' : 'Transfer out' };
  const { from, to, ownFrom, ownTo } = transfer;
  if (!isIn) return { words: 'Transfer to', ...otherOf(to, ownTo), ...outcomeOf(transfer) };
  // What comes in where it has gone out comes back.
  if (from?.id === accountId) return { words: 'Transfer back from', ...otherOf(to, ownTo) };
  return { words: 'Transfer from', ...otherOf(from, ownFrom) };
}

const otherOf = (end: End, own: Own): Pick<Passage, 'other'> => (end ? { other: { id: end.id, name: own?.name } } : {});

function outcomeOf({ status, problem }: Transfer): Pick<Passage, 'outcome'> {
  const why = problem ? { why: REASONS[problem] } : {};
  switch (status) {
    case 'COMPLETED':
      return {};
    case 'REQUESTED':
    case 'WITHDRAWN':
      return { outcome: { kind: 'waiting', text: 'On its way' } };
    case 'RETURNING':
      return { outcome: { kind: 'waiting', text: 'On its way back', ...why } };
    case 'COMPENSATED':
      return { outcome: { kind: 'bad', text: 'Came back', ...why } };
    // Nothing is taken out for these; should it have been all the same, it comes back.
    case 'REFUSED':
    case 'EXPIRED':
      return { outcome: { kind: 'bad', text: 'Not carried out', ...why } };
    default:
      return status satisfies never;
  }
}

const REASONS: Record<Reason, string> = {
  NOT_FOUND: 'there is no such account',
  INSUFFICIENT_FUNDS: 'there was not enough',
  CURRENCY_MISMATCH: 'its currency is another one',
  BALANCE_LIMIT: 'it is more than that account can hold',
  EXPIRED: 'it took too long',
};
