import { useState } from 'preact/hooks';
import { ask } from '../client.ts';
import { asFailure, textOf } from '../failure.ts';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Field } from '../parts/field.tsx';
import { formatCount } from '../time.ts';
import { DISMISS } from './facts.ts';

/** As the lake takes it. */
const REASON_MAX = 500;

/** Asks why nothing is to become of some faults, and closes them. */
export function Dismiss({ ids, close }: { ids: readonly string[]; close: (isDone: boolean) => void }) {
  const [they, them] = ids.length === 1 ? ['it is', 'it'] : ['they are', 'them'];
  const [reason, setReason] = useState('');
  const [isSending, setSending] = useState(false);
  const [problem, setProblem] = useState<string | undefined>(undefined);

  async function send(): Promise<void> {
    if (reason.trim() === '') return setProblem('Say why: whoever finds it later will want to know.');
    setSending(true);
    try {
      await ask(DISMISS, { ids: [...ids], reason });
      close(true);
    } catch (thrown) {
      setProblem(textOf(asFailure(thrown)));
      setSending(false);
    }
  }

  return (
    <Dialog
      title={ids.length === 1 ? 'Dismiss this fault?' : `Dismiss ${formatCount(ids.length)} faults?`}
      close={() => close(false)}
    >
      <form
        class="form"
        onSubmit={event => {
          event.preventDefault();
          void send();
        }}
      >
        <p>
          Nothing is sent, and nothing is put right: {they} not counted as open any more. The lake keeps {them}.
          Resubmitting stays possible.
        </p>
        <Field label="Reason" problem={problem}>
          {control => (
            <input
              {...control}
              type="text"
              maxLength={REASON_MAX}
              value={reason}
              onInput={({ currentTarget: { value } }) => {
                setReason(value);
                setProblem(undefined);
              }}
            />
          )}
        </Field>
        <div class="actions">
          <Button kind="primary" type="submit" busy={isSending}>
            Dismiss
          </Button>
          <Button onClick={() => close(false)}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}
