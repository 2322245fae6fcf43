import { useRef, useState } from 'preact/hooks';
import { ask, gql } from '../client.ts';
import { asFailure } from '../failure.ts';
import { decimalOf, decimalsOf, formatMoney, parseAmount } from '../money.ts';
import { Button } from '../parts/button.tsx';
import { Card } from '../parts/card.tsx';
import { Field } from '../parts/field.tsx';
import { Notice } from '../parts/states.tsx';
import { toast } from '../parts/toast.tsx';
import type { AccountView, Transaction } from './facts.ts';
import { isKept, type Kind, type Problem, problemOf, randomKey, type Submission, submissionOf } from './submission.ts';

type Input = { accountId: string; amount: number; memo: string | null; idempotencyKey: string };

export const DEPOSIT = gql<{ deposit: { transaction: Transaction } }, { input: Input }>(/* GraphQL */ `
  mutation Deposit($input: TransactionInput!) {
    deposit(input: $input) { transaction { id type amount memo time status transferId } }
  }
`);

export const WITHDRAW = gql<{ withdraw: { transaction: Transaction } }, { input: Input }>(/* GraphQL */ `
  mutation Withdraw($input: TransactionInput!) {
    withdraw(input: $input) { transaction { id type amount memo time status transferId } }
  }
`);

async function send(kind: Kind, input: Input): Promise<Transaction> {
  if (kind === 'deposit') return (await ask(DEPOSIT, { input })).deposit.transaction;
  return (await ask(WITHDRAW, { input })).withdraw.transaction;
}

const WORDS = {
  deposit: { verb: 'Deposit', done: 'Deposited', doing: 'Depositing…' },
  withdraw: { verb: 'Withdraw', done: 'Withdrew', doing: 'Withdrawing…' },
} as const;

/** Puts money into the account, or takes it out. */
export function MoveMoney({ account, add }: { account: AccountView; add: (transaction: Transaction) => void }) {
  const { id, currency, balance } = account;
  const [kind, setKind] = useState<Kind>('deposit');
  const [amount, setAmount] = useState('');
  const [memo, setMemo] = useState('');
  const [wrong, setWrong] = useState<string | undefined>(undefined);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const last = useRef<Submission | undefined>(undefined);
  const field = useRef<HTMLInputElement>(null);

  async function submit(): Promise<void> {
    if (busy) return;
    const parsed = parseAmount(amount, currency);
    setProblem(undefined);
    if ('problem' in parsed) {
      setWrong(parsed.problem);
      field.current?.focus();
      return;
    }
    const content = { accountId: id, amount: parsed.minor, memo: memo.trim() || null };
    const submission = submissionOf(last.current, { kind, ...content }, randomKey);
    last.current = submission;
    setBusy(true);
    try {
      add(await send(kind, { ...content, idempotencyKey: submission.key }));
      last.current = undefined;
      setAmount('');
      setMemo('');
      toast(`${WORDS[kind].done} ${formatMoney(parsed.minor, currency)}.`);
      field.current?.focus();
    } catch (thrown) {
      const failure = asFailure(thrown);
      if (!isKept(failure)) last.current = undefined;
      setProblem(problemOf(failure, { kind, amountMinor: parsed.minor, balanceMinor: balance.amount, currency }));
    } finally {
      setBusy(false);
    }
  }

  const choose = (next: Kind) => {
    setKind(next);
    setProblem(undefined);
  };
  return (
    <Card title="Move money">
      <form
        class="form"
        noValidate
        onSubmit={event => {
          event.preventDefault();
          void submit();
        }}
      >
        <Choice kind={kind} choose={choose} />
        <Field label={`Amount in ${currency}`} problem={wrong} hint={wrong ? undefined : readAs(amount, currency)}>
          {control => (
            <input
              {...control}
              ref={field}
              name="amount"
              inputMode="decimal"
              autocomplete="off"
              maxLength={40}
              value={amount}
              onInput={event => {
                setAmount(event.currentTarget.value);
                setWrong(undefined);
              }}
            />
          )}
        </Field>
        <Field label="Memo (optional)">
          {control => (
            <input
              {...control}
              name="memo"
              autocomplete="off"
              maxLength={500}
              value={memo}
              onInput={event => setMemo(event.currentTarget.value)}
            />
          )}
        </Field>
        {problem && (
          <Notice kind="error" title={problem.title}>
            {problem.text}
          </Notice>
        )}
        <Button type="submit" kind="primary" icon={kind === 'deposit' ? 'in' : 'out'} busy={busy}>
          {busy ? WORDS[kind].doing : WORDS[kind].verb}
        </Button>
      </form>
    </Card>
  );
}

function Choice({ kind, choose }: { kind: Kind; choose: (kind: Kind) => void }) {
  return (
    <fieldset class="choice">
      <legend class="unseen">What to do</legend>
      {(['deposit', 'withdraw'] as const).map(option => (
        <label key={option}>
          <input type="radio" name="kind" value={option} checked={kind === option} onChange={() => choose(option)} />
          <span>{WORDS[option].verb}</span>
        </label>
      ))}
    </fieldset>
  );
}

const EXAMPLE_MAJOR = 1_250;

/** What an amount is read as while it is typed, so that nobody is surprised afterwards. */
function readAs(typed: string, currency: string): string {
  const parsed = parseAmount(typed, currency);
  return 'minor' in parsed
    ? `That is ${formatMoney(parsed.minor, currency)}.`
    : `Such as ${decimalOf(EXAMPLE_MAJOR * 10 ** decimalsOf(currency), currency)}.`;
}
