import { useRef, useState } from 'preact/hooks';
import { ask, gql } from '../client.ts';
import { asFailure, isUncertain, textOf } from '../failure.ts';
import { currencyName } from '../money.ts';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Field } from '../parts/field.tsx';
import { Notice } from '../parts/states.tsx';
import { toast } from '../parts/toast.tsx';
import { addressOf, navigate } from '../router.ts';
import { isKept, randomKey, type Submission, submissionOf } from './submission.ts';

export const OPEN_ACCOUNT = gql<
  { openAccount: { account: { id: string; name: string } } },
  { input: { name: string; currency: string; idempotencyKey: string } }
>(/* GraphQL */ `
  mutation OpenAccount($input: OpenAccountInput!) {
    openAccount(input: $input) { account { id name } }
  }
`);

const CURRENCIES =
  'USD EUR GBP CHF JPY AUD BHD BRL CAD CNY CZK DKK HKD INR KRW KWD MXN NOK NZD PLN SEK SGD TND ZAR'.split(' ');

/** Opens an account, and goes to it. */
export function OpenAccount({ close }: { close: () => void }) {
  const [name, setName] = useState('');
  const [currency, setCurrency] = useState('USD');
  const [wrong, setWrong] = useState<string | undefined>(undefined);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const last = useRef<Submission | undefined>(undefined);
  const field = useRef<HTMLInputElement>(null);

  async function submit(): Promise<void> {
    if (busy) return;
    const content = { name: name.trim(), currency };
    if (!content.name) {
      setWrong('Give it a name, such as Everyday or Savings.');
      field.current?.focus();
      return;
    }
    const submission = submissionOf(last.current, content, randomKey);
    last.current = submission;
    setProblem(undefined);
    setBusy(true);
    try {
      const { account } = (await ask(OPEN_ACCOUNT, { input: { ...content, idempotencyKey: submission.key } }))
        .openAccount;
      toast(`${account.name} is open.`);
      close();
      navigate(addressOf('accounts', account.id));
    } catch (thrown) {
      const failure = asFailure(thrown);
      if (!isKept(failure)) last.current = undefined;
      const again = ' Press “Open account” again: the same account is opened once.';
      setProblem(isUncertain(failure) ? `There was no answer.${again}` : textOf(failure));
    } finally {
      setBusy(false);
    }
  }

  return (
    <Dialog title="Open an account" close={close}>
      <form
        class="form"
        noValidate
        onSubmit={event => {
          event.preventDefault();
          void submit();
        }}
      >
        <Field label="Name" problem={wrong}>
          {control => (
            <input
              {...control}
              ref={field}
              name="name"
              autocomplete="off"
              maxLength={200}
              value={name}
              onInput={event => {
                setName(event.currentTarget.value);
                setWrong(undefined);
              }}
            />
          )}
        </Field>
        <Field label="Currency" hint="It cannot be changed later.">
          {control => (
            <select
              {...control}
              name="currency"
              value={currency}
              onChange={event => setCurrency(event.currentTarget.value)}
            >
              {CURRENCIES.map(code => (
                <option key={code} value={code}>
                  {code}, {currencyName(code)}
                </option>
              ))}
            </select>
          )}
        </Field>
        {problem && <Notice kind="error">{problem}</Notice>}
        <div class="actions">
          <Button type="submit" kind="primary" busy={busy}>
            {busy ? 'Opening…' : 'Open account'}
          </Button>
          <Button onClick={close}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}
