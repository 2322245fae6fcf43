/** Requests that must be refused, and leave no trace. */
import { type AccountBook, nameOf } from './books.ts';
import type { Client } from './client.ts';
import { type Made, MUTATIONS, type TransactionInput } from './mutations.ts';
import type { AccountName, Probe, TransactionType } from './plan.ts';
import { note, type Tally } from './tally.ts';

export type Refused = { what: string; type: TransactionType; input: TransactionInput; code: string };

export type Around = {
  /** Somebody else's account. */
  foreignAccount: string | undefined;
  latest: Made | undefined;
};

/** The request of a probe and the code it must be refused with: pure. */
export function probeOf(probe: Probe, accounts: Record<AccountName, AccountBook>, around: Around): Refused {
  const { foreignAccount, latest } = around;
  const { type } = probe;
  const book = accounts.everyday;
  const input = { accountId: book.id, amount: 100, memo: `probe, ${probe.kind}`, idempotencyKey: probe.key };
  const refused = (code: string, changed: Partial<TransactionInput>, as = type): Refused => ({
    what: `${probe.kind} (${nameOf(book)})`,
    type: as,
    input: { ...input, ...changed },
    code,
  });
  switch (probe.kind) {
    case 'zero':
      return refused('BAD_USER_INPUT', { amount: 0 });
    case 'negative':
      return refused('BAD_USER_INPUT', { amount: -100 });
    case 'beyond':
      return refused('INSUFFICIENT_FUNDS', { amount: Math.max(0, book.amount) + 1 }, 'WITHDRAWAL');
    case 'foreign':
      return refused('NOT_FOUND', { accountId: foreignAccount ?? 'nobody' });
    case 'unknown':
      return refused('NOT_FOUND', { accountId: `${book.id}x` });
    case 'reused':
      return latest
        ? refused('IDEMPOTENCY_KEY_REUSED', reused(latest.input))
        : refused('BAD_USER_INPUT', { amount: 0 });
    default:
      return probe.kind satisfies never;
  }
}

const reused = ({ amount, ...input }: TransactionInput): TransactionInput => ({ ...input, amount: amount + 1 });

export async function expectRefusal(
  client: Client,
  tally: Tally,
  { token }: { token: string },
  refused: Refused,
): Promise<void> {
  const { what, type, input, code } = refused;
  const answer = await client.ask({ token, query: MUTATIONS[type], variables: { input } });
  const got =
    'data' in answer ? 'acknowledged' : answer.code === code ? undefined : `${answer.code}, ${answer.message}`;
  note(tally.probes, 1, got ? [`${what}, ${type.toLowerCase()}: ${got} instead of ${code}`] : []);
}
