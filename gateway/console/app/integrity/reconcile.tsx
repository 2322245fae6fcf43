import { useState } from 'preact/hooks';
import { ask, gql } from '../client.ts';
import { asFailure, textOf } from '../failure.ts';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Field } from '../parts/field.tsx';
import { Notice } from '../parts/states.tsx';
import { toast } from '../parts/toast.tsx';
import { addressOf, navigate } from '../router.ts';
import { formatCount } from '../time.ts';

type Input = {
  service: string;
  dryRun: boolean;
  everyHours?: number;
  ratePerSecond?: number;
  reason?: string;
};

export const RECONCILE = gql<{ reconcile: { id: string } }, { input: Input }>(/* GraphQL */ `
  mutation Reconcile($input: ReconcileInput!) { reconcile(input: $input) { id } }
`);

/** Asks for a reconciliation, once or again and again, and goes to the replay that it is. */
export function Reconcile({ services, close }: { services: readonly string[]; close: () => void }) {
  const [service, setService] = useState(services[0] ?? '');
  const [dryRun, setDryRun] = useState(true);
  const [every, setEvery] = useState('');
  const [rate, setRate] = useState('');
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const wrongEvery = wholeProblem(every, 8_760);
  const wrongRate = wholeProblem(rate, 100_000);

  async function submit(): Promise<void> {
    if (wrongEvery || wrongRate) return;
    setBusy(true);
    setProblem(undefined);
    try {
      const input = {
        ...{ service, dryRun },
        ...(every && { everyHours: Number(every) }),
        ...(rate && { ratePerSecond: Number(rate) }),
        ...(reason.trim() && { reason: reason.trim() }),
      };
      const { id } = (await ask(RECONCILE, { input })).reconcile;
      close();
      toast(dryRun ? `${service} is being compared with the lake.` : `${service} is being reconciled with the lake.`);
      navigate(addressOf('replays', id));
    } catch (thrown) {
      setProblem(textOf(asFailure(thrown)));
      setBusy(false);
    }
  }

  return (
    <Dialog title="Reconcile a service" close={close}>
      <form
        class="form"
        noValidate
        onSubmit={event => {
          event.preventDefault();
          void submit();
        }}
      >
        <Field label="Service">
          {control => (
            <select {...control} value={service} onChange={({ currentTarget: { value } }) => setService(value)}>
              {services.map(name => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </Field>
        <label class="check">
          <input type="checkbox" checked={dryRun} onChange={({ currentTarget: { checked } }) => setDryRun(checked)} />
          <span>
            Dry run: compare, and change nothing
            <span class="hint">
              {dryRun
                ? 'Says which accounts differ. Reads and live events go on meanwhile.'
                : 'What differs is replaced, account by account, by what the lake’s events come to.'}
            </span>
          </span>
        </label>
        <div class="pair-of-fields">
          <Field label="Again every … hours" problem={wrongEvery} hint="Once, when empty.">
            {control => (
              <input
                {...control}
                inputMode="numeric"
                autocomplete="off"
                value={every}
                onInput={({ currentTarget: { value } }) => setEvery(value.trim())}
              />
            )}
          </Field>
          <Field label="Events a second" problem={wrongRate} hint="As fast as it can, when empty.">
            {control => (
              <input
                {...control}
                inputMode="numeric"
                autocomplete="off"
                value={rate}
                onInput={({ currentTarget: { value } }) => setRate(value.trim())}
              />
            )}
          </Field>
        </div>
        <Field label="Why" hint="Kept with it.">
          {control => (
            <input
              {...control}
              maxLength={500}
              autocomplete="off"
              value={reason}
              onInput={({ currentTarget: { value } }) => setReason(value)}
            />
          )}
        </Field>
        {problem && <Notice kind="error">{problem}</Notice>}
        <div class="actions">
          <Button type="submit" kind={dryRun ? 'primary' : 'danger'} busy={busy}>
            {dryRun ? 'Compare' : 'Compare and put right'}
          </Button>
          <Button onClick={close}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}

/** @returns what is wrong with a whole number from 1 on; nothing is right as well. */
function wholeProblem(text: string, max: number): string | undefined {
  if (text === '') return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= max) return undefined;
  return `A whole number from 1 to ${formatCount(max)}.`;
}
